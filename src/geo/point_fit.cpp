// SPDX-License-Identifier: MIT
#include "geo/point_fit.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace mapweave::geo {
namespace {

constexpr const char* kMorePoints =
    "Give more control points, spread over the sheet, or choose a fit that "
    "needs fewer.";

[[noreturn]] void ThrowNoFit(size_t count, Georef fit,
                             const std::string& reason) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("no {} fit through {} control points: {}",
                          GeorefName(fit), count, reason),
              kMorePoints);
}

Georef KindOf(int order) {
  MAPWEAVE_CHECK(order >= 1 && order <= 3);
  constexpr Georef kKinds[] = {Georef::kGcpPoly1, Georef::kGcpPoly2,
                               Georef::kGcpPoly3};
  return kKinds[order - 1];
}

void CheckPoints(const std::vector<ControlPoint>& points, Georef fit) {
  if (points.size() < PointsNeeded(fit)) {
    ThrowNoFit(points.size(), fit,
               fmt::format("at least {} are needed", PointsNeeded(fit)));
  }
  for (size_t i = 0; i < points.size(); ++i) {
    const ControlPoint& p = points[i];
    if (!std::isfinite(p.pixel.x) || !std::isfinite(p.pixel.y) ||
        !std::isfinite(p.ground.x) || !std::isfinite(p.ground.y)) {
      ThrowNoFit(points.size(), fit,
                 fmt::format("point {} has no finite coordinates", i + 1));
    }
  }
}

// Middle and half the longer side of the pixels' bounding box, and the mean
// of the ground coordinates.
struct Frame {
  Point2d centre;
  double half_side = 1.0;
  Point2d ground_centre;
};

Frame FrameOf(const std::vector<ControlPoint>& points) {
  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  Frame frame;
  const double share = 1.0 / static_cast<double>(points.size());
  for (const ControlPoint& p : points) {
    box = {std::min(box.min_x, p.pixel.x), std::min(box.min_y, p.pixel.y),
           std::max(box.max_x, p.pixel.x), std::max(box.max_y, p.pixel.y)};
    frame.ground_centre.x += share * p.ground.x;
    frame.ground_centre.y += share * p.ground.y;
  }
  frame.centre = {(box.min_x + box.max_x) / 2.0, (box.min_y + box.max_y) / 2.0};
  frame.half_side =
      std::max(box.max_x - box.min_x, box.max_y - box.min_y) / 2.0;
  // Points that all lie at one pixel are found out by the solver.
  if (!(frame.half_side > 0.0)) frame.half_side = 1.0;
  return frame;
}

Point2d Difference(Point2d a, Point2d b) { return {a.x - b.x, a.y - b.y}; }

constexpr size_t kMostForLeaveOneOut = 1000;

}  // namespace

// --- polynomials -----------------------------------------------------------

PolynomialFit::PolynomialFit(const std::vector<ControlPoint>& points, int order)
    : order_(order), points_(points) {
  const Georef kind = KindOf(order);
  CheckPoints(points, kind);
  const Frame frame = FrameOf(points);
  centre_ = frame.centre;
  scale_ = 1.0 / frame.half_side;
  ground_centre_ = frame.ground_centre;
  const size_t unknowns = PointsNeeded(kind);
  DenseMatrix design(points.size(), unknowns);
  std::vector<double> x(points.size());
  std::vector<double> y(points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    const std::vector<double> powers = Powers(points[i].pixel);
    for (size_t j = 0; j < unknowns; ++j) design.At(i, j) = powers[j];
    x[i] = points[i].ground.x - ground_centre_.x;
    y[i] = points[i].ground.y - ground_centre_.y;
  }
  design_ = LeastSquares::Factor(std::move(design));
  if (!design_) {
    constexpr const char* kCurves[] = {"line", "conic (or two lines)",
                                       "cubic (or three lines)"};
    ThrowNoFit(points.size(), kind,
               fmt::format("they lie on one {}", kCurves[order - 1]));
  }
  x_ = design_->Solve(std::move(x));
  y_ = design_->Solve(std::move(y));
}

