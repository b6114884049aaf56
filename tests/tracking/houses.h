// SPDX-License-Identifier: MIT
//
// Rectangular instances, for the tests of linking.
#pragma once

#include "tracking/components.h"

#include <vector>

namespace mapweave::tracking {

inline Instance House(int x, int y, int width, int height, float score = 0.9f) {
  std::vector<Run> runs;
  for (int row = y; row < y + height; ++row) {
    runs.push_back({row, x, x + width});
  }
  return {Mask::FromRuns(runs), score};
}

}  // namespace mapweave::tracking
