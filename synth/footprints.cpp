// SPDX-License-Identifier: MIT
#include "synth/footprints.h"

#include "core/error.h"
#include "core/random.h"
#include "synth/distortion.h"
#include "synth/land.h"
#include "synth/links.h"
#include "synth/outline.h"
#include "synth/shapes.h"
#include "synth/surroundings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace mapweave::synth {
namespace {

using tracking::LineageKind;

// Streams of the world's seed.
enum Stream : uint64_t {
  kGroundStream = 1,
  kDistortionStream,
  kWaterStream,
  kReliefStream,
  kSurveyStream,
};

// Slivers below this are errors of the record, not ground, in square pixels.
constexpr double kSliverPx2 = 0.5;

void CheckLives(const WorldOptions& options,
                const std::vector<FootprintLife>& lives) {
  for (size_t i = 0; i < lives.size(); ++i) {
    const std::vector<bool>& stands = lives[i].stands;
    if (stands.size() != options.editions.size()) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("building {} says for {} editions whether it "
                              "stands, the world has {}",
                              i, stands.size(), options.editions.size()),
                  "give one value per edition");
    }
    int starts = 0;
    for (size_t t = 0; t < stands.size(); ++t)
      starts += stands[t] && (t == 0 || !stands[t - 1]) ? 1 : 0;
    if (starts > 1) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("building {} goes and comes back", i),
                  "give the second building as a record of its own");
    }
  }
}

MultiPolygon TidyAll(const MultiPolygon& outline) {
  MultiPolygon out;
  for (const Polygon& polygon : outline) {
    Polygon tidy = Tidy(polygon);
    if (!tidy.shell.empty() && AreaOf(tidy) >= kSliverPx2)
      out.push_back(std::move(tidy));
  }
  return out;
}

double AreaOfAll(const MultiPolygon& outline) {
  return std::accumulate(
      outline.begin(), outline.end(), 0.0,
      [](double sum, const Polygon& p) { return sum + AreaOf(p); });
}

Box BoundsOfAll(const MultiPolygon& outline) {
  Ring corners;
  for (const Polygon& polygon : outline) {
    const Box box = BoundsOf(polygon.shell);
    corners.push_back({box.min_x, box.min_y});
    corners.push_back({box.max_x, box.max_y});
  }
  return BoundsOf(corners);
}

bool Touches(const Box& a, const Box& b, double gap) {
  return a.min_x <= b.max_x + gap && b.min_x <= a.max_x + gap &&
         a.min_y <= b.max_y + gap && b.min_y <= a.max_y + gap;
}

// Pairs of outlines, i < j, whose bounds come within `gap` of each other.
std::vector<std::pair<size_t, size_t>> NeighboursOf(
    const std::vector<MultiPolygon>& outlines, double gap) {
  std::vector<std::pair<double, size_t>> by_left;
  std::vector<Box> boxes;
  for (size_t i = 0; i < outlines.size(); ++i) {
    boxes.push_back(BoundsOfAll(outlines[i]));
    if (!outlines[i].empty()) by_left.emplace_back(boxes[i].min_x, i);
  }
  std::ranges::sort(by_left);
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t k = 0; k < by_left.size(); ++k) {
    const size_t i = by_left[k].second;
    for (size_t m = k + 1;
         m < by_left.size() && by_left[m].first <= boxes[i].max_x + gap; ++m) {
      const size_t j = by_left[m].second;
      if (Touches(boxes[i], boxes[j], gap))
        pairs.emplace_back(std::min(i, j), std::max(i, j));
    }
  }
  std::ranges::sort(pairs);
  return pairs;
}

bool MeetInTime(const FootprintLife& a, const FootprintLife& b) {
  for (size_t t = 0; t < a.stands.size(); ++t)
    if (a.stands[t] && b.stands[t]) return true;
  return false;
}

// `outline` without what `later` covers; as it is if that cannot be told.
MultiPolygon Without(const MultiPolygon& outline, const MultiPolygon& later) {
  MultiPolygon left = outline;
  for (const Polygon& what : later) {
    MultiPolygon next;
    for (const Polygon& part : left) {
      MultiPolygon cut = Subtract(part, what);
      next.insert(next.end(), std::make_move_iterator(cut.begin()),
                  std::make_move_iterator(cut.end()));
    }
    left = TidyAll(next);
  }
  const double wanted = AreaOfAll(outline) - OverlapArea(outline, later);
  const double slack = 0.05 * AreaOfAll(outline) + 1.0;
  return std::abs(AreaOfAll(left) - wanted) <= slack ? left : outline;
}

