// SPDX-License-Identifier: MIT
#include "synth/world.h"

#include "core/error.h"
#include "core/random.h"
#include "synth/life.h"
#include "synth/plan.h"
#include "synth/plots.h"
#include "synth/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

// Streams of a world's seed.
enum Stream : uint64_t {
  kPlanStream = 1,
  kDistortionStream,
  kWaterStream,
  kRailStream,
  kBlockStream,
  kBendStream,
};

void Require(bool condition, const char* name, double value,
             const char* range) {
  if (condition) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the world option {} is {}", name, value),
              fmt::format("set it to {}", range));
}

// Waves whose displacements sum to at most `reach`.
DistortionField MakeField(double reach, double min_length, double max_length,
                          Rng& rng) {
  DistortionField field;
  constexpr int kWaves = 3;
  for (int i = 0; i < kWaves; ++i) {
    const double length = rng.Uniform(min_length, max_length);
    const Point2d k = Unit(rng.Uniform(0.0, 2.0 * std::numbers::pi)) *
                      (2.0 * std::numbers::pi / length);
    const Point2d d = Unit(rng.Uniform(0.0, 2.0 * std::numbers::pi)) *
                      (reach / kWaves * rng.Uniform(0.3, 1.0));
    field.waves.push_back(
        {k.x, k.y, rng.Uniform(0.0, 2.0 * std::numbers::pi), d.x, d.y});
  }
  return field;
}

void Bend(const DistortionField& field, std::vector<Point2d>& points) {
  for (Point2d& p : points) p = field.Apply(p);
}

// A winding line through the region, from edge to edge.
std::vector<Point2d> WindingLine(Box region, double straightness, Rng& rng) {
  const Point2d centre{rng.Uniform(region.min_x, region.max_x),
                       rng.Uniform(region.min_y, region.max_y)};
  const double reach =
      std::hypot(region.max_x - region.min_x, region.max_y - region.min_y);
  const double angle = rng.Uniform(0.0, 2.0 * std::numbers::pi);
  const Point2d along = Unit(angle);
  const double length = rng.Uniform(0.25, 0.7) * reach;
  const double swing = length * rng.Uniform(0.03, 0.16) * (1 - straightness);
  const double phase = rng.Uniform(0.0, 6.28);
  const double phase2 = rng.Uniform(0.0, 6.28);
  std::vector<Point2d> line;
  const int steps = std::max(8, static_cast<int>(reach / 6.0));
  for (int i = 0; i <= steps; ++i) {
    const double s = (2.0 * i / steps - 1.0) * reach;
    const double off = swing * (std::sin(phase + s * 6.28 / length) +
                                0.35 * std::sin(phase2 + s * 17.0 / length));
    line.push_back(centre + along * s + Perp(along) * off);
  }
  return line;
}

void AddWaters(World& world, Box region, Rng rng) {
  const WorldOptions& options = world.options;
  const double b = options.building_px;
  if (rng.Chance(options.water)) {
    WorldWater river;
    river.width_px = b * std::exp(rng.Uniform(0.0, 2.3));
    river.centreline = WindingLine(region, 0.0, rng);
    const auto left = ParallelLine(river.centreline, river.width_px / 2);
    const auto right = ParallelLine(river.centreline, -river.width_px / 2);
    river.outline = left;
    river.outline.insert(river.outline.end(), right.rbegin(), right.rend());
    world.waters.push_back(std::move(river));
  }
  const double area = (region.max_x - region.min_x) *
                      (region.max_y - region.min_y) / (b * b * 900.0);
  const int ponds = static_cast<int>(
      options.water * area * rng.Uniform(0.0, 1.2) + rng.Uniform());
  for (int i = 0; i < ponds; ++i) {
    WorldWater pond;
    const Point2d at{rng.Uniform(region.min_x, region.max_x),
                     rng.Uniform(region.min_y, region.max_y)};
    const double radius = b * rng.Uniform(0.6, 2.2);
    const double p1 = rng.Uniform(0.0, 6.28);
    const double p2 = rng.Uniform(0.0, 6.28);
    if (rng.Chance(0.3)) {  // a dock
      const double side = radius * rng.Uniform(0.5, 1.5);
      pond.outline = MapRing(
          {{-radius, -side}, {radius, -side}, {radius, side}, {-radius, side}},
          {0, 0}, options.angle_rad, at, 1.0);
      world.waters.push_back(std::move(pond));
      continue;
    }
    for (int k = 0; k < 24; ++k) {
      const double a = 6.2832 * k / 24;
      const double r = radius * (1.0 + 0.25 * std::sin(2 * a + p1) +
                                 0.15 * std::sin(3 * a + p2));
      pond.outline.push_back(at + Unit(a) * r);
    }
    world.waters.push_back(std::move(pond));
  }
}

