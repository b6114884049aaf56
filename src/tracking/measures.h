// SPDX-License-Identifier: MIT
//
// How well predicted tracks agree with true ones: the measures that `eval`
// reports. A "series" here is what the video instance segmentation literature
// calls a video: predicted and true tracks over the same editions and grid.
#pragma once

#include "tracking/track.h"

#include <cstdint>
#include <span>
#include <vector>

namespace mapweave::tracking {

// Ratios of counts. 0 / 0 is 1 when there is nothing on either side (nothing to
// find, nothing found) and 0 otherwise.
struct MatchScore {
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t false_negatives = 0;

  double Precision() const;
  double Recall() const;
  double F1() const;
  MatchScore& operator+=(const MatchScore& other);
  bool operator==(const MatchScore&) const = default;
};

// One edition over all series. PQ is panoptic quality (Kirillov et al., CVPR
// 2019) of the one class "building": the sum of IoU over matches above
// iou_threshold / (TP + FP/2 + FN/2).
struct EditionMeasures {
  double precision = 0.0;
  double recall = 0.0;
  double f1 = 0.0;
  double pq = 0.0;
  MatchScore counts;
};

struct Measures {
  // YouTube-VIS (Yang et al., ICCV 2019; official ytvoseval.py), areas "all":
  // mean over spatio-temporal IoU 0.50:0.05:0.95 of 101-point interpolated
  // precision. ap, ap50 and ap75 with at most 100 predictions per series,
  // the unlimited ones with all. -1 where there is no true track, as the official
  // code has it.
  double ap = -1.0;
  double ap50 = -1.0;
  double ap75 = -1.0;
  double ap_unlimited = -1.0;
  double ap50_unlimited = -1.0;
  // Recall, averaged over the same thresholds, with at most 1, 10, 100 or any
  // number of predictions per series.
  double ar1 = -1.0;
  double ar10 = -1.0;
  double ar100 = -1.0;
  double ar_unlimited = -1.0;

  // HOTA (Luiten et al., IJCV 2021) averaged over alpha 0.05:0.05:0.95, IDF1
  // (Ristani et al., 2016) at iou_threshold, both as in TrackEval. HOTA counts
  // are pooled over series. 0 where there is nothing to count, as there.
  double hota = 0.0;
  double deta = 0.0;
  double assa = 0.0;
  double idf1 = 0.0;
  // SpaceNet 7 change and object tracking (van Etten et al., CVPR 2021; solaris
  // eval/scot.py): IoU over 0.25, beta 2; mean over series.
  double scot = 0.0;

  // Tracks matched one to one at spatio-temporal IoU >= iou_threshold.
  MatchScore tracks;
  double track_f1 = 0.0;
  double track_precision = 0.0;
  double track_recall = 0.0;
  // Links. A link joins the masks of one track on two neighbouring editions, t
  // and t + 1; what a track spans over a gap is no link. A predicted link is
  // right if both its ends are matched (IoU >= iou_threshold, one to one per
  // edition) to one true track. Recall: right links over true links.
  MatchScore links;
  double link_f1 = 0.0;
  double link_precision = 0.0;
  double link_recall = 0.0;

  std::vector<EditionMeasures> editions;  // by index of the edition
};

struct MeasureOptions {
  // Of masks per edition and of tracks in space-time; in (0, 1].
  double iou_threshold = 0.5;
  // Predicted tracks that score lower are left out of everything but the AP
  // and AR figures, which look at all scores.
  double min_score = 0.0;

  // Throws Error{kUsage}.
  void Validate() const;
};

// One series. Both sets are over the same editions.
struct SeriesTracks {
  TrackSet predicted;
  TrackSet truth;
};

// Throws Error{kBadInput} if tracks of one series differ in their number of
// editions. The order of the tracks matters only among equal scores.
Measures Evaluate(const TrackSet& predicted, const TrackSet& truth,
                  const MeasureOptions& options);
// Counts are pooled over the series; editions are pooled by index.
Measures Evaluate(std::span<const SeriesTracks> series,
                  const MeasureOptions& options);

}  // namespace mapweave::tracking
