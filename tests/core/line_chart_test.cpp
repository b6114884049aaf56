// SPDX-License-Identifier: MIT
#include "core/line_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace mapweave {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(AxisTicks, AreRoundAndWithinTheRange) {
  const auto are = [](std::vector<double> values) {
    return ::testing::Pointwise(::testing::DoubleNear(1e-12), values);
  };
  EXPECT_THAT(AxisTicks(0.0, 1.0, 6), are({0.0, 0.2, 0.4, 0.6, 0.8, 1.0}));
  EXPECT_THAT(AxisTicks(-3.0, 12.0, 4), are({0.0, 5.0, 10.0}));
  EXPECT_THAT(AxisTicks(0.0011, 0.0019, 5),
              are({0.0012, 0.0014, 0.0016, 0.0018}));
  EXPECT_FALSE(std::signbit(AxisTicks(0.0, 1.0, 6).front()));
  for (double high = 0.013; high < 1e6; high *= 1.7) {
    const auto ticks = AxisTicks(0.0, high, 7);
    EXPECT_GE(ticks.size(), 3u) << high;
    EXPECT_LE(ticks.size(), 7u) << high;
  }
}

TEST(LineChart, DrawsCornersOfThePanelWhereTheExtremesAre) {
  const std::string svg =
      ToSvg({"title", "step", {{"loss", {{"train", {{0, 2}, {10, 4}}}}}}});
  // The panel is 64 to 610 across and 56 to 246 down.
  EXPECT_THAT(svg, HasSubstr("points=\"64.0,246.0 610.0,56.0\""));
  EXPECT_THAT(svg, HasSubstr(">train</text>"));
  EXPECT_THAT(svg, HasSubstr(">step</text>"));
}

TEST(LineChart, LeavesGapsAndEscapesWords) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg = ToSvg(
      {"a < b & c",
       "x",
       {{"p",
         {{"l", {{0, 1}, {1, 2}, {2, nan}, {3, 1}, {4, 2}, {5, nan}, {6, 1}}}}},
        {"empty", {{"nothing", {}}}}}});
  EXPECT_EQ(Count(svg, "<polyline"), 2u);
  EXPECT_EQ(Count(svg, "<circle"), 1u);
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
  EXPECT_THAT(svg, Not(HasSubstr("empty")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChart, DrawsLongLinesAsMeans) {
  ChartLine line{"l", {}};
  for (int i = 0; i < 100000; ++i) {
    line.points.push_back({static_cast<double>(i), i % 2 == 0 ? 0.0 : 2.0});
  }
  const std::string svg = ToSvg({"t", "x", {{"p", {line}}}});
  EXPECT_LT(svg.size(), 20000u);
}

TEST(LineChart, OfNothingIsStillADocument) {
  EXPECT_THAT(ToSvg({}), HasSubstr("</svg>"));
  EXPECT_THAT(ToSvg({"t", "x", {{"p", {{"one", {{3, 3}}}}}}}),
              HasSubstr("<circle"));
}

}  // namespace
}  // namespace mapweave
