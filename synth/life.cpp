// SPDX-License-Identifier: MIT
#include "synth/life.h"

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

// What the surveyors have of the standing building: its plan, and how far off
// its true place they put it.
struct Standing {
  HousePlan plan;
  Point2d offset;
  double angle = 0.0;
  double scale = 1.0;
};

Polygon Draw(const Plot& plot, const Standing& now, double unsteadiness_px,
             Rng& rng) {
  Polygon polygon;
  if (!plot.cut.empty()) {
    polygon.shell = plot.cut;
  } else {
    polygon = DrawPlan(now.plan, plot.quad);
  }
  if (plot.attached) return polygon;
  // No two surveys put a corner at quite the same place.
  const double s = unsteadiness_px;
  const Point2d offset =
      now.offset + Point2d{rng.Normal(0.0, s), rng.Normal(0.0, s)};
  const double angle = now.angle + rng.Normal(0.0, 0.03 * s);
  const double scale = now.scale * (1.0 + rng.Normal(0.0, 0.03 * s));
  const Point2d centre = MeanPoint(polygon.shell);
  polygon.shell = MapRing(polygon.shell, centre, angle, offset, scale);
  for (Ring& hole : polygon.holes)
    hole = MapRing(hole, centre, angle, offset, scale);
  return polygon;
}

Standing BuildNew(const Plot& plot, bool first, Rng& rng) {
  Standing now;
  now.plan = plot.plan;
  if (!first) {
    const double width = Norm(plot.quad[1] - plot.quad[0]);
    const double depth = Norm(plot.quad[3] - plot.quad[0]);
    now.plan.shape = PickShape(rng, width, depth, plot.is_public);
    now.plan.mirrored = rng.Chance(0.5);
    now.plan.a = rng.Uniform(0.3, 0.7);
    now.plan.b = rng.Uniform(0.3, 0.7);
    if (plot.attached) {
      now.plan.v1 = rng.Uniform(0.55, 1.0);
    } else {
      const double u = rng.Uniform(0.0, 0.3);
      const double v = rng.Uniform(0.0, 0.3);
      now.plan.u0 = u * rng.Uniform();
      now.plan.u1 = 1.0 - (u - now.plan.u0);
      now.plan.v0 = v * rng.Uniform();
      now.plan.v1 = 1.0 - (v - now.plan.v0);
    }
  }
  return now;
}

// Changes the size of the plan; `factor` > 1 adds a wing or depth.
void Resize(const Plot& plot, double factor, HousePlan& plan, Rng& rng) {
  const double depth = (plan.v1 - plan.v0) * factor;
  plan.v1 = std::clamp(plan.v0 + depth, plan.v0 + 0.3, plan.v0 + 1.35);
  if (plot.attached) {
    plan.v1 = std::min(plan.v1, 1.0);
    return;
  }
  if (rng.Chance(0.4)) {
    const double width = (plan.u1 - plan.u0) * std::sqrt(factor);
    plan.u1 = plan.u0 + std::clamp(width, 0.3, 1.3);
  }
}

void Apply(WorldEvent event, const Plot& plot, double building_px,
           Standing& now, Rng& rng) {
  switch (event) {
    case WorldEvent::kEnlarged:
      Resize(plot, rng.Uniform(1.25, 1.6), now.plan, rng);
      break;
    case WorldEvent::kReduced:
      Resize(plot, rng.Uniform(0.55, 0.8), now.plan, rng);
      break;
    case WorldEvent::kReshaped:
      now.plan.shape = now.plan.shape == PlanShape::kRectangle
                           ? PlanShape::kL
                           : PlanShape::kRectangle;
      now.plan.a = rng.Uniform(0.4, 0.65);
      now.plan.b = rng.Uniform(0.4, 0.65);
      break;
    case WorldEvent::kRedrawn: {
      const double reach = std::clamp(building_px * 0.12, 0.8, 3.0);
      now.offset = {rng.Normal(0.0, reach), rng.Normal(0.0, reach)};
      now.angle = rng.Normal(0.0, 0.05);
      now.scale = rng.Uniform(0.92, 1.1);
      break;
    }
    default:
      break;
  }
}

WorldEvent DrawEvent(const WorldOptions& options, Rng& rng) {
  if (!rng.Chance(options.change)) return WorldEvent::kPersists;
  static const std::vector<WorldEvent> kEvents = {
      WorldEvent::kDemolished, WorldEvent::kRebuilt,  WorldEvent::kEnlarged,
      WorldEvent::kReduced,    WorldEvent::kReshaped, WorldEvent::kRedrawn};
  return kEvents[rng.Choice({0.24, 0.15, 0.19, 0.08, 0.10, 0.24})];
}

}  // namespace

std::vector<WorldBuilding> LivePlot(const Plot& plot,
                                    const WorldOptions& options, int since,
                                    Rng& rng) {
  const size_t editions = options.editions.size();
  std::vector<WorldBuilding> lives;
  Standing now;
  bool stands = false;
  const auto start = [&](size_t t, WorldEvent event) {
    WorldBuilding building;
    building.footprint.resize(editions);
    building.stands.assign(editions, false);
    building.events.assign(editions, WorldEvent::kNone);
    building.events[t] = event;
    building.block = plot.block;
    building.is_public = plot.is_public;
    now = BuildNew(plot, lives.empty(), rng);
    lives.push_back(std::move(building));
    stands = true;
  };
  const double full = plot.chance * options.density;
  for (size_t t = static_cast<size_t>(since); t < editions; ++t) {
    if (!stands) {
      // A new quarter fills at once, later gaps slowly.
      const bool opening = t == static_cast<size_t>(since);
      if (!rng.Chance(opening ? full : 0.6 * options.change * full)) continue;
      start(t, WorldEvent::kBuilt);
    } else {
      WorldEvent event = DrawEvent(options, rng);
      if (!plot.cut.empty() && event != WorldEvent::kDemolished)
        event = WorldEvent::kPersists;
      if (plot.attached && event == WorldEvent::kRedrawn)
        event = WorldEvent::kPersists;
      if (event == WorldEvent::kDemolished || event == WorldEvent::kRebuilt) {
        lives.back().events[t] = WorldEvent::kDemolished;
        stands = false;
        if (event == WorldEvent::kDemolished) continue;
        start(t, WorldEvent::kRebuilt);
      } else {
        const HousePlan before = now.plan;
        Apply(event, plot, options.building_px, now, rng);
        const bool same = before.v1 == now.plan.v1 && before.u1 == now.plan.u1;
        if (same &&
            (event == WorldEvent::kEnlarged || event == WorldEvent::kReduced)) {
          event = WorldEvent::kPersists;
        }
        lives.back().events[t] = event;
      }
    }
    WorldBuilding& building = lives.back();
    building.stands[t] = true;
    Polygon drawn = Draw(plot, now, options.unsteadiness_px, rng);
    if (building.events[t] == WorldEvent::kPersists &&
        rng.Chance(options.omission)) {
      building.events[t] = WorldEvent::kOmitted;
    } else {
      building.footprint[t] = {std::move(drawn)};
    }
  }
  return lives;
}

}  // namespace mapweave::synth
