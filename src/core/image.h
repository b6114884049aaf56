// SPDX-License-Identifier: MIT
//
// An 8-bit image as a plain value, so that layers without OpenCV can hand
// pixels to layers with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mapweave {

// Row-major, channels interleaved (RGB for 3), top row first.
struct ImageU8 {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<uint8_t> data;

  ImageU8() = default;
  ImageU8(int w, int h, int c, uint8_t fill = 0)
      : width(w),
        height(h),
        channels(c),
        data(static_cast<size_t>(w) * static_cast<size_t>(h) *
                 static_cast<size_t>(c),
             fill) {}

  uint8_t* At(int col, int row) {
    return data.data() + (static_cast<size_t>(row) * width + col) * channels;
  }
  const uint8_t* At(int col, int row) const {
    return data.data() + (static_cast<size_t>(row) * width + col) * channels;
  }
};

}  // namespace mapweave
