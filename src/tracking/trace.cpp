// SPDX-License-Identifier: MIT
#include "tracking/trace.h"

#include "core/error.h"
#include "tracking/crack_boundary.h"
#include "tracking/outline_fit.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::tracking {
namespace {

constexpr double kPi = 3.14159265358979323846;
// Edges that come nearer than this touch.
constexpr double kTouchPx = 1e-6;
// The outline's mean distance from the pixels', in tolerances.
constexpr double kMaxMeanShift = 0.35;
// What a corner less, or right angles, are worth.
constexpr double kIoUPerCorner = 0.004;
constexpr double kIoUForSquare = 0.02;

Ring ToRing(const CrackRing& cracks) {
  Ring ring;
  for (size_t i = 0; i < cracks.size(); ++i) {
    const cv::Point& last = cracks[(i + cracks.size() - 1) % cracks.size()];
    const cv::Point& next = cracks[(i + 1) % cracks.size()];
    // Only where the outline turns.
    if (cracks[i] - last == next - cracks[i]) continue;
    ring.push_back(
        {static_cast<double>(cracks[i].x), static_cast<double>(cracks[i].y)});
  }
  return ring;
}

Polygon ExactPolygon(const CrackPart& part) {
  Polygon polygon{ToRing(part.shell), {}};
  for (const CrackRing& hole : part.holes) {
    polygon.holes.push_back(ToRing(hole));
  }
  return polygon;
}

struct Edge {
  Point2d a;
  Point2d b;
};

double DistanceToEdge(const Point2d& p, const Edge& edge) {
  const double dx = edge.b.x - edge.a.x;
  const double dy = edge.b.y - edge.a.y;
  const double along =
      ((p.x - edge.a.x) * dx + (p.y - edge.a.y) * dy) / (dx * dx + dy * dy);
  const double t = std::clamp(along, 0.0, 1.0);
  return std::hypot(edge.a.x + t * dx - p.x, edge.a.y + t * dy - p.y);
}

double Side(const Edge& edge, const Point2d& p) {
  return (edge.b.x - edge.a.x) * (p.y - edge.a.y) -
         (edge.b.y - edge.a.y) * (p.x - edge.a.x);
}

bool MeetOrTouch(const Edge& e, const Edge& f) {
  if (std::max(e.a.x, e.b.x) + kTouchPx < std::min(f.a.x, f.b.x) ||
      std::max(f.a.x, f.b.x) + kTouchPx < std::min(e.a.x, e.b.x) ||
      std::max(e.a.y, e.b.y) + kTouchPx < std::min(f.a.y, f.b.y) ||
      std::max(f.a.y, f.b.y) + kTouchPx < std::min(e.a.y, e.b.y)) {
    return false;
  }
  if (Side(e, f.a) * Side(e, f.b) < 0.0 && Side(f, e.a) * Side(f, e.b) < 0.0) {
    return true;
  }
  return DistanceToEdge(e.a, f) < kTouchPx ||
         DistanceToEdge(e.b, f) < kTouchPx ||
         DistanceToEdge(f.a, e) < kTouchPx || DistanceToEdge(f.b, e) < kTouchPx;
}

// Edges e = (a, b) and f = (b, c) that share nothing but b.
bool TurnsProperly(const Edge& e, const Edge& f) {
  return DistanceToEdge(e.a, f) >= kTouchPx &&
         DistanceToEdge(f.b, e) >= kTouchPx;
}

bool HasCoincidentCorners(const Ring& ring) {
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d& next = ring[(i + 1) % ring.size()];
    if (std::hypot(next.x - ring[i].x, next.y - ring[i].y) < kTouchPx) {
      return true;
    }
  }
  return false;
}

