// SPDX-License-Identifier: MIT
#include "tracking/succession.h"

#include "core/error.h"
#include "core/json.h"
#include "tracking/box_index.h"
#include "tracking/life.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace mapweave::tracking {
namespace {

// Part of the smaller drawing that must lie within the other.
constexpr double kMinShare = 0.5;
// Part of either from which an opinion is worth keeping.
constexpr double kMinOpinionShare = 0.25;
// Probability from which two drawings count as related.
constexpr double kRelated = 0.5;

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

// How drawings that are seen on both editions of a step are displaced, by their
// place on the older one.
class LocalDisplacements {
 public:
  void Add(const Mask& before, cv::Point displacement) {
    index_.Insert(static_cast<int>(displacements_.size()), before.Bounds());
    displacements_.push_back(displacement);
  }

  // The median of those around; of all, where there are too few.
  cv::Point Around(const Mask& drawing) const {
    const cv::Rect bounds = drawing.Bounds();
    for (int reach = kFirstReachPx; reach <= kLastReachPx; reach *= 2) {
      const std::vector<int> near = index_.Overlapping(
          {bounds.x - reach, bounds.y - reach, bounds.width + 2 * reach,
           bounds.height + 2 * reach});
      if (near.size() >= kEnoughAround) return MedianOfThose(near);
    }
    std::vector<int> all(displacements_.size());
    std::iota(all.begin(), all.end(), 0);
    return MedianOfThose(all);
  }

 private:
  static constexpr int kFirstReachPx = 16;
  static constexpr int kLastReachPx = 256;
  static constexpr size_t kEnoughAround = 3;

  cv::Point MedianOfThose(const std::vector<int>& which) const {
    std::vector<int> dx;
    std::vector<int> dy;
    for (const int i : which) {
      dx.push_back(displacements_[static_cast<size_t>(i)].x);
      dy.push_back(displacements_[static_cast<size_t>(i)].y);
    }
    return {MedianOf(std::move(dx)), MedianOf(std::move(dy))};
  }

  BoxIndex index_;
  std::vector<cv::Point> displacements_;
};

// By how much each track's older drawing stands off the newer edition: by its
// own displacement if it is seen on both, else by that of those around it.
std::map<size_t, cv::Point> DisplacementsOf(const std::vector<Life>& lives,
                                            const Step& step,
                                            const StepTracks& tracks) {
  std::map<size_t, cv::Point> displacements;
  LocalDisplacements known;
  for (const size_t i : tracks.before) {
    if (!lives[i].IsSeen(step.second)) continue;
    const Mask& before = lives[i].MaskAt(step.first);
    const cv::Point displacement =
        CompareOutlines(before, lives[i].MaskAt(step.second),
                        lives[i].Options().outline)
            .displacement;
    displacements[i] = displacement;
    known.Add(before, displacement);
  }
  for (const size_t i : tracks.before) {
    if (displacements.contains(i)) continue;
    displacements[i] = known.Around(lives[i].MaskAt(step.first));
  }
  return displacements;
}

// Opinions by the tracks whose drawings they speak of.
class Opinions {
 public:
  Opinions(const std::vector<Life>& lives,
           const std::vector<Relation>& relations) {
    if (relations.empty()) return;
    std::map<size_t, BoxIndex> drawings;  // by edition
    for (size_t i = 0; i < lives.size(); ++i) {
      for (const size_t t : lives[i].Seen()) {
        drawings[t].Insert(static_cast<int>(i), lives[i].MaskAt(t).Bounds());
      }
    }
    const auto track_at = [&](int edition,
                              cv::Point place) -> std::optional<size_t> {
      const auto t = static_cast<size_t>(edition);
      const auto on_edition = drawings.find(t);
      if (on_edition == drawings.end()) return std::nullopt;
      for (const int i :
           on_edition->second.Overlapping({place.x, place.y, 1, 1})) {
        const auto track = static_cast<size_t>(i);
        if (lives[track].MaskAt(t).Contains(place.x, place.y)) return track;
      }
      return std::nullopt;
    };
    for (const Relation& relation : relations) {
      const auto from = track_at(relation.from_edition, relation.from);
      const auto to = track_at(relation.to_edition, relation.to);
      if (!from || !to) continue;
      // The first of several windows' opinions stands.
      opinions_.try_emplace(
          {static_cast<size_t>(relation.from_edition),
           static_cast<size_t>(relation.to_edition), *from, *to},
          relation.opinion);
    }
  }

