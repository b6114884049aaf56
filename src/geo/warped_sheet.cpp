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

// Positions have ten binary digits after the point: finer than any drawing,
// and the weights of a sample still sum up in 32 bits.
constexpr int kBits = 10;
constexpr int32_t kOne = 1 << kBits;
constexpr int32_t kNowhere = INT32_MIN;
static_assert(Layer::kFull == kOne * kOne);

// Rounds to the nearest. Far positions end up beyond any sheet.
int32_t Fixed(double position) {
  // Truncation rounds positive numbers down, without a call to floor.
  constexpr double kBias = 1 << 30;
  constexpr double kFar = kBias - kOne;
  const double clamped = std::min(std::max(position, -kFar), kFar);
  return static_cast<int32_t>(clamped + kBias + 0.5) - (1 << 30);
}

// Adds the bilinear mean of the valid ones of four pixels. `x` and `y` in fixed
// point from the centre of the block's first pixel.
void AddPart(const Block& block, int32_t x, int32_t y,
             std::array<int32_t, 4>& sums) {
  const int32_t wx[] = {kOne - (x & (kOne - 1)), x & (kOne - 1)};
  const int32_t wy[] = {kOne - (y & (kOne - 1)), y & (kOne - 1)};
  for (int j = 0; j < 2; ++j) {
    for (int i = 0; i < 2; ++i) {
      const int col = (x >> kBits) + i;
      const int row = (y >> kBits) + j;
      if (col < 0 || row < 0 || col >= block.valid.width ||
          row >= block.valid.height || !*block.valid.At(col, row)) {
        continue;
      }
      const int32_t weight = wx[i] * wy[j];
      const uint8_t* p = block.rgb.At(col, row);
      for (size_t k = 0; k < 3; ++k) sums[k] += weight * p[k];
      sums[3] += weight;
    }
  }
}

// The same where all four pixels are there: the common case, without a branch.
void AddWhole(const uint8_t* above, const uint8_t* below, int32_t fx,
              int32_t fy, std::array<int32_t, 4>& sums) {
  const int32_t w11 = fx * fy;
  const int32_t w01 = (fx << kBits) - w11;
  const int32_t w10 = (fy << kBits) - w11;
  const int32_t w00 = Layer::kFull - w01 - w10 - w11;
  for (size_t k = 0; k < 3; ++k) {
    sums[k] += w00 * above[k] + w01 * above[k + 3] + w10 * below[k] +
               w11 * below[k + 3];
  }
  sums[3] += Layer::kFull;
}

// Samples a block at positions from the level's first pixel.
class Sampler {
 public:
  explicit Sampler(const Block& block)
      : block_(block),
        row_bytes_(3 * static_cast<size_t>(block.rgb.width)),
        all_valid_(std::find(block.valid.data.begin(), block.valid.data.end(),
                             0) == block.valid.data.end()) {}

  void Add(int32_t x, int32_t y, std::array<int32_t, 4>& sums) const {
    // Far positions first: they would not fit.
    const int col = (x >> kBits) - block_.col;
    const int row = (y >> kBits) - block_.row;
    const int width = block_.valid.width;
    const int height = block_.valid.height;
    if (col < -1 || row < -1 || col >= width || row >= height) return;
    if (col >= 0 && row >= 0 && col + 1 < width && row + 1 < height &&
        (all_valid_ || AllValid(col, row))) {
      const uint8_t* above = block_.rgb.data.data() +
                             static_cast<size_t>(row) * row_bytes_ +
                             3 * static_cast<size_t>(col);
      AddWhole(above, above + row_bytes_, x & (kOne - 1), y & (kOne - 1), sums);
    } else {
      AddPart(block_, x - block_.col * kOne, y - block_.row * kOne, sums);
    }
  }

 private:
  bool AllValid(int col, int row) const {
    const uint8_t* above = block_.valid.At(col, row);
    const uint8_t* below = block_.valid.At(col, row + 1);
    return above[0] && above[1] && below[0] && below[1];
  }

