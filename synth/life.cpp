// SPDX-License-Identifier: MIT
#include "synth/life.h"

#include "synth/alterations.h"
#include "synth/outline.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

namespace mapweave::synth {
namespace {

using tracking::LineageKind;

// Overlaps below this depth are touching walls, in pixels.
constexpr double kTouchPx = 0.05;
// The same between plots, whose corners a bent town shears a little.
constexpr double kPlotsTouchPx = 0.3;
// Two outlines whose IoU is this near to one half leave it open in which the
// identity goes on: such splits and mergers do not happen.
constexpr double kUndecided = 0.03;
// What is built anew differs from what went: largest IoU.
constexpr double kRebuiltIoU = 0.65;
constexpr double kRebuiltShare = 0.55;

bool IsUndecided(double iou) { return std::abs(iou - 0.5) < kUndecided; }

// The kinds to try, the drawn one first. Demolition always works.
std::vector<WorldEvent> KindsToTry(WorldEvent event) {
  using enum WorldEvent;
  switch (event) {
    case kSplit:
      return {kSplit, kMerged, kEnlarged, kReduced};
    case kMerged:
      return {kMerged, kRecomposed, kEnlarged, kReduced};
    case kRecomposed:
      return {kRecomposed, kMerged, kSplit, kEnlarged, kReduced};
    case kEnlarged:
      return {kEnlarged, kReshaped, kReduced};
    case kReshaped:
      return {kReshaped, kEnlarged, kReduced};
    case kReduced:
      return {kReduced, kRedrawn};
    case kRebuilt:
      return {kRebuilt, kReduced};
    default:
      return {event};
  }
}

// One building at its present state.
struct Unit {
  size_t building = 0;
  Polygon outline;
  std::vector<size_t> plots;
  // Shares walls, so it cannot move or turn by itself.
  bool attached = false;
  bool stands = true;
  bool was_drawn = false;  // on the edition before
  bool changed = false;    // since the edition before
};

class BlockSimulator {
 public:
  BlockSimulator(const std::vector<Plot>& plots, const Site& site,
                 const WorldOptions& options, Rng& rng)
      : plots_(plots),
        site_(site),
        options_(options),
        rng_(rng),
        load_(plots.size(), 0) {}

  BlockLife Run() {
    for (size_t t = site_.since; t < options_.editions.size(); ++t) {
      edition_ = t;
      gone_.clear();
      const size_t before = units_.size();
      for (Unit& unit : units_) unit.changed = false;
      for (size_t i = 0; i < before; ++i)
        if (units_[i].stands && !units_[i].changed) Decide(i);
      std::erase_if(units_, [](const Unit& unit) { return !unit.stands; });
      FillPlots();
      for (Unit& unit : units_) Survey(unit);
    }
    return std::move(life_);
  }

 private:
  WorldBuilding& BuildingOf(const Unit& unit) {
    return life_.buildings[unit.building];
  }

  bool LeavesOutSheds() const { return site_.shed_area[edition_] > 0.0; }

  size_t Start(WorldEvent event, const WorldBuilding& like) {
    const size_t editions = options_.editions.size();
    WorldBuilding building;
    building.footprint.resize(editions);
    building.stands.assign(editions, false);
    building.events.assign(editions, WorldEvent::kNone);
    building.events[edition_] = event;
    building.is_public = like.is_public;
    building.is_outbuilding = like.is_outbuilding;
    life_.buildings.push_back(std::move(building));
    return life_.buildings.size() - 1;
  }

  void Place(Unit unit) {
    for (const size_t plot : unit.plots) ++load_[plot];
    unit.changed = true;
    units_.push_back(std::move(unit));
  }

  // Takes the unit off the ground; its building may go on in another.
  void Clear(Unit& unit) {
    unit.stands = false;
    unit.changed = true;
    for (const size_t plot : unit.plots) --load_[plot];
  }

  void Link(size_t from, size_t to, LineageKind kind) {
    life_.links.push_back({from, to, static_cast<int>(edition_) - 1,
                           static_cast<int>(edition_), kind});
  }

  // Whether a polygon meets no building but some, after its own walls are
  // moved inward.
  bool IsClear(const Polygon& polygon, const std::vector<size_t>& but,
               double inset) const {
    for (size_t i = 0; i < units_.size(); ++i) {
      if (!units_[i].stands || std::ranges::find(but, i) != but.end()) continue;
      if (Collide(polygon, units_[i].outline, inset)) return false;
    }
    return true;
  }

  // Whether it lies on the block's dry ground, too.
  bool IsFree(const Polygon& polygon, const std::vector<size_t>& but) const {
    return std::ranges::all_of(polygon.shell,
                               [&](Point2d p) {
                                 return Contains(site_.outline, p) &&
                                        site_.is_dry(p);
                               }) &&
           IsClear(polygon, but, kTouchPx);
  }