BlockUse DrawUse(const WorldOptions& options, double local, Rng& rng) {
  static const std::vector<BlockUse> kUses = {
      BlockUse::kDwellings, BlockUse::kPublic, BlockUse::kGarden,
      BlockUse::kCemetery,  BlockUse::kField,  BlockUse::kSquare};
  if (options.plan == PlanFamily::kRural)
    return kUses[rng.Choice({0.50, 0.05, 0.08, 0.02, 0.35, 0.0})];
  return kUses[rng.Choice(
      {0.70, 0.13, 0.05, 0.025, 0.07 * (1.2 - local), 0.025})];
}

// True where the ground is too wet or railed to build on.
bool IsTaken(const World& world, Point2d p, double gap) {
  for (const WorldWater& water : world.waters) {
    if (water.centreline.empty()) {
      if (Contains(water.outline, p)) return true;
    } else if (DistanceToPolyline(water.centreline, p) <
               water.width_px / 2 + gap) {
      return true;
    }
  }
  return std::ranges::any_of(world.railways, [&](const auto& line) {
    return DistanceToPolyline(line, p) < 5.0 + gap;
  });
}

// Keeps the parts of a town that a margin leaves.
bool Fits(const std::vector<Point2d>& points, Box region) {
  return std::ranges::all_of(points, [&](Point2d p) {
    return p.x >= region.min_x && p.x <= region.max_x && p.y >= region.min_y &&
           p.y <= region.max_y;
  });
}

struct TownContext {
  Box region;
  DistortionField bend;     // curves the straight streets
  DistortionField wobble;   // makes old parcel boundaries crooked
  DistortionField density;  // varies the density over the town
};

void SettleBlock(World& world, size_t index, const TownContext& town, Rng rng) {
  const WorldOptions& options = world.options;
  WorldBlock& block = world.blocks[index];
  const Ring straight = block.outline;
  const Point2d middle = MeanPoint(straight);
  const double swing = (town.density.Apply(middle).x - middle.x);
  const double local = std::clamp(options.density * (1.0 + swing), 0.0, 1.0);
  block.use = DrawUse(options, local, rng);
  block.owner =
      static_cast<int>(block.use == BlockUse::kPublic
                           ? rng.Choice({0.1, 0.5, 0.2, 0.05, 0.15})
                           : rng.Choice({0.62, 0.08, 0.1, 0.17, 0.03}));
  const int last = static_cast<int>(options.editions.size()) - 1;
  if (last > 0 && rng.Chance(0.18 + 0.2 * (1.0 - local)))
    block.since = static_cast<int>(rng.Int(1, last));
  const PlotOptions plot_options{options.building_px, local, block.use};
  BlockPlots laid = LayPlots(straight, plot_options, rng);
  block.outline = Densify(straight, options.building_px * 2.0, true);
  Bend(town.bend, block.outline);
  for (Ring& parcel : laid.parcels) {
    parcel = Densify(parcel, options.building_px * 0.8, true);
    Bend(town.wobble, parcel);
    Bend(town.bend, parcel);
  }
  block.parcels = std::move(laid.parcels);
  WorldOptions here = options;
  here.density =
      options.density <= 0.0 ? 0.0 : std::clamp(0.25 + local, 0.0, 1.0);
  for (Plot& plot : laid.plots) {
    for (Point2d& p : plot.quad) p = town.bend.Apply(p);
    Bend(town.bend, plot.cut);
    plot.block = index;
    const Ring corners(plot.quad.begin(), plot.quad.end());
    if (!Fits(corners, town.region)) continue;
    const double gap = options.building_px * 0.2 + 1.0;
    if (IsTaken(world, MeanPoint(corners), gap) ||
        std::ranges::any_of(
            corners, [&](Point2d p) { return IsTaken(world, p, gap); })) {
      continue;
    }
    for (WorldBuilding& building : LivePlot(plot, here, block.since, rng))
      world.buildings.push_back(std::move(building));
  }
}

void DistortBuildings(World& world) {
  uint64_t identity = 0;
  for (WorldBuilding& building : world.buildings) {
    building.identity = ++identity;
    for (size_t t = 0; t < building.footprint.size(); ++t) {
      for (Polygon& polygon : building.footprint[t]) {
        Bend(world.distortion[t], polygon.shell);
        for (Ring& hole : polygon.holes) Bend(world.distortion[t], hole);
      }
    }
  }
}

}  // namespace

void LifeShares::Validate() const {
  double sum = 0.0;
  for (const auto& [name, share] :
       {std::pair{"life.demolish", demolish},
        std::pair{"life.rebuild", rebuild}, std::pair{"life.enlarge", enlarge},
        std::pair{"life.reduce", reduce}, std::pair{"life.reshape", reshape},
        std::pair{"life.redrawn", redrawn}, std::pair{"life.split", split},
        std::pair{"life.merge", merge},
        std::pair{"life.recompose", recompose}}) {
    Require(share >= 0.0 && std::isfinite(share), name, share, "0 or more");
    sum += share;
  }
  Require(sum > 0.0, "life", sum, "weights of which one is positive");
}

