// SPDX-License-Identifier: MIT
//
// Private to src/geo: the ridges of lines in a sheet, from which the frame
// around a map is found.
#pragma once

#include "core/image.h"

#include <cstddef>
#include <vector>

namespace mapweave::geo {

// Pixels along a line that are judged as one block.
inline constexpr int kBlock = 16;
// Grey levels of the faintest line above its sides.
inline constexpr float kFaintest = 5.0f;

// Single values per pixel, row-major.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<float> values;

  Plane(int w, int h)
      : width(w),
        height(h),
        values(static_cast<size_t>(w) * static_cast<size_t>(h)) {}
  float& At(int col, int row) {
    return values[static_cast<size_t>(row) * static_cast<size_t>(width) +
                  static_cast<size_t>(col)];
  }
  float At(int col, int row) const {
    return const_cast<Plane*>(this)->At(col, row);
  }
};

Plane Transposed(const Plane& plane);

// Darkness of the ink: 0 is the paper's end of the scale, whichever that is.
// Beyond the paper it is that of its commonest shade, so that no line is seen
// along the paper's edge.
Plane InkOf(const ImageU8& rgb, const ImageU8& paper);

// How much darker each pixel is than what lies above and below it, for lines
// along rows of several widths; 0 where it is not.
Plane RidgesAlongRows(const Plane& ink);

// Per row and block of columns, the share of columns with the crest of a ridge
// in this row or the one above or below.
Plane SharesSeen(const Plane& ridges);

}  // namespace mapweave::geo
