// SPDX-License-Identifier: MIT
#include "pipelines/world_errors.h"

#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace mapweave::pipelines {
namespace {

constexpr double kFieldStepPx = 8.0;

// The field is a contraction for any distortion that leaves a map legible, so
// that a few rounds are exact to far below a millimetre.
Point2d WithoutDistortion(const synth::DistortionField& field, Point2d drawn) {
  constexpr int kRounds = 20;
  Point2d p = drawn;
  for (int i = 0; i < kRounds; ++i) {
    const Point2d q = field.Apply(p);
    p = {p.x + drawn.x - q.x, p.y + drawn.y - q.y};
  }
  return p;
}

// True place of what the sheet places at a nominal pixel.
synth::Placement TrueFromNominal(const WorldSheet& sheet) {
  return sheet.nominal_from_true.Inverse();
}

bool Shows(const WorldSheet& sheet, Point2d nominal) {
  const double x = (nominal.x - sheet.origin.x) * sheet.scale;
  const double y = (nominal.y - sheet.origin.y) * sheet.scale;
  return x >= 0.0 && y >= 0.0 && x < sheet.size.width && y < sheet.size.height;
}

// What the rasters of an edition cover, in nominal pixels.
Box NominalExtent(const WorldEdition& edition) {
  const double inf = std::numeric_limits<double>::infinity();
  Box box{inf, inf, -inf, -inf};
  for (const WorldSheet& sheet : edition.sheets) {
    box = {
        std::min(box.min_x, sheet.origin.x),
        std::min(box.min_y, sheet.origin.y),
        std::max(box.max_x, sheet.origin.x + sheet.size.width / sheet.scale),
        std::max(box.max_y, sheet.origin.y + sheet.size.height / sheet.scale)};
  }
  return box;
}

// The place on the newest edition, in world pixels, of what an edition's sheets
// place at a nominal pixel.
std::optional<Point2d> OnNewest(const WorldSeries& series, size_t edition,
                                Point2d nominal) {
  for (const WorldSheet& sheet : series.editions[edition].sheets) {
    if (!Shows(sheet, nominal)) continue;
    return OnDrawing(series.world, series.editions.size() - 1, edition,
                     TrueFromNominal(sheet).Apply(nominal));
  }
  return std::nullopt;
}

// An affine map of pixels (y down) as one of the ground (y up) about `origin`:
// its matrix, and the shift of the origin.
Json GroundMap(const synth::Placement& map, Point2d origin_px,
               double resolution) {
  const Point2d moved = map.Apply(origin_px);
  return {{"matrix", {{map.a, -map.b}, {-map.c, map.d}}},
          {"shift",
           {(moved.x - origin_px.x) * resolution,
            -(moved.y - origin_px.y) * resolution}}};
}

}  // namespace

Point2d OnDrawing(const synth::World& world, size_t to, size_t from,
                  Point2d drawn) {
  if (to == from) return drawn;
  return world.distortion[to].Apply(
      WithoutDistortion(world.distortion[from], drawn));
}

Json GeoreferenceErrors(const WorldSeries& series) {
  const geo::Grid& grid = series.grid;
  const Point2d middle = {static_cast<double>(grid.width) / 2.0,
                          static_cast<double>(grid.height) / 2.0};
  const Point2d origin = grid.WorldFromPixel(middle);
  Json editions = Json::array();
  for (const WorldEdition& edition : series.editions) {
    Json sheets = Json::array();
    for (const WorldSheet& sheet : edition.sheets) {
      Json entry = {{"path", sheet.file_name}};
      entry.update(GroundMap(TrueFromNominal(sheet), middle, grid.resolution));
      sheets.push_back(std::move(entry));
    }
    const double metres_per_px =
        series.options.metres_per_px / edition.sheets.front().scale;
    const Point2d correction = edition.Correction(grid.resolution);
    editions.push_back(
        {{"edition", edition.label},
         {"hand", edition.hand},
         {"metres_per_px", metres_per_px},
         {"correction", {correction.x, correction.y}},
         {"distortion_m", series.options.distortion_m},
         {"field",
          series.options.error_fields ? Json(ErrorFieldName(edition)) : Json()},
         {"missing", edition.missing},
         {"sheets", std::move(sheets)}});
  }
  return {{"crs", grid.crs.Label()},
          {"origin", {origin.x, origin.y}},
          {"editions", std::move(editions)}};
}

std::string ErrorFieldName(const WorldEdition& edition) {
  return fmt::format("error_{}.tif", FileNamePart(edition.label));
}

ErrorField ErrorFieldOf(const WorldSeries& series, size_t edition) {
  const Box box = NominalExtent(series.editions[edition]);
  const auto cells = [](double length_px) {
    return static_cast<int64_t>(std::ceil(length_px / kFieldStepPx));
  };
  ErrorField field;
  field.grid = series.grid;
  const Point2d corner = series.grid.WorldFromPixel({box.min_x, box.min_y});
  field.grid.origin_x = corner.x;
  field.grid.origin_y = corner.y;
  field.grid.resolution = series.grid.resolution * kFieldStepPx;
  field.grid.width = cells(box.max_x - box.min_x);
  field.grid.height = cells(box.max_y - box.min_y);
  field.bands.names = {"dx", "dy"};
  field.bands.bands.resize(2);
  for (int64_t row = 0; row < field.grid.height; ++row) {
    for (int64_t col = 0; col < field.grid.width; ++col) {
      const Point2d nominal = {
          box.min_x + (static_cast<double>(col) + 0.5) * kFieldStepPx,
          box.min_y + (static_cast<double>(row) + 0.5) * kFieldStepPx};
      const double nan = std::numeric_limits<double>::quiet_NaN();
      const Point2d place =
          OnNewest(series, edition, nominal).value_or(Point2d{nan, nan});
      field.bands.bands[0].push_back(
          static_cast<float>((place.x - nominal.x) * series.grid.resolution));
      field.bands.bands[1].push_back(
          static_cast<float>((nominal.y - place.y) * series.grid.resolution));
    }
  }
  return field;
}

}  // namespace mapweave::pipelines