// Stricter than the OGC: no two edges touch at all, other than neighbours in
// their common corner. Holes that left the shell show in the pixels' IoU.
bool IsCleanlyValid(const Polygon& polygon) {
  struct RingEdge {
    Edge edge;
    size_t ring;
    size_t index;
  };
  std::vector<const Ring*> rings = {&polygon.shell};
  for (const Ring& hole : polygon.holes) rings.push_back(&hole);
  std::vector<RingEdge> edges;
  for (size_t r = 0; r < rings.size(); ++r) {
    const Ring& ring = *rings[r];
    const bool is_shell = r == 0;
    if (ring.size() < 3 || HasCoincidentCorners(ring)) return false;
    const double area = SignedArea(ring);
    if (is_shell ? area >= 0.0 : area <= 0.0) return false;
    for (size_t i = 0; i < ring.size(); ++i) {
      edges.push_back({{ring[i], ring[(i + 1) % ring.size()]}, r, i});
    }
  }
  for (size_t i = 0; i < edges.size(); ++i) {
    for (size_t j = i + 1; j < edges.size(); ++j) {
      const RingEdge& e = edges[i];
      const RingEdge& f = edges[j];
      const size_t count = rings[e.ring]->size();
      const bool follows = e.ring == f.ring && f.index == e.index + 1;
      const bool closes =
          e.ring == f.ring && e.index == 0 && f.index + 1 == count;
      if (follows || closes) {
        if (!(follows ? TurnsProperly(e.edge, f.edge)
                      : TurnsProperly(f.edge, e.edge))) {
          return false;
        }
      } else if (MeetOrTouch(e.edge, f.edge)) {
        return false;
      }
    }
  }
  return true;
}

std::vector<Edge> EdgesOf(const Polygon& polygon) {
  std::vector<Edge> edges;
  const auto add = [&](const Ring& ring) {
    for (size_t i = 0; i < ring.size(); ++i) {
      edges.push_back({ring[i], ring[(i + 1) % ring.size()]});
    }
  };
  add(polygon.shell);
  for (const Ring& hole : polygon.holes) add(hole);
  return edges;
}

bool MeetOrTouch(const Polygon& a, const Polygon& b) {
  const std::vector<Edge> edges_b = EdgesOf(b);
  for (const Edge& e : EdgesOf(a)) {
    for (const Edge& f : edges_b) {
      if (MeetOrTouch(e, f)) return true;
    }
  }
  return false;
}

double Area(const Polygon& polygon) {
  double area = -SignedArea(polygon.shell);
  for (const Ring& hole : polygon.holes) area -= SignedArea(hole);
  return area;
}

size_t CountCorners(const Polygon& polygon) {
  size_t corners = polygon.shell.size();
  for (const Ring& hole : polygon.holes) corners += hole.size();
  return corners;
}

// IoU of the polygon's pixels and the part's; nothing where the polygon breaks
// a bound of the options.
std::optional<double> Faithfulness(const Polygon& polygon,
                                   const CrackPart& part,
                                   const TraceOptions& options) {
  const double mask_area = static_cast<double>(part.mask.Area());
  const double allowed_change =
      std::max(options.max_area_change * mask_area, options.max_area_change_px);
  if (std::abs(Area(polygon) - mask_area) > allowed_change) return {};
  const Mask drawn = Mask::FromPolygons({polygon});
  const double both = static_cast<double>(part.mask.IntersectionArea(drawn));
  const double either =
      static_cast<double>(part.mask.Area() + drawn.Area()) - both;
  double outline = static_cast<double>(part.shell.size());
  for (const CrackRing& hole : part.holes) {
    outline += static_cast<double>(hole.size());
  }
  if (both < options.min_iou * either ||
      either - both > kMaxMeanShift * options.tolerance_px * outline) {
    return {};
  }
  return both / either;
}

// Each ring fitted by itself; one that does not come out right stays exact.
Polygon FitPolygon(const CrackPart& part, const FitOptions& fit,
                   double min_hole_px) {
  const auto fitted = [&](const CrackRing& cracks) {
    Ring ring = FitOutline(cracks, fit);
    const Ring exact = ToRing(cracks);
    // Validity does not depend on which way a lone ring runs.
    Polygon alone{ring, {}};
    if (SignedArea(ring) > 0.0) {
      std::reverse(alone.shell.begin(), alone.shell.end());
    }
    const bool keeps_side = SignedArea(ring) * SignedArea(exact) > 0.0;
    return keeps_side && IsCleanlyValid(alone) ? ring : exact;
  };
  Polygon polygon{fitted(part.shell), {}};
  for (const CrackRing& hole : part.holes) {
    if (SignedArea(ToRing(hole)) >= min_hole_px) {
      polygon.holes.push_back(fitted(hole));
    }
  }
  return polygon;
}

