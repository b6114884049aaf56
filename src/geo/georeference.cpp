// SPDX-License-Identifier: MIT
#include "geo/georeference.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>

namespace mapweave::geo {
namespace {

GeoTransform FitAffine(const std::vector<ControlPoint>& points) {
  constexpr int kOrder = 1;
  const LocalMap map = PolynomialFit(points, kOrder).At({0.0, 0.0});
  try {
    return GeoTransform({map.ground.x, map.per_column.x, map.per_row.x,
                         map.ground.y, map.per_column.y, map.per_row.y});
  } catch (const Error&) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("no fit through {} control points: they lie on one "
                            "line on the ground",
                            points.size()),
                "Give more control points, spread over the sheet.");
  }
}

}  // namespace

Georeference::Georeference(const GeoTransform& affine) : affine_(affine) {}

Georeference::Georeference(const std::vector<ControlPoint>& points, Georef fit)
    : affine_(FitAffine(points)) {
  if (fit != Georef::kGcpPoly1) curve_ = MakePointFit(points, fit);
}

Georeference::Georeference(const SheetInfo& sheet)
    : Georeference(sheet.georef == Georef::kAffine
                       ? Georeference(sheet.transform)
                       : Georeference(sheet.control_points, sheet.georef)) {}

LocalMap Georeference::At(Point2d pixel) const {
  if (curve_) {
    return std::visit([pixel](const auto& fit) { return fit.At(pixel); },
                      *curve_);
  }
  const auto& c = affine_.Coefficients();
  return {affine_.WorldFromPixel(pixel), {c[1], c[4]}, {c[2], c[5]}};
}

Point2d Georeference::PixelFromCrs(Point2d world) const {
  Point2d pixel = affine_.PixelFromWorld(world);
  if (!curve_) return pixel;
  // Newton's method from the affine guess, with its step halved while it leads
  // away.
  constexpr int kMaxSteps = 40;
  constexpr double kTolerance = 1e-4;  // pixels
  constexpr double kShortest = 1e-3;   // of a full step
  LocalMap here = At(pixel);
  const auto miss = [&world](const LocalMap& map) {
    return std::hypot(world.x - map.ground.x, world.y - map.ground.y);
  };
  for (int step = 0; step < kMaxSteps; ++step) {
    const double det = here.Determinant();
    const double ex = world.x - here.ground.x;
    const double ey = world.y - here.ground.y;
    const Point2d move{(here.per_row.y * ex - here.per_row.x * ey) / det,
                       (here.per_column.x * ey - here.per_column.y * ex) / det};
    if (!std::isfinite(move.x) || !std::isfinite(move.y)) break;
    if (std::hypot(move.x, move.y) < kTolerance) {
      return {pixel.x + move.x, pixel.y + move.y};
    }
    double share = 1.0;
    Point2d next{pixel.x + move.x, pixel.y + move.y};
    LocalMap there = At(next);
    while (!(miss(there) < miss(here)) && share > kShortest) {
      share /= 2.0;
      next = {pixel.x + share * move.x, pixel.y + share * move.y};
      there = At(next);
    }
    if (share <= kShortest) break;
    pixel = next;
    here = there;
  }
  return {HUGE_VAL, HUGE_VAL};
}

}  // namespace mapweave::geo
