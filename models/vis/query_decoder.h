// SPDX-License-Identifier: MIT
//
// From what queries answer to tracks: which masks are shown, in which order,
// and what of two that overlap is kept. No Torch here.
#pragma once

#include "core/json.h"
#include "tracking/track.h"

#include <vector>

namespace mapweave::vis {

// One query's answer on T editions, masks in the clip's pixels, covered ones
// only.
struct QueryTrack {
  std::vector<tracking::Mask> masks;  // where the mask's probability is > 0.5
  std::vector<float> certainty;       // its mean over that mask; 0 if empty
  std::vector<float> presence;        // probability that it is drawn
  float building = 0.0f;              // probability of the class
};

// Calibrated on validation clips and stored in the checkpoint.
struct QueryDecodeOptions {
  double min_score = 0.5;
  // Masks on editions where presence is less are dropped.
  double min_presence = 0.5;
  // As are masks with fewer pixels.
  int min_area_px = 10;
  // Of two tracks whose spatio-temporal IoU is greater, the better one stays;
  // pixels that two of those left share are the better one's. 1: tracks are
  // left as they are, as Mask2Former-VIS does.
  double max_overlap = 0.5;
  // Whether a score is the class's probability alone (0, as published) or times
  // that of the mask's pixels (1).
  double mask_weight = 1.0;

  // Throws Error{kUsage} that names the value out of range.
  void Validate() const;
  // What `json` lacks is taken from `defaults`. Throws Error{kBadInput}.
  static QueryDecodeOptions FromJson(const Json& json,
                                     const QueryDecodeOptions& defaults);
  Json ToJson() const;
};

// All tracks, whatever their score, ordered by their first mask's first pixel.
// A link is as probable as that both of its ends are drawn.
tracking::TrackSet TracksFromQueries(const std::vector<QueryTrack>& queries,
                                     const QueryDecodeOptions& options);

}  // namespace mapweave::vis
