// SPDX-License-Identifier: MIT
#include "geo/grid.h"

#include "core/error.h"
#include "geo/polygon_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mapweave::geo {
namespace {

Box Enclosing(const std::vector<Box>& boxes) {
  Box all = boxes.front();
  for (const Box& box : boxes) {
    all.min_x = std::min(all.min_x, box.min_x);
    all.min_y = std::min(all.min_y, box.min_y);
    all.max_x = std::max(all.max_x, box.max_x);
    all.max_y = std::max(all.max_y, box.max_y);
  }
  return all;
}

std::vector<Box> BoundsIn(const std::vector<SheetInfo>& sheets, const Crs& crs,
                          bool allow_ballpark) {
  std::vector<Box> boxes;
  boxes.reserve(sheets.size());
  for (SheetInfo sheet : sheets) {
    sheet.options.allow_ballpark |= allow_ballpark;
    boxes.push_back(Bounds(sheet.FootprintIn(crs)));
  }
  return boxes;
}

Crs ChooseCrs(const std::vector<SheetInfo>& sheets,
              const GridOptions& options) {
  if (options.crs) return *options.crs;
  const Crs& first = sheets.front().crs;
  const bool shared = std::all_of(
      sheets.begin(), sheets.end(),
      [&first](const SheetInfo& sheet) { return sheet.crs.IsSame(first); });
  if (shared && !first.IsGeographic()) return first;
  // Only a zone is chosen by these degrees, so any transformation will do.
  const Box degrees = Enclosing(BoundsIn(sheets, Crs::Wgs84(), true));
  return Crs::UtmAt((degrees.min_x + degrees.max_x) / 2.0,
                    (degrees.min_y + degrees.max_y) / 2.0);
}

// Side of a sheet's pixel in units of `crs`, at the sheet's centre.
double ResolutionIn(const SheetInfo& sheet, const Crs& crs,
                    bool allow_ballpark) {
  TransformOptions options;
  options.allow_ballpark = allow_ballpark || sheet.options.allow_ballpark;
  options.area = Bounds(sheet.footprint);
  const Transformer crs_from_sheet(sheet.crs, crs, options);
  if (crs_from_sheet.IsIdentity()) return sheet.resolution;
  const auto ground = [&](double col, double row) {
    return crs_from_sheet.Forward(sheet.transform.WorldFromPixel({col, row}));
  };
  const double col = sheet.width / 2.0;
  const double row = sheet.height / 2.0;
  const Point2d o = ground(col, row);
  const Point2d p = ground(col + 1.0, row);
  const Point2d q = ground(col, row + 1.0);
  return std::sqrt(
      std::abs((p.x - o.x) * (q.y - o.y) - (p.y - o.y) * (q.x - o.x)));
}

// To two significant digits: a resolution that people can quote.
double Rounded(double value) {
  const double digits = std::pow(10.0, 1.0 - std::floor(std::log10(value)));
  return std::round(value * digits) / digits;
}

double MedianResolution(const std::vector<SheetInfo>& sheets, const Crs& crs,
                        bool allow_ballpark) {
  std::vector<double> values;
  values.reserve(sheets.size());
  for (const SheetInfo& sheet : sheets) {
    values.push_back(ResolutionIn(sheet, crs, allow_ballpark));
  }
  std::sort(values.begin(), values.end());
  // The lower one of two middles: the finer keeps more of the drawing.
  return Rounded(values[(values.size() - 1) / 2]);
}

// The offset of two lattices of one resolution, as a fraction of a pixel.
bool OnLattice(double origin, double other, double resolution) {
  const double pixels = (other - origin) / resolution;
  constexpr double kTolerance = 1e-4;  // pixels; no sampler can tell
  return std::abs(pixels - std::round(pixels)) < kTolerance;
}

// The lattice that all sheets lie on already, as the one sheet whose transform
// stands for it: the same one in whatever order they come.
const SheetInfo* SharedLattice(const std::vector<SheetInfo>& sheets,
                               const Crs& crs) {
  const SheetInfo& first = *std::min_element(
      sheets.begin(), sheets.end(), [](const SheetInfo& a, const SheetInfo& b) {
        return a.transform.Coefficients() < b.transform.Coefficients();
      });
  const auto& c = first.transform.Coefficients();
  for (const SheetInfo& sheet : sheets) {
    const auto& d = sheet.transform.Coefficients();
    const double drift =
        std::abs(d[1] / c[1] - 1.0) * std::max(sheet.width, sheet.height);
    if (sheet.georef != Georef::kAffine || !sheet.transform.IsNorthUpSquare() ||
        drift > 1e-4 || !OnLattice(c[0], d[0], c[1]) ||
        !OnLattice(c[3], d[3], c[1]) || !sheet.crs.IsSame(crs)) {
      return nullptr;
    }
  }
  return &first;
}

int64_t PixelCount(double length, double resolution) {
  // An edge that is a rounding error beyond a pixel edge needs no pixel.
  constexpr double kSlack = 1e-4;
  const double count = std::ceil(length / resolution - kSlack);
  if (!(count <= std::numeric_limits<int32_t>::max())) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("the sheets span {:.0f} pixels of {} units", count,
                            resolution),
                "Check that the sheets lie in one place, or choose a coarser "
                "resolution.");
  }
  return std::max<int64_t>(1, static_cast<int64_t>(count));
}

}  // namespace

