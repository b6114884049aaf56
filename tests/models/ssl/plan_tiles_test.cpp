// SPDX-License-Identifier: MIT
#include "models/ssl/plan_tiles.h"

#include "core/error.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <vector>

namespace mapweave::ssl {
namespace {

constexpr int kPlanSide = 48;

// Twice the direction along the strongest edges, as a sum of gradients; long
// where they agree.
cv::Point2d DoubledEdgeDirection(const cv::Mat& rgb) {
  cv::Mat grey, dx, dy;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  cv::Sobel(grey, dx, CV_64F, 1, 0);
  cv::Sobel(grey, dy, CV_64F, 0, 1);
  cv::Point2d sum(0.0, 0.0);
  for (int row = 0; row < grey.rows; ++row) {
    for (int col = 0; col < grey.cols; ++col) {
      const double x = dx.at<double>(row, col);
      const double y = dy.at<double>(row, col);
      // The edge is at right angles to the gradient, hence the signs.
      sum.x -= x * x - y * y;
      sum.y -= 2.0 * x * y;
    }
  }
  return sum;
}

double Roughness(const cv::Mat& rgb) {
  cv::Mat grey, laplacian;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  cv::Laplacian(grey, laplacian, CV_64F);
  cv::Scalar mean, sigma, contrast;
  cv::meanStdDev(laplacian, mean, sigma);
  cv::meanStdDev(grey, mean, contrast);
  return sigma[0] / contrast[0];
}

TEST(PlanTiles, ATileIsAFunctionOfItsSeedAndPlace) {
  const PlanTiles tiles;
  const FactorTile a = tiles.Draw({3, kPlanSide}, 7);
  const FactorTile b = tiles.Draw({3, kPlanSide}, 7);
  EXPECT_EQ(a.rgb.type(), CV_8UC3);
  EXPECT_EQ(a.rgb.size(), cv::Size(kPlanSide, kPlanSide));
  EXPECT_EQ(cv::norm(a.rgb, b.rgb), 0.0);
  EXPECT_EQ(a.factors, b.factors);
  EXPECT_GT(cv::norm(a.rgb, tiles.Draw({3, kPlanSide}, 8).rgb), 0.0);
  EXPECT_GT(cv::norm(a.rgb, tiles.Draw({4, kPlanSide}, 7).rgb), 0.0);
  EXPECT_THROW(tiles.Draw({3, 23}, 0), Error);
  EXPECT_THROW(tiles.Draw({3, 513}, 0), Error);
}

TEST(PlanTiles, EveryValueOfEveryFactorOccursAboutEquallyOften) {
  constexpr int64_t kCount = 600;
  const PlanTiles tiles;
  std::map<std::string, std::vector<int64_t>> seen;
  for (int64_t i = 0; i < kCount; ++i) {
    const FactorTile tile = tiles.Draw({1, 24}, i);
    ASSERT_EQ(tile.factors.size(), tiles.Factors().size());
    for (const TileSupply::Factor& factor : tiles.Factors()) {
      const double value = tile.factors.at(factor.name);
      EXPECT_GE(value, 0.0);
      EXPECT_LT(value, factor.values > 0 ? double(factor.values) : 180.0);
      if (factor.values == 0) continue;
      seen[factor.name].resize(static_cast<size_t>(factor.values));
      ++seen[factor.name][static_cast<size_t>(value)];
    }
  }
  for (const auto& [name, counts] : seen) {
    for (const int64_t count : counts) {
      const double expected = double(kCount) / double(counts.size());
      EXPECT_NEAR(double(count), expected, 0.35 * expected) << name;
    }
  }
}

TEST(PlanTiles, LinesRunAsTheHatchAngleSays) {
  constexpr int64_t kCount = 200;
  const PlanTiles tiles;
  double along = 0.0;
  double mirrored = 0.0;
  for (int64_t i = 0; i < kCount; ++i) {
    const FactorTile tile = tiles.Draw({5, kPlanSide}, i);
    const double degrees = tile.factors.at("hatch_angle");
    // Within 12 degrees of the direction that "hatch" names, around the half
    // turn.
    const double off =
        std::remainder(degrees - 45.0 * tile.factors.at("hatch"), 180.0);
    EXPECT_LE(std::abs(off), 12.0);
    const double doubled = 2.0 * degrees * std::numbers::pi / 180.0;
    const cv::Point2d edges = DoubledEdgeDirection(tile.rgb);
    const double seen = std::atan2(edges.y, edges.x);
    along += std::cos(seen - doubled) / kCount;
    mirrored += std::cos(seen + doubled) / kCount;
  }
  // Of 200 random directions, below 0.2 with probability 0.9999.
  EXPECT_GT(along, 0.5);
  EXPECT_LT(std::abs(mirrored), 0.25);
}

TEST(PlanTiles, FactorsChangeWhatIsSeen) {
  constexpr int64_t kCount = 600;
  const PlanTiles tiles;
  std::map<std::string, std::vector<double>> sum;
  std::map<std::string, std::vector<double>> count;
  for (int64_t i = 0; i < kCount; ++i) {
    const FactorTile tile = tiles.Draw({9, kPlanSide}, i);
    for (const TileSupply::Factor& factor : tiles.Factors()) {
      if (factor.values == 0) continue;
      sum[factor.name].resize(static_cast<size_t>(factor.values));
      count[factor.name].resize(static_cast<size_t>(factor.values));
      const auto value = static_cast<size_t>(tile.factors.at(factor.name));
      sum[factor.name][value] += Roughness(tile.rgb);
      count[factor.name][value] += 1.0;
    }
  }
  const auto mean = [&](const std::string& name, size_t value) {
    return sum[name][value] / count[name][value];
  };
  // Bold lines are far apart.
  EXPECT_GT(mean("hand", 0), 1.05 * mean("hand", 1));
  // Which way the lines run does not change how many there are.
  EXPECT_NEAR(mean("hatch", 0), mean("hatch", 2), 0.1 * mean("hatch", 0));
}

}  // namespace
}  // namespace mapweave::ssl
