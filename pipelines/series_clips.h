// SPDX-License-Identifier: MIT
//
// Training clips cut out of an ingested series whose buildings somebody has
// outlined, or a network that is believed: windows of the series grid, the
// labels drawn where they stand, and split by place into what is trained on and
// what is held out.
#pragma once

#include "pipelines/placed_clips.h"
#include "pipelines/project.h"
#include "tracking/track.h"

#include <cstddef>
#include <vector>

namespace mapweave::pipelines {

// What is said of a series. All masks are in pixels of its grid.
struct SeriesLabels {
  // Which of the project's editions the labels speak of, by position, oldest
  // first; the lists below have one item for each of these.
  std::vector<size_t> editions;
  // Buildings; identity is the position.
  tracking::TrackSet tracks;
  // Where everything that is there has been labelled.
  std::vector<tracking::Mask> extent;
  // Where, within the extent, nobody knows; or empty.
  std::vector<tracking::Mask> doubtful;
};

// Training clip i is a pure function of the series, the labels, the options and
// i. It is labelled only within the extent and outside the places that are held
// out and the buildings that reach into them: their paper may be seen on it,
// but not what is said of it. On held-out clips, paper that is not labelled is
// shown as none.
//
// Places are squares of the grid of `size_px`, of half that and so on where the
// labels stand on few.
//
// Opens the sheets. Throws Error{kBadInput} without a building on the grid, and
// as geo::EditionReader.
PlacedClips MakeSeriesClips(const Project& project, SeriesLabels labels,
                            const PlacedClipOptions& options);

}  // namespace mapweave::pipelines
