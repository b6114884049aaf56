// SPDX-License-Identifier: MIT
#include "pipelines/world_sheets.h"

#include "core/random.h"
#include "core/text.h"
#include "pipelines/world_footprints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace mapweave::pipelines {
namespace {

constexpr const char* kCrs = "EPSG:25832";
constexpr double kOriginX = 500000.0;
constexpr double kOriginY = 5400000.0;
constexpr uint64_t kEditionStream = 0x7368696674ULL;
constexpr uint64_t kErrorKey = 1;
constexpr uint64_t kSheetKey = 2;
constexpr uint64_t kLossKey = 3;

// Half a pixel to either side, so that rounding leaves no slit between sheets.
constexpr double kLeastOverlapPx = 1.0;
// A raster is not made a pixel wider for less.
constexpr double kRounding = 1e-6;

struct Cell {
  int column = 0;
  int row = 0;
  Box box;  // world pixels

  Point2d Centre() const {
    return {(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2};
  }
};

std::vector<Cell> CutWindow(const WorldSeriesOptions& options,
                            cv::Size window) {
  const double reach = std::max(kLeastOverlapPx, options.sheet_overlap_m /
                                                     options.metres_per_px) /
                       2;
  const auto edge = [&](int i, int count, int length) {
    return static_cast<double>(length) * i / count;
  };
  std::vector<Cell> cells;
  for (int row = 0; row < options.sheet_rows; ++row) {
    for (int column = 0; column < options.sheet_columns; ++column) {
      Cell cell{column, row, {}};
      cell.box = {edge(column, options.sheet_columns, window.width) -
                      (column > 0 ? reach : 0.0),
                  edge(row, options.sheet_rows, window.height) -
                      (row > 0 ? reach : 0.0),
                  edge(column + 1, options.sheet_columns, window.width) +
                      (column + 1 < options.sheet_columns ? reach : 0.0),
                  edge(row + 1, options.sheet_rows, window.height) +
                      (row + 1 < options.sheet_rows ? reach : 0.0)};
      cells.push_back(cell);
    }
  }
  return cells;
}

// The error that all sheets of an edition share, and their paper's shrinkage.
struct EditionError {
  synth::Placement whole;
  double stretch_x = 1.0;
  double stretch_y = 1.0;
};

// `rng` has given the hand and the seed of the drawing already.
EditionError DrawEditionError(const WorldSeriesOptions& options,
                              cv::Size window, Rng& rng) {
  const GeoreferenceErrorOptions& most = options.error;
  const double reach = most.max_shift_m / options.metres_per_px;
  synth::PlacementParts parts;
  parts.centre = {window.width / 2.0, window.height / 2.0};
  parts.shift.x = rng.Uniform(-reach, reach);
  parts.shift.y = rng.Uniform(-reach, reach);
  Rng more = rng.Fork(kErrorKey);
  parts.rotation_rad = more.Uniform(-most.affine, most.affine);
  parts.stretch_x = parts.stretch_y =
      1.0 + more.Uniform(-most.affine, most.affine);
  parts.shear = more.Uniform(-most.affine, most.affine);
  EditionError error;
  // MakePlacement leaves the centre where the shift brings it.
  error.whole = synth::MakePlacement(parts);
  error.stretch_x = 1.0 - more.Uniform(0.0, most.shrinkage);
  error.stretch_y = 1.0 - more.Uniform(0.0, most.shrinkage);
  return error;
}

// At least one stays.
std::vector<bool> DrawLosses(double chance, size_t count, Rng rng) {
  std::vector<bool> lost(count);
  for (size_t i = 0; i < count; ++i) lost[i] = rng.Chance(chance);
  const auto kept =
      static_cast<size_t>(rng.Int(0, static_cast<int64_t>(count) - 1));
  if (std::find(lost.begin(), lost.end(), false) == lost.end()) {
    lost[kept] = false;
  }
  return lost;
}

// How the sheets of an edition lie against each other; the mean of those that
// are not lost is zero.
std::vector<Point2d> DrawSeams(const WorldSeriesOptions& options,
                               const std::vector<bool>& lost, Rng rng) {
  std::vector<Point2d> seams(lost.size());
  if (lost.size() < 2) return seams;
  const double reach = options.error.seam_m / options.metres_per_px;
  const auto kept =
      static_cast<double>(std::count(lost.begin(), lost.end(), false));
  Point2d mean;
  for (size_t i = 0; i < seams.size(); ++i) {
    seams[i].x = rng.Uniform(-reach, reach);
    seams[i].y = rng.Uniform(-reach, reach);
    if (lost[i]) continue;
    mean.x += seams[i].x / kept;
    mean.y += seams[i].y / kept;
  }
  for (Point2d& seam : seams) seam = {seam.x - mean.x, seam.y - mean.y};
  return seams;
}

// The raster holds the whole cell, wherever the error takes it.
WorldSheet PlaceSheet(const Cell& cell, const EditionError& error, Point2d seam,
                      double scale) {
  synth::PlacementParts paper;
  paper.centre = cell.Centre();
  paper.stretch_x = error.stretch_x;
  paper.stretch_y = error.stretch_y;
  paper.shift = seam;
  WorldSheet sheet;
  sheet.scale = scale;
  sheet.nominal_from_true = synth::MakePlacement(paper).Then(error.whole);
  const double inf = std::numeric_limits<double>::infinity();
  Box box{inf, inf, -inf, -inf};
  for (const Point2d corner : {Point2d{cell.box.min_x, cell.box.min_y},
                               Point2d{cell.box.min_x, cell.box.max_y},
                               Point2d{cell.box.max_x, cell.box.min_y},
                               Point2d{cell.box.max_x, cell.box.max_y}}) {
    const Point2d p = sheet.nominal_from_true.Apply(corner);
    box = {std::min(box.min_x, p.x), std::min(box.min_y, p.y),
           std::max(box.max_x, p.x), std::max(box.max_y, p.y)};
  }
  sheet.origin = {box.min_x, box.min_y};
  const auto side = [scale](double length) {
    return std::max(1, static_cast<int>(std::ceil(length * scale - kRounding)));
  };
  sheet.size = {side(box.max_x - box.min_x), side(box.max_y - box.min_y)};
  return sheet;
}

std::string FileName(const WorldSeriesOptions& options,
                     const std::string& label, const Cell& cell) {
  const bool alone = options.sheet_columns * options.sheet_rows == 1;
  return fmt::format(
      "{}_{}{}.tif", options.name, FileNamePart(label),
      alone ? "" : fmt::format("_r{}c{}", cell.row + 1, cell.column + 1));
}

WorldEdition PlanEdition(const WorldSeriesOptions& options, cv::Size window,
                         size_t t) {
  Rng rng(options.seed, kEditionStream + t);
  WorldEdition edition;
  edition.label = options.editions[t];
  edition.date = ParseDateRange(edition.label);
  const std::vector<std::string> hands = synth::HandNames();
  edition.hand = options.hands.empty() ? rng.Pick(hands) : options.hands[t];
  edition.drawing_seed = rng.Next();
  EditionError error;
  const bool newest = t + 1 == options.editions.size();
  if (!newest) error = DrawEditionError(options, window, rng);
  const std::vector<Cell> cells = CutWindow(options, window);
  const std::vector<bool> lost =
      DrawLosses(options.missing_sheets, cells.size(), rng.Fork(kLossKey));
  const std::vector<Point2d> seams =
      DrawSeams(options, lost, rng.Fork(kSheetKey));
  const double scale = options.resolutions.empty()
                           ? 1.0
                           : options.metres_per_px / options.resolutions[t];
  Point2d sum;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string name = FileName(options, edition.label, cells[i]);
    if (lost[i]) {
      edition.missing.push_back(name);
      continue;
    }
    WorldSheet sheet = PlaceSheet(cells[i], error, seams[i], scale);
    sheet.file_name = name;
    const Point2d middle = cells[i].Centre();
    const Point2d found = sheet.nominal_from_true.Apply(middle);
    sum = {sum.x + found.x - middle.x, sum.y + found.y - middle.y};
    edition.sheets.push_back(std::move(sheet));
  }
  const double count = static_cast<double>(edition.sheets.size());
  edition.shift = {sum.x / count, sum.y / count};
  return edition;
}

geo::Grid GridOf(const WorldSeriesOptions& options) {
  geo::Grid grid;
  grid.crs = geo::Crs::FromUserInput(kCrs);
  grid.origin_x = kOriginX;
  grid.origin_y = kOriginY;
  grid.resolution = options.metres_per_px;
  grid.width = options.width_px;
  grid.height = options.height_px;
  return grid;
}

synth::WorldOptions TownOptions(const WorldSeriesOptions& options) {
  synth::WorldOptions world;
  world.seed = options.seed;
  world.width_px = options.width_px;
  world.height_px = options.height_px;
  world.editions = options.editions;
  world.plan = StreetPlans().at(options.plan);
  world.building_px = options.building_px;
  world.density = options.density;
  world.change = options.change;
  world.distortion_px = options.distortion_m / options.metres_per_px;
  return world;
}

}  // namespace

