// SPDX-License-Identifier: MIT
#include "geo/georeference.h"

#include "core/error.h"
#include "geo/gdal_handles.h"

#include <fmt/format.h>
#include <gdal_alg.h>

#include <cmath>
#include <limits>

namespace mapweave::geo {
namespace {

std::vector<GDAL_GCP> ToGcps(const std::vector<ControlPoint>& points) {
  std::vector<GDAL_GCP> gcps;
  gcps.reserve(points.size());
  static char empty[] = "";
  for (const ControlPoint& p : points) {
    gcps.push_back(
        {empty, empty, p.pixel.x, p.pixel.y, p.ground.x, p.ground.y, 0.0});
  }
  return gcps;
}

size_t PointsNeeded(Georef fit) {
  constexpr size_t kForAffine = 3;
  constexpr size_t kForSecondOrder = 6;
  constexpr size_t kForThirdOrder = 10;
  if (fit == Georef::kGcpPoly3) return kForThirdOrder;
  return fit == Georef::kGcpPoly2 ? kForSecondOrder : kForAffine;
}

[[noreturn]] void ThrowNoFit(size_t count, Georef fit,
                             const std::string& reason) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("no {} fit through {} control points: {}",
                          GeorefName(fit), count, reason),
              "Give more control points, spread over the sheet.");
}

GeoTransform FitAffine(const std::vector<ControlPoint>& points, Georef fit) {
  if (points.size() < PointsNeeded(fit)) {
    ThrowNoFit(points.size(), fit,
               fmt::format("at least {} are needed", PointsNeeded(fit)));
  }
  const std::vector<GDAL_GCP> gcps = ToGcps(points);
  std::array<double, 6> coefficients{};
  constexpr int kAcceptResiduals = 1;
  if (!GDALGCPsToGeoTransform(static_cast<int>(gcps.size()), gcps.data(),
                              coefficients.data(), kAcceptResiduals)) {
    ThrowNoFit(points.size(), fit, "they lie on one line");
  }
  try {
    return GeoTransform(coefficients);
  } catch (const Error&) {
    ThrowNoFit(points.size(), fit, "they lie on one line");
  }
}

struct TransformerDeleter {
  void operator()(void* transformer) const {
    GDALDestroyTransformer(transformer);
  }
};

}  // namespace

struct Georeference::Curve {
  std::unique_ptr<void, TransformerDeleter> transformer;
  GDALTransformerFunc function = nullptr;

  Point2d Apply(Point2d pixel) const {
    double x = pixel.x;
    double y = pixel.y;
    double z = 0.0;
    int ok = 0;
    constexpr int kFromPixel = 0;
    function(transformer.get(), kFromPixel, 1, &x, &y, &z, &ok);
    if (!ok) return {HUGE_VAL, HUGE_VAL};
    return {x, y};
  }
};

Georeference::Georeference(const GeoTransform& affine) : affine_(affine) {}

Georeference::Georeference(const std::vector<ControlPoint>& points, Georef fit)
    : affine_(FitAffine(points, fit)) {
  if (fit == Georef::kGcpPoly1) return;
  MAPWEAVE_CHECK(fit != Georef::kAffine);
  EnsureGdal();
  CplErrorScope errors;
  const std::vector<GDAL_GCP> gcps = ToGcps(points);
  const int count = static_cast<int>(gcps.size());
  constexpr int kForwards = 0;
  curve_ = std::make_unique<Curve>();
  if (fit != Georef::kTps) {
    const int order = fit == Georef::kGcpPoly2 ? 2 : 3;
    curve_->function = GDALGCPTransform;
    curve_->transformer.reset(
        GDALCreateGCPTransformer(count, gcps.data(), order, kForwards));
  } else {
    curve_->function = GDALTPSTransform;
    curve_->transformer.reset(
        GDALCreateTPSTransformer(count, gcps.data(), kForwards));
  }
  if (!curve_->transformer) {
    ThrowNoFit(points.size(), fit, errors.Text());
  }
}

Georeference::~Georeference() = default;
Georeference::Georeference(Georeference&&) noexcept = default;
Georeference& Georeference::operator=(Georeference&&) noexcept = default;

