// SPDX-License-Identifier: MIT
#include "geo/sheet_look.h"

#include "core/log.h"
#include "geo/collar.h"
#include "geo/neatline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace mapweave::geo {
namespace {

// Pixels of the longer side: lines are thin, paper is not.
constexpr int kLineSide = 2048;
constexpr int kPaperSide = kLineSide / 2;

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

// Sorted columns at which the outline passes through the row `y`: inside is
// between the first and the second, the third and the fourth, and so on.
std::vector<double> CrossingsOf(const MultiPolygon& outline, double y) {
  std::vector<double> crossings;
  for (const Polygon& polygon : outline) {
    CollectCrossings(polygon.shell, y, crossings);
    for (const Ring& hole : polygon.holes) {
      CollectCrossings(hole, y, crossings);
    }
  }
  std::sort(crossings.begin(), crossings.end());
  return crossings;
}

bool IsBetween(const std::vector<double>& crossings, double x) {
  const auto left = std::upper_bound(crossings.begin(), crossings.end(), x);
  return (left - crossings.begin()) % 2 == 1;
}

// Means of the valid pixels of squares of two.
Block Halved(const Block& in) {
  Block out;
  out.rgb = ImageU8((in.rgb.width + 1) / 2, (in.rgb.height + 1) / 2, 3);
  out.valid = ImageU8(out.rgb.width, out.rgb.height, 1);
  for (int row = 0; row < out.rgb.height; ++row) {
    for (int col = 0; col < out.rgb.width; ++col) {
      int sums[3] = {};
      int count = 0;
      for (int y = 2 * row; y < std::min(2 * row + 2, in.rgb.height); ++y) {
        for (int x = 2 * col; x < std::min(2 * col + 2, in.rgb.width); ++x) {
          if (!*in.valid.At(x, y)) continue;
          for (int k = 0; k < 3; ++k) sums[k] += in.rgb.At(x, y)[k];
          ++count;
        }
      }
      if (count == 0) continue;
      for (int k = 0; k < 3; ++k) {
        out.rgb.At(col, row)[k] =
            static_cast<uint8_t>((sums[k] + count / 2) / count);
      }
      *out.valid.At(col, row) = count >= 2;
    }
  }
  return out;
}

// `paper` at half the resolution of `fine`.
ImageU8 Doubled(const ImageU8& paper, const ImageU8& fine) {
  ImageU8 out(fine.width, fine.height, 1);
  for (int row = 0; row < out.height; ++row) {
    for (int col = 0; col < out.width; ++col) {
      *out.At(col, row) = *paper.At(col / 2, row / 2);
    }
  }
  return out;
}

// The frame's outline in sheet pixels, or nothing.
MultiPolygon NeatlineOf(const SheetInfo& sheet, const Level& level,
                        const ImageU8& rgb, const ImageU8& paper) {
  std::optional<Neatline> found = FindNeatline(rgb, paper);
  if (!found) return {};
  for (Point2d& p : found->outline) {
    p = {p.x * level.scale_x, p.y * level.scale_y};
  }
  const auto& [left, top, right, bottom] = found->margins;
  LogInfo(
      "{}: neatline found on {} sides, margins {:.0f}/{:.0f}/{:.0f}/{:.0f} px "
      "(left/top/right/bottom), confidence {:.2f}",
      sheet.path.string(), found->sides, left * level.scale_x,
      top * level.scale_y, right * level.scale_x, bottom * level.scale_y,
      found->confidence);
  return {{std::move(found->outline), {}}};
}

void FindCollars(const SheetInfo& sheet, SheetSource& source, SheetLook& look) {
  const int longer = std::max(sheet.width, sheet.height);
  const Level level = source.MakeLevel((longer + kLineSide - 1) / kLineSide);
  const Block fine = source.Read(level, 0, 0, level.width, level.height);
  const bool halve = longer > kPaperSide;
  const Block coarse = halve ? Halved(fine) : fine;
  look.scale_x = level.scale_x * (halve ? 2.0 : 1.0);
  look.scale_y = level.scale_y * (halve ? 2.0 : 1.0);
  look.paper = FindPaper(coarse.rgb, coarse.valid);
  if (look.legible.empty()) {
    look.legible =
        NeatlineOf(sheet, level, fine.rgb,
                   halve ? Doubled(look.paper, fine.valid) : look.paper);
  }
  // A hole in the paper is a matter of the mask at full resolution.
  for (size_t i = 0; i < look.paper.data.size(); ++i) {
    if (!coarse.valid.data[i]) look.paper.data[i] = 1;
  }
  if (std::find(look.paper.data.begin(), look.paper.data.end(), 0) ==
      look.paper.data.end()) {
    look.paper = {};
  }
}

// Clears what is not paper.
void MaskPaper(const SheetLook& look, const Level& level, Block& block) {
  const ImageU8& paper = look.paper;
  const auto at = [&paper](int col, int row) {
    return static_cast<double>(*paper.At(std::clamp(col, 0, paper.width - 1),
                                         std::clamp(row, 0, paper.height - 1)));
  };
  // From pixels of the level to pixels of the paper mask.
  const double ratio_x = level.scale_x / look.scale_x;
  const double ratio_y = level.scale_y / look.scale_y;
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

// Clears what lies outside the legible map.
void MaskLegible(const MultiPolygon& legible, const Level& level,
                 Block& block) {
  for (int r = 0; r < block.valid.height; ++r) {
    const std::vector<double> crossings =
        CrossingsOf(legible, (block.row + r + 0.5) * level.scale_y);
    for (int c = 0; c < block.valid.width; ++c) {
      if (!IsBetween(crossings, (block.col + c + 0.5) * level.scale_x)) {
        *block.valid.At(c, r) = 0;
      }
    }
  }
}

// Squared distance to the nearest 0 along one line of cells, whose neighbours
// beyond the ends are 0, given the squared distances across it. Lower envelope
// of parabolas: Felzenszwalb and Huttenlocher, Theory of Computing 8 (2012).
void SpreadAlong(std::vector<double>& line, double cell) {
  const auto count = static_cast<int>(line.size());
  std::vector<double> height(line.size() + 2, 0.0);
  std::copy(line.begin(), line.end(), height.begin() + 1);
  std::vector<int> apex{0};
  std::vector<double> from{-HUGE_VAL};
  for (int q = 1; q < count + 2; ++q) {
    double meet = 0.0;
    for (;;) {
      const int p = apex.back();
      meet =
          ((height[static_cast<size_t>(q)] - height[static_cast<size_t>(p)]) /
               (cell * cell) +
           static_cast<double>(q) * q - static_cast<double>(p) * p) /
          (2.0 * (q - p));
      if (meet > from.back()) break;
      apex.pop_back();
      from.pop_back();
    }
    apex.push_back(q);
    from.push_back(meet);
  }
  size_t k = 0;
  for (int i = 0; i < count; ++i) {
    while (k + 1 < apex.size() && from[k + 1] < i + 1) ++k;
    const double steps = (i + 1 - apex[k]) * cell;
    line[static_cast<size_t>(i)] =
        steps * steps + height[static_cast<size_t>(apex[k])];
  }
}

}  // namespace

SheetLook LookAt(const SheetInfo& sheet, bool find_collars) {
  SheetSource source(sheet.path);
  SheetLook look;
  look.legible = sheet.cutline;
  look.needs_range = source.NeedsRange();
  if (look.needs_range) {
    look.range = source.SampleRange();
    source.SetRange(look.range);
  }
  if (find_collars && !sheet.options.keep_all) {
    FindCollars(sheet, source, look);
  }
  return look;
}

void MaskCollar(const SheetLook& look, const Level& level, Block& block) {
  if (!look.paper.data.empty()) MaskPaper(look, level, block);
  if (!look.legible.empty()) MaskLegible(look.legible, level, block);
}

float SheetDepth::At(double x, double y) const {
  const double u = std::clamp(x / cell_x - 0.5, 0.0, cols - 1.0);
  const double v = std::clamp(y / cell_y - 0.5, 0.0, rows - 1.0);
  const int col = std::min(static_cast<int>(u), cols - 2);
  const int row = std::min(static_cast<int>(v), rows - 2);
  const auto fx = static_cast<float>(u - col);
  const auto fy = static_cast<float>(v - row);
  const float* p =
      &values[static_cast<size_t>(row) * static_cast<size_t>(cols) +
              static_cast<size_t>(col)];
  return (1 - fy) * ((1 - fx) * p[0] + fx * p[1]) +
         fy * ((1 - fx) * p[cols] + fx * p[cols + 1]);
}

SheetDepth DepthOf(const SheetInfo& sheet, const SheetLook& look) {
  constexpr int kSide = 256;
  SheetDepth depth;
  depth.cols = std::clamp(sheet.width, 2, kSide);
  depth.rows = std::clamp(sheet.height, 2, kSide);
  depth.cell_x = static_cast<double>(sheet.width) / depth.cols;
  depth.cell_y = static_cast<double>(sheet.height) / depth.rows;
  const auto cols = static_cast<size_t>(depth.cols);
  const auto rows = static_cast<size_t>(depth.rows);
  // Squared distances; at first those that any edge would be nearer than.
  const double far = static_cast<double>(sheet.width) * sheet.width +
                     static_cast<double>(sheet.height) * sheet.height;
  Level level;
  level.scale_x = depth.cell_x;
  level.scale_y = depth.cell_y;
  Block block;
  block.valid = ImageU8(depth.cols, depth.rows, 1, 1);
  MaskCollar(look, level, block);
  std::vector<double> squared(cols * rows);
  for (size_t i = 0; i < squared.size(); ++i) {
    squared[i] = block.valid.data[i] ? far : 0.0;
  }
  std::vector<double> line(cols);
  for (size_t row = 0; row < rows; ++row) {
    std::copy_n(&squared[row * cols], cols, line.begin());
    SpreadAlong(line, depth.cell_x);
    std::copy_n(line.begin(), cols, &squared[row * cols]);
  }
  line.resize(rows);
  for (size_t col = 0; col < cols; ++col) {
    for (size_t row = 0; row < rows; ++row)
      line[row] = squared[row * cols + col];
    SpreadAlong(line, depth.cell_y);
    for (size_t row = 0; row < rows; ++row)
      squared[row * cols + col] = line[row];
  }
  const double largest = *std::max_element(squared.begin(), squared.end());
  depth.deepest = std::sqrt(std::max(largest, 1.0));
  for (const double d : squared) {
    depth.values.push_back(static_cast<float>(std::sqrt(d) / depth.deepest));
  }
  return depth;
}

}  // namespace mapweave::geo
