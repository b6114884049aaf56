// SPDX-License-Identifier: MIT
//
// What a sheet would show where a building is taken away: ground copied from
// another place of the sheet whose surroundings look the same. Nothing is
// synthesised or smoothed, so the paper keeps its grain. Internal to synth.
#pragma once

#include "core/random.h"

#include <opencv2/core.hpp>

namespace mapweave::synth {

class BackgroundFill {
 public:
  // `rgb`: CV_8UC3, borrowed. `occupied`: CV_8UC1, not 0 where no ground may be
  // taken from: buildings and what is not covered.
  BackgroundFill(const cv::Mat& rgb, const cv::Mat& occupied);

  // Fills the non-zero pixels of `hole` (CV_8UC1), whose pixel (0, 0) lies at
  // `origin` of the sheet, in `patch`, the copy of the sheet there of the same
  // size. `hole` has a rim of kRimPx empty pixels. False, and nothing is
  // changed, if no place fits: where lines or letters run through, a copy would
  // show. The place is drawn from `rng` among many tries; the best one counts.
  static constexpr int kRimPx = 4;
  bool Fill(const cv::Mat& hole, cv::Point origin, Rng& rng,
            cv::Mat& patch) const;

 private:
  bool IsFree(const std::vector<cv::Point>& pixels, cv::Rect box,
              cv::Point shift) const;

  cv::Mat rgb_;
  cv::Mat occupied_;
  cv::Mat sums_;  // integral image of occupied_, CV_32SC1
};

}  // namespace mapweave::synth
