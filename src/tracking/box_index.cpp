// SPDX-License-Identifier: MIT
#include "tracking/box_index.h"

#include "core/error.h"

#include <algorithm>

namespace mapweave::tracking {
namespace {

int FloorDiv(int value, int divisor) {
  return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}

}  // namespace

BoxIndex::BoxIndex(int cell_px) : cell_px_(cell_px) {
  MAPWEAVE_CHECK(cell_px > 0);
}

template <typename Visit>
void BoxIndex::VisitCells(cv::Rect box, Visit visit) const {
  if (box.empty()) return;
  const int left = FloorDiv(box.x, cell_px_);
  const int right = FloorDiv(box.x + box.width - 1, cell_px_);
  const int top = FloorDiv(box.y, cell_px_);
  const int bottom = FloorDiv(box.y + box.height - 1, cell_px_);
  for (int row = top; row <= bottom; ++row) {
    for (int col = left; col <= right; ++col) {
      visit((static_cast<uint64_t>(static_cast<uint32_t>(row)) << 32) |
            static_cast<uint32_t>(col));
    }
  }
}

void BoxIndex::Insert(int id, cv::Rect box) {
  VisitCells(box, [&](uint64_t cell) { cells_[cell].push_back({id, box}); });
}

std::vector<int> BoxIndex::Overlapping(cv::Rect box) const {
  std::vector<int> found;
  VisitCells(box, [&](uint64_t cell) {
    const auto entries = cells_.find(cell);
    if (entries == cells_.end()) return;
    for (const Entry& entry : entries->second) {
      if (!(entry.box & box).empty()) found.push_back(entry.id);
    }
  });
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace mapweave::tracking
