// SPDX-License-Identifier: MIT
//
// What paper, age and the scanner do to a clean drawing. Internal to synth.
#pragma once

#include "core/random.h"

#include <opencv2/core.hpp>

namespace mapweave::synth {

// One sheet's condition. Amounts are in grey levels unless said otherwise.
struct PaperState {
  double grain = 2.0;       // fine noise
  double mottle = 3.0;      // blotches of some pixels
  double unevenness = 5.0;  // light and yellowing over hundreds of pixels
  double stain = 0.0;       // brown clouds, 0 to 1
  double fade = 0.0;        // loss of contrast towards the paper, 0 to 1
  double blur_px = 0.5;     // sigma
  double scan_noise = 1.5;
  int jpeg_quality = 0;        // 0: no compression
  cv::Vec3f cast = {1, 1, 1};  // gain of R, G, B
  // Folds: positions of vertical and horizontal creases in grid pixels.
  std::vector<double> folds_x;
  std::vector<double> folds_y;
  cv::Vec3f paper;  // what fading tends to
  uint64_t texture_seed = 0;
};

PaperState DrawPaperState(double wear, cv::Vec3f paper, cv::Size sheet,
                          Rng& rng);

// `drawing`: CV_8UC3 of the grid window at `origin`. Returns CV_8UC3.
cv::Mat Age(const cv::Mat& drawing, cv::Point origin, const PaperState& state);

}  // namespace mapweave::synth
