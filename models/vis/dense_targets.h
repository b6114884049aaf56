// SPDX-License-Identifier: MIT
//
// What the dense network is to answer on labelled clips, as plain arrays: made
// by the loading threads, so that the arithmetic does not wait for it.
#pragma once

#include "tracking/clip.h"

#include <cstdint>
#include <vector>

namespace mapweave::vis {

// Bits of DenseTargets::flags.
inline constexpr uint8_t kForegroundFlag = 1;
// Building pixel that touches (8 neighbours) neither background nor another
// building; all pixels of a building that is too thin to have one.
inline constexpr uint8_t kInteriorFlag = 2;
// Within kContactRadius of two different buildings: decides whether they are
// told apart.
inline constexpr uint8_t kContactFlag = 4;
// Covered and labelled; elsewhere nothing is asked.
inline constexpr uint8_t kValidFlag = 8;

inline constexpr int kContactRadius = 2;
// Standard deviation, in cells of two pixels, of the bump on a shared centre.
inline constexpr float kHeatSigma = 1.3f;

// A batch of B clips with T editions each, [height, width] pixels (both even).
struct DenseTargets {
  DenseTargets(int64_t clip_count, int64_t edition_count, int64_t rows,
               int64_t cols);
  // Clip `slot` from labels as in LabelledClip; smaller images fill the top
  // left corner, the rest stays invalid.
  void Fill(int64_t slot, const std::vector<cv::Mat>& labels,
            const std::vector<cv::Mat>& coverage);

  int64_t clips;
  int64_t editions;
  int64_t height;
  int64_t width;
  std::vector<uint8_t> flags;  // [B * T, H, W]
  // [B * T, 2, H, W]: pixels in x and y from a building pixel's centre to its
  // track's, the mean over editions of the mask's centroids; 0 elsewhere.
  std::vector<float> offsets;
  std::vector<float> heat;  // [B, H / 2, W / 2], 1 at the centres' cells
};

}  // namespace mapweave::vis
