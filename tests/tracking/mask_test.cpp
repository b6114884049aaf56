// SPDX-License-Identifier: MIT
#include "tracking/mask.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <cmath>

namespace mapweave::tracking {
namespace {

// testing::Test has a member named Run.
using Runs = std::vector<Run>;

// CV_8UC1 of 0 and 1: noise, blobs, and now and then nothing or everything.
cv::Mat RandomImage(Rng& rng) {
  const int rows = static_cast<int>(rng.Int(1, 24));
  const int cols = static_cast<int>(rng.Int(1, 24));
  cv::Mat image(rows, cols, CV_8UC1);
  const double share = rng.Pick<double>({0.0, 0.1, 0.5, 0.9, 1.0});
  for (int row = 0; row < rows; ++row) {
    for (int col = 0; col < cols; ++col) {
      image.at<uint8_t>(row, col) = rng.Chance(share);
    }
  }
  return image;
}

cv::Mat Painted(const Mask& mask, cv::Size size, cv::Point origin = {0, 0}) {
  cv::Mat image = cv::Mat::zeros(size, CV_8UC1);
  mask.Paint(image, 1, origin);
  return image;
}

bool SameImage(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && cv::countNonZero(a != b) == 0;
}

bool IsCanonical(const Mask& mask) {
  const Runs& runs = mask.Runs();
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].begin >= runs[i].end) return false;
    if (i == 0) continue;
    if (runs[i].row < runs[i - 1].row) return false;
    if (runs[i].row == runs[i - 1].row && runs[i].begin <= runs[i - 1].end) {
      return false;
    }
  }
  return true;
}

Mask Rectangle(int x, int y, int width, int height) {
  Runs runs;
  for (int row = y; row < y + height; ++row) {
    runs.push_back({row, x, x + width});
  }
  return Mask::FromRuns(runs);
}

TEST(Mask, IsEmptyByDefault) {
  const Mask mask;
  EXPECT_TRUE(mask.IsEmpty());
  EXPECT_EQ(mask.Area(), 0);
  EXPECT_TRUE(mask.Bounds().empty());
  EXPECT_EQ(mask.Centroid(), (Point2d{0.0, 0.0}));
  EXPECT_EQ(IoU(mask, mask), 0.0);
}

TEST(Mask, MergesRunsThatTouchOrOverlapInAnyOrder) {
  const Mask mask = Mask::FromRuns(
      {{1, 4, 6}, {0, 5, 9}, {1, 0, 4}, {0, 6, 7}, {2, 3, 3}, {0, 10, 11}});
  EXPECT_EQ(mask.Runs(), (Runs{{0, 5, 9}, {0, 10, 11}, {1, 0, 6}}));
  EXPECT_EQ(mask.Area(), 4 + 1 + 6);
  EXPECT_EQ(mask.Bounds(), cv::Rect(0, 0, 11, 2));
}

TEST(Mask, RestoresTheImageItWasReadFrom) {
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    const cv::Mat image = RandomImage(rng);
    const cv::Point origin(static_cast<int>(rng.Int(-50, 50)),
                           static_cast<int>(rng.Int(-50, 50)));
    const Mask mask = Mask::FromImage(image, origin);
    EXPECT_TRUE(IsCanonical(mask));
    EXPECT_EQ(mask.Area(), cv::countNonZero(image));
    EXPECT_TRUE(SameImage(Painted(mask, image.size(), origin), image));
    cv::Rect bounds = cv::boundingRect(image);
    if (!bounds.empty()) bounds += origin;
    EXPECT_EQ(mask.Bounds(), bounds);
  }
}

TEST(Mask, SetOperationsAgreeWithPixels) {
  Rng rng(2);
  for (int i = 0; i < 300; ++i) {
    const cv::Mat image_a = RandomImage(rng);
    const cv::Mat image_b = RandomImage(rng);
    const cv::Point origin_b(static_cast<int>(rng.Int(-20, 20)),
                             static_cast<int>(rng.Int(-20, 20)));
    const cv::Point corner(-30, -30);
    const cv::Size canvas(90, 90);
    const Mask a = Mask::FromImage(image_a);
    const Mask b = Mask::FromImage(image_b, origin_b);
    const cv::Mat on_a = Painted(a, canvas, corner);
    const cv::Mat on_b = Painted(b, canvas, corner);

    const cv::Mat both = on_a & on_b;
    const cv::Mat either = on_a | on_b;
    for (const auto& [mask, image] :
         {std::pair<Mask, cv::Mat>{a.Intersection(b), both},
          {a.Union(b), either},
          {a.Difference(b), on_a & ~on_b & 1}}) {
      EXPECT_TRUE(IsCanonical(mask));
      EXPECT_TRUE(SameImage(Painted(mask, canvas, corner), image));
    }
    EXPECT_EQ(a.IntersectionArea(b), cv::countNonZero(both));
    EXPECT_EQ(a.IntersectionArea(b, {3, -4}),
              a.Translated(3, -4).IntersectionArea(b));
    const int either_area = cv::countNonZero(either);
    EXPECT_DOUBLE_EQ(IoU(a, b), either_area == 0
                                    ? 0.0
                                    : cv::countNonZero(both) /
                                          static_cast<double>(either_area));
  }
}

