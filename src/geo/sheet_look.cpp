// SPDX-License-Identifier: MIT
#include "geo/sheet_look.h"

#include "geo/collar.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::geo {
namespace {

constexpr int kLookSide = 1024;  // pixels of the longer side

// Adds the columns at which the ring passes through the row `y`.
void CollectCrossings(const Ring& ring, double y,
                      std::vector<double>& crossings) {
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d& a = ring[i];
    const Point2d& b = ring[(i + 1) % ring.size()];
    if ((a.y <= y) == (b.y <= y)) continue;
    crossings.push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x));
  }
}

// Clears what lies outside the cutline; even-odd rule at pixel centres.
void ApplyCutline(const MultiPolygon& cutline, double scale_x, double scale_y,
                  ImageU8& paper) {
  for (int row = 0; row < paper.height; ++row) {
    const double y = (row + 0.5) * scale_y;
    std::vector<double> crossings;
    for (const Polygon& polygon : cutline) {
      CollectCrossings(polygon.shell, y, crossings);
      for (const Ring& hole : polygon.holes) {
        CollectCrossings(hole, y, crossings);
      }
    }
    std::sort(crossings.begin(), crossings.end());
    for (int col = 0; col < paper.width; ++col) {
      const double x = (col + 0.5) * scale_x;
      const auto left = std::upper_bound(crossings.begin(), crossings.end(), x);
      if ((left - crossings.begin()) % 2 == 0) *paper.At(col, row) = 0;
    }
  }
}

}  // namespace

SheetLook LookAt(const SheetInfo& sheet, bool find_collars) {
  SheetSource source(sheet.path);
  SheetLook look;
  look.needs_range = source.NeedsRange();
  if (look.needs_range) {
    look.range = source.SampleRange();
    source.SetRange(look.range);
  }
  if (!find_collars && sheet.cutline.empty()) return look;
  const int longer = std::max(sheet.width, sheet.height);
  const Level level = source.MakeLevel((longer + kLookSide - 1) / kLookSide);
  Block block = source.Read(level, 0, 0, level.width, level.height);
  // A hole in the paper is a matter of the mask at full resolution.
  look.paper = find_collars ? FindPaper(block.rgb, block.valid)
                            : ImageU8(level.width, level.height, 1, uint8_t{1});
  for (size_t i = 0; i < look.paper.data.size(); ++i) {
    if (!block.valid.data[i]) look.paper.data[i] = 1;
  }
  if (!sheet.cutline.empty()) {
    ApplyCutline(sheet.cutline, level.scale_x, level.scale_y, look.paper);
  }
  if (std::find(look.paper.data.begin(), look.paper.data.end(), 0) ==
      look.paper.data.end()) {
    look.paper = {};
  }
  return look;
}

void MaskCollar(const SheetLook& look, const SheetInfo& sheet,
                const Level& level, Block& block) {
  const ImageU8& paper = look.paper;
  if (paper.data.empty()) return;
  // From pixels of the level to pixels of the paper mask.
  const double ratio_x = paper.width * level.scale_x / sheet.width;
  const double ratio_y = paper.height * level.scale_y / sheet.height;
  const auto at = [&paper](int col, int row) {
    return static_cast<double>(*paper.At(std::clamp(col, 0, paper.width - 1),
                                         std::clamp(row, 0, paper.height - 1)));
  };
  for (int r = 0; r < block.valid.height; ++r) {
    const double y = (block.row + r + 0.5) * ratio_y - 0.5;
    const int top = static_cast<int>(std::floor(y));
    const double v = y - top;
    for (int c = 0; c < block.valid.width; ++c) {
      const double x = (block.col + c + 0.5) * ratio_x - 0.5;
      const int left = static_cast<int>(std::floor(x));
      const double u = x - left;
      // Interpolated, so that the edge is a slanted line and not stairs.
      const double inside =
          (1 - v) * ((1 - u) * at(left, top) + u * at(left + 1, top)) +
          v * ((1 - u) * at(left, top + 1) + u * at(left + 1, top + 1));
      if (inside < 0.5) *block.valid.At(c, r) = 0;
    }
  }
}

}  // namespace mapweave::geo
