// SPDX-License-Identifier: MIT
//
// Aligns the editions of a series: one shift for each from reduced images of
// the whole (with a rotation and a scale where none fits), then affine maps, then smooth fields, each from matches of smaller
// windows at a higher resolution, all editions solved together each time. It
// reads images through a callback, window by window, so that memory does not
// grow with the sheets.
#pragma once

#include "core/displacement_field.h"
#include "tracking/series_fit.h"

#include <opencv2/core.hpp>

#include <cstddef>
#include <functional>
#include <vector>

namespace mapweave::tracking {

struct EditionView {
  cv::Mat rgb;       // CV_8UC3 or CV_8UC1
  cv::Mat coverage;  // CV_8UC1, non-zero = surveyed
};

// What to read of an edition.
struct ViewRequest {
  size_t edition = 0;
  // Moves the edition's content, in grid px.
  const DisplacementField* displacement = nullptr;
  // Each pixel shows the mean of reduction x reduction grid pixels.
  int reduction = 1;
  cv::Rect area;  // in reduced pixels
};
using ReadView = std::function<EditionView(const ViewRequest&)>;

struct SeriesAlignmentOptions {
  // Of the series.
  size_t editions = 0;
  cv::Size grid_size;
  double metres_per_px = 1.0;
  // Largest whole-sheet shift.
  double max_shift_m = 150.0;
  // Whole-sheet estimates below are refused, in [0, 1].
  double min_confidence = 0.5;
  // Side to which the editions are reduced for the search of the whole shift.
  int overview_px = 1536;
  // What is smaller than this on the ground is not looked at: lines are wider.
  double finest_m = 0.6;
  // One affine map per edition and no field around it.
  bool affine_only = false;

  // Throws Error{kUsage}.
  void Validate() const;
};

struct EditionAlignment {
  // False: it fits no other edition and is left where it is.
  bool aligned = false;
  double confidence = 0.0;  // in [0, 1], see EditionShift
  // The mean displacement where the edition is covered, px.
  cv::Point2d mean_shift;
  // Of the last round's windows that this edition and another one cover, the
  // part that was recognised on both and agrees with its surroundings. The
  // held-out errors are of these alone: where the editions show nothing in
  // common, or lie further apart than the search reaches, there are none.
  double matched_share = 0.0;
  EditionFit fit;
};

struct SeriesAlignment {
  std::vector<EditionAlignment> editions;        // oldest first
  SeriesFitOptions::Candidate chosen{0.0, 0.0};  // see SeriesFit
};

SeriesAlignment AlignSeries(const SeriesAlignmentOptions& options,
                            const ReadView& read);

}  // namespace mapweave::tracking
