// SPDX-License-Identifier: MIT
//
// The warp is done here and not by GDAL's warper, for two properties that it
// does not have: a pixel does not depend on the window it is read with, and
// sheets that abut are blended across the seam as if they were one.
#include "geo/edition_reader.h"

#include "core/error.h"
#include "geo/collar.h"
#include "geo/georeference.h"
#include "geo/polygon_ops.h"
#include "geo/sheet_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace mapweave::geo {
namespace {

// What is found out about a sheet once and shared by all readers of it.
struct SheetLook {
  ValueRange range;
  bool needs_range = false;
  // 1 = paper, at reduced resolution; empty if all of it is.
  ImageU8 paper;
};

constexpr int kLookSide = 1024;  // pixels of the longer side

// Clears what lies outside the cutline; even-odd rule at pixel centres.
void ApplyCutline(const Ring& cutline, double scale_x, double scale_y,
                  ImageU8& paper) {
  for (int row = 0; row < paper.height; ++row) {
    const double y = (row + 0.5) * scale_y;
    std::vector<double> crossings;
    for (size_t i = 0; i < cutline.size(); ++i) {
      const Point2d& a = cutline[i];
      const Point2d& b = cutline[(i + 1) % cutline.size()];
      if ((a.y <= y) == (b.y <= y)) continue;
      crossings.push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x));
    }
    std::sort(crossings.begin(), crossings.end());
    for (int col = 0; col < paper.width; ++col) {
      const double x = (col + 0.5) * scale_x;
      const auto left = std::upper_bound(crossings.begin(), crossings.end(), x);
      if ((left - crossings.begin()) % 2 == 0) *paper.At(col, row) = 0;
    }
  }
}

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
  return look;
}

// Bilinear sum over the valid ones of four pixels; weight is the part of the
// whole that was valid.
struct Sample {
  double rgb[3] = {0.0, 0.0, 0.0};
  double weight = 0.0;
};

// `x` and `y` in pixels of the block's level.
Sample SampleBlock(const Block& block, double x, double y) {
  Sample sample;
  const double left = std::floor(x - 0.5);
  const double top = std::floor(y - 0.5);
  const double fx = x - 0.5 - left;
  const double fy = y - 0.5 - top;
  const int col = static_cast<int>(left) - block.col;
  const int row = static_cast<int>(top) - block.row;
  for (int j = 0; j < 2; ++j) {
    for (int i = 0; i < 2; ++i) {
      const int c = col + i;
      const int r = row + j;
      if (c < 0 || r < 0 || c >= block.valid.width || r >= block.valid.height ||
          !*block.valid.At(c, r)) {
        continue;
      }
      const double weight = (i == 0 ? 1.0 - fx : fx) * (j == 0 ? 1.0 - fy : fy);
      const uint8_t* p = block.rgb.At(c, r);
      for (int k = 0; k < 3; ++k) sample.rgb[k] += weight * p[k];
      sample.weight += weight;
    }
  }
  return sample;
}

// A lattice of exactly computed positions, interpolated between. Nodes lie at
// multiples of `step` output pixels, whatever the window.
struct Lattice {
  int step = 1;
  double scale = 1.0;  // sheet pixels per output pixel
};

// One sheet as one reader sees it.
class WarpedSheet {
 public:
  WarpedSheet(const SheetInfo& sheet, const Grid& grid,
              std::shared_ptr<const SheetLook> look)
      : sheet_(sheet),
        grid_(grid),
        look_(std::move(look)),
        source_(sheet.path),
        sheet_from_pixel_(
            sheet.georef == Georef::kAffine
                ? Georeference(sheet.transform)
                : Georeference(sheet.control_points, sheet.georef)),
        grid_from_sheet_(MakeTransformer(sheet, grid)),
        bounds_(Bounds(sheet.FootprintIn(grid.crs))) {
    if (look_->needs_range) source_.SetRange(look_->range);
  }

  // Position in sheet pixels of a position in grid pixels. Infinite where it
  // is not defined.
  Point2d SheetFromGrid(Point2d grid_pixel, Point2d shift) const {
    const Point2d world = grid_.WorldFromPixel(grid_pixel);
    return sheet_from_pixel_.PixelFromCrs(
        grid_from_sheet_.Inverse({world.x - shift.x, world.y - shift.y}));
  }

  // Adds this sheet to the samples of output pixels [col, col + width) x
  // [row, row + height), which are `downsample` grid pixels wide, as far as
  // they are not full yet.
  void Add(int64_t col, int64_t row, int width, int height, int downsample,
           Point2d shift, std::vector<Sample>& samples);