  const PairOpinion* Of(const Step& step, size_t from, size_t to) const {
    const auto found = opinions_.find({step.first, step.second, from, to});
    return found == opinions_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::tuple<size_t, size_t, size_t, size_t>, PairOpinion> opinions_;
};

struct Tie {
  size_t from = 0;
  size_t to = 0;
  double share = 0.0;  // of the smaller drawing
  const PairOpinion* opinion = nullptr;

  // Whether they are parts of one change, if they are not one for another.
  bool IsPart() const {
    return opinion == nullptr
               ? share >= kMinShare
               : static_cast<double>(opinion->related) >= kRelated;
  }
  bool IsOnPlot() const { return share >= kMinShare; }
};

// Ties between tracks of which one ends or one begins at the step, and of the
// tracks that go on through it with themselves.
std::vector<Tie> TiesOf(const std::vector<Life>& lives, const Step& step,
                        const StepTracks& tracks, const Opinions& opinions) {
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
      if (i != j && !(ends || begins)) continue;
      const Mask& after = lives[j].MaskAt(step.second);
      const double share =
          static_cast<double>(moved.IntersectionArea(after)) /
          static_cast<double>(std::min(moved.Area(), after.Area()));
      const Tie tie{i, j, share, opinions.Of(step, i, j)};
      if (tie.IsPart() || tie.IsOnPlot()) ties.push_back(tie);
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

// How many tracks hang together on either edition of a step.
struct GroupSize {
  size_t before = 0;
  size_t after = 0;
  std::optional<LineageKind> Kind() const {
    if (before <= 1 && after <= 1) return std::nullopt;
    if (before == 1) return LineageKind::kSplit;
    if (after == 1) return LineageKind::kMerge;
    return LineageKind::kRecompose;
  }
};

LineageEvent EventOf(const Tie& tie, LineageKind kind, const GroupSize& size,
                     const std::vector<Life>& lives, const Step& step) {
  Json evidence = {{"shared", RoundedForEvidence(tie.share)},
                   {"tracks_before", size.before},
                   {"tracks_after", size.after}};
  double certainty = tie.share;
  if (tie.opinion != nullptr) {
    const auto same = static_cast<double>(tie.opinion->same);
    const auto related = static_cast<double>(tie.opinion->related);
    evidence["same"] = RoundedForEvidence(same);
    evidence["related"] = RoundedForEvidence(related);
    certainty = kind == LineageKind::kRebuild
                    ? tie.share * (1.0 - same) * (1.0 - related)
                    : related;
  }
  return {tie.from,
          tie.to,
          step.first,
          step.second,
          kind,
          std::clamp(lives[tie.from].PresenceAt(step.first) * certainty *
                         lives[tie.to].PresenceAt(step.second),
                     0.0, 1.0),
          evidence.dump()};
}

// Splits, mergers and recompositions of one step, the going on of buildings
// among them.
void AddDivisions(const std::vector<Tie>& ties, const std::vector<Life>& lives,
                  const Step& step, const StepTracks& tracks,
                  std::vector<LineageEvent>& events) {
  Groups groups(lives.size());
  for (const Tie& tie : ties) {
    if (tie.IsPart() && tie.from != tie.to) groups.Join(tie.from, tie.to);
  }
  for (const size_t i : tracks.before) {
    if (lives[i].IsSeen(step.second)) groups.Join(i, i);
  }
  std::map<size_t, GroupSize> sizes;
  for (const size_t i : tracks.before) ++sizes[groups.RootOf(i)].before;
  for (const size_t i : tracks.after) ++sizes[groups.RootOfAfter(i)].after;
  for (const Tie& tie : ties) {
    if (!tie.IsPart() && tie.from != tie.to) continue;
    const GroupSize& size = sizes.at(groups.RootOf(tie.from));
    const std::optional<LineageKind> kind = size.Kind();
    if (kind) events.push_back(EventOf(tie, *kind, size, lives, step));
  }
}

// One building for another on the same plot, where neither is a part of
// something else.
void AddRebuildings(const std::vector<Tie>& ties,
                    const std::vector<Life>& lives, const Step& step,
                    const std::vector<LineageEvent>& divisions,
                    std::vector<LineageEvent>& events) {
  std::map<size_t, int> before;
  std::map<size_t, int> after;
  for (const LineageEvent& event : divisions) {
    before[*event.from_track] = 2;
    after[*event.to_track] = 2;
  }
  for (const Tie& tie : ties) {
    if (!tie.IsOnPlot()) continue;
    ++before[tie.from];
    ++after[tie.to];
  }
  for (const Tie& tie : ties) {
    const bool replaced = lives[tie.from].Seen().back() == step.first &&
                          lives[tie.to].Seen().front() == step.second;
    if (!replaced || !tie.IsOnPlot() || before[tie.from] > 1 ||
        after[tie.to] > 1) {
      continue;
    }
    events.push_back(EventOf(tie, LineageKind::kRebuild, {1, 1}, lives, step));
  }
}

// What happened between buildings, with the going on of those that were
// divided: events from a track to itself.
std::vector<LineageEvent> Successions(const std::vector<Life>& lives,
                                      const std::vector<Relation>& relations) {
  const Opinions opinions(lives, relations);
  std::vector<LineageEvent> events;
  for (const auto& [step, tracks] : StepsOf(lives)) {
    const std::vector<Tie> ties = TiesOf(lives, step, tracks, opinions);
    std::vector<LineageEvent> divisions;
    AddDivisions(ties, lives, step, tracks, divisions);
    AddRebuildings(ties, lives, step, divisions, events);
    events.insert(events.end(), divisions.begin(), divisions.end());
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const LineageEvent& a, const LineageEvent& b) {
                     return std::tuple(a.from_edition, a.to_edition,
                                       a.from_track, a.to_track) <
                            std::tuple(b.from_edition, b.to_edition,
                                       b.from_track, b.to_track);
                   });
  return events;
}

// A pixel well within the mask: the middle of its longest run.
cv::Point PixelOf(const Mask& mask) {
  const auto longest = std::max_element(
      mask.Runs().begin(), mask.Runs().end(), [](const Run& a, const Run& b) {
        return a.end - a.begin < b.end - b.begin;
      });
  return {(longest->begin + longest->end) / 2, longest->row};
}

}  // namespace

std::vector<Relation> RelationsOf(
    const std::vector<std::vector<Instance>>& per_edition,
    const LinkGraph& graph, const std::vector<PairOpinion>& opinions) {
  MAPWEAVE_CHECK(opinions.size() == graph.pairs.size());
  std::vector<Relation> relations;
  for (size_t p = 0; p < graph.pairs.size(); ++p) {
    const LinkPair& pair = graph.pairs[p];
    // Shares of either end, as either end sees them.
    const float share = std::max({pair.from_older[1], pair.from_older[2],
                                  pair.from_newer[1], pair.from_newer[2]});
    if (static_cast<double>(share) < kMinOpinionShare) continue;
    const InstanceRef& a = graph.nodes[pair.older].instance;
    const InstanceRef& b = graph.nodes[pair.newer].instance;
    relations.push_back(
        {a.edition, b.edition, PixelOf(per_edition[a.edition][a.index].mask),
         PixelOf(per_edition[b.edition][b.index].mask), opinions[p]});
  }
  return relations;
}

std::vector<LineageEvent> DeriveSuccession(const TrackSet& tracks,
                                           const TrackCoverage& coverage,
                                           const LineageOptions& options) {
  options.Validate();
  std::vector<LineageEvent> events =
      Successions(LivesOf(tracks, coverage, options), {});
  std::erase_if(events, [](const LineageEvent& event) {
    return event.from_track == event.to_track;
  });
  return events;
}

std::vector<LineageEvent> DeriveHistory(
    const TrackSet& tracks, const TrackCoverage& coverage,
    const LineageOptions& options, const std::vector<Relation>& relations) {
  std::vector<LineageEvent> events = DeriveLineage(tracks, coverage, options);
  const std::vector<LineageEvent> between =
      Successions(LivesOf(tracks, coverage, options), relations);
  using Place = std::tuple<size_t, size_t, size_t>;
  std::set<Place> divided;
  for (const LineageEvent& event : between) {
    if (event.from_track != event.to_track) continue;
    divided.emplace(*event.from_track, event.from_edition, event.to_edition);
  }
  std::erase_if(events, [&](const LineageEvent& event) {
    return event.from_track && event.from_track == event.to_track &&
           divided.contains(
               {*event.from_track, event.from_edition, event.to_edition});
  });
  events.insert(events.end(), between.begin(), between.end());
  std::stable_sort(
      events.begin(), events.end(),
      [](const LineageEvent& a, const LineageEvent& b) {
        return std::tuple(a.from_edition, a.from_track, a.to_track) <
               std::tuple(b.from_edition, b.from_track, b.to_track);
      });
  return events;
}

}  // namespace mapweave::tracking
