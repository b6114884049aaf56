// SPDX-License-Identifier: MIT
//
// Private to src/geo: where a sheet's pixels lie, for the affine case and for
// fits through ground control points alike.
#pragma once

#include "core/geometry.h"
#include "geo/control_points.h"
#include "geo/geo_transform.h"
#include "geo/sheet.h"

#include <memory>
#include <optional>
#include <vector>

namespace mapweave::geo {

// A smooth map between a sheet's pixels and its CRS. One per thread.
class Georeference {
 public:
  explicit Georeference(const GeoTransform& affine);
  // Throws Error{kBadInput} with too few points or points on one line.
  Georeference(const std::vector<ControlPoint>& points, Georef fit);
  ~Georeference();
  Georeference(Georeference&&) noexcept;
  Georeference& operator=(Georeference&&) noexcept;

  Point2d CrsFromPixel(Point2d pixel) const;
  // The exact inverse of CrsFromPixel, to 1e-4 pixels; infinite where none is
  // found.
  Point2d PixelFromCrs(Point2d world) const;

  // The map itself if it is affine, else its best affine approximation.
  const GeoTransform& Affine() const { return affine_; }
  bool IsAffine() const { return curve_ == nullptr; }

 private:
  struct Curve;  // the part that is not affine
  GeoTransform affine_;
  std::unique_ptr<Curve> curve_;
};

// Distances in CRS units between each point and where the map puts it. With
// `leave_one_out`, each point is left out of the fit that is asked about it.
enum class Residuals { kOfTheFit, kLeaveOneOut };
std::vector<Point2d> FitResiduals(const std::vector<ControlPoint>& points,
                                  Georef fit, Residuals kind);

// The fit that SheetOptions::gcp_fit describes as the default.
Georef ChooseFit(const std::vector<ControlPoint>& points);

// True if the map keeps or reverses the orientation everywhere on a sheet of
// this size, that is, never folds.
bool IsOneToOne(const Georeference& georeference, int width, int height);

}  // namespace mapweave::geo
