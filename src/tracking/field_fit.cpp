// SPDX-License-Identifier: MIT
#include "tracking/field_fit.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace mapweave::tracking {
namespace {

constexpr int kReweightings = 8;
// Tukey's constant: 95 % efficiency on normal errors.
constexpr double kTukey = 4.685;
// Median of a two-dimensional normal error's length, in standard deviations.
constexpr double kRayleighMedian = 1.1774;
// Errors are never taken to be smaller than this, px: else a handful of ties
// that agree by chance would outvote all others.
constexpr double kLeastError = 0.2;

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double Mahalanobis(const cv::Point2d& e, const cv::Matx22d& information) {
  const cv::Vec2d v(e.x, e.y);
  return std::sqrt(std::max(0.0, v.dot(information * v)));
}

// What each tie's information is multiplied by.
struct Weights {
  std::vector<double> of_tie;
};

// Weights that make sums of squares robust: 1 / variance of the error, times
// Tukey's weight.
Weights RobustWeights(const std::vector<Tie>& ties,
                      const std::vector<cv::Point2d>& errors) {
  std::vector<double> lengths(ties.size());
  std::vector<double> sharpness(ties.size());
  for (size_t k = 0; k < ties.size(); ++k) {
    lengths[k] = Mahalanobis(errors[k], ties[k].information);
    sharpness[k] = std::sqrt(0.5 * cv::trace(ties[k].information));
  }
  const double scale = std::max(Median(lengths) / kRayleighMedian,
                                kLeastError * Median(sharpness));
  Weights weights;
  for (const double length : lengths) {
    const double t = length / (kTukey * scale);
    const double tukey = t < 1.0 ? (1.0 - t * t) * (1.0 - t * t) : 0.0;
    weights.of_tie.push_back(tukey / (scale * scale));
  }
  return weights;
}

// The joint normal equations of the affine maps of all editions but the newest:
// per edition shift x, y and the four of the linear part, scaled to pixels at
// `reach` from the centre.
class AffineSystem {
 public:
  AffineSystem(const std::vector<AffineDisplacement>& start, double reach)
      : start_(start), reach_(reach), size_(6 * (start.size() - 1)) {}

  std::vector<AffineDisplacement> Solve(const std::vector<Tie>& ties,
                                        const Weights& weights) const {
    const int n = static_cast<int>(size_);
    cv::Mat normal = cv::Mat::zeros(n, n, CV_64F);
    cv::Mat right = cv::Mat::zeros(n, 1, CV_64F);
    AddPrior(normal);
    for (size_t k = 0; k < ties.size(); ++k) {
      AddTie(ties[k], weights.of_tie[k], normal, right);
    }
    cv::Mat solution;
    cv::solve(normal, right, solution, cv::DECOMP_CHOLESKY);
    std::vector<AffineDisplacement> solved = start_;
    for (size_t e = 0; e + 1 < start_.size(); ++e) {
      const double* x = solution.ptr<double>(static_cast<int>(6 * e));
      solved[e].shift += cv::Point2d(x[0], x[1]);
      solved[e].linear += (1.0 / reach_) * cv::Matx22d{x[2], x[3], x[4], x[5]};
    }
    return solved;
  }

 private:
  // Changes against the start, weighed so lightly that a few ties overrule it.
  void AddPrior(cv::Mat& normal) const {
    constexpr double kShiftError = 100.0;  // px
    constexpr double kStrain = 0.01;
    for (int i = 0; i < normal.rows; ++i) {
      const double error = i % 6 < 2 ? kShiftError : kStrain * reach_;
      normal.at<double>(i, i) += 1.0 / (error * error);
    }
  }

  void AddTie(const Tie& tie, double weight, cv::Mat& normal,
              cv::Mat& right) const {
    // Unknown parts of a's place less b's place = b's place less a's, known.
    const cv::Point2d known = tie.in_b + start_[tie.b].At(tie.in_b) - tie.in_a -
                              start_[tie.a].At(tie.in_a);
    const cv::Matx22d information = weight * tie.information;
    const std::array<Side, 2> sides = {SideOf(tie.a, tie.in_a, 1.0),
                                       SideOf(tie.b, tie.in_b, -1.0)};
    for (const Side& one : sides) {
      if (one.edition + 1 == start_.size()) continue;
      const auto weighted = one.jacobian.t() * information;
      const int row = static_cast<int>(6 * one.edition);
      Add(weighted * cv::Vec2d(known.x, known.y), row, 0, right);
      for (const Side& other : sides) {
        if (other.edition + 1 == start_.size()) continue;
        Add(weighted * other.jacobian, row, static_cast<int>(6 * other.edition),
            normal);
      }
    }
  }

