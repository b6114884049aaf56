// SPDX-License-Identifier: MIT
//
// The affine map between pixels and ground. Pixel edges lie at integers, so
// the centre of the first pixel is (0.5, 0.5); x counts columns to the right,
// y counts rows downwards.
#pragma once

#include "core/geometry.h"

#include <array>

namespace mapweave::geo {

// An invertible affine map, in the order of GDAL's coefficients:
//   x_world = c[0] + c[1] * col + c[2] * row
//   y_world = c[3] + c[4] * col + c[5] * row
class GeoTransform {
 public:
  // Unit pixels, y downwards to y downwards.
  GeoTransform() = default;
  // Throws Error{kBadInput} when the map is not finite or not invertible.
  explicit GeoTransform(const std::array<double, 6>& coefficients);

  const std::array<double, 6>& Coefficients() const { return forward_; }

  Point2d WorldFromPixel(Point2d pixel) const;
  Point2d PixelFromWorld(Point2d world) const;

  // Side of the square that has the area of one pixel, in world units.
  double Resolution() const;
  // True for north-up, unrotated, square pixels.
  bool IsNorthUpSquare() const;

  bool operator==(const GeoTransform& other) const {
    return forward_ == other.forward_;
  }

 private:
  std::array<double, 6> forward_{0, 1, 0, 0, 0, 1};
  // The linear part alone, row by row.
  std::array<double, 4> inverse_{1, 0, 0, 1};
};

}  // namespace mapweave::geo
