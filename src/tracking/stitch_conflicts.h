// SPDX-License-Identifier: MIT
//
// The last step of stitching: which of several tracks that claim the same
// pixels stay. For stitch.cpp only.
#pragma once

#include "tracking/stitch.h"
#include "tracking/track.h"

#include <cstdint>
#include <vector>

namespace mapweave::tracking {

// A track of the series, before conflicts are settled.
struct Resolved {
  Track track;
  // Seen whole by a window in whose core it lies: stands above others.
  bool is_sure = false;
};

int64_t TotalArea(const Track& track);
cv::Rect TotalBounds(const Track& track);
// Pixels of all editions in both tracks.
int64_t SharedArea(const Track& a, const Track& b);

// A total order of tracks by what they are: by their first mask's first pixel,
// then its edition, then all that they hold. Neither the windows' order nor
// that of a window's tracks shows in it.
bool ComesBefore(const Track& a, const Track& b);

// The sure ones, then the others where they show something new.
std::vector<Resolved> DropDuplicates(std::vector<Resolved> resolved,
                                     const StitchOptions& options);

// Gives every pixel to one track, the sure before the others, then by score,
// and drops what loses too much by it. Ordered by ComesBefore.
TrackSet SettleConflicts(std::vector<Resolved> resolved,
                         const StitchOptions& options);

}  // namespace mapweave::tracking
