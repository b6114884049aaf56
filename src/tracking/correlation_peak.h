// SPDX-License-Identifier: MIT
//
// Reads a shift and how far it can be trusted off a correlation surface. The
// inner part of registration.h.
#pragma once

#include "tracking/masked_correlation.h"
#include "tracking/registration.h"

#include <opencv2/core.hpp>

namespace mapweave::tracking {

// A surface should reach this many pixels beyond the shifts that are allowed:
// the background against which the peak must stand out.
inline constexpr int kBackground = 16;

// The highest correlation among the shifts up to `limit` from the surface's
// centre, to a fraction of a pixel by parabolas. `origin` is the shift at the
// centre. Confidence 0 where nothing correlates or where the correlation goes
// on rising beyond the limit; is_confident is left to the caller.
ShiftEstimate LocatePeak(const CorrelationSurface& surface, int limit,
                         cv::Point origin);

}  // namespace mapweave::tracking