TEST(Mask, ClipsToTheBox) {
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    const cv::Mat image = RandomImage(rng);
    const cv::Rect box(
        static_cast<int>(rng.Int(-5, 20)), static_cast<int>(rng.Int(-5, 20)),
        static_cast<int>(rng.Int(0, 20)), static_cast<int>(rng.Int(0, 20)));
    cv::Mat expected = cv::Mat::zeros(image.size(), CV_8UC1);
    const cv::Rect inside = box & cv::Rect({0, 0}, image.size());
    if (!inside.empty()) image(inside).copyTo(expected(inside));
    const Mask clipped = Mask::FromImage(image).Clipped(box);
    EXPECT_TRUE(SameImage(Painted(clipped, image.size()), expected));
  }
}

TEST(Mask, KeepsAreaAndShapeUnderTranslation) {
  Rng rng(4);
  for (int i = 0; i < 50; ++i) {
    const Mask mask = Mask::FromImage(RandomImage(rng));
    const Mask moved = mask.Translated(-37, 1000);
    EXPECT_EQ(moved.Area(), mask.Area());
    EXPECT_EQ(moved.Translated(37, -1000), mask);
    if (mask.IsEmpty()) continue;
    EXPECT_EQ(moved.Bounds(), mask.Bounds() + cv::Point(-37, 1000));
    EXPECT_NEAR(moved.Centroid().x, mask.Centroid().x - 37, 1e-9);
    EXPECT_NEAR(moved.Centroid().y, mask.Centroid().y + 1000, 1e-9);
  }
}

TEST(Mask, ContainsExactlyItsPixels) {
  Rng rng(5);
  const cv::Mat image = RandomImage(rng);
  const Mask mask = Mask::FromImage(image);
  for (int row = -1; row <= image.rows; ++row) {
    for (int col = -1; col <= image.cols; ++col) {
      const bool inside =
          row >= 0 && col >= 0 && row < image.rows && col < image.cols;
      EXPECT_EQ(mask.Contains(col, row),
                inside && image.at<uint8_t>(row, col) != 0);
    }
  }
}

TEST(Mask, HasItsCentroidAtPixelCentres) {
  EXPECT_EQ(Rectangle(3, -2, 1, 1).Centroid(), (Point2d{3.5, -1.5}));
  EXPECT_EQ(Rectangle(10, 20, 4, 2).Centroid(), (Point2d{12.0, 21.0}));
}

TEST(Mask, PaintsLabelsAndLeavesOutWhatLiesOutside) {
  cv::Mat labels = cv::Mat::zeros(3, 3, CV_32SC1);
  Rectangle(-2, 1, 4, 10).Paint(labels, 70000);
  const cv::Mat expected =
      (cv::Mat_<int32_t>(3, 3) << 0, 0, 0, 70000, 70000, 0, 70000, 70000, 0);
  EXPECT_EQ(cv::countNonZero(labels != expected), 0);
}

TEST(Mask, ReadsOneLabelInsideABox) {
  const cv::Mat labels = (cv::Mat_<int32_t>(2, 4) << 7, 7, 1, 7, 0, 7, 7, 7);
  const Mask mask = Mask::FromLabels(labels, 7, {1, 0, 99, 99});
  EXPECT_EQ(mask.Runs(), (Runs{{0, 1, 2}, {0, 3, 4}, {1, 1, 4}}));
}

TEST(MaskFromPolygons, TakesPixelsWhoseCentreIsInside) {
  // The centres (0.5, 0.5) and (1.5, 0.5) are inside, (2.5, 0.5) is not.
  const Mask mask = Mask::FromPolygons(
      {{{{0.4, 0.4}, {2.4, 0.4}, {2.4, 0.6}, {0.4, 0.6}}, {}}});
  EXPECT_EQ(mask.Runs(), (Runs{{0, 0, 2}}));
}

TEST(MaskFromPolygons, LeavesHolesOut) {
  const Polygon court{{{0, 0}, {5, 0}, {5, 5}, {0, 5}},
                      {{{1, 1}, {1, 4}, {4, 4}, {4, 1}}}};
  EXPECT_EQ(Mask::FromPolygons({court}),
            Rectangle(0, 0, 5, 5).Difference(Rectangle(1, 1, 3, 3)));
}

