// SPDX-License-Identifier: MIT
#include "tracking/track.h"

#include "core/error.h"

namespace mapweave::tracking {

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