  // How the place of a tie's end moves with the six unknowns of its edition.
  struct Side {
    size_t edition = 0;
    cv::Matx<double, 2, 6> jacobian;
  };

  Side SideOf(size_t edition, cv::Point2d p, double sign) const {
    const cv::Point2d u = sign / reach_ * (p - start_[edition].centre);
    return {edition,
            {sign, 0.0, u.x, u.y, 0.0, 0.0, 0.0, sign, 0.0, 0.0, u.x, u.y}};
  }

  template <int kRows, int kCols>
  static void Add(const cv::Matx<double, kRows, kCols>& block, int row, int col,
                  cv::Mat& sum) {
    for (int i = 0; i < kRows; ++i) {
      auto* line = sum.ptr<double>(row + i) + col;
      for (int j = 0; j < kCols; ++j) line[j] += block(i, j);
    }
  }

  const std::vector<AffineDisplacement>& start_;
  double reach_;
  size_t size_;
};

// The fields' coefficients around the affine maps, of all editions but the
// newest one after another, and the quadratic form that they minimise.
class FieldSystem {
 public:
  using Vector = std::vector<cv::Point2d>;

  FieldSystem(const std::vector<Tie>& ties, size_t editions,
              const DisplacementField& lattice, const FieldFitOptions& options)
      : ties_(ties),
        editions_(editions),
        cols_(lattice.cols),
        rows_(lattice.rows),
        nodes_(static_cast<size_t>(lattice.cols) *
               static_cast<size_t>(lattice.rows)) {
    for (const Tie& tie : ties) {
      const FieldWeights a = lattice.WeightsAt({tie.in_a.x, tie.in_a.y});
      const FieldWeights b = lattice.WeightsAt({tie.in_b.x, tie.in_b.y});
      sides_.push_back({a, b});
    }
    const double bend = options.bend * options.spacing_px;
    bending_ = 1.0 / (bend * bend);
    rest_ = bending_ / std::pow(options.decay_nodes, 4.0);
  }

  size_t Size() const { return nodes_ * (editions_ - 1); }

  // Sum over the two sides of a tie: a's displacement less b's.
  cv::Point2d Difference(const Vector& x, size_t k) const {
    return Value(x, ties_[k].a, sides_[k][0]) -
           Value(x, ties_[k].b, sides_[k][1]);
  }

  // y = (sum of B^T W B + prior) x.
  Vector Multiply(const Vector& x, const Weights& weights) const {
    Vector y(x.size());
    for (size_t e = 0; e + 1 < editions_; ++e) AddPrior(x, e * nodes_, y);
    for (size_t k = 0; k < ties_.size(); ++k) {
      if (weights.of_tie[k] == 0.0) continue;
      Scatter(k, weights.of_tie[k], Difference(x, k), y);
    }
    return y;
  }

  Vector RightSide(const Vector& wanted, const Weights& weights) const {
    Vector y(Size());
    for (size_t k = 0; k < ties_.size(); ++k) {
      Scatter(k, weights.of_tie[k], wanted[k], y);
    }
    return y;
  }

  // Reciprocal of the diagonal.
  Vector Preconditioner(const Weights& weights) const {
    // Of the sum of squared second differences, inside the lattice.
    constexpr double kStencil = 20.0;
    Vector diagonal(Size(), cv::Point2d(1, 1) * (rest_ + kStencil * bending_));
    for (size_t k = 0; k < ties_.size(); ++k) {
      const cv::Matx22d& w = ties_[k].information;
      for (const int side : {0, 1}) {
        ForEach(k, side, [&](size_t at, double b) {
          diagonal[at] +=
              weights.of_tie[k] * b * b * cv::Point2d(w(0, 0), w(1, 1));
        });
      }
    }
    for (cv::Point2d& d : diagonal) d = {1.0 / d.x, 1.0 / d.y};
    return diagonal;
  }

 private:
  template <typename Action>
  void ForEach(size_t k, int side, Action action) const {
    const size_t edition = side == 0 ? ties_[k].a : ties_[k].b;
    if (edition + 1 == editions_) return;
    const FieldWeights& weights = sides_[k][static_cast<size_t>(side)];
    for (int i = 0; i < 16; ++i) {
      action(At(edition, weights.col + i % 4, weights.row + i / 4),
             weights.weight[static_cast<size_t>(i)]);
    }
  }

  size_t At(size_t edition, int col, int row) const {
    return edition * nodes_ +
           static_cast<size_t>(row) * static_cast<size_t>(cols_) +
           static_cast<size_t>(col);
  }

