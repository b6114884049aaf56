// SPDX-License-Identifier: MIT
#include "synth/world.h"

#include "core/error.h"
#include "core/random.h"
#include "synth/distortion.h"
#include "synth/land.h"
#include "synth/life.h"
#include "synth/links.h"
#include "synth/plan.h"
#include "synth/plots.h"
#include "synth/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

// Nearness beyond which a dense town is core, and beyond which it is suburb or
// village rather than fields.
constexpr double kCore = 0.6;
constexpr double kSuburb = 0.2;

// Streams of a world's seed.
enum Stream : uint64_t {
  kPlanStream = 1,
  kDistortionStream,
  kWaterStream,
  kRailStream,
  kBlockStream,
  kBendStream,
  kReliefStream,
  kLineStream,
  kSurveyStream,
};

void Require(bool condition, const char* name, double value,
             const char* range) {
  if (condition) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the world option {} is {}", name, value),
              fmt::format("set it to {}", range));
}

// Uses by their order in BlockUse: dwellings, public, garden, cemetery, field,
// square, works, orchard.
BlockUse DrawUse(const WorldOptions& options, double local, double near,
                 Rng& rng) {
  static const std::vector<BlockUse> kUses = {
      BlockUse::kDwellings, BlockUse::kPublic, BlockUse::kGarden,
      BlockUse::kCemetery,  BlockUse::kField,  BlockUse::kSquare,
      BlockUse::kWorks,     BlockUse::kOrchard};
  switch (options.plan) {
    case PlanFamily::kRural:
      return kUses[rng.Choice({0.47, 0.04, 0.06, 0.02, 0.34, 0.0, 0.01, 0.06})];
    case PlanFamily::kDenseCore:
      if (near > kCore)
        return kUses[rng.Choice(
            {0.85, 0.06, 0.01, 0.01, 0.0, 0.05, 0.02, 0.0})];
      if (near > kSuburb)
        return kUses[rng.Choice(
            {0.64, 0.07, 0.09, 0.03, 0.06, 0.01, 0.06, 0.04})];
      return kUses[rng.Choice({0.07, 0.02, 0.05, 0.02, 0.66, 0.0, 0.03, 0.15})];
    case PlanFamily::kVillage:
      if (near > kSuburb)
        return kUses[rng.Choice(
            {0.74, 0.05, 0.06, 0.02, 0.03, 0.04, 0.01, 0.05})];
      return kUses[rng.Choice({0.04, 0.01, 0.03, 0.01, 0.79, 0.0, 0.01, 0.11})];
    default:
      return kUses[rng.Choice({0.70, 0.11, 0.05, 0.025, 0.05 * (1.2 - local),
                               0.025, 0.025, 0.015})];
  }
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
  std::vector<Settlement> settlements;
  // Per edition: outbuildings smaller than this are left out; 0 = none.
  std::vector<double> shed_area;
  DistortionField bend;     // curves the straight streets
  DistortionField wobble;   // makes old parcel boundaries crooked
  DistortionField density;  // varies the density over the town
};

TownContext MakeTown(const WorldOptions& options, Rng rng) {
  const double b = options.building_px;
  TownContext town;
  double curve = 1.0;
  if (options.plan == PlanFamily::kGrid) curve = 0.0;
  if (options.plan == PlanFamily::kVillage) curve = 2.4;
  town.bend = MakeField(b * curve * rng.Uniform(0.5, 2.5),
                        b * 20.0 * std::max(1.0, 0.7 * curve), b * 60.0, rng);
  town.wobble = MakeField(rng.Chance(0.5) ? b * rng.Uniform(0.05, 0.4) : 0.0,
                          b * 1.5, b * 5.0, rng);
  town.density = MakeField(1.2, b * 25.0, b * 80.0, rng);
  return town;
}

// Which surveys leave small outbuildings out, and up to what area.
std::vector<double> DrawShedArea(const WorldOptions& options, Rng rng) {
  std::vector<double> areas;
  for (size_t t = 0; t < options.editions.size(); ++t) {
    const double side = options.building_px * rng.Uniform(0.4, 0.8);
    areas.push_back(rng.Chance(options.shed_omission) ? side * side : 0.0);
  }
  return areas;
}

// How a block is built up: its use, the density in [0, 1] and the housing.
struct BlockCharacter {
  BlockUse use = BlockUse::kDwellings;
  double density = 0.7;
  Housing housing = Housing::kByDensity;
  double late = 0.2;  // chance that it is opened after the first edition
};

BlockCharacter DrawCharacter(const WorldOptions& options,
                             const TownContext& town, Point2d middle,
                             Rng& rng) {
  const double swing = town.density.Apply(middle).x - middle.x;
  const double near = Nearness(town.settlements, middle);
  BlockCharacter out;
  out.density = std::clamp(options.density * (1.0 + swing), 0.0, 1.0);
  if (options.plan == PlanFamily::kDenseCore && options.density > 0.0) {
    out.density = near > kCore     ? std::clamp(options.density + 0.2, 0.0, 1.0)
                  : near > kSuburb ? std::min(out.density, 0.55)
                                   : 0.15 * options.density;
    if (near > kCore) out.housing = Housing::kPerimeter;
  }
  out.use = DrawUse(options, out.density, near, rng);
  if (options.plan == PlanFamily::kVillage ||
      (options.plan == PlanFamily::kDenseCore && near < kSuburb)) {
    out.housing = Housing::kRoadside;
  }
  out.late = out.housing == Housing::kPerimeter
                 ? 0.04
                 : 0.18 + 0.2 * (1.0 - out.density);
  return out;
}

