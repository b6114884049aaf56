// SPDX-License-Identifier: MIT
//
// Exact one-to-one assignment, dense and sparse: who on one edition is who on
// the next, which prediction is which truth. Deterministic: equal input gives
// equal pairs, ties included.
#pragma once

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

struct AssignedPair {
  int row = 0;
  int col = 0;
  bool operator==(const AssignedPair&) const = default;
};

// The pairs, in ascending order of row, with each row and each column used at
// most once. As many pairs as the allowed ones permit; among those the least
// total cost. `cost` is CV_64FC1 of any shape, also empty; +infinity forbids a
// pair. Shortest augmenting paths after Jonker & Volgenant (1987) in the
// rectangular form of Crouse (2016), O(min(r, c)^2 max(r, c)).
// Throws Error{kBug} if `cost` is of another type or holds NaN or -infinity.
std::vector<AssignedPair> SolveAssignment(const cv::Mat& cost);

struct Candidate {
  int row = 0;
  int col = 0;
  double weight = 0.0;
  bool operator==(const Candidate&) const = default;
};

// The chosen candidates, in ascending order of row, with each row and each
// column used at most once and the greatest total weight. A row may stay
// alone: candidates of weight <= 0 are never chosen. Of several candidates for
// one (row, col) the heaviest counts. Thousands by thousands are fast when
// candidates are few: each connected group of them is solved by itself.
// Throws Error{kBug} on a negative index or a weight that is not finite.
std::vector<Candidate> MatchByWeight(std::vector<Candidate> candidates);

}  // namespace mapweave::tracking