  const Block& block_;
  size_t row_bytes_;
  bool all_valid_;
};

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
  lattice.along = {p.x - o.x, p.y - o.y};
  lattice.down = {q.x - o.x, q.y - o.y};
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

void WarpedSheet::Positions::Include(int32_t px, int32_t py) {
  min_x = std::min(min_x, px);
  min_y = std::min(min_y, py);
  max_x = std::max(max_x, px);
  max_y = std::max(max_y, py);
}

void WarpedSheet::Locate(const Lattice& lattice, const OutputTile& tile,
                         const Level& level) {
  const int64_t step = lattice.step;
  const int64_t first_col = FloorDivide(tile.col, step);
  const int64_t end_cell = FloorDivide(tile.col + tile.width - 1, step) + 1;
  const auto nodes_x = static_cast<size_t>(end_cell - first_col + 1);
  // Nodes of one row of the lattice, in fixed point but for the rounding.
  const auto nodes_at = [&](int64_t node_row) {
    std::vector<Point2d> nodes;
    nodes.reserve(nodes_x);
    for (int64_t col = first_col; col <= end_cell; ++col) {
      const Point2d p = SheetFromGrid(
          {static_cast<double>(col * step * tile.downsample),
           static_cast<double>(node_row * step * tile.downsample)});
      nodes.push_back({(p.x / level.scale_x - 0.5) * kOne,
                       (p.y / level.scale_y - 0.5) * kOne});
    }
    return nodes;
  };
  const size_t pixels =
      static_cast<size_t>(tile.width) * static_cast<size_t>(tile.height);
  positions_ = {std::move(positions_.x), std::move(positions_.y)};
  positions_.x.resize(pixels);
  positions_.y.resize(pixels);
  std::vector<Point2d> above;
  std::vector<Point2d> below;
  int64_t known = tile.row - 1;  // last row of the cells that are loaded
  size_t at = 0;
  for (int64_t row = tile.row; row < tile.row + tile.height; ++row) {
    const int64_t cell_row = FloorDivide(row, step);
    if (row > known) {
      above = below.empty() ? nodes_at(cell_row) : std::move(below);
      below = nodes_at(cell_row + 1);
      known = cell_row * step + step - 1;
    }
    const double v =
        (static_cast<double>(row - cell_row * step) + 0.5) / lattice.step;
    for (int64_t cell = first_col; cell < end_cell; ++cell) {
      const auto i = static_cast<size_t>(cell - first_col);
      const Point2d a{(1 - v) * above[i].x + v * below[i].x,
                      (1 - v) * above[i].y + v * below[i].y};
      const Point2d b{(1 - v) * above[i + 1].x + v * below[i + 1].x,
                      (1 - v) * above[i + 1].y + v * below[i + 1].y};
      const auto from =
          static_cast<int>(std::max(cell * step, tile.col) - cell * step);
      const auto to = static_cast<int>(
          std::min(cell * step + step, tile.col + tile.width) - cell * step);
      const bool defined = std::isfinite(a.x) && std::isfinite(a.y) &&
                           std::isfinite(b.x) && std::isfinite(b.y);
      for (int k = from; k < to; ++k) {
        const double u = (k + 0.5) / lattice.step;
        const size_t pixel = at + static_cast<size_t>(k - from);
        positions_.x[pixel] = defined ? Fixed(a.x + u * (b.x - a.x)) : kNowhere;
        positions_.y[pixel] = defined ? Fixed(a.y + u * (b.y - a.y)) : kNowhere;
      }
      const auto count = static_cast<size_t>(to - from);
      if (defined) {
        // They lie on a line.
        positions_.Include(positions_.x[at], positions_.y[at]);
        positions_.Include(positions_.x[at + count - 1],
                           positions_.y[at + count - 1]);
      }
      at += count;
    }
  }
}

