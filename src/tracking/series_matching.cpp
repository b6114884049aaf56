// SPDX-License-Identifier: MIT
#include "tracking/series_matching.h"

#include "core/error.h"
#include "tracking/assignment.h"
#include "tracking/box_index.h"

#include <fmt/format.h>

#include <map>

namespace mapweave::tracking {
namespace {

// More than the IoUs of one connected group of pairs add up to, so that the
// number of pairs comes first and their overlap second.
constexpr double kPairReward = 1e4;

size_t EditionsOf(const SeriesView& series) {
  size_t editions = 0;
  bool known = false;
  for (const TrackSet* set : {&series.predicted, &series.truth}) {
    for (const Track& track : *set) {
      if (known && track.masks.size() != editions) {
        throw Error(ErrorCode::kBadInput,
                    fmt::format("One track has {} editions, another {}",
                                editions, track.masks.size()),
                    "Compare tracks over the same editions.");
      }
      editions = track.masks.size();
      known = true;
    }
  }
  return editions;
}

int64_t AreaOf(const Track& track) {
  int64_t area = 0;
  for (const Mask& mask : track.masks) area += mask.Area();
  return area;
}

double IoUOf(int64_t intersection, int64_t a, int64_t b) {
  return static_cast<double>(intersection) /
         static_cast<double>(a + b - intersection);
}

}  // namespace

Prepared Prepare(const SeriesView& series) {
  Prepared prepared{series, EditionsOf(series), {}};
  prepared.overlaps.resize(prepared.editions);
  for (size_t t = 0; t < prepared.editions; ++t) {
    BoxIndex index;
    for (size_t g = 0; g < series.truth.size(); ++g) {
      index.Insert(static_cast<int>(g), series.truth[g].masks[t].Bounds());
    }
    for (size_t p = 0; p < series.predicted.size(); ++p) {
      const Mask& mask = series.predicted[p].masks[t];
      if (mask.IsEmpty()) continue;
      for (const int g : index.Overlapping(mask.Bounds())) {
        const int64_t shared = mask.IntersectionArea(
            series.truth[static_cast<size_t>(g)].masks[t]);
        if (shared > 0) {
          prepared.overlaps[t].push_back({static_cast<int>(p), g, shared});
        }
      }
    }
  }
  return prepared;
}

ApVideo SpaceTimeOverlaps(const Prepared& series) {
  const TrackSet& predicted = series.tracks.predicted;
  const TrackSet& truth = series.tracks.truth;
  std::map<std::pair<int, int>, int64_t> shared;
  for (const std::vector<MaskOverlap>& edition : series.overlaps) {
    for (const MaskOverlap& overlap : edition) {
      shared[{overlap.predicted, overlap.truth}] += overlap.intersection;
    }
  }
  std::vector<int64_t> truth_areas;
  for (const Track& track : truth) truth_areas.push_back(AreaOf(track));
  ApVideo video;
  std::vector<int64_t> predicted_areas;
  for (const Track& track : predicted) {
    predicted_areas.push_back(AreaOf(track));
    video.scores.push_back(track.score);
  }
  video.truth.assign(truth.size(), TruthKind::kCounted);
  for (const auto& [pair, intersection] : shared) {
    const size_t p = static_cast<size_t>(pair.first);
    const size_t g = static_cast<size_t>(pair.second);
    video.overlaps.push_back(
        {p, g, IoUOf(intersection, predicted_areas[p], truth_areas[g])});
  }
  return video;
}

bool Counts(const Track& track, const MeasureOptions& options) {
  return track.score >= options.min_score;
}

TrackingSequence SequenceOf(const Prepared& series,
                            const MeasureOptions& options) {
  const TrackSet& predicted = series.tracks.predicted;
  const TrackSet& truth = series.tracks.truth;
  TrackingSequence sequence;
  sequence.truth_tracks = static_cast<int>(truth.size());
  sequence.predicted_tracks = static_cast<int>(predicted.size());
  sequence.frames.resize(series.editions);
  for (size_t t = 0; t < series.editions; ++t) {
    Frame& frame = sequence.frames[t];
    for (size_t g = 0; g < truth.size(); ++g) {
      if (!truth[g].masks[t].IsEmpty()) {
        frame.truth.push_back(static_cast<int>(g));
      }
    }
    for (size_t p = 0; p < predicted.size(); ++p) {
      if (!predicted[p].masks[t].IsEmpty() && Counts(predicted[p], options)) {
        frame.predicted.push_back(static_cast<int>(p));
      }
    }
    for (const MaskOverlap& overlap : series.overlaps[t]) {
      const Track& p = predicted[static_cast<size_t>(overlap.predicted)];
      const Track& g = truth[static_cast<size_t>(overlap.truth)];
      if (!Counts(p, options)) continue;
      frame.overlaps.push_back(
          {overlap.truth, overlap.predicted,
           IoUOf(overlap.intersection, p.masks[t].Area(), g.masks[t].Area())});
    }
  }
  return sequence;
}

std::vector<Match> MatchFrame(const Frame& frame, int predicted_tracks,
                              double iou_threshold) {
  std::vector<Candidate> candidates;
  for (const FrameOverlap& overlap : frame.overlaps) {
    if (overlap.iou >= iou_threshold) {
      candidates.push_back(
          {overlap.predicted, overlap.truth, kPairReward + overlap.iou});
    }
  }
  std::vector<Match> matches(static_cast<size_t>(predicted_tracks));
  for (const Candidate& chosen : MatchByWeight(std::move(candidates))) {
    matches[static_cast<size_t>(chosen.row)] = {chosen.col,
                                                chosen.weight - kPairReward};
  }
  return matches;
}

std::vector<std::pair<int, int>> MatchTracks(const SeriesView& series,
                                             const ApVideo& overlaps,
                                             const MeasureOptions& options) {
  std::vector<Candidate> candidates;
  for (const ApOverlap& overlap : overlaps.overlaps) {
    if (overlap.iou >= options.iou_threshold &&
        Counts(series.predicted[overlap.prediction], options)) {
      candidates.push_back({static_cast<int>(overlap.prediction),
                            static_cast<int>(overlap.truth),
                            kPairReward + overlap.iou});
    }
  }
  std::vector<std::pair<int, int>> pairs;
  for (const Candidate& chosen : MatchByWeight(std::move(candidates)))
    pairs.emplace_back(chosen.row, chosen.col);
  return pairs;
}

}  // namespace mapweave::tracking
