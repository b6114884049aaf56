// SPDX-License-Identifier: MIT
//
// Cuts the series grid into overlapping windows and joins the windows' tracks
// into tracks of the series. The result depends neither on the order of the
// windows nor on that of their tracks.
#pragma once

#include "tracking/track.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

// Both in grid pixels; core lies within box.
struct Window {
  cv::Rect box;   // what the network sees
  cv::Rect core;  // cores partition the grid
  bool operator==(const Window&) const = default;
};

struct WindowOptions {
  int size_px = 512;
  int overlap_px = 128;  // at least; more at the grid's right and bottom edge
  // Moves the inner windows right and down; only its remainder by
  // (size_px - overlap_px) matters.
  cv::Point offset = {0, 0};

  // Throws Error{kUsage}: size_px > overlap_px >= 0.
  void Validate() const;
};

// Windows in rows from the top left. Every box is size_px wide and high, or as
// the grid where that is smaller, and lies within the grid.
std::vector<Window> PlanWindows(cv::Size grid,
                                const WindowOptions& options = {});

struct StitchOptions {
  // Tracks of two windows are one from this spatio-temporal IoU up, measured
  // where both windows look.
  double min_iou = 0.5;
  // A track is truncated if a mask comes this near to an edge of its window
  // that is not an edge of the grid.
  int edge_px = 2;
  // A truncated track, or one that lies outside its window's core, is dropped
  // when a better one covers more than this share of it.
  double max_cover = 0.7;
  // Masks, and then tracks, that lose more than this share to others are
  // dropped.
  double max_loss = 0.5;
  // Tracks with less in total (over all editions) are dropped.
  int min_area_px = 1;

  // Throws Error{kUsage} that names the value out of range.
  void Validate() const;
};

// tracks[i] are window i's, in grid coordinates, with `editions` masks each
// that lie within the window's box. The windows' boxes together are the grid.
// In the result no pixel of an edition belongs to two tracks, and tracks are in
// ascending order of their first mask's first pixel.
//
// A building that some window sees whole is taken from the window in whose core
// it lies deepest; one that none does is put together from all, with the
// highest presence and the area-weighted score.
//
// Memory and time grow with the tracks, not with the grid. Throws Error{kBug}
// if the numbers of windows, tracks or editions do not fit.
TrackSet StitchTracks(const std::vector<Window>& windows,
                      const std::vector<TrackSet>& tracks, int editions,
                      const StitchOptions& options = {});

}  // namespace mapweave::tracking
