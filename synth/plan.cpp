// SPDX-License-Identifier: MIT
#include "synth/plan.h"

#include "synth/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

struct CutRules {
  double block_px = 100.0;  // stop below this side
  double street_px = 10.0;  // 0: parcels, no street between
  double disorder = 0.0;    // 0: halves at right angles; 1: anything goes
  double avenue = 0.0;      // chance that a street is twice as wide
  // Far from the settlements, blocks are so many times larger.
  double open_scale = 1.0;
};

double Extent(const Ring& ring, Point2d axis) {
  double low = 1e300;
  double high = -1e300;
  for (const Point2d& p : ring) {
    low = std::min(low, Dot(p, axis));
    high = std::max(high, Dot(p, axis));
  }
  return high - low;
}

Point2d LongestEdge(const Ring& ring) {
  Point2d best{1, 0};
  double length = 0.0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d d = ring[(i + 1) % ring.size()] - ring[i];
    if (Norm(d) > length) {
      length = Norm(d);
      best = d * (1.0 / length);
    }
  }
  return best;
}

// How near the nearest part of a ring is.
double NearestOf(const std::vector<Settlement>& settlements, const Ring& ring) {
  double near = Nearness(settlements, MeanPoint(ring));
  for (const Settlement& place : settlements)
    if (Contains(ring, place.centre)) return 1.0;
  for (const Point2d& p : ring) near = std::max(near, Nearness(settlements, p));
  return near;
}

// Halves the ring across its longer extent until it is small enough.
void Cut(const Ring& ring, const CutRules& rules, Rng& rng, StreetPlan& plan) {
  const Point2d u = LongestEdge(ring);
  const Point2d v = Perp(u);
  const double along = Extent(ring, u);
  const double across = Extent(ring, v);
  const double side = std::max(along, across);
  const double far = 1.0 - NearestOf(plan.settlements, ring);
  const double block =
      rules.block_px * (1.0 + (rules.open_scale - 1.0) * far * far);
  if (side < block * rng.Uniform(1.1, 1.1 + 0.8 * rules.disorder + 0.35)) {
    plan.blocks.push_back(ring);
    return;
  }
  Point2d normal = along >= across ? u : v;
  const double turn = rules.disorder * rng.Normal(0.0, 0.22);
  normal = normal * std::cos(turn) + Perp(normal) * std::sin(turn);
  double low = 1e300;
  for (const Point2d& p : ring) low = std::min(low, Dot(p, normal));
  const double share =
      0.5 + std::clamp(rng.Normal(0.0, 0.02 + 0.1 * rules.disorder), -0.2, 0.2);
  const Point2d at = normal * (low + Extent(ring, normal) * share);
  const double width =
      rules.street_px * (rng.Chance(rules.avenue) ? rng.Uniform(1.4, 2.4)
                                                  : rng.Uniform(0.8, 1.15));
  const Point2d half = normal * (width / 2);
  const Ring left = CutConvex(ring, at - half, normal * -1.0);
  const Ring right = CutConvex(ring, at + half, normal);
  if (left.empty() || right.empty()) {
    plan.blocks.push_back(ring);
    return;
  }
  if (rules.street_px > 0) {
    double from = 1e300;
    double to = -1e300;
    for (const Point2d& p : ring) {
      from = std::min(from, Dot(p - at, Perp(normal)));
      to = std::max(to, Dot(p - at, Perp(normal)));
    }
    plan.streets.push_back(
        {{at + Perp(normal) * from, at + Perp(normal) * to}, width});
  }
  Cut(left, rules, rng, plan);
  Cut(right, rules, rng, plan);
}

// Blocks between ring streets and radial streets around `centre`.
void CutRings(Point2d centre, double radius, const CutRules& rules, Rng& rng,
              StreetPlan& plan) {
  // Rings of equal depth around a central place, out to the boulevard.
  const double rings =
      std::max(2.0, std::floor(radius / (rules.block_px * 0.75)));
  const double step = radius / (rings + 0.8);
  const double turn = rng.Uniform(0.0, 2.0 * std::numbers::pi);
  int sectors = 6;
  for (double r = step * 0.8; r + step <= radius * 1.001; r += step) {
    if (r / sectors * 2.0 * std::numbers::pi > rules.block_px * 1.25)
      sectors *= 2;
    WorldStreet ring_street;
    ring_street.width_px = rules.street_px;
    for (int s = 0; s <= sectors; ++s) {
      const double a0 = turn + 2.0 * std::numbers::pi * s / sectors;
      const double a1 = turn + 2.0 * std::numbers::pi * (s + 1) / sectors;
      ring_street.centreline.push_back(centre + Unit(a0) * r);
      if (s == sectors) break;
      const Ring block = InsetConvex(
          {centre + Unit(a0) * r, centre + Unit(a1) * r,
           centre + Unit(a1) * (r + step), centre + Unit(a0) * (r + step)},
          rules.street_px / 2);
      if (!block.empty()) plan.blocks.push_back(block);
    }
    plan.streets.push_back(std::move(ring_street));
  }
}

