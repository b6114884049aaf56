// SPDX-License-Identifier: MIT
//
// Straight walls through the staircases of a pixel outline. For trace.cpp only.
#pragma once

#include "core/geometry.h"
#include "tracking/crack_boundary.h"

#include <optional>

namespace mapweave::tracking {

struct FitOptions {
  double tolerance_px = 1.0;
  // Where given: the angle, in radians from the x axis towards the y axis, of
  // one of two orthogonal directions. Walls within `square_rad` of either are
  // turned into it, and short ones that are not are left out.
  std::optional<double> direction;
  double square_rad = 0.0;
};

// The polygon of least-squares walls: the outline is divided by Douglas &
// Peucker (1973), a line is fitted to the middles of each division's cracks,
// and neighbouring lines are brought to intersect. The ring may come out
// degenerate or crossing itself: the caller checks.
Ring FitOutline(const CrackRing& outline, const FitOptions& options);

// The main direction of the outline's walls, in [-pi/4, pi/4], and the share of
// its length within `square_rad` of it or of its perpendicular.
struct MainDirection {
  double angle = 0.0;
  double share = 0.0;
};
MainDirection FindMainDirection(const CrackRing& outline, double tolerance_px,
                                double square_rad);

}  // namespace mapweave::tracking
