// SPDX-License-Identifier: MIT
//
// Private to src/geo: where a sheet's pixels lie, for the affine case and for
// fits through ground control points alike.
#pragma once

#include "core/geometry.h"
#include "geo/control_points.h"
#include "geo/geo_transform.h"
#include "geo/point_fit.h"
#include "geo/sheet.h"

#include <optional>
#include <vector>

namespace mapweave::geo {

// A smooth map between a sheet's pixels and its CRS. Immutable, so that threads
// may share one.
class Georeference {
 public:
  explicit Georeference(const GeoTransform& affine);
  // Throws Error{kBadInput} with too few points, or points that do not
  // determine the fit.
  Georeference(const std::vector<ControlPoint>& points, Georef fit);
  // As the sheet says.
  explicit Georeference(const SheetInfo& sheet);

  Point2d CrsFromPixel(Point2d pixel) const { return At(pixel).ground; }
  LocalMap At(Point2d pixel) const;
  // The exact inverse of CrsFromPixel, to 1e-4 pixels; infinite where none is
  // found.
  Point2d PixelFromCrs(Point2d world) const;

  // The map itself if it is affine, else its best affine approximation.
  const GeoTransform& Affine() const { return affine_; }
  bool IsAffine() const { return !curve_; }

 private:
  GeoTransform affine_;
  std::optional<PointFit> curve_;  // none if all is affine
};

}  // namespace mapweave::geo