std::vector<double> PolynomialFit::Powers(Point2d pixel) const {
  const double u = (pixel.x - centre_.x) * scale_;
  const double v = (pixel.y - centre_.y) * scale_;
  std::vector<double> powers{1.0, u, v};
  if (order_ >= 2) powers.insert(powers.end(), {u * u, u * v, v * v});
  if (order_ >= 3) {
    powers.insert(powers.end(), {u * u * u, u * u * v, u * v * v, v * v * v});
  }
  return powers;
}

LocalMap PolynomialFit::At(Point2d pixel) const {
  const double u = (pixel.x - centre_.x) * scale_;
  const double v = (pixel.y - centre_.y) * scale_;
  // Value, and derivatives by u and v.
  const auto evaluate = [&](const std::vector<double>& c) {
    std::array<double, 3> r{c[0] + c[1] * u + c[2] * v, c[1], c[2]};
    if (order_ >= 2) {
      r[0] += c[3] * u * u + c[4] * u * v + c[5] * v * v;
      r[1] += 2.0 * c[3] * u + c[4] * v;
      r[2] += c[4] * u + 2.0 * c[5] * v;
    }
    if (order_ >= 3) {
      r[0] += u * u * (c[6] * u + c[7] * v) + v * v * (c[8] * u + c[9] * v);
      r[1] += 3.0 * c[6] * u * u + 2.0 * c[7] * u * v + c[8] * v * v;
      r[2] += c[7] * u * u + 2.0 * c[8] * u * v + 3.0 * c[9] * v * v;
    }
    return r;
  };
  const auto x = evaluate(x_);
  const auto y = evaluate(y_);
  return {{ground_centre_.x + x[0], ground_centre_.y + y[0]},
          {x[1] * scale_, y[1] * scale_},
          {x[2] * scale_, y[2] * scale_}};
}

double PolynomialFit::Leverage(Point2d pixel) const {
  return design_->Leverage(Powers(pixel));
}

std::vector<std::optional<Point2d>> PolynomialFit::LeaveOneOut() const {
  std::vector<std::optional<Point2d>> result;
  for (const ControlPoint& p : points_) {
    const double rest = 1.0 - Leverage(p.pixel);
    constexpr double kUndetermined = 1e-9;
    if (rest < kUndetermined) {
      result.push_back(std::nullopt);
      continue;
    }
    const Point2d r = Difference(p.ground, At(p.pixel).ground);
    result.push_back(Point2d{r.x / rest, r.y / rest});
  }
  return result;
}

std::optional<double> PolynomialFit::Scatter(Point2d metres_per_unit) const {
  if (points_.size() <= x_.size()) return std::nullopt;
  double sum = 0.0;
  for (const ControlPoint& p : points_) {
    const Point2d r = Difference(p.ground, At(p.pixel).ground);
    sum += std::pow(r.x * metres_per_unit.x, 2) +
           std::pow(r.y * metres_per_unit.y, 2);
  }
  return std::sqrt(sum / static_cast<double>(points_.size() - x_.size()));
}

// --- thin-plate splines ----------------------------------------------------

SplineFit::SplineFit(const std::vector<ControlPoint>& points)
    : points_(points) {
  CheckPoints(points, Georef::kTps);
  const Frame frame = FrameOf(points);
  centre_ = frame.centre;
  scale_ = 1.0 / frame.half_side;
  ground_centre_ = frame.ground_centre;
  const size_t n = points.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (points[i].pixel == points[j].pixel) {
        ThrowNoFit(
            n, Georef::kTps,
            fmt::format("points {} and {} lie at one pixel, ({:.1f}, "
                        "{:.1f}), and a spline goes through each point",
                        j + 1, i + 1, points[i].pixel.x, points[i].pixel.y));
      }
    }
    places_.push_back({(points[i].pixel.x - centre_.x) * scale_,
                       (points[i].pixel.y - centre_.y) * scale_});
  }
  DenseMatrix plane(n, 3);
  DenseMatrix right(n + 3, 2);
  for (size_t i = 0; i < n; ++i) {
    plane.At(i, 0) = 1.0;
    plane.At(i, 1) = places_[i].x;
    plane.At(i, 2) = places_[i].y;
    right.At(i, 0) = points[i].ground.x - ground_centre_.x;
    right.At(i, 1) = points[i].ground.y - ground_centre_.y;
  }
  if (!LeastSquares::Factor(std::move(plane))) {
    ThrowNoFit(n, Georef::kTps, "they lie on one line");
  }
  const auto solved = SolveLinear(System(), std::move(right));
  if (!solved) ThrowNoFit(n, Georef::kTps, "they lie too close together");
  for (size_t i = 0; i < n + 3; ++i) {
    weights_.push_back({solved->At(i, 0), solved->At(i, 1)});
  }
}

