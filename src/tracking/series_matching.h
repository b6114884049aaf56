// SPDX-License-Identifier: MIT
//
// Who corresponds to whom in one series: what every measure and every count of
// faults starts from. Internal to tracking.
#pragma once

#include "tracking/average_precision.h"
#include "tracking/identity_measures.h"
#include "tracking/measures.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace mapweave::tracking {

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

// Throws Error{kBadInput} if tracks differ in their number of editions.
Prepared Prepare(const SeriesView& series);

// Whether a predicted track is looked at by more than AP and AR.
bool Counts(const Track& track, const MeasureOptions& options);

ApVideo SpaceTimeOverlaps(const Prepared& series);

TrackingSequence SequenceOf(const Prepared& series,
                            const MeasureOptions& options);

inline constexpr int kNoPartner = -1;

struct Match {
  int truth = kNoPartner;
  double iou = 0.0;
};

// Per predicted track: its true partner on one edition, if it has one: as many
// pairs of IoU >= iou_threshold as can be, of the greatest IoU together.
std::vector<Match> MatchFrame(const Frame& frame, int predicted_tracks,
                              double iou_threshold);

// Pairs (predicted, true) of whole tracks, in the same way by spatio-temporal
// IoU.
std::vector<std::pair<int, int>> MatchTracks(const SeriesView& series,
                                             const ApVideo& overlaps,
                                             const MeasureOptions& options);

// Calls visit(t) for each link of a track from edition t to t + 1.
template <typename Visit>
void ForEachLink(const Track& track, Visit visit) {
  for (size_t t = 0; t + 1 < track.masks.size(); ++t) {
    if (!track.masks[t].IsEmpty() && !track.masks[t + 1].IsEmpty()) visit(t);
  }
}

}  // namespace mapweave::tracking
