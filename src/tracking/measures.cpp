// SPDX-License-Identifier: MIT
#include "tracking/measures.h"

#include "core/error.h"
#include "tracking/average_precision.h"
#include "tracking/identity_measures.h"
#include "tracking/series_matching.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::tracking {
namespace {

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
    if (match.truth == kNoPartner) continue;
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
      if (truth != kNoPartner && truth == matches[t + 1][p].truth) ++right;
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
  const auto right =
      static_cast<int64_t>(MatchTracks(series, video, options).size());
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
  measures.ap50_unlimited = unlimited.precision[0];
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
