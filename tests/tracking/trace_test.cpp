// SPDX-License-Identifier: MIT
#include "tracking/trace.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace mapweave::tracking {
namespace {

// testing::Test has a member named Run.
using Runs = std::vector<Run>;

constexpr double kPi = 3.14159265358979323846;

Mask Draw(const std::vector<std::string>& lines) {
  cv::Mat image(static_cast<int>(lines.size()),
                static_cast<int>(lines[0].size()), CV_8UC1);
  for (int row = 0; row < image.rows; ++row) {
    for (int col = 0; col < image.cols; ++col) {
      image.at<uint8_t>(row, col) = lines[row][col] == '#';
    }
  }
  return Mask::FromImage(image);
}

// A polygon in the building's own frame, turned and moved.
Polygon Turned(const Ring& ring, double degrees, Point2d to) {
  const double c = std::cos(degrees * kPi / 180);
  const double s = std::sin(degrees * kPi / 180);
  Polygon polygon;
  for (const Point2d& p : ring) {
    polygon.shell.push_back(
        {to.x + c * p.x - s * p.y, to.y + s * p.x + c * p.y});
  }
  return polygon;
}

const Ring kSquareish = {{-8, -6}, {8, -6}, {8, 6}, {-8, 6}};
const Ring kLShape = {{-10, -8}, {10, -8}, {10, 0}, {0, 0}, {0, 8}, {-10, 8}};

double Cross(const Point2d& o, const Point2d& a, const Point2d& b) {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

bool Crosses(const Point2d& a, const Point2d& b, const Point2d& c,
             const Point2d& d) {
  return Cross(a, b, c) * Cross(a, b, d) < 0 &&
         Cross(c, d, a) * Cross(c, d, b) < 0;
}

// No two edges cross, no ring comes to a corner twice, rings run as promised.
void ExpectValid(const MultiPolygon& polygons) {
  std::vector<std::pair<Point2d, Point2d>> edges;
  for (const Polygon& polygon : polygons) {
    EXPECT_LT(SignedArea(polygon.shell), 0.0);
    std::vector<Ring> rings = {polygon.shell};
    for (const Ring& hole : polygon.holes) {
      EXPECT_GT(SignedArea(hole), 0.0);
      rings.push_back(hole);
    }
    for (const Ring& ring : rings) {
      ASSERT_GE(ring.size(), 3u);
      for (size_t i = 0; i < ring.size(); ++i) {
        for (size_t j = i + 1; j < ring.size(); ++j) {
          EXPECT_FALSE(ring[i] == ring[j]);
        }
        edges.emplace_back(ring[i], ring[(i + 1) % ring.size()]);
      }
    }
  }
  for (size_t i = 0; i < edges.size(); ++i) {
    for (size_t j = i + 1; j < edges.size(); ++j) {
      EXPECT_FALSE(Crosses(edges[i].first, edges[i].second, edges[j].first,
                           edges[j].second));
    }
  }
}

size_t CountCorners(const MultiPolygon& polygons) {
  size_t corners = 0;
  for (const Polygon& polygon : polygons) {
    corners += polygon.shell.size();
    for (const Ring& hole : polygon.holes) corners += hole.size();
  }
  return corners;
}

double LargestSquareError(const Ring& ring) {
  double worst = 0.0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d& a = ring[i];
    const Point2d& b = ring[(i + 1) % ring.size()];
    const Point2d& c = ring[(i + 2) % ring.size()];
    const double dot = (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y);
    worst = std::max(worst, std::abs(dot) / (std::hypot(b.x - a.x, b.y - a.y) *
                                             std::hypot(c.x - b.x, c.y - b.y)));
  }
  return worst;
}

TEST(TracePolygons, KeepsRectanglesExactly) {
  for (int width = 1; width <= 12; ++width) {
    for (int height = 1; height <= 12; ++height) {
      Runs runs;
      for (int row = 0; row < height; ++row) {
        runs.push_back({5 + row, -3, -3 + width});
      }
      const MultiPolygon polygons = TracePolygons(Mask::FromRuns(runs));
      ASSERT_EQ(polygons.size(), 1u);
      Ring shell = polygons[0].shell;
      ASSERT_EQ(shell.size(), 4u) << width << " x " << height;
      EXPECT_TRUE(polygons[0].holes.empty());
      std::vector<Point2d> corners = {{-3, 5},
                                      {-3.0, 5.0 + height},
                                      {-3.0 + width, 5.0 + height},
                                      {-3.0 + width, 5}};
      for (const Point2d& corner : corners) {
        EXPECT_TRUE(std::any_of(shell.begin(), shell.end(),
                                [&](Point2d p) {
                                  return std::hypot(p.x - corner.x,
                                                    p.y - corner.y) < 1e-9;
                                }))
            << width << " x " << height;
      }
    }
  }
}

TEST(TracePolygons, GivesTheExactOutlineWithoutTolerance) {
  TraceOptions exact;
  exact.tolerance_px = 0.0;
  Rng rng(1);
  for (int i = 0; i < 300; ++i) {
    cv::Mat image(static_cast<int>(rng.Int(1, 12)),
                  static_cast<int>(rng.Int(1, 12)), CV_8UC1);
    for (int row = 0; row < image.rows; ++row) {
      for (int col = 0; col < image.cols; ++col) {
        image.at<uint8_t>(row, col) = rng.Chance(0.6);
      }
    }
    const Mask mask = Mask::FromImage(image, {-4, 9});
    const MultiPolygon polygons = TracePolygons(mask, exact);
    ExpectValid(polygons);
    EXPECT_EQ(Mask::FromPolygons(polygons), mask);
    cv::Mat labels;
    EXPECT_EQ(static_cast<int>(polygons.size()),
              cv::connectedComponents(image, labels, 4) - 1);
  }
}

TEST(TracePolygons, SeparatesPartsThatMeetInACorner) {
  const Mask mask = Draw({"##..", "##..", "..##", "..##"});
  const MultiPolygon polygons = TracePolygons(mask);
  ASSERT_EQ(polygons.size(), 2u);
  ExpectValid(polygons);
  EXPECT_EQ(Mask::FromPolygons(polygons), mask);
}

TEST(TracePolygons, SplitsAHoleThatHangsTogetherInACorner) {
  TraceOptions exact;
  exact.tolerance_px = 0.0;
  const MultiPolygon polygons =
      TracePolygons(Draw({"####", "#.##", "##.#", "####"}), exact);
  ASSERT_EQ(polygons.size(), 1u);
  ASSERT_EQ(polygons[0].holes.size(), 2u);
  EXPECT_EQ(polygons[0].holes[0].size(), 4u);
  EXPECT_EQ(polygons[0].holes[1].size(), 4u);
}

TEST(TracePolygons, TurnsAPinchedBayIntoAHole) {
  // The part closes around the middle pixel by a corner: the shell must not
  // touch itself.
  TraceOptions exact;
  exact.tolerance_px = 0.0;
  const MultiPolygon polygons =
      TracePolygons(Draw({"###.", "#.##", "###."}), exact);
  const MultiPolygon pinched =
      TracePolygons(Draw({"##..", "#.#.", "####"}), exact);
  ExpectValid(polygons);
  ExpectValid(pinched);
  ASSERT_EQ(pinched.size(), 1u);
  EXPECT_EQ(pinched[0].holes.size(), 1u);
}

TEST(TracePolygons, KeepsCourtyardsAndFillsSpecks) {
  cv::Mat image = cv::Mat::ones(20, 20, CV_8UC1);
  image({6, 6, 7, 8}).setTo(0);
  image.at<uint8_t>(3, 16) = 0;
  const MultiPolygon polygons = TracePolygons(Mask::FromImage(image));
  ASSERT_EQ(polygons.size(), 1u);
  EXPECT_EQ(polygons[0].shell.size(), 4u);
  ASSERT_EQ(polygons[0].holes.size(), 1u);
  EXPECT_NEAR(SignedArea(polygons[0].holes[0]), 56.0, 1e-9);
}

TEST(TracePolygons, StaysTrueToTurnedBuildings) {
  double worst = 1.0;
  for (const Ring& shape : {kSquareish, kLShape}) {
    for (double degrees = 0.0; degrees < 90.0; degrees += 3.0) {
      const Polygon truth = Turned(shape, degrees, {40.3, 30.8});
      const Mask mask = Mask::FromPolygons({truth});
      const MultiPolygon polygons = TracePolygons(mask);
      ExpectValid(polygons);
      ASSERT_EQ(polygons.size(), 1u);
      const double iou = IoU(Mask::FromPolygons(polygons), mask);
      worst = std::min(worst, iou);
      EXPECT_GE(iou, 0.9);
      EXPECT_NEAR(-SignedArea(polygons[0].shell),
                  static_cast<double>(mask.Area()),
                  0.04 * static_cast<double>(mask.Area()));
    }
  }
  EXPECT_GE(worst, 0.93);
}

TEST(TracePolygons, RestoresRightAnglesAndFewCorners) {
  int square = 0;
  int all = 0;
  for (const Ring& shape : {kSquareish, kLShape}) {
    for (double degrees = 0.0; degrees < 90.0; degrees += 3.0) {
      const Mask mask =
          Mask::FromPolygons({Turned(shape, degrees, {40.3, 30.8})});
      const MultiPolygon polygons = TracePolygons(mask);
      ++all;
      square += polygons[0].shell.size() == shape.size() &&
                LargestSquareError(polygons[0].shell) < 1e-9;
    }
  }
  EXPECT_GE(square, all * 8 / 10) << "of " << all;
}

TEST(TracePolygons, SmoothsStepsOfOnePixel) {
  // A wall that the network wavers about.
  Runs runs;
  for (int row = 0; row < 20; ++row) {
    runs.push_back({row, 0, 30 + (row * 7 % 3 == 0)});
  }
  const MultiPolygon polygons = TracePolygons(Mask::FromRuns(runs));
  ASSERT_EQ(polygons.size(), 1u);
  EXPECT_EQ(polygons[0].shell.size(), 4u);
  EXPECT_NEAR(-SignedArea(polygons[0].shell),
              static_cast<double>(Mask::FromRuns(runs).Area()), 8.0);
}

TEST(TracePolygons, KeepsSlantedWalls) {
  // A triangle is not made square.
  const Ring triangle = {{0, 0}, {40, 3}, {8, 34}};
  const Mask mask = Mask::FromPolygons({{triangle, {}}});
  const MultiPolygon polygons = TracePolygons(mask);
  ASSERT_EQ(polygons.size(), 1u);
  EXPECT_LE(polygons[0].shell.size(), 5u);
  EXPECT_GE(IoU(Mask::FromPolygons(polygons), mask), 0.97);
}

Mask RandomBuilding(Rng& rng) {
  // Unions of turned boxes, roughened at the rim.
  MultiPolygon boxes;
  Mask mask;
  const double degrees = rng.Uniform(0, 90);
  const int count = static_cast<int>(rng.Int(1, 3));
  for (int i = 0; i < count; ++i) {
    const double w = rng.Uniform(3, 14);
    const double h = rng.Uniform(3, 14);
    mask = mask.Union(Mask::FromPolygons(
        {Turned({{-w, -h}, {w, -h}, {w, h}, {-w, h}},
                rng.Chance(0.8) ? degrees : rng.Uniform(0, 90),
                {40 + rng.Uniform(-9, 9), 40 + rng.Uniform(-9, 9)})}));
  }
  cv::Mat image = cv::Mat::zeros(80, 80, CV_8UC1);
  mask.Paint(image, 1);
  for (int i = 0; i < 60; ++i) {
    const int x = static_cast<int>(rng.Int(1, 78));
    const int y = static_cast<int>(rng.Int(1, 78));
    image.at<uint8_t>(y, x) =
        image.at<uint8_t>(y + static_cast<int>(rng.Int(-1, 1)),
                          x + static_cast<int>(rng.Int(-1, 1)));
  }
  return Mask::FromImage(image);
}

TEST(TracePolygons, IsValidAndFaithfulForRandomBuildings) {
  Rng rng(3);
  int64_t corners = 0;
  int64_t exact_corners = 0;
  TraceOptions exact;
  exact.tolerance_px = 0.0;
  for (int i = 0; i < 400; ++i) {
    const Mask mask = RandomBuilding(rng);
    if (mask.Area() < 25) continue;
    const MultiPolygon polygons = TracePolygons(mask);
    ExpectValid(polygons);
    EXPECT_GE(IoU(Mask::FromPolygons(polygons), mask), 0.9);
    corners += static_cast<int64_t>(CountCorners(polygons));
    exact_corners +=
        static_cast<int64_t>(CountCorners(TracePolygons(mask, exact)));
  }
  EXPECT_LT(corners, exact_corners / 4);
}

TEST(TracePolygons, IsValidForNoise) {
  Rng rng(4);
  for (int i = 0; i < 200; ++i) {
    cv::Mat image(14, 14, CV_8UC1);
    const double share = rng.Uniform(0.3, 0.95);
    for (int row = 0; row < image.rows; ++row) {
      for (int col = 0; col < image.cols; ++col) {
        image.at<uint8_t>(row, col) = rng.Chance(share);
      }
    }
    const MultiPolygon polygons = TracePolygons(Mask::FromImage(image));
    ExpectValid(polygons);
  }
}

TEST(TracePolygons, MovesWithTheMask) {
  Rng rng(5);
  for (int i = 0; i < 50; ++i) {
    const Mask mask = RandomBuilding(rng);
    const MultiPolygon here = TracePolygons(mask);
    const MultiPolygon there = TracePolygons(mask.Translated(30000, -20000));
    ASSERT_EQ(here.size(), there.size());
    for (size_t k = 0; k < here.size(); ++k) {
      ASSERT_EQ(here[k].shell.size(), there[k].shell.size());
      for (size_t j = 0; j < here[k].shell.size(); ++j) {
        EXPECT_NEAR(there[k].shell[j].x, here[k].shell[j].x + 30000, 1e-9);
        EXPECT_NEAR(there[k].shell[j].y, here[k].shell[j].y - 20000, 1e-9);
      }
    }
  }
}

TEST(TracePolygons, TracesNothingToNothing) {
  EXPECT_TRUE(TracePolygons(Mask()).empty());
}

TEST(TracePolygons, RefusesBadOptions) {
  TraceOptions options;
  options.square_deg = 60.0;
  EXPECT_THROW(TracePolygons(Mask(), options), Error);
}

}  // namespace
}  // namespace mapweave::tracking
