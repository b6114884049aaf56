// SPDX-License-Identifier: MIT
//
// Finds, window by window, how editions that lie nearly on each other still
// differ: the evidence from which their smooth displacements are fitted
// (field_fit.h). All in pixels of the common frame that the editions were
// warped to, pixel centres at halves.
#pragma once

#include "tracking/registration.h"

#include <opencv2/core.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace mapweave::tracking {

struct LocalMatchOptions {
  // Side of the square windows, and the distance between their corners.
  int window_px = 128;
  int stride_px = 128;
  // How far the editions may still lie apart.
  int radius_px = 8;
  // Windows of which less is covered in either edition are left out.
  double min_coverage = 0.5;
  // Matches below are dropped (see ShiftEstimate::confidence).
  double min_confidence = 0.35;
  // Largest disagreement between the match forward and backward.
  double max_inconsistency_px = 1.0;

  // Throws Error{kUsage}.
  void Validate() const;
};

// What edition a shows at `at` - offset / 2, edition b shows at `at` +
// offset / 2; a < b. Symmetric: exchanging a and b turns the offset around.
struct LocalMatch {
  size_t a = 0;
  size_t b = 0;
  cv::Point window;  // counted from the frame's corner, (col, row)
  cv::Point2d at;    // centre of the window
  cv::Point2d offset;
  // Inverse covariance of the offset up to a common factor, from the shape of
  // the correlation's peak: along a lone street there is little evidence.
  cv::Matx22d information;
  double confidence = 0.0;
};

// A part of the common frame, as all editions show it.
struct FramePart {
  // Of each edition, all of the size of `area`; empty features = not read.
  std::vector<FeatureImage> editions;
  cv::Rect area;     // in the frame
  cv::Rect windows;  // the windows to match, (col, row) and their numbers
};

// How far around its windows a part of the frame should reach.
int MatchMargin(const LocalMatchOptions& options);

// The pairs of editions that are matched: each with its neighbours in time and
// with the newest, so that the work grows with the number of editions and not
// with its square.
std::vector<std::pair<size_t, size_t>> PairsToMatch(size_t editions);

// All confident matches of the part's windows, ordered by window and pair; the
// result does not depend on the number of threads of OpenCV.
std::vector<LocalMatch> MatchLocally(const FramePart& part,
                                     const LocalMatchOptions& options);

// Drops matches that are not like those of the same pair around them: real
// change and lettering move single windows, paper does not.
std::vector<LocalMatch> LikeNeighbours(const std::vector<LocalMatch>& matches,
                                       double tolerance_px);

}  // namespace mapweave::tracking
