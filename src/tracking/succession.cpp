// SPDX-License-Identifier: MIT
#include "core/json.h"
#include "tracking/box_index.h"
#include "tracking/life.h"
#include "tracking/lineage.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace mapweave::tracking {
namespace {

// Part of the smaller drawing that must lie within the other.
constexpr double kMinShare = 0.5;

// Two editions, older first.
using Step = std::pair<size_t, size_t>;

// Tracks for which both editions of a step are consecutive.
struct StepTracks {
  std::vector<size_t> before;  // seen on the older one
  std::vector<size_t> after;   // seen on the newer one
};

std::map<Step, StepTracks> StepsOf(const std::vector<Life>& lives) {
  std::map<Step, StepTracks> steps;
  for (size_t i = 0; i < lives.size(); ++i) {
    for (const size_t t : lives[i].Seen()) {
      if (const auto next = lives[i].FirstCoveredAfter(t)) {
        steps[{t, *next}].before.push_back(i);
      }
      if (const auto last = lives[i].LastCoveredBefore(t)) {
        steps[{*last, t}].after.push_back(i);
      }
    }
  }
  return steps;
}

int MedianOf(std::vector<int> values) {
  if (values.empty()) return 0;
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// By how much each track's older drawing stands off the newer edition: by its
// own displacement if it is seen on both, else by the median of those.
std::map<size_t, cv::Point> DisplacementsOf(const std::vector<Life>& lives,
                                            const Step& step,
                                            const StepTracks& tracks) {
  std::map<size_t, cv::Point> displacements;
  std::vector<int> dx;
  std::vector<int> dy;
  for (const size_t i : tracks.before) {
    if (!lives[i].IsSeen(step.second)) continue;
    const cv::Point displacement = CompareOutlines(lives[i].MaskAt(step.first),
                                                   lives[i].MaskAt(step.second),
                                                   lives[i].Options().outline)
                                       .displacement;
    displacements[i] = displacement;
    dx.push_back(displacement.x);
    dy.push_back(displacement.y);
  }
  const cv::Point median(MedianOf(dx), MedianOf(dy));
  for (const size_t i : tracks.before) displacements.try_emplace(i, median);
  return displacements;
}

struct Tie {
  size_t from = 0;
  size_t to = 0;
  double share = 0.0;  // of the smaller drawing
};

// Ties between different tracks of which one ends or one begins at the step.
std::vector<Tie> TiesOf(const std::vector<Life>& lives, const Step& step,
                        const StepTracks& tracks) {
  BoxIndex index;
  for (const size_t j : tracks.after) {
    index.Insert(static_cast<int>(j), lives[j].MaskAt(step.second).Bounds());
  }
  const std::map<size_t, cv::Point> displacements =
      DisplacementsOf(lives, step, tracks);
  std::vector<Tie> ties;
  for (const size_t i : tracks.before) {
    const cv::Point displacement = displacements.at(i);
    const Mask moved =
        lives[i].MaskAt(step.first).Translated(displacement.x, displacement.y);
    const bool ends = lives[i].Seen().back() == step.first;
    for (const int found : index.Overlapping(moved.Bounds())) {
      const size_t j = static_cast<size_t>(found);
      const bool begins = lives[j].Seen().front() == step.second;
      if (i == j || !(ends || begins)) continue;
      const Mask& after = lives[j].MaskAt(step.second);
      const double share =
          static_cast<double>(moved.IntersectionArea(after)) /
          static_cast<double>(std::min(moved.Area(), after.Area()));
      if (share >= kMinShare) ties.push_back({i, j, share});
    }
  }
  return ties;
}

// Groups of tracks that hang together over one step. Nodes 0..n-1 are drawings
// on the older edition, n..2n-1 on the newer.
class Groups {
 public:
  explicit Groups(size_t tracks) : tracks_(tracks), parent_(2 * tracks) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
  }

  void Join(size_t from, size_t to) {
    parent_[Root(from)] = Root(tracks_ + to);
  }
  size_t RootOf(size_t from) { return Root(from); }
  size_t RootOfAfter(size_t to) { return Root(tracks_ + to); }

 private:
  size_t Root(size_t node) {
    while (parent_[node] != node) {
      parent_[node] = parent_[parent_[node]];
      node = parent_[node];
    }
    return node;
  }

  size_t tracks_;
  std::vector<size_t> parent_;
};

std::optional<LineageKind> KindOf(const Tie& tie, size_t before, size_t after,
                                  const std::vector<Life>& lives,
                                  const Step& step) {
  if (before == 1 && after == 1) {
    const bool replaced = lives[tie.from].Seen().back() == step.first &&
                          lives[tie.to].Seen().front() == step.second;
    if (!replaced) return std::nullopt;
    return LineageKind::kRebuild;
  }
  if (before == 1) return LineageKind::kSplit;
  if (after == 1) return LineageKind::kMerge;
  return LineageKind::kRecompose;
}

void AddStep(const std::vector<Life>& lives, const Step& step,
             const StepTracks& tracks, std::vector<LineageEvent>& events) {
  const std::vector<Tie> ties = TiesOf(lives, step, tracks);
  if (ties.empty()) return;
  Groups groups(lives.size());
  for (const Tie& tie : ties) groups.Join(tie.from, tie.to);
  for (const size_t i : tracks.before) {
    if (lives[i].IsSeen(step.second)) groups.Join(i, i);
  }
  std::map<size_t, size_t> before;  // tracks per group
  std::map<size_t, size_t> after;
  for (const size_t i : tracks.before) ++before[groups.RootOf(i)];
  for (const size_t i : tracks.after) ++after[groups.RootOfAfter(i)];
  for (const Tie& tie : ties) {
    const size_t group = groups.RootOf(tie.from);
    const std::optional<LineageKind> kind =
        KindOf(tie, before[group], after[group], lives, step);
    if (!kind) continue;
    const Json evidence = {{"shared", RoundedForEvidence(tie.share)},
                           {"tracks_before", before[group]},
                           {"tracks_after", after[group]}};
    events.push_back(
        {tie.from, tie.to, step.first, step.second, *kind,
         std::clamp(lives[tie.from].PresenceAt(step.first) * tie.share *
                        lives[tie.to].PresenceAt(step.second),
                    0.0, 1.0),
         evidence.dump()});
  }
}

}  // namespace

std::vector<LineageEvent> DeriveSuccession(const TrackSet& tracks,
                                           const TrackCoverage& coverage,
                                           const LineageOptions& options) {
  options.Validate();
  const std::vector<Life> lives = LivesOf(tracks, coverage, options);
  std::vector<LineageEvent> events;
  for (const auto& [step, step_tracks] : StepsOf(lives)) {
    AddStep(lives, step, step_tracks, events);
  }
  return events;
}

}  // namespace mapweave::tracking
