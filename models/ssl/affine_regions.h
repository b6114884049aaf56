// SPDX-License-Identifier: MIT
//
// The exact affine pieces of a ReLU or leaky-ReLU network on a rectangle of the
// plane: polygons, each with the matrix and the offset that the network is on
// it (Balestriero & Baraniuk, 2018; SplineCam, Humayun et al., 2023). Layer by
// layer the neurons' lines are pulled back to the plane by the region's own
// affine map and the polygons are cut along them. In float64, without Torch.
#pragma once

#include "core/geometry.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::ssl {

// y = W x + b; W is row-major [outputs, inputs].
struct AffineLayer {
  int inputs = 0;
  int outputs = 0;
  std::vector<double> weight;
  std::vector<double> bias;
};

// The activation stands between the layers, not after the last.
struct PiecewiseAffineNet {
  std::vector<AffineLayer> layers;
  double negative_slope = 0.0;  // 0 = ReLU, else in (0, 1)

  std::vector<double> Evaluate(Point2d x) const;
  // Signs of all pre-activations, layer by layer: true where positive.
  std::vector<bool> Pattern(Point2d x) const;
};

struct PlaneRectangle {
  double min_x = -1.0;
  double min_y = -1.0;
  double max_x = 1.0;
  double max_y = 1.0;
};

struct AffineRegion {
  Ring polygon;                // convex, not closed
  std::vector<double> slope;   // [outputs, 2], row-major
  std::vector<double> offset;  // [outputs]
};

// Regions cover the rectangle and do not overlap. Throws Error{kBadInput} for
// layers that do not fit together, a first layer that does not take two inputs,
// numbers that are not finite, and an empty rectangle.
std::vector<AffineRegion> AffineRegions(const PiecewiseAffineNet& net,
                                        const PlaneRectangle& domain);

double PolygonArea(const Ring& polygon);
Point2d PolygonMiddle(const Ring& polygon);  // mean of its corners

// Regions as an SVG picture of `side_px`, each in a colour of its slope.
std::string RegionsSvg(const std::vector<AffineRegion>& regions,
                       const PlaneRectangle& domain, int side_px);

}  // namespace mapweave::ssl