  cv::Point2d Value(const Vector& x, size_t edition,
                    const FieldWeights& weights) const {
    cv::Point2d sum;
    if (edition + 1 == editions_) return sum;
    for (int i = 0; i < 16; ++i) {
      sum += weights.weight[static_cast<size_t>(i)] *
             x[At(edition, weights.col + i % 4, weights.row + i / 4)];
    }
    return sum;
  }

  void Scatter(size_t k, double weight, cv::Point2d difference,
               Vector& y) const {
    const cv::Vec2d f =
        weight * ties_[k].information * cv::Vec2d(difference.x, difference.y);
    const cv::Point2d force(f[0], f[1]);
    ForEach(k, 0, [&](size_t at, double b) { y[at] += b * force; });
    ForEach(k, 1, [&](size_t at, double b) { y[at] -= b * force; });
  }

  // Squared second differences of the coefficients (Eilers & Marx 1996), the
  // mixed ones twice, which makes bending cost the same in all directions, and
  // squares of the coefficients.
  void AddPrior(const Vector& x, size_t first, Vector& y) const {
    for (size_t i = 0; i < nodes_; ++i) {
      y[first + i] += rest_ * x[first + i];
    }
    const auto across = static_cast<size_t>(1);
    const auto down = static_cast<size_t>(cols_);
    for (int row = 0; row < rows_; ++row) {
      for (int col = 0; col < cols_; ++col) {
        const size_t at = first + At(0, col, row);
        if (col + 2 < cols_) AddBend(x, at, across, y);
        if (row + 2 < rows_) AddBend(x, at, down, y);
        if (col + 1 < cols_ && row + 1 < rows_) {
          const cv::Point2d twist =
              2.0 * bending_ *
              (x[at] - x[at + across] - x[at + down] + x[at + across + down]);
          y[at] += twist;
          y[at + across] -= twist;
          y[at + down] -= twist;
          y[at + across + down] += twist;
        }
      }
    }
  }

  void AddBend(const Vector& x, size_t at, size_t next, Vector& y) const {
    const cv::Point2d bend =
        bending_ * (x[at] - 2.0 * x[at + next] + x[at + 2 * next]);
    y[at] += bend;
    y[at + next] -= 2.0 * bend;
    y[at + 2 * next] += bend;
  }

  const std::vector<Tie>& ties_;
  size_t editions_;
  int cols_;
  int rows_;
  size_t nodes_;
  std::vector<std::array<FieldWeights, 2>> sides_;
  double bending_ = 0.0;
  double rest_ = 0.0;
};

double Dot(const FieldSystem::Vector& a, const FieldSystem::Vector& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i].dot(b[i]);
  return sum;
}

// Conjugate gradients (Hestenes & Stiefel 1952), from x on.
void Solve(const FieldSystem& system, const Weights& weights,
           const FieldSystem::Vector& right, FieldSystem::Vector& x) {
  constexpr int kMostSteps = 400;
  constexpr double kPrecision = 1e-5;
  const FieldSystem::Vector inverse = system.Preconditioner(weights);
  const auto precondition = [&inverse](const FieldSystem::Vector& r) {
    FieldSystem::Vector z(r.size());
    for (size_t i = 0; i < r.size(); ++i) {
      z[i] = {inverse[i].x * r[i].x, inverse[i].y * r[i].y};
    }
    return z;
  };
  FieldSystem::Vector residual = system.Multiply(x, weights);
  for (size_t i = 0; i < x.size(); ++i) residual[i] = right[i] - residual[i];
  FieldSystem::Vector z = precondition(residual);
  FieldSystem::Vector direction = z;
  double energy = Dot(residual, z);
  const double enough =
      kPrecision * kPrecision * Dot(right, precondition(right));
  for (int i = 0; i < kMostSteps && energy > enough; ++i) {
    const FieldSystem::Vector image = system.Multiply(direction, weights);
    const double step = energy / Dot(direction, image);
    for (size_t j = 0; j < x.size(); ++j) {
      x[j] += step * direction[j];
      residual[j] -= step * image[j];
    }
    z = precondition(residual);
    const double next = Dot(residual, z);
    for (size_t j = 0; j < x.size(); ++j) {
      direction[j] = z[j] + (next / energy) * direction[j];
    }
    energy = next;
  }
}

DisplacementField LatticeOf(const FieldFitOptions& options) {
  DisplacementField lattice;
  const double spacing = options.spacing_px;
  lattice.origin = {-spacing, -spacing};
  lattice.step = {spacing, spacing};
  lattice.cols = static_cast<int>(std::ceil(options.size.width / spacing)) + 3;
  lattice.rows = static_cast<int>(std::ceil(options.size.height / spacing)) + 3;
  return lattice;
}