 private:
  static Transformer MakeTransformer(const SheetInfo& sheet, const Grid& grid) {
    TransformOptions options;
    options.allow_ballpark = sheet.options.allow_ballpark;
    options.area = Bounds(sheet.footprint);
    return Transformer(sheet.crs, grid.crs, options);
  }

  const Lattice& LatticeFor(int downsample);
  // Sheet positions of the output pixels' centres; infinite where undefined.
  std::vector<Point2d> Positions(const Lattice& lattice, int64_t col,
                                 int64_t row, int width, int height,
                                 int downsample, Point2d shift) const;
  void MaskCollar(const Level& level, Block& block) const;
  bool IsNear(int64_t col, int64_t row, int width, int height, int downsample,
              Point2d shift) const;

  SheetInfo sheet_;
  Grid grid_;
  std::shared_ptr<const SheetLook> look_;
  SheetSource source_;
  Georeference sheet_from_pixel_;
  Transformer grid_from_sheet_;
  Box bounds_;  // in the grid's CRS
  std::map<int, Lattice> lattices_;
};

bool WarpedSheet::IsNear(int64_t col, int64_t row, int width, int height,
                         int downsample, Point2d shift) const {
  const auto d = static_cast<double>(downsample);
  const Point2d top_left =
      grid_.WorldFromPixel({(static_cast<double>(col) - 1.0) * d,
                            (static_cast<double>(row) - 1.0) * d});
  const Point2d bottom_right =
      grid_.WorldFromPixel({(static_cast<double>(col + width) + 1.0) * d,
                            (static_cast<double>(row + height) + 1.0) * d});
  return top_left.x <= bounds_.max_x + shift.x &&
         bottom_right.x >= bounds_.min_x + shift.x &&
         bottom_right.y <= bounds_.max_y + shift.y &&
         top_left.y >= bounds_.min_y + shift.y;
}

const Lattice& WarpedSheet::LatticeFor(int downsample) {
  const auto known = lattices_.find(downsample);
  if (known != lattices_.end()) return known->second;
  Lattice lattice;
  // Chosen once, without the shift, so that it depends on nothing but the sheet
  // and the reduction. A shift of some metres changes no curvature.
  const Point2d low = grid_.PixelFromWorld({bounds_.min_x, bounds_.max_y});
  const Point2d high = grid_.PixelFromWorld({bounds_.max_x, bounds_.min_y});
  const Point2d middle{(low.x + high.x) / 2.0, (low.y + high.y) / 2.0};
  const Point2d o = SheetFromGrid(middle, {});
  const Point2d p = SheetFromGrid({middle.x + 1.0, middle.y}, {});
  const Point2d q = SheetFromGrid({middle.x, middle.y + 1.0}, {});
  lattice.scale = downsample * std::sqrt(std::abs((p.x - o.x) * (q.y - o.y) -
                                                  (p.y - o.y) * (q.x - o.x)));
  constexpr int kCoarsest = 64;
  constexpr int kCellsPerSide = 8;
  // Half of what gdalwarp allows itself.
  const double allowed = 0.06 * std::max(1.0, lattice.scale);
  for (lattice.step = kCoarsest; lattice.step > 1; lattice.step /= 2) {
    const double side = lattice.step * static_cast<double>(downsample);
    double worst = 0.0;
    for (int j = 0; j <= kCellsPerSide; ++j) {
      for (int i = 0; i <= kCellsPerSide; ++i) {
        const Point2d corner{low.x + i * (high.x - low.x) / kCellsPerSide,
                             low.y + j * (high.y - low.y) / kCellsPerSide};
        const Point2d a = SheetFromGrid(corner, {});
        const Point2d b = SheetFromGrid({corner.x + side, corner.y}, {});
        const Point2d c = SheetFromGrid({corner.x, corner.y + side}, {});
        const Point2d d = SheetFromGrid({corner.x + side, corner.y + side}, {});
        const Point2d exact =
            SheetFromGrid({corner.x + side / 2.0, corner.y + side / 2.0}, {});
        const double error =
            std::hypot((a.x + b.x + c.x + d.x) / 4.0 - exact.x,
                       (a.y + b.y + c.y + d.y) / 4.0 - exact.y);
        // Corners of the box may lie where the map is not defined.
        if (std::isfinite(error)) worst = std::max(worst, error);
      }
    }
    if (worst <= allowed) break;
  }
  return lattices_.emplace(downsample, lattice).first->second;
}

