// SPDX-License-Identifier: MIT
#include "synth/shapes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace mapweave::synth {
namespace {

constexpr double kTiny = 1e-9;

// Outlines in the unit square, before mirroring and placing.
Ring UnitShell(const HousePlan& plan) {
  const double a = plan.a;
  const double b = plan.b;
  switch (plan.shape) {
    case PlanShape::kRectangle:
    case PlanShape::kCourt:
      return {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
    case PlanShape::kL:
      return {{0, 0}, {1, 0}, {1, a}, {b, a}, {b, 1}, {0, 1}};
    case PlanShape::kT: {
      const double l = 0.5 - b / 2;
      const double r = 0.5 + b / 2;
      return {{0, 0}, {1, 0}, {1, a}, {r, a}, {r, 1}, {l, 1}, {l, a}, {0, a}};
    }
    case PlanShape::kU: {
      const double w = b / 2;
      return {{0, 0},     {1, 0}, {1, 1}, {1 - w, 1},
              {1 - w, a}, {w, a}, {w, 1}, {0, 1}};
    }
    case PlanShape::kH: {
      const double w = b / 2;
      const double l = 0.5 - a / 3;
      const double h = 0.5 + a / 3;
      return {{0, 0}, {w, 0},     {w, l},     {1 - w, l}, {1 - w, 0}, {1, 0},
              {1, 1}, {1 - w, 1}, {1 - w, h}, {w, h},     {w, 1},     {0, 1}};
    }
    case PlanShape::kCross: {
      const double l = 0.5 - b / 3;
      const double r = 0.5 + b / 3;
      return {{l, 0}, {r, 0}, {r, l}, {1, l}, {1, r}, {r, r},
              {r, 1}, {l, 1}, {l, r}, {0, r}, {0, l}, {l, l}};
    }
    case PlanShape::kBay: {
      const double l = 0.5 - b / 3;
      const double r = 0.5 + b / 3;
      return {{0, 0}, {1, 0}, {1, 0.82}, {r, 0.82},
              {r, 1}, {l, 1}, {l, 0.82}, {0, 0.82}};
    }
    case PlanShape::kChurch:
      return {{0.25, 0},    {0.75, 0},    {0.75, 0.5}, {1, 0.5},   {1, 0.72},
              {0.75, 0.72}, {0.75, 0.86}, {0.6, 1},    {0.4, 1},   {0.25, 0.86},
              {0.25, 0.72}, {0, 0.72},    {0, 0.5},    {0.25, 0.5}};
    case PlanShape::kCut:
      return {{0, 0}, {1, 0}, {1, 1 - a / 2}, {1 - b / 2, 1}, {0, 1}};
    case PlanShape::kStepped:
      return {{0, 0},
              {1, 0},
              {1, a},
              {0.7, a},
              {0.7, (1 + a) / 2},
              {0.35, (1 + a) / 2},
              {0.35, 1},
              {0, 1}};
    case PlanShape::kComb:
      return {{0, 0},     {1, 0},     {1, 1},   {0.82, 1}, {0.82, a}, {0.6, a},
              {0.6, 0.9}, {0.4, 0.9}, {0.4, a}, {0.18, a}, {0.18, 1}, {0, 1}};
    case PlanShape::kOctagon:
      return {{0.29, 0}, {0.71, 0}, {1, 0.29}, {1, 0.71},
              {0.71, 1}, {0.29, 1}, {0, 0.71}, {0, 0.29}};
  }
  return {};
}

}  // namespace

// Coordinates are far from where squares overflow, and std::hypot is slow.
double Norm(Point2d a) { return std::sqrt(Dot(a, a)); }
Point2d Unit(double angle) { return {std::cos(angle), std::sin(angle)}; }

Point2d MeanPoint(const Ring& ring) {
  Point2d sum;
  for (const Point2d& p : ring) sum = sum + p;
  return sum * (1.0 / static_cast<double>(std::max<size_t>(1, ring.size())));
}

Box BoundsOf(const std::vector<Point2d>& points) {
  constexpr double kFar = std::numeric_limits<double>::max();
  Box box{kFar, kFar, -kFar, -kFar};
  for (const Point2d& p : points) {
    box.min_x = std::min(box.min_x, p.x);
    box.min_y = std::min(box.min_y, p.y);
    box.max_x = std::max(box.max_x, p.x);
    box.max_y = std::max(box.max_y, p.y);
  }
  return box;
}

bool Contains(const Ring& ring, Point2d p) {
  bool inside = false;
  for (size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
    const Point2d& a = ring[i];
    const Point2d& b = ring[j];
    if ((a.y > p.y) != (b.y > p.y) &&
        p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) {
      inside = !inside;
    }
  }
  return inside;
}

double DistanceToPolyline(const std::vector<Point2d>& line, Point2d p) {
  double best = std::numeric_limits<double>::max();
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    const Point2d d = line[i + 1] - line[i];
    const double length2 = std::max(kTiny, Dot(d, d));
    const double t = std::clamp(Dot(p - line[i], d) / length2, 0.0, 1.0);
    const Point2d off = line[i] + d * t - p;
    best = std::min(best, Dot(off, off));
  }
  return std::sqrt(best);
}

