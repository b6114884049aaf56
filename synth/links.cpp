// SPDX-License-Identifier: MIT
#include "synth/links.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace mapweave::synth {
namespace {

using tracking::LineageKind;

LineageKind KindOf(WorldEvent event) {
  switch (event) {
    case WorldEvent::kEnlarged:
      return LineageKind::kEnlarge;
    case WorldEvent::kReduced:
      return LineageKind::kReduce;
    case WorldEvent::kReshaped:
      return LineageKind::kReshape;
    case WorldEvent::kRedrawn:
      return LineageKind::kRedrawn;
    default:
      return LineageKind::kPersist;
  }
}

}  // namespace

std::vector<WorldLink> CompleteLinks(
    const std::vector<WorldBuilding>& buildings,
    std::vector<WorldLink> between) {
  using Drawing = std::pair<uint64_t, int>;  // building, edition
  std::set<Drawing> explained_before;
  std::set<Drawing> explained_after;
  std::set<Drawing> goes_on;  // through a link between buildings
  for (const WorldLink& link : between) {
    explained_after.emplace(link.from, link.from_edition);
    explained_before.emplace(link.to, link.to_edition);
    if (link.from == link.to) goes_on.emplace(link.to, link.to_edition);
  }
  std::vector<WorldLink> links = std::move(between);
  for (const WorldBuilding& building : buildings) {
    const uint64_t id = building.identity;
    const int editions = static_cast<int>(building.footprint.size());
    int last = -1;
    for (int t = 0; t < editions; ++t) {
      if (building.footprint[static_cast<size_t>(t)].empty()) continue;
      if (last < 0) {
        if (t > 0 && !explained_before.contains({id, t}))
          links.push_back({0, id, t - 1, t, LineageKind::kAppear});
      } else if (last + 1 < t) {
        links.push_back({id, id, last, t, LineageKind::kGap});
      } else if (!goes_on.contains({id, t})) {
        links.push_back(
            {id, id, last, t, KindOf(building.events[static_cast<size_t>(t)])});
      }
      last = t;
    }
    if (last >= 0 && last + 1 < editions &&
        !explained_after.contains({id, last})) {
      links.push_back({id, 0, last, last + 1, LineageKind::kDisappear});
    }
  }
  std::ranges::sort(links, {}, [](const WorldLink& link) {
    return std::tuple(link.from_edition, link.to_edition, link.from, link.to);
  });
  return links;
}

}  // namespace mapweave::synth
