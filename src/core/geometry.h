// SPDX-License-Identifier: MIT
//
// Plain geometry values that every layer shares. What frame the coordinates
// are in (pixels or ground units) is said by whoever holds them.
#pragma once

#include <cstddef>
#include <vector>

namespace mapweave {

struct Point2d {
  double x = 0.0;
  double y = 0.0;
  bool operator==(const Point2d&) const = default;
};

// Closed implicitly: the first vertex is not repeated at the end.
using Ring = std::vector<Point2d>;

struct Polygon {
  Ring shell;
  std::vector<Ring> holes;
};

using MultiPolygon = std::vector<Polygon>;

struct Box {
  double min_x = 0.0;
  double min_y = 0.0;
  double max_x = 0.0;
  double max_y = 0.0;
};

// Twice-signed-area rule: > 0 when the ring runs counter-clockwise in a frame
// whose y axis points up.
inline double SignedArea(const Ring& ring) {
  double twice = 0.0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d& a = ring[i];
    const Point2d& b = ring[(i + 1) % ring.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return twice / 2.0;
}

}  // namespace mapweave
