// SPDX-License-Identifier: MIT
//
// Where and how large the drawing of an edition lies on its sheet: the
// georeferencing error, the paper's shrinkage and the sheet's own resolution
// in one affine map.
#pragma once

#include "core/geometry.h"

namespace mapweave::synth {

// sheet = (a x + b y + tx, c x + d y + ty), from pixels of the world to pixels
// of the sheet; both have x right, y down and pixel centres at halves. The
// default draws the world as it is.
struct Placement {
  double a = 1.0, b = 0.0;
  double c = 0.0, d = 1.0;
  double tx = 0.0, ty = 0.0;

  static Placement Shift(Point2d by);

  Point2d Apply(Point2d p) const;
  Point2d ApplyInverse(Point2d p) const;
  Placement Inverse() const;
  // First this, then `next`.
  Placement Then(const Placement& next) const;
  // Sheet pixels per world pixel, the geometric mean over directions.
  double Scale() const;
  bool operator==(const Placement&) const = default;
  // Throws Error{kUsage} if a number is not finite, the map mirrors, or its
  // scale is not within 1/20 to 20.
  void Validate() const;
};

// A placement by its causes, applied in this order: the paper stretches and
// shears about the centre, the sheet is turned about it, shifted, and scanned
// at its own resolution.
struct PlacementParts {
  Point2d centre;          // world pixels
  double stretch_x = 1.0;  // 0.99: the paper has shrunk by 1 %
  double stretch_y = 1.0;
  double shear = 0.0;         // x moves by shear * y
  double rotation_rad = 0.0;  // clockwise as seen
  Point2d shift;              // world pixels
  double scale = 1.0;         // sheet pixels per world pixel
};

Placement MakePlacement(const PlacementParts& parts);

}  // namespace mapweave::synth
