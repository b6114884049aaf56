// SPDX-License-Identifier: MIT
//
// Contact sheets: many clips on one image, to judge a clip source by eye.
#pragma once

#include "tracking/clip.h"

#include <opencv2/core.hpp>

#include <cstdint>

namespace mapweave::synth {

struct ContactSheetOptions {
  uint64_t first_index = 0;
  int clips = 24;
  // Clips beside each other; the editions of a clip stand beside each other,
  // too.
  int columns = 3;
  int zoom = 1;  // 1 to 8
  // Editions that a row has room for; later ones are left out.
  int max_editions = 4;
  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// CV_8UC3, R, G, B order. Every edition is shown twice: plain, and below it
// with the outlines of its labels, one colour per building through all
// editions; pixels without coverage are crossed out.
cv::Mat ContactSheet(const tracking::ClipSource& source,
                     const ContactSheetOptions& options);

}  // namespace mapweave::synth
