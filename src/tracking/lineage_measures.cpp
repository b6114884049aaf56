// SPDX-License-Identifier: MIT
#include "tracking/lineage_measures.h"

#include "core/error.h"
#include "tracking/assignment.h"
#include "tracking/box_index.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace mapweave::tracking {
namespace {

// More than the IoUs of one connected group of pairs add up to, so that the
// number of pairs comes first and their overlap second.
constexpr double kPairReward = 1e4;
constexpr int kNobody = -1;
constexpr int kUnmatched = -2;

// True track of every predicted one on edition t, or kUnmatched.
std::vector<int> MatchEdition(const TrackSet& predicted, const TrackSet& truth,
                              size_t t, double iou_threshold) {
  BoxIndex index;
  for (size_t g = 0; g < truth.size(); ++g)
    index.Insert(static_cast<int>(g), truth[g].masks[t].Bounds());
  std::vector<Candidate> candidates;
  for (size_t p = 0; p < predicted.size(); ++p) {
    const Mask& mask = predicted[p].masks[t];
    if (mask.IsEmpty()) continue;
    for (const int g : index.Overlapping(mask.Bounds())) {
      const double iou = IoU(mask, truth[static_cast<size_t>(g)].masks[t]);
      if (iou >= iou_threshold)
        candidates.push_back({static_cast<int>(p), g, kPairReward + iou});
    }
  }
  std::vector<int> matches(predicted.size(), kUnmatched);
  for (const Candidate& chosen : MatchByWeight(std::move(candidates)))
    matches[static_cast<size_t>(chosen.row)] = chosen.col;
  return matches;
}

// What an event is, in terms of the true tracks.
using EventKey = std::tuple<LineageKind, size_t, size_t, int, int>;

void Check(const LineageSide& side, size_t editions) {
  for (const Track& track : side.tracks) {
    if (track.masks.size() != editions) {
      throw Error(ErrorCode::kBadInput,
                  "tracks to compare differ in their number of editions");
    }
  }
  for (const LineageEvent& event : side.events) {
    const bool fits = event.from_edition < editions &&
                      event.to_edition < editions &&
                      event.from_track.value_or(0) < side.tracks.size() &&
                      event.to_track.value_or(0) < side.tracks.size();
    if (!fits) {
      throw Error(ErrorCode::kBadInput,
                  "an event of the lineage names a track or an edition that "
                  "is not there");
    }
  }
}

int TruthOf(const TrackSet& truth, std::optional<size_t> track, size_t t) {
  if (!track) return kNobody;
  return truth[*track].masks[t].IsEmpty() ? kUnmatched
                                          : static_cast<int>(*track);
}

}  // namespace

std::map<LineageKind, MatchScore> EvaluateLineage(const LineageSide& predicted,
                                                  const LineageSide& truth,
                                                  double iou_threshold) {
  if (!(iou_threshold > 0.0 && iou_threshold <= 1.0)) {
    throw Error(ErrorCode::kUsage, "the IoU threshold must lie in (0, 1]");
  }
  size_t editions = 0;
  for (const TrackSet* set : {&predicted.tracks, &truth.tracks}) {
    if (!set->empty()) editions = set->front().masks.size();
  }
  Check(predicted, editions);
  Check(truth, editions);

  std::map<LineageKind, MatchScore> scores;
  std::multiset<EventKey> open;
  for (const LineageEvent& event : truth.events) {
    ++scores[event.kind].false_negatives;
    open.emplace(event.kind, event.from_edition, event.to_edition,
                 TruthOf(truth.tracks, event.from_track, event.from_edition),
                 TruthOf(truth.tracks, event.to_track, event.to_edition));
  }
  std::vector<std::vector<int>> matches;
  for (size_t t = 0; t < editions; ++t) {
    matches.push_back(
        MatchEdition(predicted.tracks, truth.tracks, t, iou_threshold));
  }
  const auto match_of = [&](std::optional<size_t> track, size_t t) {
    return track ? matches[t][*track] : kNobody;
  };
  for (const LineageEvent& event : predicted.events) {
    MatchScore& score = scores[event.kind];
    const int from = match_of(event.from_track, event.from_edition);
    const int to = match_of(event.to_track, event.to_edition);
    const auto found =
        open.find({event.kind, event.from_edition, event.to_edition, from, to});
    if (from == kUnmatched || to == kUnmatched || found == open.end()) {
      ++score.false_positives;
      continue;
    }
    open.erase(found);
    ++score.true_positives;
    --score.false_negatives;
  }
  return scores;
}

}  // namespace mapweave::tracking
