// SPDX-License-Identifier: MIT
//
// One building drawn in another outline, in its own ink: every pixel is taken
// from a place of the original that lies as deep below its outline, on a side
// that faces the same way, so that outline, shadow side, hatching and fill stay
// what they are. Internal to synth.
#pragma once

#include "core/random.h"

#include <opencv2/core.hpp>

namespace mapweave::synth {

// `rgb` (CV_8UC3) shows a building where `source` (CV_8UC1) is not 0; all
// images have one size. Draws it into `canvas` (CV_8UC3) where `target` is not
// 0 and on the pixels just around. Pixels that keep their depth and side are
// copied from where they are; others follow their neighbour, as in Ashikhmin,
// "Synthesizing Natural Textures", 2001, else are drawn from `rng`.
void RedrawShape(const cv::Mat& rgb, const cv::Mat& source,
                 const cv::Mat& target, Rng& rng, cv::Mat& canvas);

}  // namespace mapweave::synth
