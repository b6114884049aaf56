// SPDX-License-Identifier: MIT
#include "tracking/assignment.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kNone = -1;

// Shortest augmenting paths over a finite cost matrix with rows <= cols, which
// leaves every row assigned (Crouse, "On implementing 2D rectangular
// assignment algorithms", 2016).
class ShortestPathSolver {
 public:
  explicit ShortestPathSolver(const cv::Mat_<double>& cost)
      : cost_(cost),
        row_dual_(cost.rows, 0.0),
        col_dual_(cost.cols, 0.0),
        col_of_row_(cost.rows, kNone),
        row_of_col_(cost.cols, kNone),
        shortest_(cost.cols),
        parent_(cost.cols),
        row_done_(cost.rows),
        col_done_(cost.cols) {}

  const std::vector<int>& Solve() {
    for (int row = 0; row < cost_.rows; ++row) Augment(row);
    return col_of_row_;
  }

 private:
  void Augment(int start_row) {
    const auto [sink, length] = FindSink(start_row);
    UpdateDuals(start_row, length);
    int col = sink;
    int row;
    do {
      row = parent_[col];
      row_of_col_[col] = row;
      std::swap(col_of_row_[row], col);
    } while (row != start_row);
  }

  // The nearest free column by Dijkstra over reduced costs, and how far it is.
  std::pair<int, double> FindSink(int start_row) {
    std::fill(shortest_.begin(), shortest_.end(), kInfinity);
    std::fill(row_done_.begin(), row_done_.end(), 0);
    std::fill(col_done_.begin(), col_done_.end(), 0);
    open_.resize(cost_.cols);
    std::iota(open_.begin(), open_.end(), 0);
    double length = 0.0;
    int row = start_row;
    while (true) {
      row_done_[row] = 1;
      const double* row_cost = cost_[row];
      size_t nearest = 0;
      double nearest_length = kInfinity;
      for (size_t i = 0; i < open_.size(); ++i) {
        const int col = open_[i];
        const double path =
            length + row_cost[col] - row_dual_[row] - col_dual_[col];
        if (path < shortest_[col]) {
          shortest_[col] = path;
          parent_[col] = row;
        }
        // A free column among equals ends the search sooner.
        if (shortest_[col] < nearest_length ||
            (shortest_[col] == nearest_length && row_of_col_[col] == kNone &&
             row_of_col_[open_[nearest]] != kNone)) {
          nearest_length = shortest_[col];
          nearest = i;
        }
      }
      length = nearest_length;
      const int col = open_[nearest];
      if (row_of_col_[col] == kNone) return {col, length};
      col_done_[col] = 1;
      open_[nearest] = open_.back();
      open_.pop_back();
      row = row_of_col_[col];
    }
  }

  void UpdateDuals(int start_row, double length) {
    row_dual_[start_row] += length;
    for (int row = 0; row < cost_.rows; ++row) {
      if (row_done_[row] != 0 && row != start_row) {
        row_dual_[row] += length - shortest_[col_of_row_[row]];
      }
    }
    for (int col = 0; col < cost_.cols; ++col) {
      if (col_done_[col] != 0) col_dual_[col] -= length - shortest_[col];
    }
  }

  const cv::Mat_<double>& cost_;
  std::vector<double> row_dual_;
  std::vector<double> col_dual_;
  std::vector<int> col_of_row_;
  std::vector<int> row_of_col_;
  // Of one search.
  std::vector<double> shortest_;
  std::vector<int> parent_;
  std::vector<char> row_done_;
  std::vector<char> col_done_;
  std::vector<int> open_;
};

// Forbidden pairs become so dear that any set with more allowed pairs is
// cheaper; nothing if no pair is allowed.
std::optional<cv::Mat_<double>> WithFiniteCosts(const cv::Mat& cost) {
  double lowest = kInfinity;
  double highest = -kInfinity;
  const cv::Mat_<double> source = cost;
  for (const double value : source) {
    MAPWEAVE_CHECK(value > -kInfinity);  // false for NaN, too
    if (value == kInfinity) continue;
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  if (lowest == kInfinity) return std::nullopt;
  const int pairs = std::min(cost.rows, cost.cols);
  const double dear = (highest - lowest) * (pairs + 1) + 1.0;
  cv::Mat_<double> finite(cost.rows, cost.cols);
  std::transform(
      source.begin(), source.end(), finite.begin(),
      [&](double value) { return value == kInfinity ? dear : value - lowest; });
  return finite;
}

class DisjointSets {
 public:
  explicit DisjointSets(size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
  }
  size_t Find(size_t item) {
    while (parent_[item] != item) {
      parent_[item] = parent_[parent_[item]];
      item = parent_[item];
    }
    return item;
  }
  void Join(size_t a, size_t b) { parent_[Find(a)] = Find(b); }

 private:
  std::vector<size_t> parent_;
};

// Sorted and without what can never be chosen.
void Tidy(std::vector<Candidate>& candidates) {
  for (const Candidate& candidate : candidates) {
    MAPWEAVE_CHECK(candidate.row >= 0 && candidate.col >= 0);
    MAPWEAVE_CHECK(std::isfinite(candidate.weight));
  }
  std::erase_if(candidates, [](const Candidate& c) { return c.weight <= 0.0; });
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) {
              if (a.row != b.row) return a.row < b.row;
              if (a.col != b.col) return a.col < b.col;
              return a.weight > b.weight;
            });
  const auto end = std::unique(candidates.begin(), candidates.end(),
                               [](const Candidate& a, const Candidate& b) {
                                 return a.row == b.row && a.col == b.col;
                               });
  candidates.erase(end, candidates.end());
}