  GroundCheck FreeBut(std::vector<size_t> but) const {
    return [this, but = std::move(but)](const Polygon& polygon) {
      return IsFree(polygon, but);
    };
  }

  void Decide(size_t i) {
    if (!rng_.Chance(options_.change)) return;
    const LifeShares& s = options_.life;
    static const std::vector<WorldEvent> kEvents = {
        WorldEvent::kDemolished, WorldEvent::kRebuilt,
        WorldEvent::kEnlarged,   WorldEvent::kReduced,
        WorldEvent::kReshaped,   WorldEvent::kRedrawn,
        WorldEvent::kSplit,      WorldEvent::kMerged,
        WorldEvent::kRecomposed};
    const WorldEvent drawn = kEvents[rng_.Choice(
        {s.demolish, s.rebuild, s.enlarge, s.reduce, s.reshape, s.redrawn,
         s.split, s.merge, s.recompose})];
    for (const WorldEvent event : KindsToTry(drawn))
      if (Try(event, i)) return;
  }

  bool Try(WorldEvent event, size_t i) {
    const Polygon outline = units_[i].outline;
    const GroundCheck is_free = FreeBut({i});
    switch (event) {
      case WorldEvent::kDemolished:
        BuildingOf(units_[i]).events[edition_] = event;
        gone_.push_back(outline);
        Clear(units_[i]);
        return true;
      case WorldEvent::kRebuilt:
        return TryRebuild(i);
      case WorldEvent::kEnlarged:
        return Change(i, event, Enlarge(outline, is_free, rng_));
      case WorldEvent::kReduced:
        return Change(i, event, Reduce(outline, rng_));
      case WorldEvent::kReshaped:
        return Change(i, event, Reshape(outline, is_free, rng_));
      case WorldEvent::kRedrawn:
        return Change(i, event, Redraw(i, is_free));
      case WorldEvent::kSplit:
        return TrySplit(i);
      case WorldEvent::kMerged:
        return TryMerge(i);
      case WorldEvent::kRecomposed:
        return TryRecompose(i);
      default:
        return false;
    }
  }

  bool Change(size_t i, WorldEvent event, std::optional<Polygon> outline) {
    if (!outline) return false;
    units_[i].outline = std::move(*outline);
    units_[i].changed = true;
    BuildingOf(units_[i]).events[edition_] = event;
    return true;
  }

  // In another place, or otherwise generalised.
  std::optional<Polygon> Redraw(size_t i, const GroundCheck& is_free) {
    const Unit& unit = units_[i];
    if (unit.attached || rng_.Chance(0.45)) {
      if (auto drawn = Generalise(unit.outline, is_free, rng_)) return drawn;
    }
    if (unit.attached) return std::nullopt;
    const double reach = std::clamp(options_.building_px * 0.12, 0.8, 3.0);
    Polygon moved = unit.outline;
    const Point2d centre = MeanPoint(moved.shell);
    const Point2d offset{rng_.Normal(0.0, reach), rng_.Normal(0.0, reach)};
    const double angle = rng_.Normal(0.0, 0.05);
    const double scale = rng_.Uniform(0.95, 1.06);
    ForEachRing(moved, [&](Ring& ring) {
      ring = MapRing(ring, centre, angle, offset, scale);
    });
    if (!is_free(moved)) return std::nullopt;
    return moved;
  }

  // Whether buildings can come out of this one: it must be seen before, and
  // what comes out of it must be drawn.
  bool CanPass(const Unit& unit) const {
    return unit.was_drawn && !unit.changed && unit.stands &&
           !(LeavesOutSheds() && life_.buildings[unit.building].is_outbuilding);
  }

  // A house on its plot: the planned one, or another.
  Polygon House(const Plot& plot, bool as_planned) {
    if (!plot.cut.empty()) return Tidy({plot.cut, {}});
    HousePlan plan = plot.plan;
    if (!as_planned) {
      const double width = Norm(plot.quad[1] - plot.quad[0]);
      const double depth = Norm(plot.quad[3] - plot.quad[0]);
      plan.shape = PickShape(rng_, width, depth, plot.is_public);
      plan.mirrored = rng_.Chance(0.5);
      plan.a = rng_.Uniform(0.3, 0.7);
      plan.b = rng_.Uniform(0.3, 0.7);
      if (plot.attached) {
        plan.v1 = rng_.Uniform(0.5, 1.0);
      } else {
        const double u = rng_.Uniform(0.0, 0.35);
        const double v = rng_.Uniform(0.0, 0.35);
        plan.u0 = u * rng_.Uniform();
        plan.u1 = 1.0 - (u - plan.u0);
        plan.v0 = v * rng_.Uniform();
        plan.v1 = 1.0 - (v - plan.v0);
      }
    }
    return Tidy(DrawPlan(plan, plot.quad));
  }

