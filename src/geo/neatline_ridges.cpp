// SPDX-License-Identifier: MIT
#include "geo/neatline_ridges.h"

#include <algorithm>
#include <cstdint>

namespace mapweave::geo {
namespace {

// Means over a few pixels along each row: noise goes, lines along it stay.
Plane SmoothedAlongRows(const Plane& in) {
  constexpr int kReach = 4;
  Plane out(in.width, in.height);
  for (int row = 0; row < in.height; ++row) {
    float sum = 0.0f;
    int count = 0;
    for (int col = -kReach; col < in.width; ++col) {
      if (col + kReach < in.width) {
        sum += in.At(col + kReach, row);
        ++count;
      }
      if (col - kReach > 0) {
        sum -= in.At(col - kReach - 1, row);
        --count;
      }
      if (col >= 0) out.At(col, row) = sum / static_cast<float>(count);
    }
  }
  return out;
}

}  // namespace

Plane Transposed(const Plane& plane) {
  Plane out(plane.height, plane.width);
  for (int row = 0; row < plane.height; ++row) {
    for (int col = 0; col < plane.width; ++col) {
      out.At(row, col) = plane.At(col, row);
    }
  }
  return out;
}

Plane InkOf(const ImageU8& rgb, const ImageU8& paper) {
  Plane ink(rgb.width, rgb.height);
  std::vector<float> on_paper;
  for (size_t i = 0; i < ink.values.size(); ++i) {
    const uint8_t* p = &rgb.data[3 * i];
    ink.values[i] = 255.0f - (0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]);
    if (paper.data[i]) on_paper.push_back(ink.values[i]);
  }
  if (on_paper.empty()) return ink;
  const auto middle =
      on_paper.begin() + static_cast<std::ptrdiff_t>(on_paper.size() / 2);
  std::nth_element(on_paper.begin(), middle, on_paper.end());
  constexpr float kDarkPaper = 255.0f - 110.0f;
  const float sign = *middle > kDarkPaper ? -1.0f : 1.0f;
  for (size_t i = 0; i < ink.values.size(); ++i) {
    ink.values[i] = sign * (paper.data[i] ? ink.values[i] : *middle);
  }
  return ink;
}

Plane RidgesAlongRows(const Plane& ink) {
  const Plane smooth = SmoothedAlongRows(ink);
  Plane ridges(ink.width, ink.height);
  for (const int reach : {1, 2, 4, 8}) {
    for (int row = reach; row + reach < ink.height; ++row) {
      for (int col = 0; col < ink.width; ++col) {
        const float here = smooth.At(col, row);
        const float ridge = here - std::max(smooth.At(col, row - reach),
                                            smooth.At(col, row + reach));
        ridges.At(col, row) = std::max(ridges.At(col, row), ridge);
      }
    }
  }
  return ridges;
}

Plane SharesSeen(const Plane& ridges) {
  std::vector<uint8_t> crest(ridges.values.size());
  const auto at = [&ridges](int col, int row) {
    return static_cast<size_t>(row) * static_cast<size_t>(ridges.width) +
           static_cast<size_t>(col);
  };
  for (int row = 1; row + 1 < ridges.height; ++row) {
    for (int col = 0; col < ridges.width; ++col) {
      const float ridge = ridges.At(col, row);
      if (ridge < kFaintest || ridge < ridges.At(col, row - 1) ||
          ridge < ridges.At(col, row + 1)) {
        continue;
      }
      for (int k = -1; k <= 1; ++k) crest[at(col, row + k)] = 1;
    }
  }
  Plane shares(ridges.width / kBlock, ridges.height);
  for (int row = 0; row < shares.height; ++row) {
    for (int block = 0; block < shares.width; ++block) {
      const auto first =
          crest.begin() + static_cast<std::ptrdiff_t>(at(block * kBlock, row));
      shares.At(block, row) =
          static_cast<float>(std::count(first, first + kBlock, 1)) / kBlock;
    }
  }
  return shares;
}

}  // namespace mapweave::geo