int64_t FloorDivide(int64_t value, int64_t by) {
  const int64_t quotient = value / by;
  return quotient * by > value ? quotient - 1 : quotient;
}

std::vector<Point2d> WarpedSheet::Positions(const Lattice& lattice, int64_t col,
                                            int64_t row, int width, int height,
                                            int downsample,
                                            Point2d shift) const {
  const int64_t step = lattice.step;
  const int64_t first_col = FloorDivide(col, step);
  const int64_t first_row = FloorDivide(row, step);
  const auto nodes_x =
      static_cast<size_t>(FloorDivide(col + width, step) - first_col + 2);
  const auto nodes_y =
      static_cast<size_t>(FloorDivide(row + height, step) - first_row + 2);
  std::vector<Point2d> nodes;
  nodes.reserve(nodes_x * nodes_y);
  for (size_t j = 0; j < nodes_y; ++j) {
    for (size_t i = 0; i < nodes_x; ++i) {
      const int64_t x = (first_col + static_cast<int64_t>(i)) * step;
      const int64_t y = (first_row + static_cast<int64_t>(j)) * step;
      nodes.push_back(SheetFromGrid({static_cast<double>(x * downsample),
                                     static_cast<double>(y * downsample)},
                                    shift));
    }
  }
  std::vector<Point2d> positions;
  positions.reserve(static_cast<size_t>(width) * static_cast<size_t>(height));
  for (int j = 0; j < height; ++j) {
    const int64_t cell_row = FloorDivide(row + j, step);
    const double v =
        (static_cast<double>(row + j - cell_row * step) + 0.5) / lattice.step;
    for (int i = 0; i < width; ++i) {
      const int64_t cell_col = FloorDivide(col + i, step);
      const double u =
          (static_cast<double>(col + i - cell_col * step) + 0.5) / lattice.step;
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

void WarpedSheet::MaskCollar(const Level& level, Block& block) const {
  const ImageU8& paper = look_->paper;
  if (paper.data.empty()) return;
  // From pixels of the level to pixels of the paper mask.
  const double ratio_x = paper.width * level.scale_x / sheet_.width;
  const double ratio_y = paper.height * level.scale_y / sheet_.height;
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

void WarpedSheet::Add(int64_t col, int64_t row, int width, int height,
                      int downsample, Point2d shift,
                      std::vector<Sample>& samples) {
  if (!IsNear(col, row, width, height, downsample, shift)) return;
  const Lattice& lattice = LatticeFor(downsample);
  const std::vector<Point2d> positions =
      Positions(lattice, col, row, width, height, downsample, shift);
  const int factor =
      std::max(1, static_cast<int>(std::floor(lattice.scale + 1e-3)));
  const Level level = source_.MakeLevel(factor);

  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (const Point2d& p : positions) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y)) continue;
    box.min_x = std::min(box.min_x, p.x);
    box.min_y = std::min(box.min_y, p.y);
    box.max_x = std::max(box.max_x, p.x);
    box.max_y = std::max(box.max_y, p.y);
  }
  // A pixel of room for the interpolation and its subsamples.
  const double room = 2.0;
  const double left = std::max(0.0, box.min_x / level.scale_x - room);
  const double top = std::max(0.0, box.min_y / level.scale_y - room);
  const double right =
      std::min<double>(level.width, box.max_x / level.scale_x + room + 1.0);
  const double bottom =
      std::min<double>(level.height, box.max_y / level.scale_y + room + 1.0);
  if (!(left < right) || !(top < bottom)) return;
  const int block_col = static_cast<int>(left);
  const int block_row = static_cast<int>(top);
  Block block = source_.Read(level, block_col, block_row,
                             static_cast<int>(std::ceil(right)) - block_col,
                             static_cast<int>(std::ceil(bottom)) - block_row);
  MaskCollar(level, block);

  // An output pixel wider than a level pixel is the mean of four samples.
  const double spread =
      lattice.scale / factor > 1.05 ? 0.25 * lattice.scale : 0.0;
  constexpr double kFull = 1.0 - 1e-6;
  for (size_t i = 0; i < positions.size(); ++i) {
    Sample& total = samples[i];
    const Point2d& p = positions[i];
    if (total.weight >= kFull || !std::isfinite(p.x) || !std::isfinite(p.y)) {
      continue;
    }
    Sample own;
    if (spread == 0.0) {
      own = SampleBlock(block, p.x / level.scale_x, p.y / level.scale_y);
    } else {
      for (const double dy : {-spread, spread}) {
        for (const double dx : {-spread, spread}) {
          const Sample part = SampleBlock(block, (p.x + dx) / level.scale_x,
                                          (p.y + dy) / level.scale_y);
          for (int k = 0; k < 3; ++k) own.rgb[k] += 0.25 * part.rgb[k];
          own.weight += 0.25 * part.weight;
        }
      }
    }
    if (own.weight <= 0.0) continue;
    // Earlier sheets come first; this one fills what they leave.
    const double share = std::min(own.weight, 1.0 - total.weight) / own.weight;
    for (int k = 0; k < 3; ++k) total.rgb[k] += share * own.rgb[k];
    total.weight += share * own.weight;
  }
}

}  // namespace

