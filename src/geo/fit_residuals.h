// SPDX-License-Identifier: MIT
//
// Private to src/geo: how far control points lie from the fits through them, in
// metres.
#pragma once

#include "core/geometry.h"
#include "geo/control_points.h"
#include "geo/crs.h"
#include "geo/sheet.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

// Control points with what is needed to judge fits through them.
struct FitSite {
  std::vector<ControlPoint> points;
  GroundScale metres;           // per CRS unit, on the sheet
  std::vector<Point2d> pixels;  // LegiblePixels, of fit_faults.h
};

// A control point that must be wrong.
struct Suspect {
  size_t index = 0;
  double distance_m = 0.0;  // to where the others put it
};

// The site without one of its points.
FitSite Without(FitSite site, size_t index);

// Side of a pixel on the ground, by the affine fit. Throws Error{kBadInput} if
// the points do not determine one.
double MetresPerPixel(const FitSite& site);

// `values` is not empty.
double RootMeanSquare(const std::vector<double>& values);

// Residuals and leave-one-out distances in metres, in the points' order.
std::vector<ControlPointResidual> Residuals(const FitSite& site, Georef fit);

// Distance of each point in metres from where the fit through all others puts
// it; none if one of them is not determined.
std::optional<std::vector<double>> LeaveOneOutMetres(const FitSite& site,
                                                     Georef fit);

// Root mean square of the distances; none for a fit that meets every point
// because it has no freedom left.
std::optional<double> Rmse(const std::vector<ControlPointResidual>& residuals,
                           Georef fit);
// The same of the leave-one-out distances; none if one is missing.
std::optional<double> LooRmse(
    const std::vector<ControlPointResidual>& residuals);

// "point 7 (98.2 m, at pixel (812, 440)), point 3 (41.0 m, ...)": the `count`
// points of the largest leave-one-out distance.
std::string WorstPoints(const std::vector<ControlPointResidual>& residuals,
                        size_t count);

}  // namespace mapweave::geo
