// SPDX-License-Identifier: MIT
#include "tracking/link_chains.h"

#include <algorithm>
#include <utility>

namespace mapweave::tracking {

Chains::Chains(const std::vector<std::vector<Instance>>& editions)
    : editions_(editions) {
  for (const std::vector<Instance>& instances : editions) {
    next_.emplace_back(instances.size());
    has_previous_.emplace_back(instances.size(), 0);
  }
}

void Chains::Link(const InstanceRef& from, const InstanceRef& to,
                  double probability) {
  next_[from.edition][from.index] = {to.edition, to.index,
                                     static_cast<float>(probability)};
  has_previous_[to.edition][to.index] = 1;
}

TrackSet Chains::ToTracks() const {
  std::vector<std::pair<std::pair<Run, int>, Track>> keyed;
  for (size_t t = 0; t < editions_.size(); ++t) {
    for (size_t i = 0; i < editions_[t].size(); ++i) {
      const InstanceRef start{static_cast<int>(t), static_cast<int>(i)};
      if (!IsStart(start.edition, start.index)) continue;
      const Mask& mask = editions_[t][i].mask;
      keyed.push_back(
          {{mask.IsEmpty() ? Run{} : mask.Runs().front(), start.edition},
           Follow(start)});
    }
  }
  std::stable_sort(
      keyed.begin(), keyed.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  TrackSet tracks;
  tracks.reserve(keyed.size());
  for (auto& [key, track] : keyed) tracks.push_back(std::move(track));
  return tracks;
}

Track Chains::Follow(InstanceRef at) const {
  const size_t count = editions_.size();
  Track track;
  track.masks.resize(count);
  track.presence.assign(count, 0.0f);
  track.link.assign(count, 0.0f);
  double sum = 0.0;
  int seen = 0;
  while (at.edition != kNone) {
    const Instance& instance = editions_[at.edition][at.index];
    const Onward& onward = next_[at.edition][at.index];
    track.masks[at.edition] = instance.mask;
    track.presence[at.edition] = instance.score;
    track.link[at.edition] = onward.probability;
    sum += instance.score;
    ++seen;
    at = {onward.edition, onward.index};
  }
  track.score = static_cast<float>(sum / seen);
  return track;
}

}  // namespace mapweave::tracking
