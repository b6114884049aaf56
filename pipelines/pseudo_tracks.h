// SPDX-License-Identifier: MIT
//
// What a network finds on a series whichever way it looks at it: pseudo-labels
// to train it on, where nobody has drawn any.
#pragma once

#include "core/progress.h"
#include "pipelines/project.h"
#include "pipelines/series_clips.h"

#include <cstdint>
#include <string>

namespace mapweave::pipelines {

struct PseudoTrackOptions {
  // Looks at every window: the first one straight, the others at shifted
  // windows, turned by quarters, mirrored, and in other colours.
  int views = 6;
  // Side of a window, and how much of it at every edge is only there to be
  // seen.
  int window_px = 384;
  int border_px = 64;
  // Farthest that a view is shifted, per axis.
  int max_offset_px = 24;
  // A track is the same in two views from this spatio-temporal IoU up ...
  double min_iou = 0.6;
  // ... and is believed if it is found in this share of the other views.
  double min_agreement = 0.8;
  std::string device = "cpu";  // see vis::ResolveDevice
  int threads = 1;             // the result does not depend on it
  uint64_t seed = 1;

  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

struct PseudoLabels {
  // All editions and the whole grid. Masks are what most views say; doubtful is
  // whatever some view takes for a building and the rest do not.
  SeriesLabels labels;
  // Tracks of the straight look that are believed, and those that are not.
  int64_t believed = 0;
  int64_t doubted = 0;
};

// Throws what vis::LoadSegmenter and geo::EditionReader throw, and
// Error{kInterrupted}.
PseudoLabels FindPseudoTracks(const Project& project,
                              const std::string& checkpoint,
                              const PseudoTrackOptions& options,
                              RunContext& context);

}  // namespace mapweave::pipelines