synth::Placement WorldSheet::SheetFromWorld() const {
  synth::Placement scan;
  scan.a = scan.d = scale;
  return nominal_from_true.Then(synth::Placement::Shift({-origin.x, -origin.y}))
      .Then(scan);
}

Ring WorldSheet::Covered() const {
  const synth::Placement world_from_sheet = SheetFromWorld().Inverse();
  const double w = size.width;
  const double h = size.height;
  Ring ring;
  for (const Point2d corner :
       {Point2d{0, 0}, Point2d{0, h}, Point2d{w, h}, Point2d{w, 0}}) {
    ring.push_back(world_from_sheet.Apply(corner));
  }
  return ring;
}

geo::Grid WorldSheet::GridIn(const geo::Grid& window) const {
  geo::Grid grid = window;
  const Point2d corner = window.WorldFromPixel(origin);
  grid.origin_x = corner.x;
  grid.origin_y = corner.y;
  grid.resolution = window.resolution / scale;
  grid.width = size.width;
  grid.height = size.height;
  return grid;
}

Point2d WorldEdition::Correction(double pixel_side) const {
  // Not the negative, which would be -0 for an edition without a shift.
  return {0.0 - shift.x * pixel_side, shift.y * pixel_side};
}

synth::RenderOptions WorldEdition::Drawing(const synth::World& world) const {
  synth::RenderOptions drawing;
  drawing.hand = hand;
  drawing.seed = drawing_seed;
  // The sheets of a set are trimmed along their neatlines, as archives give
  // them.
  if (sheets.size() + missing.size() == 1) {
    drawing.frame = synth::MakeSheetFrame(world, drawing_seed);
  }
  return drawing;
}