Block WarpedSheet::ReadAround(const Level& level) {
  if (positions_.min_x > positions_.max_x) return {};
  // Room for the interpolation and its subsamples.
  constexpr int kRoom = 2;
  const int left = std::max(0, (positions_.min_x >> kBits) - kRoom);
  const int top = std::max(0, (positions_.min_y >> kBits) - kRoom);
  const int right =
      std::min(level.width, (positions_.max_x >> kBits) + 2 + kRoom);
  const int bottom =
      std::min(level.height, (positions_.max_y >> kBits) + 2 + kRoom);
  if (left >= right || top >= bottom) return {};
  return source_.Read(level, left, top, right - left, bottom - top);
}

// Depths, and the sides of pixels that lie just beyond the raster.
void WarpedSheet::AddSeam(const Lattice& lattice, const Level& level) {
  const size_t pixels = layer_.sums.size();
  layer_.depth.assign(pixels, 0.0f);
  layer_.side.assign(pixels, 0);
  layer_.reach = look_->depth.deepest / lattice.scale;
  // The last pixel before an edge is as deep as the edge: where sheets abut,
  // both have their full share.
  const auto edge = static_cast<float>(1.0 / layer_.reach);
  const double width = kOne * lattice.scale / level.scale_x;
  const auto beyond = [](int32_t x, int length) {
    const int32_t end = length * kOne - kOne / 2;
    return x < -kOne / 2 ? x + kOne / 2 : std::max(0, x - end);
  };
  for (size_t i = 0; i < pixels; ++i) {
    const int32_t x = positions_.x[i];
    const int32_t y = positions_.y[i];
    if (x == kNowhere) continue;
    if (layer_.sums[i][3] > 0) {
      const float depth = look_->depth.At(
          (static_cast<double>(x) / kOne + 0.5) * level.scale_x,
          (static_cast<double>(y) / kOne + 0.5) * level.scale_y);
      layer_.depth[i] = std::max(0.0f, depth - edge);
    }
    if (layer_.sums[i][3] >= Layer::kFull / 2) continue;
    const double ex = beyond(x, level.width);
    const double ey = beyond(y, level.height);
    if ((ex == 0.0 && ey == 0.0) || std::hypot(ex, ey) >= width) continue;
    const double across = ex * lattice.along.x + ey * lattice.along.y;
    const double down = ex * lattice.down.x + ey * lattice.down.y;
    layer_.side[i] = std::abs(across) >= std::abs(down)
                         ? (across < 0.0 ? Layer::kLeft : Layer::kRight)
                         : (down < 0.0 ? Layer::kAbove : Layer::kBelow);
  }
}

const Layer* WarpedSheet::Warp(const OutputTile& tile, Purpose purpose) {
  if (!IsNear(tile)) return nullptr;
  const Lattice& lattice = LatticeFor(tile.downsample);
  const int factor =
      std::max(1, static_cast<int>(std::floor(lattice.scale + 1e-3)));
  const Level level = source_.MakeLevel(factor);
  Locate(lattice, tile, level);
  Block block = ReadAround(level);
  if (block.valid.data.empty()) return nullptr;
  MaskCollar(*look_, level, block);

  // An output pixel wider than a level pixel is the mean of four samples.
  const double width_in_level = lattice.scale / level.scale_x;
  const int32_t spread =
      width_in_level > 1.05 ? Fixed(0.25 * width_in_level * kOne) : 0;
  const Sampler sampler(block);
  const size_t pixels = positions_.x.size();
  layer_.sums.assign(pixels, {});
  for (size_t i = 0; i < pixels; ++i) {
    const int32_t x = positions_.x[i];
    const int32_t y = positions_.y[i];
    if (x == kNowhere) continue;
    std::array<int32_t, 4>& sums = layer_.sums[i];
    if (spread == 0) {
      sampler.Add(x, y, sums);
      continue;
    }
    sampler.Add(x - spread, y - spread, sums);
    sampler.Add(x + spread, y - spread, sums);
    sampler.Add(x - spread, y + spread, sums);
    sampler.Add(x + spread, y + spread, sums);
    for (int32_t& sum : sums) sum /= 4;
  }
  if (purpose == Purpose::kSeam) AddSeam(lattice, level);
  return &layer_;
}

}  // namespace mapweave::geo
