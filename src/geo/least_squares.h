// SPDX-License-Identifier: MIT
//
// Private to src/geo: the two small dense solvers that fits through control
// points need. Matrices hold tens to hundreds of columns, so plain loops do.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace mapweave::geo {

// Row-major.
struct DenseMatrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<double> values;

  DenseMatrix(size_t row_count, size_t column_count)
      : rows(row_count),
        columns(column_count),
        values(row_count * column_count) {}
  double& At(size_t row, size_t column) {
    return values[row * columns + column];
  }
  double At(size_t row, size_t column) const {
    return values[row * columns + column];
  }
};

// Least squares by Householder reflections (Golub & Van Loan, Matrix
// Computations, section 5.3), which keep twice the digits of the normal
// equations.
class LeastSquares {
 public:
  // None if the columns depend on each other: some direction of the unknowns
  // leaves every row unchanged to nine digits. Needs rows >= columns.
  static std::optional<LeastSquares> Factor(DenseMatrix design);

  // The unknowns x that make |design * x - right_side| least.
  std::vector<double> Solve(std::vector<double> right_side) const;

  // row^T (design^T design)^-1 row: the variance of a prediction at `row` for
  // observations of unit variance. Of a row of the design itself, its leverage,
  // in [0, 1].
  double Leverage(const std::vector<double>& row) const;

 private:
  explicit LeastSquares(DenseMatrix design) : factors_(std::move(design)) {}

  // Above the diagonal R; below it the reflections, whose heads are beside.
  DenseMatrix factors_;
  std::vector<double> diagonal_;  // of R
  std::vector<double> heads_;
};

// The inverse by elimination with partial pivoting; none if the
// matrix is singular. Cubic in its size.
std::optional<DenseMatrix> Inverse(DenseMatrix matrix);

// Solves matrix * x = right_side by elimination with partial pivoting for
// several right sides, the columns of `right_sides`; none if it is singular.
std::optional<DenseMatrix> SolveLinear(DenseMatrix matrix,
                                       DenseMatrix right_sides);

}  // namespace mapweave::geo
