// SPDX-License-Identifier: MIT
#include "geo/geo_transform.h"

#include "core/error.h"

#include <cmath>

namespace mapweave::geo {

GeoTransform::GeoTransform(const std::array<double, 6>& coefficients)
    : forward_(coefficients) {
  const auto& c = forward_;
  const double det = c[1] * c[5] - c[2] * c[4];
  const double scale =
      (std::abs(c[1]) + std::abs(c[2])) * (std::abs(c[4]) + std::abs(c[5]));
  // The comparison is false for NaN, too.
  if (!(std::abs(det) > 1e-12 * scale) || !std::isfinite(1.0 / det) ||
      !std::isfinite(c[0]) || !std::isfinite(c[3])) {
    throw Error(ErrorCode::kBadInput,
                "the affine map from pixels to the ground is not invertible",
                "Georeference the sheet again.");
  }
  inverse_ = {c[5] / det, -c[2] / det, -c[4] / det, c[1] / det};
}

Point2d GeoTransform::WorldFromPixel(Point2d pixel) const {
  const auto& c = forward_;
  return {c[0] + c[1] * pixel.x + c[2] * pixel.y,
          c[3] + c[4] * pixel.x + c[5] * pixel.y};
}

Point2d GeoTransform::PixelFromWorld(Point2d world) const {
  // The origin is taken off first: with ground coordinates of 1e7, an affine
  // inverse with a constant term would cost seven digits.
  const double dx = world.x - forward_[0];
  const double dy = world.y - forward_[3];
  return {inverse_[0] * dx + inverse_[1] * dy,
          inverse_[2] * dx + inverse_[3] * dy};
}

double GeoTransform::Resolution() const {
  const auto& c = forward_;
  return std::sqrt(std::abs(c[1] * c[5] - c[2] * c[4]));
}

bool GeoTransform::IsNorthUpSquare() const {
  const auto& c = forward_;
  return c[2] == 0.0 && c[4] == 0.0 && c[1] > 0.0 && c[5] < 0.0 &&
         std::abs(c[1] + c[5]) <= 1e-9 * c[1];
}

}  // namespace mapweave::geo