// Candidates that share rows or columns, directly or through others.
std::vector<std::vector<Candidate>> SplitIntoGroups(
    const std::vector<Candidate>& candidates) {
  int rows = 0;
  int cols = 0;
  for (const Candidate& candidate : candidates) {
    rows = std::max(rows, candidate.row + 1);
    cols = std::max(cols, candidate.col + 1);
  }
  DisjointSets sets(static_cast<size_t>(rows) + cols);
  for (const Candidate& candidate : candidates) {
    sets.Join(candidate.row, static_cast<size_t>(rows) + candidate.col);
  }
  std::vector<int> group_of_root(static_cast<size_t>(rows) + cols, kNone);
  std::vector<std::vector<Candidate>> groups;
  for (const Candidate& candidate : candidates) {
    int& group = group_of_root[sets.Find(candidate.row)];
    if (group == kNone) {
      group = static_cast<int>(groups.size());
      groups.emplace_back();
    }
    groups[group].push_back(candidate);
  }
  return groups;
}

std::vector<int> SortedUnique(std::vector<int> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

int PositionOf(const std::vector<int>& sorted, int value) {
  return static_cast<int>(
      std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
}

void SolveGroup(const std::vector<Candidate>& group,
                std::vector<Candidate>& chosen) {
  if (group.size() == 1) {
    chosen.push_back(group.front());
    return;
  }
  std::vector<int> rows;
  std::vector<int> cols;
  for (const Candidate& candidate : group) {
    rows.push_back(candidate.row);
    cols.push_back(candidate.col);
  }
  rows = SortedUnique(std::move(rows));
  cols = SortedUnique(std::move(cols));
  // Pairs that are no candidates cost nothing: being given one means to stay
  // alone. Any matching can be filled up with them, so the optimum is the
  // heaviest matching.
  cv::Mat_<double> cost(static_cast<int>(rows.size()),
                        static_cast<int>(cols.size()), 0.0);
  for (const Candidate& candidate : group) {
    cost(PositionOf(rows, candidate.row), PositionOf(cols, candidate.col)) =
        -candidate.weight;
  }
  for (const AssignedPair& pair : SolveAssignment(cost)) {
    const double weight = -cost(pair.row, pair.col);
    if (weight > 0.0) {
      chosen.push_back({rows[pair.row], cols[pair.col], weight});
    }
  }
}

}  // namespace

std::vector<AssignedPair> SolveAssignment(const cv::Mat& cost) {
  if (cost.empty()) return {};
  MAPWEAVE_CHECK(cost.type() == CV_64FC1 && cost.dims == 2);
  const std::optional<cv::Mat_<double>> finite = WithFiniteCosts(cost);
  if (!finite) return {};
  const bool is_tall = cost.rows > cost.cols;
  cv::Mat_<double> wide;
  is_tall ? cv::transpose(*finite, wide) : finite->copyTo(wide);
  const std::vector<int> col_of_row = ShortestPathSolver(wide).Solve();
  std::vector<AssignedPair> pairs;
  for (int i = 0; i < wide.rows; ++i) {
    const AssignedPair pair = is_tall ? AssignedPair{col_of_row[i], i}
                                      : AssignedPair{i, col_of_row[i]};
    if (cost.at<double>(pair.row, pair.col) < kInfinity) pairs.push_back(pair);
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const AssignedPair& a, const AssignedPair& b) {
              return a.row < b.row;
            });
  return pairs;
}

std::vector<Candidate> MatchByWeight(std::vector<Candidate> candidates) {
  Tidy(candidates);
  std::vector<Candidate> chosen;
  for (const std::vector<Candidate>& group : SplitIntoGroups(candidates)) {
    SolveGroup(group, chosen);
  }
  std::sort(
      chosen.begin(), chosen.end(),
      [](const Candidate& a, const Candidate& b) { return a.row < b.row; });
  return chosen;
}

}  // namespace mapweave::tracking