class FootprintWorld {
 public:
  FootprintWorld(const WorldOptions& options,
                 const std::vector<FootprintLife>& lives)
      : lives_(lives), rng_(options.seed, 0x666f6f74ULL) {
    world_.options = options;
    for (const FootprintLife& life : lives)
      outlines_.push_back(TidyAll(life.outline));
    world_.options.building_px = MiddlingSide();
  }

  World Make() {
    neighbours_ = NeighboursOf(outlines_, 0.5);
    ResolveOverlaps();
    const std::vector<size_t> homes = LaySurroundings(
        world_, {outlines_, StandInFullestEdition()}, rng_.Fork(kGroundStream));
    AddBuildings(homes);
    LinkSuccessions();
    Survey();
    world_.links = CompleteLinks(world_.buildings, std::move(world_.links));
    const Box land{0.0, 0.0, 1.0 * world_.options.width_px,
                   1.0 * world_.options.height_px};
    AddWaters(world_, land, rng_.Fork(kWaterStream));
    std::erase_if(world_.waters,
                  [&](const WorldWater& water) { return IsBuiltOn(water); });
    AddRelief(world_, land, rng_.Fork(kReliefStream));
    world_.distortion =
        MakeDistortion(world_.options, rng_.Fork(kDistortionStream));
    DistortBuildings(world_);
    return std::move(world_);
  }

 private:
  double MiddlingSide() const {
    std::vector<double> areas;
    for (const MultiPolygon& outline : outlines_)
      if (!outline.empty()) areas.push_back(AreaOfAll(outline));
    if (areas.empty()) return world_.options.building_px;
    const auto middle =
        areas.begin() + static_cast<std::ptrdiff_t>(areas.size() / 2);
    std::ranges::nth_element(areas, middle);
    return std::clamp(std::sqrt(*middle), 4.0, 80.0);
  }

  std::vector<bool> StandInFullestEdition() const {
    size_t fullest = 0;
    std::vector<size_t> counts(world_.options.editions.size(), 0);
    for (size_t t = 0; t < counts.size(); ++t) {
      for (const FootprintLife& life : lives_)
        counts[t] += life.stands[t] ? 1 : 0;
      if (counts[t] > counts[fullest]) fullest = t;
    }
    std::vector<bool> stand;
    for (const FootprintLife& life : lives_)
      stand.push_back(life.stands[fullest]);
    return stand;
  }

  void ResolveOverlaps() {
    for (const auto& [i, j] : neighbours_) {
      if (!MeetInTime(lives_[i], lives_[j]) ||
          OverlapArea(outlines_[i], outlines_[j]) < kSliverPx2) {
        continue;
      }
      outlines_[i] = Without(outlines_[i], outlines_[j]);
    }
  }

  void AddBuildings(const std::vector<size_t>& homes) {
    const double middling = std::pow(world_.options.building_px, 2.0);
    const size_t editions = world_.options.editions.size();
    for (size_t i = 0; i < outlines_.size(); ++i) {
      WorldBuilding building;
      building.identity = i + 1;
      building.stands = lives_[i].stands;
      building.footprint.resize(editions);
      building.events.assign(editions, WorldEvent::kNone);
      building.block = homes[i];
      building.is_public = AreaOfAll(outlines_[i]) > 12.0 * middling;
      building.is_outbuilding = AreaOfAll(outlines_[i]) < 0.2 * middling;
      for (size_t t = 0; t < editions; ++t) {
        const bool now = building.stands[t];
        const bool before = t > 0 && building.stands[t - 1];
        if (now && !before && t > 0) building.events[t] = WorldEvent::kBuilt;
        if (now && (before || t == 0))
          building.events[t] = WorldEvent::kPersists;
        if (!now && before) building.events[t] = WorldEvent::kDemolished;
      }
      world_.buildings.push_back(std::move(building));
    }
  }

  bool Ends(size_t i, size_t t) const {
    return !lives_[i].stands[t] && lives_[i].stands[t - 1] &&
           !outlines_[i].empty();
  }
  bool Begins(size_t i, size_t t) const {
    return lives_[i].stands[t] && !lives_[i].stands[t - 1] &&
           !outlines_[i].empty();
  }

  // What goes on an edition and what comes hang together where they overlap.
  void LinkSuccessions() {
    for (size_t t = 1; t < world_.options.editions.size(); ++t) {
      std::vector<std::pair<size_t, size_t>> ties;  // gone, come
      for (const auto& [i, j] : neighbours_) {
        const bool forward = Ends(i, t) && Begins(j, t);
        const bool backward = Ends(j, t) && Begins(i, t);
        if (!forward && !backward) continue;
        const double smaller =
            std::min(AreaOfAll(outlines_[i]), AreaOfAll(outlines_[j]));
        if (OverlapArea(outlines_[i], outlines_[j]) < 0.5 * smaller) continue;
        ties.emplace_back(forward ? i : j, forward ? j : i);
      }
      LinkTies(ties, t);
    }
  }