DenseMatrix SplineFit::System() const {
  const size_t n = places_.size();
  DenseMatrix system(n + 3, n + 3);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Point2d d = Difference(places_[i], places_[j]);
      const double square = d.x * d.x + d.y * d.y;
      system.At(i, j) = system.At(j, i) = square * std::log(square);
    }
    const double row[] = {1.0, places_[i].x, places_[i].y};
    for (size_t k = 0; k < 3; ++k) {
      system.At(i, n + k) = system.At(n + k, i) = row[k];
    }
  }
  return system;
}

LocalMap SplineFit::At(Point2d pixel) const {
  const Point2d here{(pixel.x - centre_.x) * scale_,
                     (pixel.y - centre_.y) * scale_};
  const size_t n = places_.size();
  const Point2d& one = weights_[n];
  const Point2d& u = weights_[n + 1];
  const Point2d& v = weights_[n + 2];
  LocalMap map{{ground_centre_.x + one.x + u.x * here.x + v.x * here.y,
                ground_centre_.y + one.y + u.y * here.x + v.y * here.y},
               u,
               v};
  for (size_t i = 0; i < n; ++i) {
    const Point2d d = Difference(here, places_[i]);
    const double square = d.x * d.x + d.y * d.y;
    // At the point itself the kernel and its derivatives tend to zero.
    if (square == 0.0) continue;
    const double logarithm = std::log(square);
    const double value = square * logarithm;
    const double slope = 2.0 * (logarithm + 1.0);
    const Point2d& w = weights_[i];
    map.ground.x += w.x * value;
    map.ground.y += w.y * value;
    map.per_column.x += w.x * slope * d.x;
    map.per_column.y += w.y * slope * d.x;
    map.per_row.x += w.x * slope * d.y;
    map.per_row.y += w.y * slope * d.y;
  }
  for (Point2d* derivative : {&map.per_column, &map.per_row}) {
    derivative->x *= scale_;
    derivative->y *= scale_;
  }
  return map;
}

std::vector<std::optional<Point2d>> SplineFit::LeaveOneOut() const {
  const size_t n = points_.size();
  std::vector<std::optional<Point2d>> result(n);
  if (n < 4 || n > kMostForLeaveOneOut) return result;
  const auto inverse = Inverse(System());
  if (!inverse) return result;
  for (size_t i = 0; i < n; ++i) {
    // Zero where the other points lie on one line.
    const double diagonal = inverse->At(i, i);
    constexpr double kUndetermined = 1e-9;
    if (std::abs(diagonal) < kUndetermined) continue;
    result[i] = Point2d{weights_[i].x / diagonal, weights_[i].y / diagonal};
  }
  return result;
}

// --- either ----------------------------------------------------------------

size_t PointsNeeded(Georef fit) {
  switch (fit) {
    case Georef::kGcpPoly2:
      return 6;
    case Georef::kGcpPoly3:
      return 10;
    case Georef::kAffine:
    case Georef::kGcpPoly1:
    case Georef::kTps:
      break;
  }
  return 3;
}

PointFit MakePointFit(const std::vector<ControlPoint>& points, Georef fit) {
  MAPWEAVE_CHECK(fit != Georef::kAffine);
  if (fit == Georef::kTps) return SplineFit(points);
  const int order = fit == Georef::kGcpPoly1   ? 1
                    : fit == Georef::kGcpPoly2 ? 2
                                               : 3;
  return PolynomialFit(points, order);
}

}  // namespace mapweave::geo
