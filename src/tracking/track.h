// SPDX-License-Identifier: MIT
//
// A track: one building through the T editions of a clip or a series.
#pragma once

#include "tracking/mask.h"

#include <vector>

namespace mapweave::tracking {

struct Track {
  // One per edition, oldest first; empty where the building is not drawn.
  std::vector<Mask> masks;
  // One per edition: probability in [0, 1] that the building is drawn there.
  std::vector<float> presence;
  // One per edition, for that edition's link to the next edition on which the
  // track is seen: probability in [0, 1] that both are one building. 0 where
  // there is no such link.
  std::vector<float> link;
  // Confidence in [0, 1] that this is a building at all.
  float score = 0.0f;
};

using TrackSet = std::vector<Track>;

// A track that is known from its drawing: presence 1 where a mask is not empty,
// link 1 from each such edition to the next.
Track TrackAsDrawn(std::vector<Mask> masks, float score);

// Spatio-temporal intersection over union (YouTube-VIS): both areas summed
// over all editions. The tracks have the same number of editions.
double SpatioTemporalIoU(const Track& a, const Track& b);

}  // namespace mapweave::tracking
