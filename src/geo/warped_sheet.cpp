// SPDX-License-Identifier: MIT
#include "geo/warped_sheet.h"

#include "geo/polygon_ops.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mapweave::geo {
namespace {

int64_t FloorDivide(int64_t value, int64_t by) {
  const int64_t quotient = value / by;
  return quotient * by > value ? quotient - 1 : quotient;
}

Transformer TransformerFor(const SheetInfo& sheet, const Grid& grid) {
  TransformOptions options;
  options.allow_ballpark = sheet.options.allow_ballpark;
  options.area = Bounds(sheet.footprint);
  return Transformer(sheet.crs, grid.crs, options);
}

Box Moved(const Box& box, const Box& by) {
  return {box.min_x + by.min_x, box.min_y + by.min_y, box.max_x + by.max_x,
          box.max_y + by.max_y};
}

// A position split into the pixel whose centre lies before it and the way to
// the next one. Positions within 1e-4 of a centre are taken to lie on it, so
// that sheets on the grid's own lattice are copied.
struct Split {
  double before;
  double way;
};

Split SplitAt(double position) {
  constexpr double kOnCentre = 1e-4;
  const double before = std::floor(position - 0.5);
  const double way = position - 0.5 - before;
  if (way < kOnCentre) return {before, 0.0};
  if (way > 1.0 - kOnCentre) return {before + 1.0, 0.0};
  return {before, way};
}

// Bilinear over the valid ones of four pixels. `x` and `y` in pixels of the
// block's level.
Sample SampleAt(const Block& block, double x, double y) {
  Sample sample;
  const Split across = SplitAt(x);
  const Split down = SplitAt(y);
  // Far positions first: they do not fit an int.
  if (!(across.before >= block.col - 1.0 && down.before >= block.row - 1.0 &&
        across.before < block.col + block.valid.width &&
        down.before < block.row + block.valid.height)) {
    return sample;
  }
  const int first_col = static_cast<int>(across.before) - block.col;
  const int first_row = static_cast<int>(down.before) - block.row;
  const int cols = across.way > 0.0 ? 2 : 1;
  const int rows = down.way > 0.0 ? 2 : 1;
  for (int j = 0; j < rows; ++j) {
    for (int i = 0; i < cols; ++i) {
      const int col = first_col + i;
      const int row = first_row + j;
      if (col < 0 || row < 0 || col >= block.valid.width ||
          row >= block.valid.height || !*block.valid.At(col, row)) {
        continue;
      }
      const double weight = (i == 0 ? 1.0 - across.way : across.way) *
                            (j == 0 ? 1.0 - down.way : down.way);
      const uint8_t* p = block.rgb.At(col, row);
      for (size_t k = 0; k < 3; ++k) sample.rgb[k] += weight * p[k];
      sample.weight += weight;
    }
  }
  return sample;
}

// The mean of samples at (+-spread, +-spread) around a position, in pixels of
// the block's level; a single one if spread is 0.
Sample MeanAround(const Block& block, double x, double y, double spread) {
  if (spread == 0.0) return SampleAt(block, x, y);
  Sample mean;
  for (const double dy : {-spread, spread}) {
    for (const double dx : {-spread, spread}) {
      const Sample part = SampleAt(block, x + dx, y + dy);
      for (size_t k = 0; k < 3; ++k) mean.rgb[k] += 0.25 * part.rgb[k];
      mean.weight += 0.25 * part.weight;
    }
  }
  return mean;
}

}  // namespace

WarpedSheet::WarpedSheet(const SheetInfo& sheet, const Grid& grid,
                         std::shared_ptr<const SheetLook> look,
                         std::shared_ptr<const DisplacementField> displacement)
    : sheet_(sheet),
      grid_(grid),
      look_(std::move(look)),
      source_(sheet.path),
      sheet_georeference_(sheet),
      grid_from_sheet_(TransformerFor(sheet, grid)),
      displacement_(std::move(displacement)),
      bounds_(
          Moved(Bounds(sheet.FootprintIn(grid.crs)), displacement_->Range())) {
  if (look_->needs_range) source_.SetRange(look_->range);
}

Point2d WarpedSheet::SheetFromGrid(Point2d grid_pixel) const {
  const Point2d stated =
      displacement_->ApplyInverse(grid_.WorldFromPixel(grid_pixel));
  if (!std::isfinite(stated.x)) return stated;
  return sheet_georeference_.PixelFromCrs(grid_from_sheet_.Inverse(stated));
}