std::vector<FitOptions> Attempts(const CrackPart& part,
                                 const TraceOptions& options) {
  std::vector<FitOptions> attempts;
  const double square_rad = options.square_deg * kPi / 180.0;
  if (square_rad > 0.0) {
    for (const double share : {1.0, 0.6}) {
      const double tolerance = share * options.tolerance_px;
      const MainDirection main =
          FindMainDirection(part.shell, tolerance, square_rad);
      if (main.share >= options.min_square_share) {
        attempts.push_back({tolerance, main.angle, square_rad});
      }
    }
  }
  for (const double share : {1.0, 0.6}) {
    attempts.push_back({share * options.tolerance_px, std::nullopt, 0.0});
  }
  return attempts;
}

// The attempt that gains most: a corner must be worth what it adds in IoU, and
// so must crookedness. `part` lies near the origin, so that the place of a
// building on the sheet does not show in its outline's rounding.
Polygon TracePart(const CrackPart& part, const TraceOptions& options) {
  Polygon best = ExactPolygon(part);
  const bool is_rectangle = best.shell.size() == 4 && best.holes.empty();
  if (options.tolerance_px == 0.0 || is_rectangle) return best;
  std::optional<double> best_value;
  for (const FitOptions& fit : Attempts(part, options)) {
    Polygon polygon = FitPolygon(part, fit, options.min_hole_px);
    if (!IsCleanlyValid(polygon)) continue;
    const std::optional<double> iou = Faithfulness(polygon, part, options);
    if (!iou) continue;
    const double value =
        *iou - kIoUPerCorner * static_cast<double>(CountCorners(polygon)) +
        (fit.direction ? kIoUForSquare : 0.0);
    if (!best_value || value > *best_value) {
      best_value = value;
      best = std::move(polygon);
    }
  }
  return best;
}

// Parts that lie a corner apart may have come to overlap: those stay exact.
void SeparateParts(const std::vector<CrackPart>& parts,
                   MultiPolygon& polygons) {
  std::vector<bool> is_exact(parts.size(), false);
  const auto grown = [&](size_t i) {
    const cv::Rect box = parts[i].mask.Bounds();
    return cv::Rect(box.x - 3, box.y - 3, box.width + 6, box.height + 6);
  };
  bool is_settled = false;
  while (!is_settled) {
    is_settled = true;
    for (size_t i = 0; i < parts.size(); ++i) {
      for (size_t j = i + 1; j < parts.size(); ++j) {
        if ((is_exact[i] && is_exact[j]) || (grown(i) & grown(j)).empty() ||
            !MeetOrTouch(polygons[i], polygons[j])) {
          continue;
        }
        for (const size_t k : {i, j}) {
          polygons[k] = ExactPolygon(parts[k]);
          is_exact[k] = true;
        }
        is_settled = false;
      }
    }
  }
}

void Move(Ring& ring, cv::Point by) {
  for (Point2d& corner : ring) {
    corner.x += by.x;
    corner.y += by.y;
  }
}

}  // namespace

void TraceOptions::Validate() const {
  const auto check = [](double value, double high, const char* name) {
    if (!(value >= 0.0 && value <= high)) {
      throw Error(ErrorCode::kUsage, std::string(name) + " is out of range: " +
                                         std::to_string(value));
    }
  };
  check(tolerance_px, 100.0, "tolerance_px");
  check(square_deg, 45.0, "square_deg");
  check(min_square_share, 1.0, "min_square_share");
  check(min_hole_px, 1e9, "min_hole_px");
  check(max_area_change, 1.0, "max_area_change");
  check(max_area_change_px, 1e9, "max_area_change_px");
  check(min_iou, 1.0, "min_iou");
}

MultiPolygon TracePolygons(const Mask& mask, const TraceOptions& options) {
  options.Validate();
  const cv::Point origin = mask.Bounds().tl();
  const std::vector<CrackPart> parts =
      CrackBoundary(mask.Translated(-origin.x, -origin.y));
  MultiPolygon polygons;
  for (const CrackPart& part : parts) {
    polygons.push_back(TracePart(part, options));
  }
  SeparateParts(parts, polygons);
  for (Polygon& polygon : polygons) {
    Move(polygon.shell, origin);
    for (Ring& hole : polygon.holes) Move(hole, origin);
  }
  return polygons;
}

}  // namespace mapweave::tracking