struct EditionReader::Impl {
  std::vector<SheetInfo> sheets;
  std::vector<std::shared_ptr<const SheetLook>> looks;
  std::vector<WarpedSheet> warped;
  Grid grid;
  EditionReaderOptions options;

  // Opens datasets of its own; the looks are shared.
  std::unique_ptr<Impl> Fork() const {
    auto fork = std::make_unique<Impl>();
    fork->sheets = sheets;
    fork->looks = looks;
    fork->grid = grid;
    fork->options = options;
    fork->Open();
    return fork;
  }

  void Open() {
    warped.reserve(sheets.size());
    for (size_t i = 0; i < sheets.size(); ++i) {
      warped.emplace_back(sheets[i], grid, looks[i]);
    }
  }
};

EditionReader::EditionReader(std::vector<SheetInfo> sheets, Grid grid,
                             const EditionReaderOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->sheets = std::move(sheets);
  impl_->grid = std::move(grid);
  impl_->options = options;
  for (const SheetInfo& sheet : impl_->sheets) {
    impl_->looks.push_back(
        std::make_shared<const SheetLook>(LookAt(sheet, options.find_collars)));
  }
  impl_->Open();
}

EditionReader::EditionReader(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
EditionReader::~EditionReader() = default;
EditionReader::EditionReader(EditionReader&&) noexcept = default;
EditionReader& EditionReader::operator=(EditionReader&&) noexcept = default;

EditionReader EditionReader::Fork() const {
  return EditionReader(impl_->Fork());
}

EditionReader EditionReader::Fork(double shift_x, double shift_y) const {
  std::unique_ptr<Impl> fork = impl_->Fork();
  fork->options.shift_x = shift_x;
  fork->options.shift_y = shift_y;
  return EditionReader(std::move(fork));
}

Pixels EditionReader::Read(const Window& window, int downsample) {
  MAPWEAVE_CHECK(window.width > 0 && window.height > 0 && downsample > 0);
  MAPWEAVE_CHECK(window.col % downsample == 0 && window.row % downsample == 0);
  const int width = (window.width + downsample - 1) / downsample;
  const int height = (window.height + downsample - 1) / downsample;
  const int64_t first_col = window.col / downsample;
  const int64_t first_row = window.row / downsample;
  const Point2d shift{impl_->options.shift_x, impl_->options.shift_y};
  Pixels pixels{ImageU8(width, height, 3, 255), ImageU8(width, height, 1)};
  // Tiles bound what is read of a sheet at once, however strongly the window
  // is reduced.
  constexpr int kTile = 256;
  std::vector<Sample> samples;
  for (int top = 0; top < height; top += kTile) {
    for (int left = 0; left < width; left += kTile) {
      const int w = std::min(kTile, width - left);
      const int h = std::min(kTile, height - top);
      samples.assign(static_cast<size_t>(w) * static_cast<size_t>(h), Sample{});
      for (WarpedSheet& sheet : impl_->warped) {
        sheet.Add(first_col + left, first_row + top, w, h, downsample, shift,
                  samples);
      }
      for (int j = 0; j < h; ++j) {
        for (int i = 0; i < w; ++i) {
          const Sample& s = samples[static_cast<size_t>(j) * w + i];
          // Half a pixel of paper is paper.
          if (s.weight < 0.5 - 1e-6) continue;
          uint8_t* out = pixels.rgb.At(left + i, top + j);
          for (int k = 0; k < 3; ++k) {
            out[k] = static_cast<uint8_t>(
                std::clamp(s.rgb[k] / s.weight, 0.0, 255.0) + 0.5);
          }
          *pixels.coverage.At(left + i, top + j) = 1;
        }
      }
    }
  }
  return pixels;
}

const Grid& EditionReader::GetGrid() const { return impl_->grid; }
const std::vector<SheetInfo>& EditionReader::Sheets() const {
  return impl_->sheets;
}

}  // namespace mapweave::geo
