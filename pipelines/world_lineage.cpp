// SPDX-License-Identifier: MIT
#include "pipelines/world_lineage.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace mapweave::pipelines {
namespace {

using tracking::LineageEvent;
using tracking::LineageKind;

// One drawing: position of the building, and the edition.
using Drawing = std::pair<size_t, size_t>;

bool IsBetweenBuildings(LineageKind kind) {
  return kind == LineageKind::kSplit || kind == LineageKind::kMerge ||
         kind == LineageKind::kRecompose || kind == LineageKind::kRebuild;
}

bool LeavesTheOutline(LineageKind kind) {
  return kind == LineageKind::kPersist || kind == LineageKind::kGap ||
         kind == LineageKind::kRedrawn;
}

// First `a`, then `b`.
LineageKind Joined(LineageKind a, LineageKind b) {
  if (a == b) return a;
  if (IsBetweenBuildings(a) && IsBetweenBuildings(b)) {
    return LineageKind::kRecompose;
  }
  if (IsBetweenBuildings(a)) return a;
  if (IsBetweenBuildings(b)) return b;
  if (LeavesTheOutline(a) && LeavesTheOutline(b)) {
    const bool redrawn =
        a == LineageKind::kRedrawn || b == LineageKind::kRedrawn;
    return redrawn ? LineageKind::kRedrawn : LineageKind::kPersist;
  }
  if (LeavesTheOutline(a)) return b;
  if (LeavesTheOutline(b)) return a;
  return LineageKind::kReshape;
}

auto KeyOf(const LineageEvent& event) {
  return std::tuple(event.from_edition, event.to_edition, event.from_track,
                    event.to_track, event.kind);
}

class LineageJoiner {
 public:
  LineageJoiner(const synth::World& world, const WorldSights& sights)
      : world_(world), sights_(sights) {
    for (size_t i = 0; i < world.buildings.size(); ++i) {
      position_[world.buildings[i].identity] = i;
    }
  }

  std::vector<LineageEvent> Join() {
    std::vector<synth::WorldLink> links = world_.links;
    std::stable_sort(links.begin(), links.end(),
                     [](const synth::WorldLink& a, const synth::WorldLink& b) {
                       return a.to_edition < b.to_edition;
                     });
    for (const synth::WorldLink& link : links) {
      if (link.from != 0 && link.to != 0) Follow(link);
    }
    AddEnds();
    std::sort(events_.begin(), events_.end(),
              [](const LineageEvent& a, const LineageEvent& b) {
                return KeyOf(a) < KeyOf(b);
              });
    return std::move(events_);
  }

 private:
  // What a drawing that is not seen came from: seen drawings, and by what kind
  // of change.
  using Origins = std::map<Drawing, LineageKind>;

  bool IsSeen(const Drawing& drawing) const {
    return sights_.seen[drawing.first][drawing.second];
  }

  void Follow(const synth::WorldLink& link) {
    const Drawing from = {position_.at(link.from),
                          static_cast<size_t>(link.from_edition)};
    const Drawing to = {position_.at(link.to),
                        static_cast<size_t>(link.to_edition)};
    Origins sources;
    if (IsSeen(from)) {
      sources.emplace(from, link.kind);
    } else if (const auto known = origins_.find(from);
               known != origins_.end()) {
      for (const auto& [source, kind] : known->second) {
        sources.emplace(source, Joined(kind, link.kind));
      }
    }
    for (const auto& [source, kind] : sources) {
      if (IsSeen(to)) {
        Add(source, to, kind);
      } else {
        const auto [at, is_new] = origins_[to].emplace(source, kind);
        if (!is_new) at->second = Joined(at->second, kind);
      }
    }
  }

  void Add(const Drawing& from, const Drawing& to, LineageKind kind) {
    LineageEvent event;
    event.from_track = from.first;
    event.to_track = to.first;
    event.from_edition = from.second;
    event.to_edition = to.second;
    event.kind = from.first == to.first ? WithinKind(from, to, kind) : kind;
    event.probability = 1.0;
    events_.push_back(std::move(event));
    has_past_.insert(to);
    has_future_.insert(from);
  }

  LineageKind WithinKind(const Drawing& from, const Drawing& to,
                         LineageKind kind) const {
    if (IsBetweenBuildings(kind)) return kind;
    for (size_t t = from.second + 1; t < to.second; ++t) {
      if (sights_.covered[from.first][t]) return LineageKind::kGap;
    }
    return kind == LineageKind::kGap ? LineageKind::kPersist : kind;
  }

  void AddEnds() {
    const size_t editions = world_.options.editions.size();
    for (size_t i = 0; i < world_.buildings.size(); ++i) {
      for (size_t t = 0; t < editions; ++t) {
        if (!sights_.seen[i][t]) continue;
        if (!has_past_.count({i, t})) AddAppearance(i, t);
        if (!has_future_.count({i, t})) AddDisappearance(i, t);
      }
    }
  }

  void AddAppearance(size_t building, size_t first) {
    for (size_t t = first; t-- > 0;) {
      if (!sights_.covered[building][t]) continue;
      AddEnd(std::nullopt, building, t, first, LineageKind::kAppear);
      return;
    }
  }

  void AddDisappearance(size_t building, size_t last) {
    for (size_t t = last + 1; t < sights_.covered[building].size(); ++t) {
      if (!sights_.covered[building][t]) continue;
      AddEnd(building, std::nullopt, last, t, LineageKind::kDisappear);
      return;
    }
  }

  void AddEnd(std::optional<size_t> from, std::optional<size_t> to,
              size_t from_edition, size_t to_edition, LineageKind kind) {
    LineageEvent event;
    event.from_track = from;
    event.to_track = to;
    event.from_edition = from_edition;
    event.to_edition = to_edition;
    event.kind = kind;
    event.probability = 1.0;
    events_.push_back(std::move(event));
  }

  const synth::World& world_;
  const WorldSights& sights_;
  std::map<uint64_t, size_t> position_;  // of identities
  std::map<Drawing, Origins> origins_;
  std::set<Drawing> has_past_;
  std::set<Drawing> has_future_;
  std::vector<LineageEvent> events_;
};

}  // namespace

std::vector<LineageEvent> SeenLineage(const synth::World& world,
                                      const WorldSights& sights) {
  return LineageJoiner(world, sights).Join();
}

}  // namespace mapweave::pipelines
