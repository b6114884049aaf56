// SPDX-License-Identifier: MIT
#include "geo/grid.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/polygon_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

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

Point2d CentreOf(const SheetInfo& sheet) {
  return sheet.transform.WorldFromPixel(
      {sheet.width / 2.0, sheet.height / 2.0});
}

constexpr double kRadiansPerDegree = std::numbers::pi / 180.0;

// Longitude and latitude of the middle of all sheets: the mean of their centres
// as directions in space, which no meridian cuts.
Point2d MiddleInDegrees(const std::vector<SheetInfo>& sheets) {
  double x = 0.0;
  double y = 0.0;
  double z = 0.0;
  for (const SheetInfo& sheet : sheets) {
    TransformOptions options;
    // Only a zone is chosen by these degrees, so any transformation will do.
    options.allow_ballpark = true;
    options.area = Bounds(sheet.footprint);
    const Point2d degrees =
        Transformer(sheet.crs, Crs::Wgs84(), options).Forward(CentreOf(sheet));
    if (!std::isfinite(degrees.x) || !std::isfinite(degrees.y)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("{}: its centre has no longitude and latitude",
                              sheet.path.string()),
                  "Check its georeference and CRS.");
    }
    const double lon = degrees.x * kRadiansPerDegree;
    const double lat = degrees.y * kRadiansPerDegree;
    x += std::cos(lat) * std::cos(lon);
    y += std::cos(lat) * std::sin(lon);
    z += std::sin(lat);
  }
  return {std::atan2(y, x) / kRadiansPerDegree,
          std::atan2(z, std::hypot(x, y)) / kRadiansPerDegree};
}

// UTM, or Universal Polar Stereographic where that ends.
Crs UniversalCrsAt(Point2d degrees) {
  if (degrees.y > 84.0) return Crs::FromUserInput("EPSG:5041");
  if (degrees.y < -80.0) return Crs::FromUserInput("EPSG:5042");
  return Crs::UtmAt(degrees.x, degrees.y);
}

// Square pixels of one size are promised everywhere; lengths in metres are
// those at the grid's centre.
void WarnOfUnevenScale(const std::vector<SheetInfo>& sheets, const Grid& grid,
                       bool allow_ballpark) {
  const double middle = grid.Scale().Length();
  GroundMeasure measure(grid.crs);
  double worst = 0.0;
  const SheetInfo* where = nullptr;
  for (const SheetInfo& sheet : sheets) {
    TransformOptions options;
    options.allow_ballpark = allow_ballpark || sheet.options.allow_ballpark;
    options.area = Bounds(sheet.footprint);
    const Point2d centre =
        Transformer(sheet.crs, grid.crs, options).Forward(CentreOf(sheet));
    const double off = std::abs(measure.At(centre).Length() / middle - 1.0);
    if (off > worst) {
      worst = off;
      where = &sheet;
    }
  }
  constexpr double kVisible = 0.005;
  if (worst > kVisible) {
    LogWarning(
        "grid: lengths at {} differ by {:.1f} % from those at the middle of "
        "the "
        "grid; the sheets lie far apart for {}",
        where->path.string(), 100.0 * worst, grid.crs.Label());
  }
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
  if (crs && crs->IsGeographic() && !allow_degrees) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the grid cannot be in degrees ({})", crs->Label()),
                "Choose a projected CRS: square pixels and areas need one.");
  }
}

GridCrs ChooseGridCrs(const std::vector<SheetInfo>& sheets,
                      const GridOptions& options) {
  options.Validate();
  if (sheets.empty()) {
    throw Error(ErrorCode::kUsage, "no sheets to choose a grid for",
                "Name at least one sheet.");
  }
  if (options.crs) return {*options.crs, "it was asked for"};
  const Crs& first = sheets.front().crs;
  const bool shared = std::all_of(
      sheets.begin(), sheets.end(),
      [&first](const SheetInfo& sheet) { return sheet.crs.IsSame(first); });
  std::string fault = "the sheets are in different CRS";
  if (shared) {
    if (!first.IsGeographic() && first.PointsEastAndNorth()) {
      return {first, "all sheets are in it"};
    }
    fault = fmt::format("the sheets' {} {}", first.Label(),
                        first.IsGeographic() ? "is in degrees"
                                             : "does not point east and north");
  }
  const Point2d middle = MiddleInDegrees(sheets);
  return {UniversalCrsAt(middle),
          fmt::format("{} and their middle lies at {:.4f} degrees of longitude "
                      "and {:.4f} of latitude",
                      fault, middle.x, middle.y)};
}

Grid ChooseGrid(const std::vector<SheetInfo>& sheets,
                const GridOptions& options) {
  Grid grid;
  const GridCrs choice = ChooseGridCrs(sheets, options);
  grid.crs = choice.crs;
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
  LogInfo("grid: {}, because {}", grid.crs.Label(), choice.reason);
  WarnOfUnevenScale(sheets, grid, options.allow_ballpark);
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