Ring RectangleRing(Box box) {
  return {{box.min_x, box.min_y},
          {box.max_x, box.min_y},
          {box.max_x, box.max_y},
          {box.min_x, box.max_y}};
}

Ring MapRing(const Ring& ring, Point2d centre, double angle, Point2d offset,
             double scale) {
  const Point2d e = Unit(angle);
  Ring out;
  out.reserve(ring.size());
  for (const Point2d& p : ring) {
    const Point2d d = (p - centre) * scale;
    out.push_back(centre + offset + e * d.x + Perp(e) * d.y);
  }
  return out;
}

std::vector<Point2d> Densify(const std::vector<Point2d>& ring, double step,
                             bool closed) {
  std::vector<Point2d> out;
  const size_t edges = closed ? ring.size() : ring.size() - 1;
  for (size_t i = 0; i < edges; ++i) {
    const Point2d a = ring[i];
    const Point2d d = ring[(i + 1) % ring.size()] - a;
    const int parts = std::max(1, static_cast<int>(std::ceil(Norm(d) / step)));
    for (int k = 0; k < parts; ++k) {
      out.push_back(a + d * (static_cast<double>(k) / parts));
    }
  }
  if (!closed && !ring.empty()) out.push_back(ring.back());
  return out;
}

Ring CutConvex(const Ring& ring, Point2d at, Point2d normal) {
  Ring out;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d& p = ring[i];
    const Point2d& q = ring[(i + 1) % ring.size()];
    const double dp = Dot(p - at, normal);
    const double dq = Dot(q - at, normal);
    if (dp >= 0) out.push_back(p);
    if ((dp > 0 && dq < 0) || (dp < 0 && dq > 0)) {
      out.push_back(p + (q - p) * (dp / (dp - dq)));
    }
  }
  if (out.size() < 3) out.clear();
  return out;
}

Ring InsetConvex(const Ring& ring, double distance) {
  const double side = SignedArea(ring) > 0 ? 1.0 : -1.0;
  Ring out = ring;
  for (size_t i = 0; i < ring.size() && !out.empty(); ++i) {
    const Point2d d = ring[(i + 1) % ring.size()] - ring[i];
    const double length = Norm(d);
    if (length < kTiny) continue;
    const Point2d inward = Perp(d) * (side / length);
    out = CutConvex(out, ring[i] + inward * distance, inward);
  }
  return out;
}

Ring OffsetInward(const Ring& ring, double distance) {
  const double side = SignedArea(ring) > 0 ? 1.0 : -1.0;
  const size_t n = ring.size();
  Ring out;
  out.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    const Point2d before = ring[i] - ring[(i + n - 1) % n];
    const Point2d after = ring[(i + 1) % n] - ring[i];
    const double lb = Norm(before);
    const double la = Norm(after);
    if (lb < kTiny || la < kTiny) {
      out.push_back(ring[i]);
      continue;
    }
    const Point2d nb = Perp(before) * (side / lb);
    const Point2d na = Perp(after) * (side / la);
    // The mitre; at sharp corners its length is limited to twice the distance.
    const double k = std::max(0.5, 1.0 + Dot(nb, na));
    out.push_back(ring[i] + (nb + na) * (distance / k));
  }
  return out;
}