// The affine map (whose coefficients are its values at the nodes) and what is
// added to it.
DisplacementField Assemble(const DisplacementField& lattice,
                           const AffineDisplacement& affine,
                           const cv::Point2d* around) {
  DisplacementField field = lattice;
  for (int row = 0; row < lattice.rows; ++row) {
    for (int col = 0; col < lattice.cols; ++col) {
      cv::Point2d d = affine.At({lattice.origin.x + col * lattice.step.x,
                                 lattice.origin.y + row * lattice.step.y});
      if (around != nullptr) d += *around++;
      field.dx.push_back(d.x);
      field.dy.push_back(d.y);
      field.sigma.push_back(0.0);
    }
  }
  return field;
}

}  // namespace

cv::Point2d AffineDisplacement::At(cv::Point2d p) const {
  const cv::Vec2d d = linear * cv::Vec2d(p.x - centre.x, p.y - centre.y);
  return shift + cv::Point2d(d[0], d[1]);
}

void FieldFitOptions::Validate() const {
  if (size.width < 1 || size.height < 1 || !(spacing_px >= 1.0) ||
      !(bend > 0.0) || !(decay_nodes >= 1.0)) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("a field of {} x {} px with nodes every {} px, "
                    "bend {}, decay {} cannot be fitted",
                    size.width, size.height, spacing_px, bend, decay_nodes),
        "All must be positive; spacing and decay at least 1.");
  }
}

std::vector<AffineDisplacement> FitAffine(
    const std::vector<Tie>& ties, std::vector<AffineDisplacement> start) {
  MAPWEAVE_CHECK(!start.empty());
  if (ties.empty() || start.size() < 2) return start;
  double reach = 1.0;
  for (const Tie& tie : ties) {
    reach = std::max(reach, cv::norm(tie.in_a - start[tie.a].centre));
  }
  std::vector<AffineDisplacement> fitted = start;
  const AffineSystem system(start, reach);
  std::vector<cv::Point2d> errors(ties.size());
  for (int i = 0; i < kReweightings; ++i) {
    for (size_t k = 0; k < ties.size(); ++k) {
      const Tie& tie = ties[k];
      errors[k] = tie.in_b + fitted[tie.b].At(tie.in_b) - tie.in_a -
                  fitted[tie.a].At(tie.in_a);
    }
    fitted = system.Solve(ties, RobustWeights(ties, errors));
  }
  return fitted;
}

std::vector<DisplacementField> FitFields(
    const std::vector<Tie>& ties, const std::vector<AffineDisplacement>& affine,
    const FieldFitOptions& options) {
  options.Validate();
  MAPWEAVE_CHECK(!affine.empty());
  const DisplacementField lattice = LatticeOf(options);
  const FieldSystem system(ties, affine.size(), lattice, options);
  FieldSystem::Vector x(system.Size());
  if (!ties.empty() && affine.size() > 1) {
    std::vector<cv::Point2d> wanted(ties.size());
    std::vector<cv::Point2d> errors(ties.size());
    for (size_t k = 0; k < ties.size(); ++k) {
      const Tie& tie = ties[k];
      wanted[k] = tie.in_b + affine[tie.b].At(tie.in_b) - tie.in_a -
                  affine[tie.a].At(tie.in_a);
    }
    for (int i = 0; i < kReweightings; ++i) {
      for (size_t k = 0; k < ties.size(); ++k) {
        errors[k] = wanted[k] - system.Difference(x, k);
      }
      const Weights weights = RobustWeights(ties, errors);
      Solve(system, weights, system.RightSide(wanted, weights), x);
    }
  }
  std::vector<DisplacementField> fields;
  const size_t nodes = x.size() / std::max<size_t>(1, affine.size() - 1);
  for (size_t e = 0; e + 1 < affine.size(); ++e) {
    DisplacementField field = Assemble(lattice, affine[e], &x[e * nodes]);
    constexpr double kNearlyTorn = 0.5;
    if (field.LargestGradient() > kNearlyTorn) {
      field = Assemble(lattice, affine[e], nullptr);
    }
    fields.push_back(std::move(field));
  }
  fields.emplace_back();
  return fields;
}

cv::Point2d Misfit(const Tie& tie,
                   const std::vector<DisplacementField>& fields) {
  const Point2d a = fields[tie.a].Apply({tie.in_a.x, tie.in_a.y});
  const Point2d b = fields[tie.b].Apply({tie.in_b.x, tie.in_b.y});
  return {b.x - a.x, b.y - a.y};
}

}  // namespace mapweave::tracking