  bool TryRebuild(size_t i) {
    if (!CanPass(units_[i])) return false;
    const Unit old = units_[i];
    std::optional<Polygon> fresh;
    const bool own_plot = old.plots.size() == 1 && load_[old.plots[0]] == 1 &&
                          plots_[old.plots[0]].cut.empty();
    constexpr int kPlans = 5;
    for (int k = 0; own_plot && k < kPlans && !fresh; ++k) {
      Polygon house = House(plots_[old.plots[0]], false);
      const double common = OverlapArea({old.outline}, {house});
      const double a = AreaOf(old.outline);
      const double b = AreaOf(house);
      if (common > kRebuiltIoU * (a + b - common) ||
          common < kRebuiltShare * std::min(a, b) || !IsFree(house, {i})) {
        continue;
      }
      fresh = std::move(house);
    }
    if (!fresh) fresh = RebuildWithin(old.outline, rng_);
    if (!fresh) return false;
    BuildingOf(old).events[edition_] = WorldEvent::kDemolished;
    Unit unit = old;
    unit.building = Start(WorldEvent::kRebuilt, BuildingOf(old));
    unit.outline = std::move(*fresh);
    Clear(units_[i]);
    Link(old.building, unit.building, LineageKind::kRebuild);
    Place(std::move(unit));
    return true;
  }

  bool TrySplit(size_t i) {
    if (!CanPass(units_[i])) return false;
    const Unit old = units_[i];
    Parts parts = Split(old.outline, rng_);
    if (parts.outlines.empty()) return false;
    std::vector<std::vector<double>> overlap(1);
    for (const Polygon& part : parts.outlines)
      overlap[0].push_back(AreaOf(part));
    return Replace({i}, parts.outlines, overlap, WorldEvent::kSplit,
                   parts.share_walls);
  }

  // The neighbours that make one outline with units_[i], and that outline.
  std::pair<std::vector<size_t>, Polygon> Neighbours(size_t i) {
    std::vector<size_t> group = {i};
    Polygon whole = units_[i].outline;
    const double max_gap = std::clamp(options_.building_px * 0.5, 2.0, 9.0);
    const size_t wanted = rng_.Chance(0.25) ? 3 : 2;
    const size_t n = units_.size();
    const auto start =
        static_cast<size_t>(rng_.Int(0, static_cast<int64_t>(n) - 1));
    for (size_t k = 0; k < n && group.size() < wanted; ++k) {
      const size_t j = (start + k) % n;
      if (!CanPass(units_[j]) || std::ranges::find(group, j) != group.end())
        continue;
      std::vector<size_t> but = group;
      but.push_back(j);
      if (auto joined = Join(whole, units_[j].outline, max_gap, FreeBut(but))) {
        whole = std::move(*joined);
        group = std::move(but);
      }
    }
    return {std::move(group), std::move(whole)};
  }

  bool TryMerge(size_t i) {
    if (!CanPass(units_[i])) return false;
    const auto [group, whole] = Neighbours(i);
    if (group.size() < 2) return false;
    std::vector<std::vector<double>> overlap;
    for (const size_t k : group) overlap.push_back({AreaOf(units_[k].outline)});
    return Replace(group, {whole}, overlap, WorldEvent::kMerged, true);
  }

  bool TryRecompose(size_t i) {
    if (!CanPass(units_[i])) return false;
    const auto [group, whole] = Neighbours(i);
    if (group.size() < 2) return false;
    std::vector<Polygon> before;
    for (const size_t k : group) before.push_back(units_[k].outline);
    constexpr int kTries = 4;
    for (int k = 0; k < kTries; ++k) {
      const Recomposition anew = Recompose(before, whole, rng_);
      if (anew.outlines.empty()) return false;
      if (Replace(group, anew.outlines, anew.overlap, WorldEvent::kRecomposed,
                  true)) {
        return true;
      }
    }
    return false;
  }

