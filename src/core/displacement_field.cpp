// SPDX-License-Identifier: MIT
#include "core/displacement_field.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace mapweave {
namespace {

// Place among the nodes along one axis: the node before it and the way on.
struct Place {
  int node = 0;
  double way = 0.0;  // in [0, 1]
};

Place PlaceOf(double position, double low, double high) {
  const double clamped = std::clamp(position, low, high);
  const int node =
      std::min(static_cast<int>(clamped), static_cast<int>(high) - 1);
  return {node, clamped - node};
}

// Uniform cubic B-spline basis (de Boor 1978) of nodes -1 .. 2.
std::array<double, 4> Basis(double t) {
  const double s = 1.0 - t;
  return {s * s * s / 6.0, (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
          (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0, t * t * t / 6.0};
}

[[noreturn]] void Refuse(const std::string& what) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("a displacement field {}", what),
              "Run 'mapweave align' again.");
}

}  // namespace

DisplacementField DisplacementField::Constant(Point2d shift) {
  DisplacementField field;
  field.cols = field.rows = 4;
  field.dx.assign(16, shift.x);
  field.dy.assign(16, shift.y);
  field.sigma.assign(16, 0.0);
  return field;
}

bool DisplacementField::IsConstant() const {
  const auto same = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(),
                       [&](double v) { return v == values.front(); });
  };
  return same(dx) && same(dy);
}

FieldWeights DisplacementField::WeightsAt(Point2d p) const {
  const Place across = PlaceOf((p.x - origin.x) / step.x, 1.0, cols - 2.0);
  const Place down = PlaceOf((p.y - origin.y) / step.y, 1.0, rows - 2.0);
  const std::array<double, 4> bx = Basis(across.way);
  const std::array<double, 4> by = Basis(down.way);
  FieldWeights weights{across.node - 1, down.node - 1, {}};
  for (size_t j = 0; j < 4; ++j) {
    for (size_t i = 0; i < 4; ++i) weights.weight[4 * j + i] = by[j] * bx[i];
  }
  return weights;
}

Point2d DisplacementField::At(Point2d p) const {
  if (IsEmpty()) return {};
  const FieldWeights weights = WeightsAt(p);
  Point2d sum;
  for (size_t j = 0; j < 4; ++j) {
    const size_t first =
        (static_cast<size_t>(weights.row) + j) * static_cast<size_t>(cols) +
        static_cast<size_t>(weights.col);
    for (size_t i = 0; i < 4; ++i) {
      const double weight = weights.weight[4 * j + i];
      sum.x += weight * dx[first + i];
      sum.y += weight * dy[first + i];
    }
  }
  return sum;
}

double DisplacementField::SigmaAt(Point2d p) const {
  if (IsEmpty()) return 0.0;
  const Place across = PlaceOf((p.x - origin.x) / step.x, 0.0, cols - 1.0);
  const Place down = PlaceOf((p.y - origin.y) / step.y, 0.0, rows - 1.0);
  const size_t at = static_cast<size_t>(down.node) * static_cast<size_t>(cols) +
                    static_cast<size_t>(across.node);
  const size_t below = at + static_cast<size_t>(cols);
  return (1.0 - down.way) *
             ((1.0 - across.way) * sigma[at] + across.way * sigma[at + 1]) +
         down.way * ((1.0 - across.way) * sigma[below] +
                     across.way * sigma[below + 1]);
}

Point2d DisplacementField::Apply(Point2d p) const {
  const Point2d d = At(p);
  return {p.x + d.x, p.y + d.y};
}

Point2d DisplacementField::ApplyInverse(Point2d q) const {
  if (IsEmpty() || !std::isfinite(q.x) || !std::isfinite(q.y)) return q;
  // Each step shrinks the error by the gradient of the field, which is a few
  // hundredths for maps.
  constexpr int kMostSteps = 60;
  const double close = 1e-8 * std::max(std::abs(step.x), std::abs(step.y));
  Point2d p = q;
  for (int i = 0; i < kMostSteps; ++i) {
    const Point2d d = At(p);
    const Point2d next{q.x - d.x, q.y - d.y};
    const double moved = std::hypot(next.x - p.x, next.y - p.y);
    p = next;
    if (moved <= close) return p;
  }
  return {HUGE_VAL, HUGE_VAL};
}

Box DisplacementField::Range() const {
  if (IsEmpty()) return {};
  const auto [min_x, max_x] = std::minmax_element(dx.begin(), dx.end());
  const auto [min_y, max_y] = std::minmax_element(dy.begin(), dy.end());
  return {*min_x, *min_y, *max_x, *max_y};
}

double DisplacementField::LargestGradient() const {
  // A B-spline's derivative is one of the coefficients' differences, which
  // bound it.
  double along_x = 0.0;
  double along_y = 0.0;
  for (int row = 0; row < rows; ++row) {
    for (int col = 0; col < cols; ++col) {
      const size_t at = static_cast<size_t>(row) * static_cast<size_t>(cols) +
                        static_cast<size_t>(col);
      if (col + 1 < cols) {
        along_x = std::max(
            along_x, std::hypot(dx[at + 1] - dx[at], dy[at + 1] - dy[at]));
      }
      if (row + 1 < rows) {
        const size_t below = at + static_cast<size_t>(cols);
        along_y = std::max(along_y,
                           std::hypot(dx[below] - dx[at], dy[below] - dy[at]));
      }
    }
  }
  return std::hypot(along_x / step.x, along_y / step.y);
}

void DisplacementField::Validate() const {
  if (IsEmpty() && rows == 0 && dx.empty() && dy.empty() && sigma.empty()) {
    return;
  }
  if (cols < 4 || rows < 4) {
    Refuse(fmt::format("has {} x {} nodes; 4 x 4 are needed", cols, rows));
  }
  const size_t nodes = static_cast<size_t>(cols) * static_cast<size_t>(rows);
  if (dx.size() != nodes || dy.size() != nodes || sigma.size() != nodes) {
    Refuse(fmt::format("of {} x {} nodes has {}, {} and {} values", cols, rows,
                       dx.size(), dy.size(), sigma.size()));
  }
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!finite(origin.x) || !finite(origin.y) || !finite(step.x) ||
      !finite(step.y) || step.x == 0.0 || step.y == 0.0) {
    Refuse("has no finite place or no spacing");
  }
  for (const std::vector<double>* values : {&dx, &dy, &sigma}) {
    if (!std::all_of(values->begin(), values->end(), finite)) {
      Refuse("has values that are not finite");
    }
  }
}

}  // namespace mapweave
