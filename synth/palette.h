// SPDX-License-Identifier: MIT
//
// The few colours that a sheet is drawn in, learned from its pixels, and what
// each is for: paper, ink or fill. Internal to synth.
#pragma once

#include <opencv2/core.hpp>

#include <cstdint>
#include <vector>

namespace mapweave::synth {

enum class ColourRole { kPaper, kInk, kFill };

// Colours are CIE L*a*b* with L in [0, 100].
struct Palette {
  std::vector<cv::Vec3f> colours;
  std::vector<double> shares;  // of the covered pixels; sums to 1
  std::vector<ColourRole> roles;
  size_t paper = 0;  // the commonest of the light colours

  size_t Size() const { return colours.size(); }
  size_t Nearest(const cv::Vec3f& lab) const;
};

struct PaletteOptions {
  int colours = 16;
  // Colours closer than this (CIE 1976) become one.
  double min_distance = 4.0;
  uint64_t seed = 1;
};

// CV_32FC3 L*a*b* of a CV_8UC3 R, G, B image, and of one colour.
cv::Mat LabFromRgb(const cv::Mat& rgb);
cv::Vec3f LabFromRgb(const cv::Vec3b& rgb);

// Weighted k-means over the occupied cells of a colour histogram. A cell counts
// by the square root of its pixels, so that the small share of the ink that
// buildings are filled with gets a colour of its own. `lab` is CV_32FC3,
// `coverage` CV_8UC1 of the same size or empty. Has at least one colour.
Palette LearnPalette(const cv::Mat& lab, const cv::Mat& coverage,
                     const PaletteOptions& options = {});

// CV_8UC1: the index of the nearest colour at each pixel.
cv::Mat Classify(const cv::Mat& lab, const Palette& palette);

inline double ColourDistance(const cv::Vec3f& a, const cv::Vec3f& b) {
  return cv::norm(a - b);
}

}  // namespace mapweave::synth