Point2d Grid::WorldFromPixel(Point2d pixel) const {
  return {origin_x + pixel.x * resolution, origin_y - pixel.y * resolution};
}

Point2d Grid::PixelFromWorld(Point2d world) const {
  return {(world.x - origin_x) / resolution, (origin_y - world.y) / resolution};
}

Box Grid::Extent() const {
  return {origin_x, origin_y - static_cast<double>(height) * resolution,
          origin_x + static_cast<double>(width) * resolution, origin_y};
}

GroundScale Grid::Scale() const {
  const Box box = Extent();
  return ScaleAt(
      crs, {(box.min_x + box.max_x) / 2.0, (box.min_y + box.max_y) / 2.0});
}

double Grid::PixelMetres() const { return resolution * Scale().Length(); }

void GridOptions::Validate() const {
  if (resolution && !(*resolution > 0.0 && std::isfinite(*resolution))) {
    throw Error(ErrorCode::kUsage,
                fmt::format("a resolution of {} is not positive", *resolution),
                "Give it in CRS units per pixel.");
  }
  if (crs && crs->IsGeographic()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the grid cannot be in degrees ({})", crs->Label()),
                "Choose a projected CRS: square pixels and areas need one.");
  }
}

Grid ChooseGrid(const std::vector<SheetInfo>& sheets,
                const GridOptions& options) {
  options.Validate();
  if (sheets.empty()) {
    throw Error(ErrorCode::kUsage, "no sheets to choose a grid for",
                "Name at least one sheet.");
  }
  Grid grid;
  grid.crs = ChooseCrs(sheets, options);
  const Box box = Enclosing(BoundsIn(sheets, grid.crs, options.allow_ballpark));

  const SheetInfo* lattice =
      options.resolution ? nullptr : SharedLattice(sheets, grid.crs);
  if (lattice != nullptr) {
    const auto& c = lattice->transform.Coefficients();
    grid.resolution = c[1];
    // The corner is one of a sheet's own, bit by bit.
    grid.origin_x = box.min_x;
    grid.origin_y = box.max_y;
  } else {
    grid.resolution =
        options.resolution
            ? *options.resolution
            : MedianResolution(sheets, grid.crs, options.allow_ballpark);
    // Multiples of the resolution: a later sheet does not move the lattice.
    grid.origin_x = std::floor(box.min_x / grid.resolution) * grid.resolution;
    grid.origin_y = std::ceil(box.max_y / grid.resolution) * grid.resolution;
  }
  grid.width = PixelCount(box.max_x - grid.origin_x, grid.resolution);
  grid.height = PixelCount(grid.origin_y - box.min_y, grid.resolution);
  return grid;
}

double OverlapFraction(const std::vector<MultiPolygon>& footprints_a,
                       const std::vector<MultiPolygon>& footprints_b) {
  const MultiPolygon a = UnionAll(footprints_a);
  const MultiPolygon b = UnionAll(footprints_b);
  const double smaller = std::min(PlanarArea(a), PlanarArea(b));
  return smaller > 0.0 ? IntersectionArea(a, b) / smaller : 0.0;
}

}  // namespace mapweave::geo
