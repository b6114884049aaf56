// SPDX-License-Identifier: MIT
#include "geo/least_squares.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mapweave::geo {
namespace {

constexpr double kSingular = 1e-9;

}  // namespace

std::optional<LeastSquares> LeastSquares::Factor(DenseMatrix design) {
  MAPWEAVE_CHECK(design.rows >= design.columns);
  LeastSquares result(std::move(design));
  DenseMatrix& a = result.factors_;
  for (size_t k = 0; k < a.columns; ++k) {
    double whole = 0.0;
    double below = 0.0;
    for (size_t i = 0; i < a.rows; ++i) {
      const double square = a.At(i, k) * a.At(i, k);
      whole += square;
      if (i >= k) below += square;
    }
    // What earlier columns do not explain of this one.
    if (!(below > kSingular * kSingular * whole)) return std::nullopt;
    const double norm = std::sqrt(below);
    const double diagonal = a.At(k, k) > 0.0 ? -norm : norm;
    const double head = a.At(k, k) - diagonal;
    const double scale = -1.0 / (diagonal * head);
    for (size_t j = k + 1; j < a.columns; ++j) {
      double dot = head * a.At(k, j);
      for (size_t i = k + 1; i < a.rows; ++i) dot += a.At(i, k) * a.At(i, j);
      dot *= scale;
      a.At(k, j) -= dot * head;
      for (size_t i = k + 1; i < a.rows; ++i) a.At(i, j) -= dot * a.At(i, k);
    }
    result.diagonal_.push_back(diagonal);
    result.heads_.push_back(head);
  }
  return result;
}

std::vector<double> LeastSquares::Solve(std::vector<double> b) const {
  const DenseMatrix& a = factors_;
  MAPWEAVE_CHECK(b.size() == a.rows);
  for (size_t k = 0; k < a.columns; ++k) {
    double dot = heads_[k] * b[k];
    for (size_t i = k + 1; i < a.rows; ++i) dot += a.At(i, k) * b[i];
    dot *= -1.0 / (diagonal_[k] * heads_[k]);
    b[k] -= dot * heads_[k];
    for (size_t i = k + 1; i < a.rows; ++i) b[i] -= dot * a.At(i, k);
  }
  std::vector<double> x(a.columns);
  for (size_t k = a.columns; k-- > 0;) {
    double sum = b[k];
    for (size_t j = k + 1; j < a.columns; ++j) sum -= a.At(k, j) * x[j];
    x[k] = sum / diagonal_[k];
  }
  return x;
}

double LeastSquares::Leverage(const std::vector<double>& row) const {
  // |R^-T row|^2, by forward substitution.
  const DenseMatrix& a = factors_;
  MAPWEAVE_CHECK(row.size() == a.columns);
  std::vector<double> y(a.columns);
  double sum_of_squares = 0.0;
  for (size_t k = 0; k < a.columns; ++k) {
    double sum = row[k];
    for (size_t i = 0; i < k; ++i) sum -= a.At(i, k) * y[i];
    y[k] = sum / diagonal_[k];
    sum_of_squares += y[k] * y[k];
  }
  return sum_of_squares;
}

std::optional<DenseMatrix> SolveLinear(DenseMatrix a, DenseMatrix b) {
  MAPWEAVE_CHECK(a.rows == a.columns && b.rows == a.rows);
  const size_t n = a.rows;
  double largest = 0.0;
  for (const double value : a.values) {
    largest = std::max(largest, std::abs(value));
  }
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k + 1; i < n; ++i) {
      if (std::abs(a.At(i, k)) > std::abs(a.At(pivot, k))) pivot = i;
    }
    if (!(std::abs(a.At(pivot, k)) > 1e-14 * largest)) return std::nullopt;
    if (pivot != k) {
      for (size_t j = k; j < n; ++j) std::swap(a.At(k, j), a.At(pivot, j));
      for (size_t j = 0; j < b.columns; ++j) {
        std::swap(b.At(k, j), b.At(pivot, j));
      }
    }
    for (size_t i = k + 1; i < n; ++i) {
      const double factor = a.At(i, k) / a.At(k, k);
      if (factor == 0.0) continue;
      for (size_t j = k + 1; j < n; ++j) a.At(i, j) -= factor * a.At(k, j);
      for (size_t j = 0; j < b.columns; ++j) {
        b.At(i, j) -= factor * b.At(k, j);
      }
    }
  }
  for (size_t k = n; k-- > 0;) {
    for (size_t j = 0; j < b.columns; ++j) {
      double sum = b.At(k, j);
      for (size_t i = k + 1; i < n; ++i) sum -= a.At(k, i) * b.At(i, j);
      b.At(k, j) = sum / a.At(k, k);
    }
  }
  return b;
}

std::optional<DenseMatrix> Inverse(DenseMatrix matrix) {
  const size_t n = matrix.rows;
  DenseMatrix unit(n, n);
  for (size_t i = 0; i < n; ++i) unit.At(i, i) = 1.0;
  return SolveLinear(std::move(matrix), std::move(unit));
}

}  // namespace mapweave::geo
