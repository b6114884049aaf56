// SPDX-License-Identifier: MIT
#include "tracking/bootstrap.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <vector>

namespace mapweave::tracking {
namespace {

constexpr double kExact = 1e-12;

// A building of 10 x 10 pixels on two editions.
Track Building(int x, int y) {
  std::vector<Run> runs;
  for (int row = y; row < y + 10; ++row) runs.push_back({row, x, x + 10});
  const Mask mask = Mask::FromRuns(runs);
  return TrackAsDrawn({mask, mask}, 1.0f);
}

void ExpectSame(const Interval& a, const Interval& b) {
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
}

TEST(Bootstrap, ValuesAreThoseOfTheMeasures) {
  const std::vector<SeriesTracks> series = {
      {{Building(0, 0), Building(40, 0)}, {Building(0, 0), Building(0, 40)}},
      {{Building(3, 0)}, {Building(0, 0)}}};
  const Measures measures = Evaluate(series, {});
  const BootstrapReport report = Bootstrap(series, series, {}, {});
  EXPECT_EQ(report.places, 2);
  EXPECT_NEAR(report.track_f1.first.value, measures.track_f1, kExact);
  EXPECT_NEAR(report.link_f1.first.value, measures.link_f1, kExact);
  EXPECT_NEAR(report.ap_unlimited.first.value, measures.ap_unlimited, kExact);
}

TEST(Bootstrap, TwoSeriesOfWhichOneIsLostGiveTheWidestInterval) {
  // Drawn (2, 0), (1, 1) or (0, 2) times, one half of the draws being the
  // middle one: F1 is 1, 2/3 or 0.
  const std::vector<SeriesTracks> series = {
      {{Building(0, 0)}, {Building(0, 0)}}, {{}, {Building(0, 0)}}};
  const BootstrapReport report = Bootstrap(series, series, {}, {});
  for (const Interval& interval :
       {report.track_f1.first, report.link_f1.first}) {
    EXPECT_NEAR(interval.value, 2.0 / 3.0, kExact);
    EXPECT_NEAR(interval.low, 0.0, kExact);
    EXPECT_NEAR(interval.high, 1.0, kExact);
  }
  // The middle half of the draws is between its quartiles.
  BootstrapOptions narrow;
  narrow.level = 0.2;
  const Interval middle = Bootstrap(series, series, {}, narrow).link_f1.first;
  EXPECT_NEAR(middle.low, 2.0 / 3.0, kExact);
  EXPECT_NEAR(middle.high, 2.0 / 3.0, kExact);
}

TEST(Bootstrap, DrawsTheSamePlacesForBoth) {
  // Each result wavers from place to place, their difference never does: the
  // second has lost one of the places' two buildings everywhere, and AP 101
  // points up to recall 1/2.
  std::vector<SeriesTracks> all;
  std::vector<SeriesTracks> half;
  for (int k = 0; k < 6; ++k) {
    const TrackSet truth = {Building(0, 0), Building(40, 0)};
    all.push_back({truth, truth});
    half.push_back({{truth[0]}, truth});
  }
  const BootstrapReport report = Bootstrap(all, half, {}, {});
  for (const PairedIntervals& figure : {report.track_f1, report.link_f1}) {
    EXPECT_NEAR(figure.difference.value, 1.0 / 3.0, kExact);
    EXPECT_NEAR(figure.difference.low, 1.0 / 3.0, kExact);
    EXPECT_NEAR(figure.difference.high, 1.0 / 3.0, kExact);
  }
  EXPECT_NEAR(report.ap_unlimited.second.value, 51.0 / 101.0, kExact);
}

TEST(Bootstrap, PartsOneSeriesIntoSquares) {
  // 80 pixels across in 8 squares: every building in a square of its own, but
  // for two.
  const TrackSet truth = {Building(0, 0), Building(70, 0), Building(30, 40),
                          Building(31, 41)};
  const std::vector<SeriesTracks> series = {{{truth[0]}, truth}};
  EXPECT_EQ(Bootstrap(series, series, {}, {}).places, 3);
  BootstrapOptions one;
  one.squares = 1;
  const BootstrapReport report = Bootstrap(series, series, {}, one);
  EXPECT_EQ(report.places, 1);
  EXPECT_EQ(report.track_f1.first.low, report.track_f1.first.high);
}

TEST(Bootstrap, IsAFunctionOfTheSeed) {
  std::vector<SeriesTracks> series;
  for (int k = 0; k < 12; ++k) {
    TrackSet truth;
    for (int i = 0; i <= k; ++i) truth.push_back(Building(20 * i, 0));
    TrackSet found = truth;
    found.resize(static_cast<size_t>(k % 4 == 0 ? 0 : k));
    series.push_back({found, truth});
  }
  BootstrapOptions options;
  options.replicates = 50;
  const BootstrapReport a = Bootstrap(series, series, {}, options);
  ExpectSame(a.link_f1.first,
             Bootstrap(series, series, {}, options).link_f1.first);
  options.seed = 2;
  EXPECT_NE(a.link_f1.first.low,
            Bootstrap(series, series, {}, options).link_f1.first.low);
}

TEST(Bootstrap, WithoutTrackOrReplicateIntervalsArePoints) {
  const std::vector<SeriesTracks> nothing = {{{}, {}}};
  EXPECT_EQ(Bootstrap(nothing, nothing, {}, {}).places, 0);
  BootstrapOptions none;
  none.replicates = 0;
  const std::vector<SeriesTracks> series = {{{}, {Building(0, 0)}}};
  const Interval f1 = Bootstrap(series, series, {}, none).track_f1.first;
  EXPECT_EQ(f1.low, f1.value);
  EXPECT_EQ(f1.high, f1.value);
}

TEST(Bootstrap, RefusesOptionsOutOfRange) {
  const auto refused = [](BootstrapOptions options) {
    try {
      options.Validate();
    } catch (const Error& error) {
      return error.Code() == ErrorCode::kUsage;
    }
    return false;
  };
  BootstrapOptions options;
  options.replicates = -1;
  EXPECT_TRUE(refused(options));
  options = {};
  options.level = 1.0;
  EXPECT_TRUE(refused(options));
  options = {};
  options.squares = 0;
  EXPECT_TRUE(refused(options));
}

}  // namespace
}  // namespace mapweave::tracking
