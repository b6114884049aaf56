// SPDX-License-Identifier: MIT
//
// How well derived lineage agrees with the true one, kind by kind.
#pragma once

#include "tracking/lineage.h"
#include "tracking/measures.h"
#include "tracking/track.h"

#include <map>
#include <vector>

namespace mapweave::tracking {

// Tracks and what happened to them; the events' positions are in `tracks`.
struct LineageSide {
  const TrackSet& tracks;
  const std::vector<LineageEvent>& events;
};

// A predicted event is right if a true event of the same kind joins the same
// two editions and its drawings are the same ones: that of from_track on
// from_edition and that of to_track on to_edition, as far as the event has
// them, each matched to the true drawing at IoU >= iou_threshold, one to one
// per edition. An event whose drawing is missing on that edition is never
// right. Every true event is found once at most. Kinds that neither side has
// are left out. Probabilities are not looked at.
//
// Throws Error{kBadInput} if an event names a track or an edition that is not
// there, and Error{kUsage} for iou_threshold outside (0, 1].
std::map<LineageKind, MatchScore> EvaluateLineage(const LineageSide& predicted,
                                                  const LineageSide& truth,
                                                  double iou_threshold = 0.5);

}  // namespace mapweave::tracking