synth::RenderOptions WorldEdition::Drawing(const synth::World& world,
                                           const WorldSheet& sheet) const {
  synth::RenderOptions drawing = Drawing(world);
  drawing.placement = sheet.SheetFromWorld();
  return drawing;
}

const std::map<std::string, synth::PlanFamily>& StreetPlans() {
  static const std::map<std::string, synth::PlanFamily> plans = {
      {"grid", synth::PlanFamily::kGrid},
      {"organic", synth::PlanFamily::kOrganic},
      {"rural", synth::PlanFamily::kRural},
      {"ring-and-grid", synth::PlanFamily::kRingAndGrid},
      {"dense-core", synth::PlanFamily::kDenseCore},
      {"village", synth::PlanFamily::kVillage}};
  return plans;
}

WorldSeries PlanSeries(const WorldSeriesOptions& options) {
  options.Validate();
  WorldSeries series;
  series.options = options;
  if (options.footprints) {
    const RealTown town = ReadRealTown(options);
    series.grid = town.grid;
    series.footprints = town.counts;
    series.options.width_px = static_cast<int>(town.grid.width);
    series.options.height_px = static_cast<int>(town.grid.height);
    synth::WorldOptions world = TownOptions(series.options);
    world.margin_px = options.footprints->margin_px;
    series.world = synth::MakeWorldFrom(world, town.lives);
  } else {
    series.grid = GridOf(options);
    series.world = synth::MakeWorld(TownOptions(options));
  }
  const cv::Size window(series.options.width_px, series.options.height_px);
  for (size_t t = 0; t < options.editions.size(); ++t) {
    series.editions.push_back(PlanEdition(options, window, t));
  }
  return series;
}

}  // namespace mapweave::pipelines