  // Puts outlines in the place of a group of units; overlap[i][j] is the area
  // common to old outline i and new outline j.
  bool Replace(const std::vector<size_t>& group,
               const std::vector<Polygon>& outlines,
               const std::vector<std::vector<double>>& overlap,
               WorldEvent event, bool attached) {
    std::vector<std::optional<size_t>> heir(group.size());
    std::vector<std::optional<size_t>> parent(outlines.size());
    std::vector<std::pair<size_t, size_t>> ties;
    for (size_t i = 0; i < group.size(); ++i) {
      const double old_area = AreaOf(units_[group[i]].outline);
      for (size_t j = 0; j < outlines.size(); ++j) {
        const double area = AreaOf(outlines[j]);
        const double common = overlap[i][j];
        const double iou = common / (old_area + area - common);
        if (IsUndecided(iou)) return false;
        if (iou > 0.5) {
          heir[i] = j;
          parent[j] = i;
        }
        if (common >= 0.5 * std::min(old_area, area)) ties.emplace_back(i, j);
      }
    }
    std::vector<Unit> old;
    Unit like = units_[group[0]];
    like.plots.clear();
    like.attached = attached;
    WorldBuilding kind = BuildingOf(like);
    for (const size_t k : group) {
      old.push_back(units_[k]);
      for (const size_t plot : units_[k].plots)
        if (std::ranges::find(like.plots, plot) == like.plots.end())
          like.plots.push_back(plot);
      like.attached = like.attached || units_[k].attached;
      kind.is_public = kind.is_public || BuildingOf(units_[k]).is_public;
      kind.is_outbuilding =
          kind.is_outbuilding && BuildingOf(units_[k]).is_outbuilding;
      BuildingOf(units_[k]).events[edition_] = event;
      Clear(units_[k]);
    }
    std::vector<size_t> buildings;
    for (size_t j = 0; j < outlines.size(); ++j) {
      Unit unit = like;
      unit.stands = true;
      unit.outline = outlines[j];
      unit.building = parent[j] ? old[*parent[j]].building : Start(event, kind);
      buildings.push_back(unit.building);
      Place(std::move(unit));
    }
    const LineageKind link = event == WorldEvent::kSplit ? LineageKind::kSplit
                             : event == WorldEvent::kMerged
                                 ? LineageKind::kMerge
                                 : LineageKind::kRecompose;
    for (const auto& [i, j] : ties) Link(old[i].building, buildings[j], link);
    return true;
  }

  // New houses. A new quarter fills at once, later gaps slowly.
  void FillPlots() {
    const bool opening = edition_ == site_.since;
    for (size_t k = 0; k < plots_.size(); ++k) {
      const Plot& plot = plots_[k];
      const double full = plot.chance * site_.density;
      if (load_[k] > 0) continue;
      if (!rng_.Chance(opening ? full : 0.6 * options_.change * full)) continue;
      const bool first = !built_.contains(k);
      Unit unit;
      unit.outline = House(plot, first);
      const bool crosses = !IsClear(unit.outline, {}, kPlotsTouchPx) ||
                           std::ranges::any_of(gone_, [&](const Polygon& old) {
                             return Collide(unit.outline, old, kPlotsTouchPx);
                           });
      if (crosses) continue;
      built_.insert(k);
      WorldBuilding like;
      like.is_public = plot.is_public;
      like.is_outbuilding = plot.is_outbuilding;
      unit.building = Start(WorldEvent::kBuilt, like);
      unit.plots = {k};
      unit.attached = plot.attached;
      Place(std::move(unit));
    }
  }

  // Draws the unit as the surveyors of the edition saw it.
  void Survey(Unit& unit) {
    WorldBuilding& building = BuildingOf(unit);
    WorldEvent& event = building.events[edition_];
    building.stands[edition_] = true;
    if (event == WorldEvent::kNone) event = WorldEvent::kPersists;
    const bool is_small = building.is_outbuilding &&
                          AreaOf(unit.outline) < site_.shed_area[edition_];
    unit.was_drawn = !is_small && !(event == WorldEvent::kPersists &&
                                    rng_.Chance(options_.omission));
    if (!unit.was_drawn) {
      event = WorldEvent::kOmitted;
      return;
    }
    Polygon drawn = unit.outline;
    if (!unit.attached) {
      // No two surveys put a corner at quite the same place.
      const double s = options_.unsteadiness_px;
      const Point2d offset{rng_.Normal(0.0, s), rng_.Normal(0.0, s)};
      const double angle = rng_.Normal(0.0, 0.03 * s);
      const double scale = 1.0 + rng_.Normal(0.0, 0.03 * s);
      const Point2d centre = MeanPoint(drawn.shell);
      ForEachRing(drawn, [&](Ring& ring) {
        ring = MapRing(ring, centre, angle, offset, scale);
      });
    }
    building.footprint[edition_] = {std::move(drawn)};
  }

  const std::vector<Plot>& plots_;
  const Site& site_;
  const WorldOptions& options_;
  Rng& rng_;
  BlockLife life_;
  std::vector<Unit> units_;
  std::vector<int> load_;      // units on each plot
  std::set<size_t> built_;     // plots that carried a house already
  std::vector<Polygon> gone_;  // outlines that went on this edition
  size_t edition_ = 0;
};

}  // namespace

BlockLife LiveBlock(const std::vector<Plot>& plots, const Site& site,
                    const WorldOptions& options, Rng& rng) {
  return BlockSimulator(plots, site, options, rng).Run();
}

}  // namespace mapweave::synth
