// SPDX-License-Identifier: MIT
//
// How one frame of a synthetic video is inked, printed, lettered and scanned:
// the same content in the colours of another sheet. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/palette.h"

#include <opencv2/core.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace mapweave::synth {

// A palette in R, G, B, and for every colour what it is a mixture of, so that
// pixels between two colours can be moved with both.
class ColourField {
 public:
  explicit ColourField(const Palette& palette);

  // New colours for this palette, taken from `other` in part: paper to paper,
  // ink to ink, fills to fills that stay as different as they were by half.
  std::vector<cv::Vec3f> DrawColours(const ColourField& other, Rng& rng) const;
  // Moves every pixel of `rgb` (CV_8UC3) as the colours near its own move.
  void Apply(const std::vector<cv::Vec3f>& colours, cv::Mat& rgb) const;

  const cv::Vec3f& Paper() const { return colours_[paper_]; }
  const cv::Vec3f& Ink() const { return ink_; }

 private:
  static constexpr int kBits = 5;
  static constexpr size_t kCells = size_t{1} << (3 * kBits);
  struct Cell {
    std::array<uint8_t, 3> colour{};
    std::array<float, 3> weight{};
  };

  std::vector<cv::Vec3f> colours_;  // R, G, B
  std::vector<double> ink_share_;   // as a mixture of paper and ink, or -1
  size_t paper_ = 0;
  cv::Vec3f ink_;
  std::vector<Cell> cells_;
};

// How the labelled buildings of a frame are filled.
enum class FillStyle { kAsDrawn, kSolid, kHatched, kOutline };

// Redraws the fill of every building on `labels` (CV_16UC1).
void RestyleBuildings(FillStyle style, const ColourField& field,
                      const cv::Mat& labels, Rng& rng, cv::Mat& rgb);

// One frame's condition. Amounts are in grey levels unless said otherwise.
struct FrameLook {
  double line = 0.0;  // -1: thinner by a pixel, 1: thicker by one
  double blur_px = 0.0;
  double contrast = 1.0;
  double brightness = 0.0;
  cv::Vec3f cast = {1, 1, 1};
  double uneven = 0.0;  // light over the whole frame
  double noise = 1.0;
  int jpeg_quality = 0;  // 0: no compression
};

// `amount` 0: none but a little noise; 1: as old paper and scans are.
FrameLook DrawFrameLook(double amount, Rng& rng);
void ApplyLook(const FrameLook& look, Rng& rng, cv::Mat& rgb);

// Words in many typefaces and sizes, ready to be printed over a frame.
class LetteringStock {
 public:
  explicit LetteringStock(uint64_t seed);
  // One to three of them across `rgb`, in `ink`.
  void Print(const cv::Vec3f& ink, Rng& rng, cv::Mat& rgb) const;

 private:
  std::vector<cv::Mat> stamps_;  // CV_8UC1: 255 = ink
};

}  // namespace mapweave::synth