bool WarpedSheet::IsNear(const OutputTile& tile) const {
  const auto d = static_cast<double>(tile.downsample);
  const auto col = static_cast<double>(tile.col);
  const auto row = static_cast<double>(tile.row);
  // An output pixel of room: half of one is interpolated over the edge.
  const Point2d top_left =
      grid_.WorldFromPixel({(col - 1.0) * d, (row - 1.0) * d});
  const Point2d bottom_right = grid_.WorldFromPixel(
      {(col + tile.width + 1.0) * d, (row + tile.height + 1.0) * d});
  return top_left.x <= bounds_.max_x && bottom_right.x >= bounds_.min_x &&
         bottom_right.y <= bounds_.max_y && top_left.y >= bounds_.min_y;
}

// Largest error, in sheet pixels, at the centres of lattice cells of this side
// (in grid pixels), found at places spread over the sheet.
double WarpedSheet::LatticeError(double side) const {
  constexpr int kPlacesPerSide = 9;
  const Point2d low = grid_.PixelFromWorld({bounds_.min_x, bounds_.max_y});
  const Point2d high = grid_.PixelFromWorld({bounds_.max_x, bounds_.min_y});
  double worst = 0.0;
  for (int j = 0; j < kPlacesPerSide; ++j) {
    for (int i = 0; i < kPlacesPerSide; ++i) {
      const double x = low.x + i * (high.x - low.x) / (kPlacesPerSide - 1);
      const double y = low.y + j * (high.y - low.y) / (kPlacesPerSide - 1);
      const Point2d a = SheetFromGrid({x, y});
      const Point2d b = SheetFromGrid({x + side, y});
      const Point2d c = SheetFromGrid({x, y + side});
      const Point2d d = SheetFromGrid({x + side, y + side});
      const Point2d exact = SheetFromGrid({x + side / 2.0, y + side / 2.0});
      const double error = std::hypot((a.x + b.x + c.x + d.x) / 4.0 - exact.x,
                                      (a.y + b.y + c.y + d.y) / 4.0 - exact.y);
      // Corners of the box may lie where the map is not defined.
      if (std::isfinite(error)) worst = std::max(worst, error);
    }
  }
  return worst;
}

// Depends on nothing but the sheet, its displacement and the reduction.
const WarpedSheet::Lattice& WarpedSheet::LatticeFor(int downsample) {
  const auto known = lattices_.find(downsample);
  if (known != lattices_.end()) return known->second;
  Lattice lattice;
  const Point2d middle =
      grid_.PixelFromWorld({(bounds_.min_x + bounds_.max_x) / 2.0,
                            (bounds_.min_y + bounds_.max_y) / 2.0});
  const Point2d o = SheetFromGrid(middle);
  const Point2d p = SheetFromGrid({middle.x + 1.0, middle.y});
  const Point2d q = SheetFromGrid({middle.x, middle.y + 1.0});
  lattice.scale = downsample * std::sqrt(std::abs((p.x - o.x) * (q.y - o.y) -
                                                  (p.y - o.y) * (q.x - o.x)));
  if (!std::isfinite(lattice.scale)) lattice.scale = downsample;
  constexpr int kCoarsest = 64;
  // Half of what gdalwarp allows itself.
  const double allowed = 0.06 * std::max(1.0, lattice.scale);
  lattice.step = kCoarsest;
  const auto side = [&] {
    return lattice.step * static_cast<double>(downsample);
  };
  // The displacement may bend between the places that LatticeError looks at;
  // over a quarter of its spacing it is straight enough.
  const double straight =
      displacement_->IsConstant()
          ? HUGE_VAL
          : 0.25 * std::abs(displacement_->step.x) / grid_.resolution;
  while (lattice.step > 1 &&
         (side() > straight || LatticeError(side()) > allowed)) {
    lattice.step /= 2;
  }
  return lattices_.emplace(downsample, lattice).first->second;
}