// Plots and parcels of a block, bent as the town is; only what can be built on.
std::vector<Plot> LayGround(World& world, WorldBlock& block,
                            const BlockCharacter& character,
                            const TownContext& town, Rng& rng) {
  const WorldOptions& options = world.options;
  BlockPlots laid = LayPlots(block.outline,
                             {options.building_px, character.density,
                              character.use, character.housing},
                             rng);
  block.outline = Densify(block.outline, options.building_px * 2.0, true);
  Bend(town.bend, block.outline);
  // The yards of a row end where its walls stand.
  const bool in_rows =
      std::ranges::any_of(laid.plots, [](const Plot& p) { return p.attached; });
  for (Ring& parcel : laid.parcels) {
    parcel = Densify(parcel, options.building_px * 0.8, true);
    if (!in_rows) Bend(town.wobble, parcel);
    Bend(town.bend, parcel);
  }
  block.parcels = std::move(laid.parcels);
  const double gap = options.building_px * 0.2 + 1.0;
  std::erase_if(laid.plots, [&](Plot& plot) {
    for (Point2d& p : plot.quad) p = town.bend.Apply(p);
    Bend(town.bend, plot.cut);
    Ring corners(plot.quad.begin(), plot.quad.end());
    if (!Fits(corners, town.region)) return true;
    corners.push_back(MeanPoint(corners));
    return std::ranges::any_of(
        corners, [&](Point2d p) { return IsTaken(world, p, gap); });
  });
  return std::move(laid.plots);
}

void SettleBlock(World& world, size_t index, const TownContext& town, Rng rng) {
  const WorldOptions& options = world.options;
  WorldBlock& block = world.blocks[index];
  const BlockCharacter character =
      DrawCharacter(options, town, MeanPoint(block.outline), rng);
  block.use = character.use;
  block.owner =
      static_cast<int>(block.use == BlockUse::kPublic
                           ? rng.Choice({0.1, 0.5, 0.2, 0.05, 0.15})
                           : rng.Choice({0.62, 0.08, 0.1, 0.17, 0.03}));
  const int last = static_cast<int>(options.editions.size()) - 1;
  if (last > 0 && rng.Chance(character.late))
    block.since = static_cast<int>(rng.Int(1, last));
  const std::vector<Plot> plots = LayGround(world, block, character, town, rng);
  Site site;
  site.outline = block.outline;
  site.is_dry = [&](Point2d p) {
    return Fits({p}, town.region) && !IsTaken(world, p, 1.0);
  };
  site.density = options.density <= 0.0
                     ? 0.0
                     : std::clamp(0.25 + character.density, 0.0, 1.0);
  site.since = static_cast<size_t>(block.since);
  site.shed_area = town.shed_area;
  BlockLife life = LiveBlock(plots, site, options, rng);
  const uint64_t first = world.buildings.size() + 1;
  for (WorldBuilding& building : life.buildings) {
    building.identity = world.buildings.size() + 1;
    building.block = index;
    world.buildings.push_back(std::move(building));
  }
  for (WorldLink& link : life.links) {
    link.from += first;
    link.to += first;
    world.links.push_back(link);
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

World MakeWorld(const WorldOptions& options) {
  options.Validate();
  const Rng rng(options.seed, 0x776f726c64ULL);
  World world;
  world.options = options;
  const double m = options.margin_px;
  const double w = options.width_px;
  const double h = options.height_px;
  world.distortion = MakeDistortion(options, rng.Fork(kDistortionStream));
  TownContext town = MakeTown(options, rng.Fork(kBendStream));
  town.region = {m, m, w - m, h - m};
  town.shed_area = DrawShedArea(options, rng.Fork(kSurveyStream));

  // Streets, fields and waters run on to the edge of the window.
  const Box land{std::min(m, 0.0), std::min(m, 0.0), std::max(w - m, w),
                 std::max(h - m, h)};
  AddWaters(world, land, rng.Fork(kWaterStream));
  AddRailway(world, land, rng.Fork(kRailStream));
  Rng plan_rng = rng.Fork(kPlanStream);
  StreetPlan plan = MakeStreetPlan(options, land, plan_rng);
  town.settlements = std::move(plan.settlements);
  for (WorldStreet& street : plan.streets) {
    street.centreline =
        Densify(street.centreline, options.building_px * 2.0, false);
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
  AddRelief(world, land, rng.Fork(kReliefStream));
  AddLines(world, land, rng.Fork(kLineStream));
  world.links = CompleteLinks(world.buildings, std::move(world.links));
  DistortBuildings(world);
  return world;
}

}  // namespace mapweave::synth