void WorldOptions::Validate() const {
  Require(width_px >= 16 && width_px <= 20000, "width_px", width_px,
          "16 to 20000");
  Require(height_px >= 16 && height_px <= 20000, "height_px", height_px,
          "16 to 20000");
  Require(!editions.empty(), "editions", 0, "at least one label");
  Require(building_px >= 4.0 && building_px <= 80.0, "building_px", building_px,
          "4 to 80");
  Require(density >= 0.0 && density <= 1.0, "density", density, "0 to 1");
  Require(change >= 0.0 && change <= 1.0, "change", change, "0 to 1");
  life.Validate();
  Require(omission >= 0.0 && omission <= 1.0, "omission", omission, "0 to 1");
  Require(shed_omission >= 0.0 && shed_omission <= 1.0, "shed_omission",
          shed_omission, "0 to 1");
  Require(relief >= 0.0 && relief <= 1.0, "relief", relief, "0 to 1");
  Require(water >= 0.0 && water <= 1.0, "water", water, "0 to 1");
  Require(distortion_px >= 0.0 && distortion_px <= 20.0, "distortion_px",
          distortion_px, "0 to 20");
  Require(unsteadiness_px >= 0.0 && unsteadiness_px <= 10.0, "unsteadiness_px",
          unsteadiness_px, "0 to 10");
  Require(std::isfinite(angle_rad), "angle_rad", angle_rad, "a number");
  Require(
      margin_px > -2000.0 && 2.0 * margin_px < std::min(width_px, height_px),
      "margin_px", margin_px, "less than half of the window");
}

Point2d DistortionField::Apply(Point2d p) const {
  Point2d moved = p;
  for (const Wave& w : waves) {
    const double s = std::sin(w.kx * p.x + w.ky * p.y + w.phase);
    moved.x += w.dx * s;
    moved.y += w.dy * s;
  }
  return moved;
}

double HeightField::Height(Point2d p) const {
  double height = 0.0;
  for (const Wave& w : waves)
    height += w.metres * std::sin(w.kx * p.x + w.ky * p.y + w.phase);
  return height;
}

Point2d HeightField::Slope(Point2d p) const {
  Point2d slope;
  for (const Wave& w : waves) {
    const double c = w.metres * std::cos(w.kx * p.x + w.ky * p.y + w.phase);
    slope = slope + Point2d{w.kx, w.ky} * c;
  }
  return slope;
}

World MakeWorld(const WorldOptions& options) {
  options.Validate();
  const Rng rng(options.seed, 0x776f726c64ULL);
  World world;
  world.options = options;
  const double m = options.margin_px;
  const Box region{m, m, options.width_px - m, options.height_px - m};
  const double b = options.building_px;

  Rng distortion_rng = rng.Fork(kDistortionStream);
  for (size_t t = 0; t < options.editions.size(); ++t) {
    world.distortion.push_back(
        MakeField(options.distortion_px, 90.0, 400.0, distortion_rng));
  }
  Rng bend_rng = rng.Fork(kBendStream);
  TownContext town;
  town.region = region;
  const double curve = options.plan == PlanFamily::kGrid ? 0.0 : 1.0;
  town.bend = MakeField(b * curve * bend_rng.Uniform(0.5, 2.5), b * 20.0,
                        b * 60.0, bend_rng);
  town.wobble =
      MakeField(bend_rng.Chance(0.5) ? b * bend_rng.Uniform(0.05, 0.4) : 0.0,
                b * 1.5, b * 5.0, bend_rng);
  town.density = MakeField(1.2, b * 25.0, b * 80.0, bend_rng);

  // Streets, fields and waters run on to the edge of the window.
  const Box land{std::min(m, 0.0), std::min(m, 0.0),
                 std::max(options.width_px - m, 1.0 * options.width_px),
                 std::max(options.height_px - m, 1.0 * options.height_px)};
  AddWaters(world, land, rng.Fork(kWaterStream));
  Rng rail_rng = rng.Fork(kRailStream);
  if (rail_rng.Chance(0.25))
    world.railways.push_back(WindingLine(land, 0.8, rail_rng));
  Rng plan_rng = rng.Fork(kPlanStream);
  StreetPlan plan = MakeStreetPlan(options, land, plan_rng);
  for (WorldStreet& street : plan.streets) {
    street.centreline = Densify(street.centreline, b * 2.0, false);
    Bend(town.bend, street.centreline);
  }
  world.streets = std::move(plan.streets);
  for (Ring& ring : plan.blocks) {
    world.blocks.emplace_back();
    world.blocks.back().outline = std::move(ring);
  }
  const Rng block_rng = rng.Fork(kBlockStream);
  for (size_t i = 0; i < world.blocks.size(); ++i)
    SettleBlock(world, i, town, block_rng.Fork(i));
  DistortBuildings(world);
  return world;
}

}  // namespace mapweave::synth
