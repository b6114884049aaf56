// SPDX-License-Identifier: MIT
#include "tracking/track.h"

#include "core/error.h"

#include <utility>

namespace mapweave::tracking {

Track TrackAsDrawn(std::vector<Mask> masks, float score) {
  Track track;
  track.presence.assign(masks.size(), 0.0f);
  track.link.assign(masks.size(), 0.0f);
  track.score = score;
  bool seen_later = false;
  for (size_t t = masks.size(); t-- > 0;) {
    if (masks[t].IsEmpty()) continue;
    track.presence[t] = 1.0f;
    track.link[t] = seen_later ? 1.0f : 0.0f;
    seen_later = true;
  }
  track.masks = std::move(masks);
  return track;
}

double SpatioTemporalIoU(const Track& a, const Track& b) {
  MAPWEAVE_CHECK(a.masks.size() == b.masks.size());
  int64_t both = 0;
  int64_t total = 0;
  for (size_t t = 0; t < a.masks.size(); ++t) {
    both += a.masks[t].IntersectionArea(b.masks[t]);
    total += a.masks[t].Area() + b.masks[t].Area();
  }
  const int64_t either = total - both;
  return either == 0 ? 0.0
                     : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace mapweave::tracking
