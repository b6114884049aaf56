// SPDX-License-Identifier: MIT
#include "tracking/measures.h"

#include "core/error.h"
#include "tracking/assignment.h"
#include "tracking/average_precision.h"
#include "tracking/box_index.h"
#include "tracking/identity_measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace mapweave::tracking {
namespace {

// More than the IoUs of one connected group of pairs add up to, so that the
// number of pairs comes first and their overlap second.
constexpr double kPairReward = 1e4;
constexpr int kNone = -1;

// A predicted and a true mask of one edition that share pixels.
struct MaskOverlap {
  int predicted = 0;
  int truth = 0;
  int64_t intersection = 0;
};

// One series, borrowed.
struct SeriesView {
  const TrackSet& predicted;
  const TrackSet& truth;
};

// One series with everything that the measures share.
struct Prepared {
  SeriesView tracks;
  size_t editions = 0;
  std::vector<std::vector<MaskOverlap>> overlaps;  // per edition
};

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

int64_t AreaOf(const Track& track) {
  int64_t area = 0;
  for (const Mask& mask : track.masks) area += mask.Area();
  return area;
}

double IoUOf(int64_t intersection, int64_t a, int64_t b) {
  return static_cast<double>(intersection) /
         static_cast<double>(a + b - intersection);
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

struct Match {
  int truth = kNone;
  double iou = 0.0;
};

// Per predicted track: its true partner on one edition, if it has one.
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

struct EditionSums {
  MatchScore counts;
  MatchScore strict;  // IoU above the threshold, for PQ
  double iou = 0.0;
};

void AddEdition(const Frame& frame, const std::vector<Match>& matches,
                double iou_threshold, EditionSums& sums) {
  int64_t matched = 0;
  int64_t above = 0;
  for (const Match& match : matches) {
    if (match.truth == kNone) continue;
    ++matched;
    if (match.iou > iou_threshold) {
      ++above;
      sums.iou += match.iou;
    }
  }
  const int64_t predicted = static_cast<int64_t>(frame.predicted.size());
  const int64_t truth = static_cast<int64_t>(frame.truth.size());
  sums.counts += {matched, predicted - matched, truth - matched};
  sums.strict += {above, predicted - above, truth - above};
}

EditionMeasures Finish(const EditionSums& sums) {
  EditionMeasures measures;
  measures.counts = sums.counts;
  measures.precision = sums.counts.Precision();
  measures.recall = sums.counts.Recall();
  measures.f1 = sums.counts.F1();
  const double segmentation_quality =
      sums.strict.true_positives == 0
          ? 1.0
          : sums.iou / static_cast<double>(sums.strict.true_positives);
  measures.pq = segmentation_quality * sums.strict.F1();
  return measures;
}

// Calls visit(t) for each link of a track from edition t to t + 1.
template <typename Visit>
void ForEachLink(const Track& track, Visit visit) {
  for (size_t t = 0; t + 1 < track.masks.size(); ++t) {
    if (!track.masks[t].IsEmpty() && !track.masks[t + 1].IsEmpty()) visit(t);
  }
}

// matches[t][p]: partner of predicted track p on edition t.
MatchScore LinkScore(const SeriesView& series,
                     const std::vector<std::vector<Match>>& matches,
                     const MeasureOptions& options) {
  int64_t right = 0;
  int64_t predicted = 0;
  for (size_t p = 0; p < series.predicted.size(); ++p) {
    if (!Counts(series.predicted[p], options)) continue;
    ForEachLink(series.predicted[p], [&](size_t t) {
      ++predicted;
      const int truth = matches[t][p].truth;
      if (truth != kNone && truth == matches[t + 1][p].truth) ++right;
    });
  }
  int64_t truths = 0;
  for (const Track& track : series.truth) {
    ForEachLink(track, [&](size_t) { ++truths; });
  }
  return {right, predicted - right, truths - right};
}

MatchScore TrackScore(const SeriesView& series, const ApVideo& video,
                      const MeasureOptions& options) {
  std::vector<Candidate> candidates;
  for (const ApOverlap& overlap : video.overlaps) {
    if (overlap.iou >= options.iou_threshold &&
        Counts(series.predicted[overlap.prediction], options)) {
      candidates.push_back({static_cast<int>(overlap.prediction),
                            static_cast<int>(overlap.truth),
                            kPairReward + overlap.iou});
    }
  }
  const int64_t right =
      static_cast<int64_t>(MatchByWeight(std::move(candidates)).size());
  const int64_t predicted =
      std::count_if(series.predicted.begin(), series.predicted.end(),
                    [&](const Track& track) { return Counts(track, options); });
  return {right, predicted - right,
          static_cast<int64_t>(series.truth.size()) - right};
}

void SetAveragePrecision(std::span<const ApVideo> videos, Measures& measures) {
  const ApResult at_100 = AveragePrecision(videos, 100);
  const ApResult unlimited = AveragePrecision(videos);
  measures.ap = at_100.Ap();
  measures.ap50 = at_100.precision[0];
  measures.ap75 = at_100.precision[5];
  measures.ap_unlimited = unlimited.Ap();
  measures.ar1 = AveragePrecision(videos, 1).Ar();
  measures.ar10 = AveragePrecision(videos, 10).Ar();
  measures.ar100 = at_100.Ar();
  measures.ar_unlimited = unlimited.Ar();
}

void SetIdentityMeasures(std::span<const TrackingSequence> sequences,
                         const MeasureOptions& options, Measures& measures) {
  const HotaResult hota = EvaluateHota(sequences);
  measures.hota = hota.Hota();
  measures.deta = hota.DetA();
  measures.assa = hota.AssA();
  measures.idf1 = EvaluateIdentity(sequences, options.iou_threshold).F1();
  for (const TrackingSequence& sequence : sequences) {
    measures.scot +=
        EvaluateScot(sequence).score / static_cast<double>(sequences.size());
  }
}

Measures EvaluateAll(const std::vector<SeriesView>& series,
                     const MeasureOptions& options) {
  options.Validate();
  Measures measures;
  std::vector<ApVideo> videos;
  std::vector<TrackingSequence> sequences;
  std::vector<EditionSums> editions;
  for (const SeriesView& one : series) {
    const Prepared prepared = Prepare(one);
    videos.push_back(SpaceTimeOverlaps(prepared));
    sequences.push_back(SequenceOf(prepared, options));
    editions.resize(std::max(editions.size(), prepared.editions));
    std::vector<std::vector<Match>> matches;
    for (size_t t = 0; t < prepared.editions; ++t) {
      const Frame& frame = sequences.back().frames[t];
      matches.push_back(MatchFrame(frame, sequences.back().predicted_tracks,
                                   options.iou_threshold));
      AddEdition(frame, matches.back(), options.iou_threshold, editions[t]);
    }
    measures.tracks += TrackScore(one, videos.back(), options);
    measures.links += LinkScore(one, matches, options);
  }
  SetAveragePrecision(videos, measures);
  SetIdentityMeasures(sequences, options, measures);
  measures.track_f1 = measures.tracks.F1();
  measures.track_precision = measures.tracks.Precision();
  measures.track_recall = measures.tracks.Recall();
  measures.link_f1 = measures.links.F1();
  measures.link_precision = measures.links.Precision();
  measures.link_recall = measures.links.Recall();
  for (const EditionSums& sums : editions) {
    measures.editions.push_back(Finish(sums));
  }
  return measures;
}

}  // namespace

double MatchScore::Precision() const {
  const int64_t predicted = true_positives + false_positives;
  if (predicted == 0) return false_negatives == 0 ? 1.0 : 0.0;
  return static_cast<double>(true_positives) / static_cast<double>(predicted);
}

double MatchScore::Recall() const {
  const int64_t truth = true_positives + false_negatives;
  if (truth == 0) return false_positives == 0 ? 1.0 : 0.0;
  return static_cast<double>(true_positives) / static_cast<double>(truth);
}

double MatchScore::F1() const {
  const int64_t whole = 2 * true_positives + false_positives + false_negatives;
  if (whole == 0) return 1.0;
  return 2.0 * static_cast<double>(true_positives) / static_cast<double>(whole);
}

MatchScore& MatchScore::operator+=(const MatchScore& other) {
  true_positives += other.true_positives;
  false_positives += other.false_positives;
  false_negatives += other.false_negatives;
  return *this;
}

void MeasureOptions::Validate() const {
  if (!(iou_threshold > 0.0) || iou_threshold > 1.0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("iou_threshold is {}", iou_threshold),
                "Give a number in (0, 1].");
  }
}

Measures Evaluate(std::span<const SeriesTracks> series,
                  const MeasureOptions& options) {
  std::vector<SeriesView> views;
  for (const SeriesTracks& one : series) {
    views.push_back({one.predicted, one.truth});
  }
  return EvaluateAll(views, options);
}

Measures Evaluate(const TrackSet& predicted, const TrackSet& truth,
                  const MeasureOptions& options) {
  return EvaluateAll({{predicted, truth}}, options);
}

}  // namespace mapweave::tracking
