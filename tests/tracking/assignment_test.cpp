// SPDX-License-Identifier: MIT
#include "tracking/assignment.h"

#include "core/error.h"
#include "core/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <numeric>

namespace mapweave::tracking {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kForbidden = std::numeric_limits<double>::infinity();

struct Total {
  int pairs = 0;
  double cost = 0.0;
};

// Tries every assignment of rows to columns or to nobody.
void BruteForce(const cv::Mat_<double>& cost, int row, std::vector<bool>& used,
                Total current, Total& best) {
  if (row == cost.rows) {
    if (current.pairs > best.pairs ||
        (current.pairs == best.pairs && current.cost < best.cost)) {
      best = current;
    }
    return;
  }
  BruteForce(cost, row + 1, used, current, best);
  for (int col = 0; col < cost.cols; ++col) {
    if (used[col] || cost(row, col) == kForbidden) continue;
    used[col] = true;
    BruteForce(cost, row + 1, used,
               {current.pairs + 1, current.cost + cost(row, col)}, best);
    used[col] = false;
  }
}

Total TotalOf(const cv::Mat_<double>& cost,
              const std::vector<AssignedPair>& pairs) {
  Total total;
  std::vector<int> rows;
  std::vector<int> cols;
  for (const AssignedPair& pair : pairs) {
    EXPECT_NE(cost(pair.row, pair.col), kForbidden);
    ++total.pairs;
    total.cost += cost(pair.row, pair.col);
    rows.push_back(pair.row);
    cols.push_back(pair.col);
  }
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  std::sort(cols.begin(), cols.end());
  EXPECT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
  EXPECT_EQ(std::adjacent_find(cols.begin(), cols.end()), cols.end());
  return total;
}

TEST(SolveAssignment, SolvesTheTextbookCase) {
  const cv::Mat cost = (cv::Mat_<double>(3, 3) << 4, 1, 3, 2, 0, 5, 3, 2, 2);
  EXPECT_THAT(
      SolveAssignment(cost),
      ElementsAre(AssignedPair{0, 1}, AssignedPair{1, 0}, AssignedPair{2, 2}));
}

TEST(SolveAssignment, TakesEmptyAndForbiddenMatrices) {
  EXPECT_THAT(SolveAssignment(cv::Mat()), IsEmpty());
  EXPECT_THAT(SolveAssignment(cv::Mat(0, 4, CV_64F)), IsEmpty());
  EXPECT_THAT(SolveAssignment(cv::Mat(2, 3, CV_64F, kForbidden)), IsEmpty());
}

TEST(SolveAssignment, PrefersMorePairsToCheaperOnes) {
  const cv::Mat cost =
      (cv::Mat_<double>(2, 2) << 0.0, 100.0, 100.0, kForbidden);
  EXPECT_THAT(SolveAssignment(cost),
              ElementsAre(AssignedPair{0, 1}, AssignedPair{1, 0}));
}

TEST(SolveAssignment, AgreesWithBruteForce) {
  Rng rng(1);
  for (int i = 0; i < 500; ++i) {
    cv::Mat_<double> cost(static_cast<int>(rng.Int(1, 5)),
                          static_cast<int>(rng.Int(1, 5)));
    const double forbidden_share = rng.Pick<double>({0.0, 0.3, 0.7});
    // Few distinct costs make ties; negative ones are allowed.
    for (double& value : cost) {
      value = rng.Chance(forbidden_share) ? kForbidden
                                          : static_cast<double>(rng.Int(-4, 4));
    }
    Total best;
    std::vector<bool> used(cost.cols, false);
    BruteForce(cost, 0, used, {}, best);
    const Total found = TotalOf(cost, SolveAssignment(cost));
    EXPECT_EQ(found.pairs, best.pairs) << cost;
    EXPECT_EQ(found.cost, best.cost) << cost;
  }
}

TEST(SolveAssignment, FindsAsMuchOnTheTransposedMatrix) {
  Rng rng(2);
  cv::Mat_<double> cost(30, 70);
  for (double& value : cost) value = rng.Uniform();
  cv::Mat_<double> turned;
  cv::transpose(cost, turned);
  EXPECT_NEAR(TotalOf(cost, SolveAssignment(cost)).cost,
              TotalOf(turned, SolveAssignment(turned)).cost, 1e-12);
}

TEST(SolveAssignment, IsFastAtFiveHundredByFiveHundred) {
  Rng rng(3);
  cv::Mat_<double> cost(500, 500);
  for (double& value : cost) value = rng.Uniform();
  // Time of the processor, for the machine may be busy with others.
  const std::clock_t start = std::clock();
  EXPECT_EQ(SolveAssignment(cost).size(), 500u);
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
#ifdef NDEBUG
  EXPECT_LT(seconds, 0.1);
#endif
}

TEST(SolveAssignment, RefusesWhatIsNoCost) {
  EXPECT_THROW(SolveAssignment(cv::Mat(2, 2, CV_32F, 1.0f)), Error);
  EXPECT_THROW(SolveAssignment(cv::Mat(2, 2, CV_64F, NAN)), Error);
  EXPECT_THROW(SolveAssignment(cv::Mat(2, 2, CV_64F, -kForbidden)), Error);
}

TEST(MatchByWeight, LeavesRowsAloneWhereThatWeighsMore) {
  // One heavy pair outweighs the two light ones it excludes.
  EXPECT_THAT(MatchByWeight({{0, 0, 0.9}, {0, 1, 0.3}, {1, 0, 0.3}}),
              ElementsAre(Candidate{0, 0, 0.9}));
  EXPECT_THAT(MatchByWeight({{0, 0, 0.5}, {0, 1, 0.3}, {1, 0, 0.3}}),
              ElementsAre(Candidate{0, 1, 0.3}, Candidate{1, 0, 0.3}));
}

TEST(MatchByWeight, NeverChoosesWorthlessCandidates) {
  EXPECT_THAT(MatchByWeight({{0, 0, 0.0}, {1, 1, -2.0}}), IsEmpty());
  EXPECT_THAT(MatchByWeight({}), IsEmpty());
}

TEST(MatchByWeight, CountsTheHeaviestOfEqualPairs) {
  EXPECT_THAT(MatchByWeight({{3, 2, 0.1}, {3, 2, 0.8}, {3, 2, 0.4}}),
              ElementsAre(Candidate{3, 2, 0.8}));
}

TEST(MatchByWeight, AgreesWithBruteForceInAnyOrder) {
  Rng rng(4);
  for (int i = 0; i < 300; ++i) {
    cv::Mat_<double> cost(static_cast<int>(rng.Int(1, 5)),
                          static_cast<int>(rng.Int(1, 5)), 0.0);
    std::vector<Candidate> candidates;
    for (int row = 0; row < cost.rows; ++row) {
      for (int col = 0; col < cost.cols; ++col) {
        if (!rng.Chance(0.5)) continue;
        const double weight = rng.Uniform(0.01, 1.0);
        cost(row, col) = -weight;
        candidates.push_back({row, col, weight});
      }
    }
    double expected = 0.0;
    std::vector<int> cols(std::max(cost.rows, cost.cols));
    std::iota(cols.begin(), cols.end(), 0);
    do {
      double total = 0.0;
      for (int row = 0; row < cost.rows; ++row) {
        if (cols[row] < cost.cols) total -= cost(row, cols[row]);
      }
      expected = std::max(expected, total);
    } while (std::next_permutation(cols.begin(), cols.end()));
    const std::vector<Candidate> chosen = MatchByWeight(candidates);
    double found = 0.0;
    for (const Candidate& candidate : chosen) found += candidate.weight;
    EXPECT_NEAR(found, expected, 1e-12);
    rng.Shuffle(candidates);
    EXPECT_EQ(MatchByWeight(candidates), chosen);
  }
}

TEST(MatchByWeight, SolvesThousandsWithFewCandidatesEach) {
  // A long street: each house overlaps itself and, less, its neighbours.
  constexpr int kHouses = 5000;
  std::vector<Candidate> candidates;
  for (int i = 0; i < kHouses; ++i) {
    candidates.push_back({i, i, 0.8});
    if (i % 7 != 6 && i + 1 < kHouses) {
      candidates.push_back({i, i + 1, 0.3});
      candidates.push_back({i + 1, i, 0.3});
    }
  }
  const std::clock_t start = std::clock();
  const std::vector<Candidate> chosen = MatchByWeight(candidates);
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  ASSERT_EQ(chosen.size(), static_cast<size_t>(kHouses));
  for (const Candidate& pair : chosen) EXPECT_EQ(pair.row, pair.col);
  EXPECT_LT(seconds, 1.0);
}

TEST(MatchByWeight, RefusesBadCandidates) {
  EXPECT_THROW(MatchByWeight({{-1, 0, 1.0}}), Error);
  EXPECT_THROW(MatchByWeight({{0, 0, NAN}}), Error);
}

}  // namespace
}  // namespace mapweave::tracking
