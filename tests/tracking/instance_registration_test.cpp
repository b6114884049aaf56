// SPDX-License-Identifier: MIT
#include "tracking/instance_registration.h"

#include "core/random.h"
#include "tests/tracking/houses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace mapweave::tracking {
namespace {

constexpr int kSide = 256;
const cv::Rect kFrame(0, 0, kSide, kSide);

// Unequal houses on a loose grid.
std::vector<Mask> Town(Rng rng) {
  std::vector<Mask> town;
  for (int y = 24; y < kSide - 40; y += 24) {
    for (int x = 24; x < kSide - 40; x += 24) {
      town.push_back(House(x + static_cast<int>(rng.Int(0, 6)),
                           y + static_cast<int>(rng.Int(0, 6)),
                           static_cast<int>(rng.Int(6, 15)),
                           static_cast<int>(rng.Int(6, 15)))
                         .mask);
    }
  }
  return town;
}

BitImage Drawn(const std::vector<Mask>& masks) {
  std::vector<tracking::Run> runs;
  for (const Mask& mask : masks) {
    runs.insert(runs.end(), mask.Runs().begin(), mask.Runs().end());
  }
  return BitImage(Mask::FromRuns(std::move(runs)), kFrame);
}

std::vector<cv::Rect> BoundsOf(const std::vector<Mask>& masks) {
  std::vector<cv::Rect> bounds;
  for (const Mask& mask : masks) bounds.push_back(mask.Bounds());
  return bounds;
}

int Apart(cv::Point a, cv::Point b) {
  return std::max(std::abs(a.x - b.x), std::abs(a.y - b.y));
}

// From 10 px to the left to 10 px to the right across the town.
cv::Point Bend(const Mask& mask) {
  return {cvRound(20.0 * mask.Bounds().x / kSide - 10.0), 4};
}

TEST(RegisterInstances, FollowsABendOfManyPixels) {
  const std::vector<Mask> town = Town(Rng(1));
  std::vector<Mask> bent;
  for (const Mask& mask : town) {
    bent.push_back(mask.Translated(Bend(mask).x, Bend(mask).y));
  }
  const std::vector<InstanceShift> found =
      RegisterInstances(Drawn(town), Drawn(bent), BoundsOf(town), {0, 4}, {});
  ASSERT_EQ(found.size(), town.size());
  for (size_t i = 0; i < town.size(); ++i) {
    EXPECT_LE(Apart(found[i].shift, Bend(town[i])), 2) << i;
  }
}

TEST(RegisterInstances, KeepsToTheNeighboursWhereMuchWasRebuilt) {
  const cv::Point shift(5, -3);
  const std::vector<Mask> town = Town(Rng(2));
  const std::vector<Mask> others = Town(Rng(3));
  std::vector<Mask> after;
  Rng rng(4);
  for (size_t i = 0; i < town.size(); ++i) {
    const Mask& kept = rng.Chance(0.6) ? town[i] : others[i];
    after.push_back(kept.Translated(shift.x, shift.y));
  }
  const auto wrong = [&](double consensus_px) {
    InstanceRegistrationOptions options;
    options.consensus_px = consensus_px;
    const std::vector<InstanceShift> found = RegisterInstances(
        Drawn(town), Drawn(after), BoundsOf(town), {0, 0}, options);
    return std::count_if(
        found.begin(), found.end(),
        [&](const InstanceShift& one) { return Apart(one.shift, shift) > 1; });
  };
  EXPECT_LE(20 * wrong(40.0), static_cast<std::ptrdiff_t>(town.size()));
  EXPECT_LE(wrong(40.0), wrong(0.0));
}

TEST(RegisterInstances, StaysWithTheWindowWhereNothingIsDrawn) {
  const BitImage blank(Mask(), kFrame);
  EXPECT_TRUE(RegisterInstances(blank, blank, {}, {2, 1}, {}).empty());
  const std::vector<Mask> one = {House(100, 100, 9, 9).mask};
  const std::vector<InstanceShift> found =
      RegisterInstances(Drawn(one), blank, BoundsOf(one), {2, 1}, {});
  EXPECT_EQ(found.at(0).shift, cv::Point(2, 1));
  EXPECT_EQ(found.at(0).consensus, cv::Point(2, 1));
  EXPECT_EQ(found.at(0).correlation, 0.0);
}

}  // namespace
}  // namespace mapweave::tracking
