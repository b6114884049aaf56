// SPDX-License-Identifier: MIT
//
// Plane geometry that town plans and house plans are made of: cutting convex
// polygons, and ground plans of buildings drawn into a quadrilateral plot.
// Internal to synth.
#pragma once

#include "core/geometry.h"
#include "core/random.h"

#include <array>
#include <utility>
#include <vector>

namespace mapweave::synth {

inline Point2d operator+(Point2d a, Point2d b) {
  return {a.x + b.x, a.y + b.y};
}
inline Point2d operator-(Point2d a, Point2d b) {
  return {a.x - b.x, a.y - b.y};
}
inline Point2d operator*(Point2d a, double s) { return {a.x * s, a.y * s}; }
inline double Dot(Point2d a, Point2d b) { return a.x * b.x + a.y * b.y; }
double Norm(Point2d a);
Point2d Unit(double angle);
// A quarter turn of `a`.
inline Point2d Perp(Point2d a) { return {-a.y, a.x}; }

Point2d MeanPoint(const Ring& ring);
Box BoundsOf(const std::vector<Point2d>& points);
bool Contains(const Ring& ring, Point2d p);
double DistanceToPolyline(const std::vector<Point2d>& line, Point2d p);
Ring RectangleRing(Box box);
Ring MapRing(const Ring& ring, Point2d centre, double angle, Point2d offset,
             double scale);
// `ring` with vertices added so that no edge is longer than `step`.
std::vector<Point2d> Densify(const std::vector<Point2d>& ring, double step,
                             bool closed);

// The part of a convex ring where Dot(p - at, normal) >= 0; may be empty.
Ring CutConvex(const Ring& ring, Point2d at, Point2d normal);
// A convex ring moved inward by `distance` on every edge; may be empty.
Ring InsetConvex(const Ring& ring, double distance);
// Any simple ring with every edge moved by `distance` to its inner side,
// mitred. Meant for distances far below the length of the edges.
Ring OffsetInward(const Ring& ring, double distance);
// Line at `distance` along Perp of its direction; where a bend is tighter than
// that, it is cut short instead of running into loops.
std::vector<Point2d> ParallelLine(const std::vector<Point2d>& line,
                                  double distance);

// Whether two convex quadrilaterals overlap (separating axes), after growing
// the first by `gap`.
using Quad = std::array<Point2d, 4>;
bool Overlap(const Quad& a, const Quad& b, double gap);

// The ground plan of a building in the unit square; v = 0 is the street front.
enum class PlanShape {
  kRectangle,
  kL,
  kT,
  kU,
  kH,
  kCross,
  kCourt,   // with a hole
  kBay,     // rectangle with a small projection
  kChurch,  // nave, transept and apse
  kCut,     // rectangle with a corner cut off
  kOctagon,
  kStepped,  // one side in steps
  kComb,     // wings behind a long front
};

struct HousePlan {
  PlanShape shape = PlanShape::kRectangle;
  // The part of the plot that is built on.
  double u0 = 0.0, u1 = 1.0, v0 = 0.0, v1 = 1.0;
  // Proportions of wings and courts, in (0, 1).
  double a = 0.5, b = 0.5;
  bool mirrored = false;
};

// Maps the plan to the plot q[0] (u=0,v=0), q[1] (1,0), q[2] (1,1), q[3] (0,1).
Polygon DrawPlan(const HousePlan& plan, const Quad& plot);

// A likely shape for a plot of that size in pixels.
PlanShape PickShape(Rng& rng, double width_px, double depth_px, bool is_public);

}  // namespace mapweave::synth
