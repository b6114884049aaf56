// SPDX-License-Identifier: MIT
//
// What paper, age and the scanner do to a clean drawing. Internal to synth.
#pragma once

#include "core/random.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <vector>

namespace mapweave::synth {

// A crease along x or y = at, wavering a little.
struct Fold {
  bool vertical = true;
  double at = 0.0;
  double soil = 0.0;    // dirt along it, in grey levels
  double gap_px = 0.0;  // the cloth between the parts of a dissected map
};

// A band along a line: points p with |Dot(p, normal) - offset| < half_px.
struct Strip {
  double nx = 1.0, ny = 0.0;
  double offset = 0.0;
  double half_px = 8.0;
};

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
  std::vector<Fold> folds;
  double foxing = 0.0;    // brown spots, mean number in a square of 64 pixels
  double tide = 0.0;      // darkness of the rim of the stains, 0 to 1
  double halftone = 0.0;  // depth of the printing screen, 0 to 1
  double halftone_px = 3.5;  // its period
  double halftone_angle = 0.7;
  double set_off = 0.0;  // faint mirrored print of the facing half, 0 to 1
  // Light that falls off over the sheet, in grey levels per pixel, and the
  // shadow of a book's gutter.
  cv::Vec2f light_slope = {0, 0};
  double gutter_x = 0.0;
  double gutter_px = 0.0;  // 0: none
  double gutter_depth = 0.4;
  std::vector<Strip> tapes;
  std::vector<Strip> tears;
  bool grey = false;      // a scan or film without colour
  double contrast = 1.0;  // of that film
  cv::Vec3f paper;        // what fading tends to
  uint64_t texture_seed = 0;
};

PaperState DrawPaperState(double wear, cv::Vec3f paper, cv::Size sheet,
                          Rng& rng);

// Local damage and light on a CV_32FC3 image of the window at `origin`.
void ApplyMarks(cv::Mat& image, cv::Point origin, const PaperState& state);
// The dots of a printing screen in everything that is not full ink or paper.
void ApplyHalftone(cv::Mat& image, cv::Point origin, const PaperState& state);

// `drawing`: CV_8UC3 of the grid window at `origin`. Returns CV_8UC3.
cv::Mat Age(const cv::Mat& drawing, cv::Point origin, const PaperState& state);

}  // namespace mapweave::synth