std::vector<Point2d> ParallelLine(const std::vector<Point2d>& line,
                                  double distance) {
  std::vector<Point2d> out;
  out.reserve(line.size());
  const double reach = std::abs(distance);
  for (size_t i = 0; i < line.size(); ++i) {
    const Point2d d =
        line[std::min(i + 1, line.size() - 1)] - line[i == 0 ? 0 : i - 1];
    const double length = std::max(kTiny, Norm(d));
    const Point2d p = line[i] + Perp(d) * (distance / length);
    // Inside of a tight bend the curve would run into loops.
    const auto near = static_cast<size_t>(4.0 * reach / length) + 3;
    bool looped = false;
    for (size_t k = i > near ? i - near : 0;
         k < std::min(line.size(), i + near) && !looped; ++k) {
      looped = Norm(line[k] - p) < reach * 0.97;
    }
    if (!looped) out.push_back(p);
  }
  return out;
}

bool Overlap(const Quad& a, const Quad& b, double gap) {
  for (const Quad* quad : {&a, &b}) {
    for (size_t i = 0; i < 4; ++i) {
      const Point2d d = (*quad)[(i + 1) % 4] - (*quad)[i];
      const double length = Norm(d);
      if (length < kTiny) continue;
      const Point2d axis = Perp(d) * (1.0 / length);
      double a_low = 1e300, a_high = -1e300, b_low = 1e300, b_high = -1e300;
      for (size_t k = 0; k < 4; ++k) {
        a_low = std::min(a_low, Dot(a[k], axis));
        a_high = std::max(a_high, Dot(a[k], axis));
        b_low = std::min(b_low, Dot(b[k], axis));
        b_high = std::max(b_high, Dot(b[k], axis));
      }
      if (a_high + gap <= b_low || b_high + gap <= a_low) return false;
    }
  }
  return true;
}

Polygon DrawPlan(const HousePlan& plan, const Quad& plot) {
  const auto place = [&](Point2d p) {
    const double x = plan.mirrored ? 1.0 - p.x : p.x;
    const double u = plan.u0 + (plan.u1 - plan.u0) * x;
    const double v = plan.v0 + (plan.v1 - plan.v0) * p.y;
    const Point2d front = plot[0] + (plot[1] - plot[0]) * u;
    const Point2d back = plot[3] + (plot[2] - plot[3]) * u;
    return front + (back - front) * v;
  };
  Polygon polygon;
  for (const Point2d& p : UnitShell(plan)) polygon.shell.push_back(place(p));
  if (plan.shape == PlanShape::kCourt) {
    const double m = 0.18 + 0.14 * plan.a;
    const double n = 0.18 + 0.14 * plan.b;
    Ring hole;
    for (const Point2d& p :
         Ring{{m, n}, {m, 1 - n}, {1 - m, 1 - n}, {1 - m, n}})
      hole.push_back(place(p));
    polygon.holes.push_back(std::move(hole));
  }
  return polygon;
}

PlanShape PickShape(Rng& rng, double width_px, double depth_px,
                    bool is_public) {
  const double low = std::min(width_px, depth_px);
  if (low < 8.0) {
    return rng.Chance(low < 5.5 ? 0.02 : 0.15) ? PlanShape::kL
                                               : PlanShape::kRectangle;
  }
  const double court = low < 18.0 ? 0.0 : (is_public ? 0.14 : 0.05);
  const double big = low < 12.0 ? 0.3 : 1.0;
  const std::vector<PlanShape> shapes = {
      PlanShape::kRectangle, PlanShape::kL,       PlanShape::kT,
      PlanShape::kU,         PlanShape::kH,       PlanShape::kCross,
      PlanShape::kCourt,     PlanShape::kBay,     PlanShape::kChurch,
      PlanShape::kCut,       PlanShape::kOctagon, PlanShape::kStepped,
      PlanShape::kComb};
  const double p = is_public ? 1.0 : 0.3;
  return shapes[rng.Choice({is_public ? 0.5 : 0.55, 0.16, 0.07 * big,
                            0.09 * big, 0.06 * p * big, 0.05 * p * big, court,
                            0.08, 0.12 * p * p * big, 0.05, 0.015, 0.05 * big,
                            0.04 * p * big})];
}

}  // namespace mapweave::synth
