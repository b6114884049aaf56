// SPDX-License-Identifier: MIT
#include "db/predicates.h"

#include "db/gpkg_geometry.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace mapweave::db {
namespace {

// Calls visit(a, b) for each edge of each ring until it returns true.
template <typename Visit>
bool AnyEdge(const Ring& ring, const Visit& visit) {
  for (size_t i = 0; i < ring.size(); ++i) {
    if (visit(ring[i], ring[(i + 1) % ring.size()])) return true;
  }
  return false;
}

template <typename Visit>
bool AnyEdge(const Polygon& polygon, const Visit& visit) {
  return AnyEdge(polygon.shell, visit) ||
         std::any_of(polygon.holes.begin(), polygon.holes.end(),
                     [&](const Ring& hole) { return AnyEdge(hole, visit); });
}

template <typename Visit>
bool AnyEdge(const MultiPolygon& polygons, const Visit& visit) {
  return std::any_of(
      polygons.begin(), polygons.end(),
      [&](const Polygon& polygon) { return AnyEdge(polygon, visit); });
}

// Half open in y, so that a vertex on the horizontal counts once.
bool Crosses(const Point2d& a, const Point2d& b, double y) {
  return (a.y > y) != (b.y > y);
}

double CrossingX(const Point2d& a, const Point2d& b, double y) {
  return a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
}

// Liang & Barsky (1984): is some of the segment inside the box?
bool SegmentMeetsBox(const Point2d& a, const Point2d& b, const Box& box) {
  double enter = 0.0;
  double leave = 1.0;
  const auto clip = [&](double step, double room) {
    if (step == 0.0) return room >= 0.0;
    const double t = room / step;
    if (step < 0.0) {
      enter = std::max(enter, t);
    } else {
      leave = std::min(leave, t);
    }
    return enter <= leave;
  };
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  return clip(-dx, a.x - box.min_x) && clip(dx, box.max_x - a.x) &&
         clip(-dy, a.y - box.min_y) && clip(dy, box.max_y - a.y);
}

double SegmentDistance(const Point2d& a, const Point2d& b, Point2d point) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  double t = 0.0;
  if (length2 > 0.0) {
    t = ((point.x - a.x) * dx + (point.y - a.y) * dy) / length2;
    t = std::clamp(t, 0.0, 1.0);
  }
  return std::hypot(point.x - (a.x + t * dx), point.y - (a.y + t * dy));
}

double AreaOf(const Polygon& polygon) {
  double area = std::abs(SignedArea(polygon.shell));
  for (const Ring& hole : polygon.holes) area -= std::abs(SignedArea(hole));
  return area;
}

}  // namespace

bool Contains(const MultiPolygon& polygons, Point2d point) {
  bool inside = false;
  AnyEdge(polygons, [&](const Point2d& a, const Point2d& b) {
    if (Crosses(a, b, point.y) && point.x < CrossingX(a, b, point.y)) {
      inside = !inside;
    }
    return false;
  });
  return inside;
}

bool Intersects(const MultiPolygon& polygons, const Box& box) {
  return AnyEdge(polygons,
                 [&](const Point2d& a, const Point2d& b) {
                   return SegmentMeetsBox(a, b, box);
                 }) ||
         // No edge near: the box is inside of the polygon or outside of it.
         Contains(polygons, {box.min_x, box.min_y});
}

double Distance(const MultiPolygon& polygons, Point2d point) {
  if (Contains(polygons, point)) return 0.0;
  double distance = std::numeric_limits<double>::infinity();
  AnyEdge(polygons, [&](const Point2d& a, const Point2d& b) {
    distance = std::min(distance, SegmentDistance(a, b, point));
    return false;
  });
  return distance;
}

std::optional<Point2d> RepresentativePoint(const MultiPolygon& polygons) {
  if (polygons.empty()) return std::nullopt;
  const Polygon& largest = *std::max_element(
      polygons.begin(), polygons.end(),
      [](const Polygon& a, const Polygon& b) { return AreaOf(a) < AreaOf(b); });
  const std::optional<Box> bounds = Bounds({Polygon{largest.shell, {}}});
  if (!bounds) return std::nullopt;
  const double y = (bounds->min_y + bounds->max_y) / 2.0;
  std::vector<double> crossings;
  AnyEdge(largest, [&](const Point2d& a, const Point2d& b) {
    if (Crosses(a, b, y)) crossings.push_back(CrossingX(a, b, y));
    return false;
  });
  std::sort(crossings.begin(), crossings.end());
  Point2d best = largest.shell.front();
  double widest = -1.0;
  for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
    const double width = crossings[i + 1] - crossings[i];
    if (width > widest) {
      widest = width;
      best = {(crossings[i] + crossings[i + 1]) / 2.0, y};
    }
  }
  return best;
}

}  // namespace mapweave::db