TEST(MaskFromPolygons, DoesNotDependOnTheDirectionOrStartOfRings) {
  const Ring ring = {{0.3, 0.2}, {9.1, 2.7}, {5.5, 8.8}, {2.2, 4.4}};
  const Mask mask = Mask::FromPolygons({{ring, {}}});
  EXPECT_GT(mask.Area(), 20);
  EXPECT_EQ(Mask::FromPolygons({{Ring(ring.rbegin(), ring.rend()), {}}}), mask);
  Ring turned = ring;
  std::rotate(turned.begin(), turned.begin() + 2, turned.end());
  EXPECT_EQ(Mask::FromPolygons({{turned, {}}}), mask);
}

TEST(MaskFromPolygons, DividesSharedEdgesWithoutGapOrOverlap) {
  // A square cut into a fan of triangles, whose edges pass through centres.
  Rng rng(6);
  for (int i = 0; i < 50; ++i) {
    const Ring square = {{-3, -3}, {8.5, -3}, {8.5, 8.5}, {-3, 8.5}};
    const Point2d hub{std::round(rng.Uniform(-2, 8) * 2) / 2,
                      std::round(rng.Uniform(-2, 8) * 2) / 2};
    int64_t sum = 0;
    Mask all;
    for (size_t k = 0; k < 4; ++k) {
      const Mask part =
          Mask::FromPolygons({{{square[k], square[(k + 1) % 4], hub}, {}}});
      sum += part.Area();
      all = all.Union(part);
    }
    EXPECT_EQ(all, Mask::FromPolygons({{square, {}}}));
    EXPECT_EQ(sum, all.Area());
  }
}

TEST(MaskFromPolygons, AgreesWithPointInPolygon) {
  Rng rng(7);
  for (int i = 0; i < 100; ++i) {
    std::vector<cv::Point2f> points;
    Ring ring;
    const int corners = static_cast<int>(rng.Int(3, 9));
    for (int k = 0; k < corners; ++k) {
      const double angle = 2 * CV_PI * k / corners;
      const double radius = rng.Uniform(2.0, 10.0);
      const Point2d corner{12 + radius * std::cos(angle),
                           12 + radius * std::sin(angle)};
      ring.push_back(corner);
      points.emplace_back(static_cast<float>(corner.x),
                          static_cast<float>(corner.y));
    }
    const Mask mask = Mask::FromPolygons({{ring, {}}});
    for (int row = 0; row < 24; ++row) {
      for (int col = 0; col < 24; ++col) {
        const double distance = cv::pointPolygonTest(
            points,
            {static_cast<float>(col) + 0.5f, static_cast<float>(row) + 0.5f},
            true);
        if (std::abs(distance) < 1e-3) continue;
        EXPECT_EQ(mask.Contains(col, row), distance > 0);
      }
    }
  }
}

TEST(MaskFromPolygons, RefusesCoordinatesThatAreNoNumbers) {
  EXPECT_THROW(Mask::FromPolygons({{{{0, 0}, {NAN, 0}, {1, 1}}, {}}}), Error);
  EXPECT_THROW(Mask::FromPolygons({{{{0, 0}, {1e12, 0}, {1, 1}}, {}}}), Error);
}

TEST(MaskSerialise, RestoresTheMask) {
  Rng rng(8);
  EXPECT_EQ(Mask::Deserialise(Mask().Serialise()), Mask());
  for (int i = 0; i < 200; ++i) {
    const Mask mask =
        Mask::FromImage(RandomImage(rng))
            .Translated(static_cast<int>(rng.Int(-900000000, 900000000)),
                        static_cast<int>(rng.Int(-900000000, 900000000)));
    EXPECT_EQ(Mask::Deserialise(mask.Serialise()), mask);
  }
}

TEST(MaskSerialise, NeedsAboutThreeBytesARow) {
  const Mask house = Rectangle(30000, 20000, 40, 60);
  EXPECT_LT(house.Serialise().size(), 3u * 60 + 10);
}

TEST(MaskSerialise, RefusesEveryCutOffOrExtendedText) {
  const std::string bytes = Rectangle(100, -70000, 300, 5).Serialise();
  for (size_t length = 0; length < bytes.size(); ++length) {
    try {
      Mask::Deserialise(bytes.substr(0, length));
      ADD_FAILURE() << "accepted the first " << length << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
    }
  }
  EXPECT_THROW(Mask::Deserialise(bytes + '\0'), Error);
}

TEST(MaskSerialise, AcceptsOnlyWhatItWouldWrite) {
  // Whatever a damaged text decodes to, it is a proper mask with that text.
  Rng rng(9);
  const std::string bytes =
      Rectangle(5, 5, 20, 8).Difference(Rectangle(9, 7, 3, 3)).Serialise();
  int accepted = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = bytes;
    const auto at =
        static_cast<size_t>(rng.Int(0, static_cast<int64_t>(bytes.size()) - 1));
    damaged[at] = static_cast<char>(rng.Int(0, 255));
    try {
      const Mask mask = Mask::Deserialise(damaged);
      ++accepted;
      EXPECT_TRUE(IsCanonical(mask));
      EXPECT_EQ(mask.Serialise(), damaged);
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
    }
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace mapweave::tracking
