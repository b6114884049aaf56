// SPDX-License-Identifier: MIT
//
// Private to src/geo: maps from a sheet's pixels to the ground that are fitted
// through control points, with what tells how far they can be trusted. They are
// this library's own because GDAL's give neither derivatives nor leverages.
#pragma once

#include "core/geometry.h"
#include "geo/control_points.h"
#include "geo/least_squares.h"
#include "geo/sheet.h"

#include <array>
#include <optional>
#include <variant>
#include <vector>

namespace mapweave::geo {

// The ground of a pixel, and by how much it moves when the pixel does.
struct LocalMap {
  Point2d ground;
  Point2d per_column;  // d ground / d column
  Point2d per_row;     // d ground / d row

  double Determinant() const {
    return per_column.x * per_row.y - per_row.x * per_column.y;
  }
};

// The polynomial of order 1 to 3 whose sum of squared residuals at the points
// is least. Solved in normalised coordinates: ground coordinates of 1e7 and
// third powers of 1e4 pixels leave no digits otherwise.
class PolynomialFit {
 public:
  // Throws Error{kBadInput} with too few points, or if they lie on one line
  // (order 1), conic (2) or cubic (3).
  PolynomialFit(const std::vector<ControlPoint>& points, int order);

  LocalMap At(Point2d pixel) const;
  // Variance of a prediction at `pixel` for points that each scatter by unit
  // variance: at most 1 at the points, about 1/n in their midst, and growing
  // with the 2nd to 6th power of the distance outside them.
  double Leverage(Point2d pixel) const;
  // The points less the fit through all other points, in ground units; none
  // where those determine no fit. Exact: r / (1 - leverage).
  std::vector<std::optional<Point2d>> LeaveOneOut() const;
  // Root mean square of a point's scatter in ground units per axis pair, with
  // the degrees of freedom taken off; none without any left.
  std::optional<double> Scatter(Point2d metres_per_unit) const;

 private:
  std::vector<double> Powers(Point2d pixel) const;

  int order_;
  std::vector<ControlPoint> points_;
  Point2d centre_;  // of the pixels
  double scale_;    // pixels to about [-1, 1]
  Point2d ground_centre_;
  std::vector<double> x_;  // coefficients of Powers()
  std::vector<double> y_;
  std::optional<LeastSquares> design_;  // always set once constructed
};

// The thin-plate spline (Duchon 1977; Bookstein 1989): of all maps through the
// points the one of least bending energy.
class SplineFit {
 public:
  // Throws Error{kBadInput} with fewer than three points, points on one line,
  // or two points at one pixel.
  explicit SplineFit(const std::vector<ControlPoint>& points);

  LocalMap At(Point2d pixel) const;
  // As PolynomialFit's, in one inversion (Rippa 1999, Advances in Computational
  // Mathematics 11, section 2). None at all beyond 1,000 points, where that
  // would take minutes.
  std::vector<std::optional<Point2d>> LeaveOneOut() const;

 private:
  DenseMatrix System() const;

  std::vector<ControlPoint> points_;
  std::vector<Point2d> places_;  // of the points, normalised
  Point2d centre_;
  double scale_;
  Point2d ground_centre_;
  // One weight a point, then of 1, column and row.
  std::vector<Point2d> weights_;
};

// How many points a fit needs at least: 3, 6, 10 and 3.
size_t PointsNeeded(Georef fit);

using PointFit = std::variant<PolynomialFit, SplineFit>;

// `fit` is not kAffine. Throws as the two classes do.
PointFit MakePointFit(const std::vector<ControlPoint>& points, Georef fit);

}  // namespace mapweave::geo