  void LinkTies(const std::vector<std::pair<size_t, size_t>>& ties, size_t t) {
    std::vector<size_t> root(outlines_.size());
    std::iota(root.begin(), root.end(), size_t{0});
    const auto find = [&](size_t i) {
      while (root[i] != i) i = root[i];
      return i;
    };
    for (const auto& [gone, come] : ties) root[find(gone)] = find(come);
    std::map<size_t, std::pair<std::vector<size_t>, std::vector<size_t>>>
        groups;
    for (const auto& [gone, come] : ties) {
      auto& [before, after] = groups[find(gone)];
      if (std::ranges::find(before, gone) == before.end())
        before.push_back(gone);
      if (std::ranges::find(after, come) == after.end()) after.push_back(come);
    }
    for (const auto& [gone, come] : ties) {
      const auto& [before, after] = groups[find(gone)];
      const auto [kind, event] = KindOf(before.size(), after.size());
      world_.links.push_back({gone + 1, come + 1, static_cast<int>(t) - 1,
                              static_cast<int>(t), kind});
      world_.buildings[gone].events[t] =
          kind == LineageKind::kRebuild ? WorldEvent::kDemolished : event;
      world_.buildings[come].events[t] = event;
    }
  }

  static std::pair<LineageKind, WorldEvent> KindOf(size_t before,
                                                   size_t after) {
    if (before == 1 && after == 1)
      return {LineageKind::kRebuild, WorldEvent::kRebuilt};
    if (before == 1) return {LineageKind::kSplit, WorldEvent::kSplit};
    if (after == 1) return {LineageKind::kMerge, WorldEvent::kMerged};
    return {LineageKind::kRecompose, WorldEvent::kRecomposed};
  }

  // Draws every edition as its surveyors saw it. What a link between buildings
  // speaks of is never left out.
  void Survey() {
    const WorldOptions& options = world_.options;
    std::vector<bool> touches(outlines_.size(), false);
    for (const auto& [i, j] : neighbours_) {
      if (MeetInTime(lives_[i], lives_[j])) touches[i] = touches[j] = true;
    }
    std::vector<std::vector<bool>> needed(
        outlines_.size(), std::vector<bool>(options.editions.size(), false));
    for (const WorldLink& link : world_.links) {
      needed[link.from - 1][static_cast<size_t>(link.from_edition)] = true;
      needed[link.to - 1][static_cast<size_t>(link.to_edition)] = true;
    }
    const Rng base = rng_.Fork(kSurveyStream);
    for (size_t i = 0; i < outlines_.size(); ++i) {
      Rng rng = base.Fork(i);
      WorldBuilding& building = world_.buildings[i];
      for (size_t t = 0; t < options.editions.size(); ++t) {
        if (!building.stands[t] || outlines_[i].empty()) continue;
        if (building.events[t] == WorldEvent::kPersists && !needed[i][t] &&
            rng.Chance(options.omission)) {
          building.events[t] = WorldEvent::kOmitted;
          continue;
        }
        const double s = touches[i] ? 0.0 : options.unsteadiness_px;
        const Point2d offset{rng.Normal(0.0, s), rng.Normal(0.0, s)};
        building.footprint[t] = outlines_[i];
        for (Polygon& polygon : building.footprint[t]) {
          ForEachRing(polygon, [&](Ring& ring) {
            for (Point2d& p : ring) p = p + offset;
          });
        }
      }
    }
  }

  bool IsBuiltOn(const WorldWater& water) const {
    return std::ranges::any_of(outlines_, [&](const MultiPolygon& outline) {
      return std::ranges::any_of(outline, [&](const Polygon& polygon) {
        return std::ranges::any_of(polygon.shell, [&](Point2d p) {
          return water.centreline.empty()
                     ? Contains(water.outline, p)
                     : DistanceToPolyline(water.centreline, p) <
                           water.width_px / 2 + 2.0;
        });
      });
    });
  }

  const std::vector<FootprintLife>& lives_;
  Rng rng_;
  World world_;
  std::vector<MultiPolygon> outlines_;
  std::vector<std::pair<size_t, size_t>> neighbours_;
};

}  // namespace

World MakeWorldFrom(const WorldOptions& options,
                    const std::vector<FootprintLife>& lives) {
  options.Validate();
  CheckLives(options, lives);
  return FootprintWorld(options, lives).Make();
}

}  // namespace mapweave::synth