CutRules RulesFor(const WorldOptions& options, Rng& rng) {
  const double b = options.building_px;
  switch (options.plan) {
    case PlanFamily::kGrid:
    case PlanFamily::kRingAndGrid:
      return {b * rng.Uniform(3.5, 9.0), b * rng.Uniform(0.4, 1.1),
              rng.Uniform(0.0, 0.25), 0.2};
    case PlanFamily::kOrganic:
      return {b * rng.Uniform(3.0, 10.0), b * rng.Uniform(0.3, 0.9),
              rng.Uniform(0.5, 1.0), 0.12};
    case PlanFamily::kRural:
      return {b * rng.Uniform(9.0, 20.0), b * rng.Uniform(0.4, 0.9),
              rng.Uniform(0.3, 1.0), 0.1};
    case PlanFamily::kDenseCore:
      return {b * rng.Uniform(4.5, 8.0), b * rng.Uniform(0.3, 0.75),
              rng.Uniform(0.2, 1.0), 0.1, rng.Uniform(2.0, 4.0)};
    case PlanFamily::kVillage:
      return {b * rng.Uniform(6.0, 10.0), b * rng.Uniform(0.35, 0.8),
              rng.Uniform(0.6, 1.0), 0.1, rng.Uniform(1.5, 3.0)};
  }
  return {};
}

// The middles of towns and villages. The first lies within the window.
std::vector<Settlement> PlaceSettlements(const WorldOptions& options,
                                         Box region, Rng& rng) {
  const double b = options.building_px;
  const double w = options.width_px;
  const double h = options.height_px;
  std::vector<Settlement> places;
  if (options.plan == PlanFamily::kDenseCore) {
    const double radius =
        std::max(rng.Uniform(0.28, 0.42) * std::min(w, h), b * 18.0);
    places.push_back(
        {{w * rng.Uniform(0.25, 0.75), h * rng.Uniform(0.25, 0.75)}, radius});
  }
  if (options.plan == PlanFamily::kVillage) {
    const double room = (region.max_x - region.min_x) *
                        (region.max_y - region.min_y) / (b * b * 1600.0);
    const int count = 1 + static_cast<int>(room * rng.Uniform(0.6, 1.3));
    for (int i = 0; i < count; ++i) {
      const Box box = i == 0 ? Box{w * 0.2, h * 0.2, w * 0.8, h * 0.8} : region;
      places.push_back({{rng.Uniform(box.min_x, box.max_x),
                         rng.Uniform(box.min_y, box.max_y)},
                        b * std::exp(rng.Uniform(1.6, 3.0))});
    }
  }
  return places;
}

}  // namespace

double Nearness(const std::vector<Settlement>& settlements, Point2d p) {
  double near = 0.0;
  for (const Settlement& place : settlements) {
    const double r = Norm(p - place.centre) / place.radius_px;
    near = std::max(near, 1.0 / (1.0 + r * r * r * r));
  }
  return near;
}

StreetPlan MakeStreetPlan(const WorldOptions& options, Box region, Rng& rng) {
  const CutRules rules = RulesFor(options, rng);
  const Point2d centre{(region.min_x + region.max_x) / 2,
                       (region.min_y + region.max_y) / 2};
  const double reach =
      std::hypot(region.max_x - region.min_x, region.max_y - region.min_y) / 2 +
      rules.street_px;
  const Ring whole =
      MapRing(RectangleRing({centre.x - reach, centre.y - reach,
                             centre.x + reach, centre.y + reach}),
              centre, options.angle_rad,
              {rng.Uniform(-0.3, 0.3) * rules.block_px,
               rng.Uniform(-0.3, 0.3) * rules.block_px},
              1.15);
  StreetPlan plan;
  plan.settlements = PlaceSettlements(options, region, rng);
  Cut(whole, rules, rng, plan);
  if (options.plan == PlanFamily::kRingAndGrid) {
    const double radius =
        std::min(region.max_x - region.min_x, region.max_y - region.min_y) *
        0.24;
    const double glacis = radius + 2.5 * rules.street_px;
    std::erase_if(plan.blocks, [&](const Ring& block) {
      const Ring closed = Densify(block, rules.street_px, true);
      return Contains(block, centre) ||
             std::ranges::any_of(
                 closed, [&](Point2d p) { return Norm(p - centre) < glacis; });
    });
    std::erase_if(plan.streets, [&](const WorldStreet& street) {
      return DistanceToPolyline(street.centreline, centre) < glacis;
    });
    CutRings(centre, radius, rules, rng, plan);
  }
  const auto outside = [&](const std::vector<Point2d>& line) {
    const Box box = BoundsOf(line);
    return box.max_x < region.min_x || box.min_x > region.max_x ||
           box.max_y < region.min_y || box.min_y > region.max_y;
  };
  std::erase_if(plan.blocks, outside);
  std::erase_if(plan.streets, [&](const WorldStreet& street) {
    return outside(street.centreline);
  });
  return plan;
}

std::vector<Ring> CutParcels(const Ring& block, double side, double disorder,
                             Rng& rng) {
  StreetPlan plan;
  Cut(block, {side, 0.0, disorder, 0.0}, rng, plan);
  return std::move(plan.blocks);
}

}  // namespace mapweave::synth