Point2d Georeference::CrsFromPixel(Point2d pixel) const {
  return curve_ ? curve_->Apply(pixel) : affine_.WorldFromPixel(pixel);
}

Point2d Georeference::PixelFromCrs(Point2d world) const {
  Point2d pixel = affine_.PixelFromWorld(world);
  if (!curve_) return pixel;
  // Newton's method from the affine guess. GDAL fits the inverse separately,
  // which puts pixels elsewhere than where CrsFromPixel says they lie.
  constexpr int kMaxSteps = 25;
  constexpr double kTolerance = 1e-4;  // pixels
  for (int step = 0; step < kMaxSteps; ++step) {
    const Point2d here = curve_->Apply(pixel);
    const Point2d right = curve_->Apply({pixel.x + 1.0, pixel.y});
    const Point2d below = curve_->Apply({pixel.x, pixel.y + 1.0});
    const double a = right.x - here.x;
    const double b = below.x - here.x;
    const double c = right.y - here.y;
    const double d = below.y - here.y;
    const double det = a * d - b * c;
    const double ex = world.x - here.x;
    const double ey = world.y - here.y;
    const Point2d move{(d * ex - b * ey) / det, (a * ey - c * ex) / det};
    if (!std::isfinite(move.x) || !std::isfinite(move.y)) break;
    pixel = {pixel.x + move.x, pixel.y + move.y};
    if (std::hypot(move.x, move.y) < kTolerance) return pixel;
  }
  return {HUGE_VAL, HUGE_VAL};
}

std::vector<Point2d> FitResiduals(const std::vector<ControlPoint>& points,
                                  Georef fit, Residuals kind) {
  std::vector<Point2d> residuals;
  residuals.reserve(points.size());
  const auto residual = [](const Georeference& map, const ControlPoint& p) {
    const Point2d there = map.CrsFromPixel(p.pixel);
    return Point2d{p.ground.x - there.x, p.ground.y - there.y};
  };
  if (kind == Residuals::kOfTheFit) {
    const Georeference map(points, fit);
    for (const ControlPoint& p : points) residuals.push_back(residual(map, p));
    return residuals;
  }
  for (size_t i = 0; i < points.size(); ++i) {
    std::vector<ControlPoint> others = points;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    residuals.push_back(residual(Georeference(others, fit), points[i]));
  }
  return residuals;
}

Georef ChooseFit(const std::vector<ControlPoint>& points) {
  constexpr size_t kEnoughForSecondOrder = 10;
  constexpr double kWorthIt = 0.8;
  if (points.size() < kEnoughForSecondOrder) return Georef::kGcpPoly1;
  const auto mean_square = [&points](Georef fit) {
    double sum = 0.0;
    for (const Point2d& r :
         FitResiduals(points, fit, Residuals::kLeaveOneOut)) {
      sum += r.x * r.x + r.y * r.y;
    }
    return sum / static_cast<double>(points.size());
  };
  try {
    const double first = std::sqrt(mean_square(Georef::kGcpPoly1));
    const double second = std::sqrt(mean_square(Georef::kGcpPoly2));
    return second < kWorthIt * first ? Georef::kGcpPoly2 : Georef::kGcpPoly1;
  } catch (const Error&) {
    // Points that determine no curve once one is left out.
    return Georef::kGcpPoly1;
  }
}

bool IsOneToOne(const Georeference& georeference, int width, int height) {
  if (georeference.IsAffine()) return true;
  constexpr int kCells = 24;
  const double step_x = width / static_cast<double>(kCells);
  const double step_y = height / static_cast<double>(kCells);
  int sign = 0;
  for (int row = 0; row < kCells; ++row) {
    for (int col = 0; col < kCells; ++col) {
      const double x = col * step_x;
      const double y = row * step_y;
      const Point2d p = georeference.CrsFromPixel({x, y});
      const Point2d q = georeference.CrsFromPixel({x + step_x, y});
      const Point2d r = georeference.CrsFromPixel({x, y + step_y});
      const double det = (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
      if (!std::isfinite(det) || det == 0.0) return false;
      const int here = det > 0.0 ? 1 : -1;
      if (sign == 0) sign = here;
      if (here != sign) return false;
    }
  }
  return true;
}

}  // namespace mapweave::geo
