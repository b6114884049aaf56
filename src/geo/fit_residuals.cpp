// SPDX-License-Identifier: MIT
#include "geo/fit_residuals.h"

#include "core/error.h"
#include "geo/georeference.h"
#include "geo/point_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mapweave::geo {

double MetresPerPixel(const FitSite& site) {
  const Georeference map(site.points, Georef::kGcpPoly1);
  return map.Affine().Resolution() * std::sqrt(site.metres.Area());
}

double RootMeanSquare(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

FitSite Without(FitSite site, size_t index) {
  site.points.erase(site.points.begin() + static_cast<std::ptrdiff_t>(index));
  return site;
}

std::optional<std::vector<double>> LeaveOneOutMetres(const FitSite& site,
                                                     Georef fit) {
  std::vector<std::optional<Point2d>> left_out;
  try {
    left_out = std::visit([](const auto& map) { return map.LeaveOneOut(); },
                          MakePointFit(site.points, fit));
  } catch (const Error&) {
    return std::nullopt;  // the points do not determine the fit
  }
  std::vector<double> metres;
  for (const auto& r : left_out) {
    if (!r) return std::nullopt;
    metres.push_back(std::hypot(r->x * site.metres.x, r->y * site.metres.y));
  }
  return metres;
}

std::vector<ControlPointResidual> Residuals(const FitSite& site, Georef fit) {
  const PointFit any = MakePointFit(site.points, fit);
  return std::visit(
      [&site](const auto& map) {
        const auto left_out = map.LeaveOneOut();
        std::vector<ControlPointResidual> result;
        for (size_t i = 0; i < site.points.size(); ++i) {
          const ControlPoint& p = site.points[i];
          const Point2d there = map.At(p.pixel).ground;
          ControlPointResidual residual;
          residual.pixel = p.pixel;
          residual.ground = p.ground;
          residual.residual_m = {(p.ground.x - there.x) * site.metres.x,
                                 (p.ground.y - there.y) * site.metres.y};
          if (left_out[i]) {
            residual.leave_one_out_m = std::hypot(
                left_out[i]->x * site.metres.x, left_out[i]->y * site.metres.y);
          }
          result.push_back(residual);
        }
        return result;
      },
      any);
}

std::optional<double> Rmse(const std::vector<ControlPointResidual>& residuals,
                           Georef fit) {
  if (fit == Georef::kTps) return LooRmse(residuals);
  if (residuals.size() <= PointsNeeded(fit)) return std::nullopt;
  std::vector<double> distances;
  for (const auto& r : residuals) distances.push_back(r.Distance());
  return RootMeanSquare(distances);
}

std::optional<double> LooRmse(
    const std::vector<ControlPointResidual>& residuals) {
  std::vector<double> distances;
  for (const auto& r : residuals) {
    if (!r.leave_one_out_m) return std::nullopt;
    distances.push_back(*r.leave_one_out_m);
  }
  if (distances.empty()) return std::nullopt;
  return RootMeanSquare(distances);
}

std::string WorstPoints(const std::vector<ControlPointResidual>& residuals,
                        size_t count) {
  const auto size = [&residuals](size_t i) {
    return residuals[i].leave_one_out_m.value_or(residuals[i].Distance());
  };
  std::vector<size_t> order(residuals.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&size](size_t a, size_t b) { return size(a) > size(b); });
  order.resize(std::min(count, order.size()));
  std::string text;
  for (const size_t i : order) {
    text += fmt::format("{}point {} ({:.1f} m off, at pixel ({:.0f}, {:.0f}))",
                        text.empty() ? "" : ", ", i + 1, size(i),
                        residuals[i].pixel.x, residuals[i].pixel.y);
  }
  return text;
}

}  // namespace mapweave::geo