std::vector<Point2d> WarpedSheet::Positions(const Lattice& lattice,
                                            const OutputTile& tile) const {
  const int64_t step = lattice.step;
  const int64_t first_col = FloorDivide(tile.col, step);
  const int64_t first_row = FloorDivide(tile.row, step);
  const auto nodes_x = static_cast<size_t>(
      FloorDivide(tile.col + tile.width, step) - first_col + 2);
  const auto nodes_y = static_cast<size_t>(
      FloorDivide(tile.row + tile.height, step) - first_row + 2);
  std::vector<Point2d> nodes;
  nodes.reserve(nodes_x * nodes_y);
  for (size_t j = 0; j < nodes_y; ++j) {
    for (size_t i = 0; i < nodes_x; ++i) {
      const int64_t x = (first_col + static_cast<int64_t>(i)) * step;
      const int64_t y = (first_row + static_cast<int64_t>(j)) * step;
      nodes.push_back(
          SheetFromGrid({static_cast<double>(x * tile.downsample),
                         static_cast<double>(y * tile.downsample)}));
    }
  }
  std::vector<Point2d> positions;
  positions.reserve(static_cast<size_t>(tile.width) *
                    static_cast<size_t>(tile.height));
  for (int64_t row = tile.row; row < tile.row + tile.height; ++row) {
    const int64_t cell_row = FloorDivide(row, step);
    const double v =
        (static_cast<double>(row - cell_row * step) + 0.5) / lattice.step;
    for (int64_t col = tile.col; col < tile.col + tile.width; ++col) {
      const int64_t cell_col = FloorDivide(col, step);
      const double u =
          (static_cast<double>(col - cell_col * step) + 0.5) / lattice.step;
      const size_t at = static_cast<size_t>(cell_row - first_row) * nodes_x +
                        static_cast<size_t>(cell_col - first_col);
      const Point2d& a = nodes[at];
      const Point2d& b = nodes[at + 1];
      const Point2d& c = nodes[at + nodes_x];
      const Point2d& d = nodes[at + nodes_x + 1];
      positions.push_back(
          {(1 - v) * ((1 - u) * a.x + u * b.x) + v * ((1 - u) * c.x + u * d.x),
           (1 - v) * ((1 - u) * a.y + u * b.y) +
               v * ((1 - u) * c.y + u * d.y)});
    }
  }
  return positions;
}

Block WarpedSheet::ReadAround(const Level& level,
                              const std::vector<Point2d>& positions) {
  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (const Point2d& p : positions) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y)) continue;
    box.min_x = std::min(box.min_x, p.x);
    box.min_y = std::min(box.min_y, p.y);
    box.max_x = std::max(box.max_x, p.x);
    box.max_y = std::max(box.max_y, p.y);
  }
  // Room for the interpolation and its subsamples.
  constexpr double kRoom = 2.0;
  const double left = std::max(0.0, box.min_x / level.scale_x - kRoom);
  const double top = std::max(0.0, box.min_y / level.scale_y - kRoom);
  const double right =
      std::min<double>(level.width, box.max_x / level.scale_x + kRoom);
  const double bottom =
      std::min<double>(level.height, box.max_y / level.scale_y + kRoom);
  if (!(left < right) || !(top < bottom)) return {};
  const int col = static_cast<int>(left);
  const int row = static_cast<int>(top);
  return source_.Read(level, col, row, static_cast<int>(std::ceil(right)) - col,
                      static_cast<int>(std::ceil(bottom)) - row);
}

void WarpedSheet::Add(const OutputTile& tile, std::vector<Sample>& samples) {
  if (!IsNear(tile)) return;
  const Lattice& lattice = LatticeFor(tile.downsample);
  const std::vector<Point2d> positions = Positions(lattice, tile);
  const int factor =
      std::max(1, static_cast<int>(std::floor(lattice.scale + 1e-3)));
  const Level level = source_.MakeLevel(factor);
  Block block = ReadAround(level, positions);
  if (block.valid.data.empty()) return;
  MaskCollar(*look_, level, block);

  // An output pixel wider than a level pixel is the mean of four samples.
  const double width_in_level = lattice.scale / level.scale_x;
  const double spread = width_in_level > 1.05 ? 0.25 * width_in_level : 0.0;
  constexpr double kFull = 1.0 - 1e-6;
  for (size_t i = 0; i < positions.size(); ++i) {
    Sample& total = samples[i];
    const Point2d& p = positions[i];
    if (total.weight >= kFull || !std::isfinite(p.x) || !std::isfinite(p.y)) {
      continue;
    }
    const Sample own =
        MeanAround(block, p.x / level.scale_x, p.y / level.scale_y, spread);
    if (own.weight <= 0.0) continue;
    // Earlier sheets come first; this one fills what they leave.
    const double share = std::min(own.weight, 1.0 - total.weight) / own.weight;
    for (size_t k = 0; k < 3; ++k) total.rgb[k] += share * own.rgb[k];
    total.weight += share * own.weight;
  }
}

}  // namespace mapweave::geo
