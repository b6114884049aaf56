// SPDX-License-Identifier: MIT
#include "tracking/series_alignment.h"

#include "core/error.h"
#include "tests/tracking/town.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <functional>
#include <numbers>

namespace mapweave::tracking {
namespace {

constexpr int kSide = 640;
const cv::Size kSize(kSide, kSide);

// One edition: the drawing and how its sheet is bent.
struct Edition {
  cv::Mat rgb;
  cv::Mat coverage;
};

// The place of the true town that a sheet shows at p.
using Truth = std::function<cv::Point2d(cv::Point2d)>;

cv::Point2d Same(cv::Point2d p) { return p; }

cv::Point2d Bent(cv::Point2d p) {
  const double k = 2.0 * std::numbers::pi / 500.0;
  return p + cv::Point2d(9.0 + 3.0 * std::sin(k * p.y),
                         -6.0 + 3.0 * std::cos(k * p.x + 1.0));
}

cv::Mat Warp(const cv::Mat& image,
             const std::function<cv::Point2d(cv::Point2d)>& from, cv::Rect area,
             int reduction, const cv::Scalar& outside, int interpolation) {
  cv::Mat map(area.size(), CV_32FC2);
  for (int row = 0; row < map.rows; ++row) {
    for (int col = 0; col < map.cols; ++col) {
      const cv::Point2d p = from(
          {(area.x + col + 0.5) * reduction, (area.y + row + 0.5) * reduction});
      map.at<cv::Vec2f>(row, col) = {static_cast<float>(p.x - 0.5),
                                     static_cast<float>(p.y - 0.5)};
    }
  }
  cv::Mat warped;
  cv::remap(image, warped, map, {}, interpolation, cv::BORDER_CONSTANT,
            outside);
  return warped;
}

Edition OnSheet(const cv::Mat& drawing, const Truth& truth) {
  const cv::Rect all({0, 0}, kSize);
  Edition edition;
  edition.rgb =
      Warp(drawing, truth, all, 1, cv::Scalar::all(255), cv::INTER_LINEAR);
  edition.coverage = Warp(cv::Mat(kSize, CV_8UC1, cv::Scalar(1)), truth, all, 1,
                          cv::Scalar(0), cv::INTER_NEAREST);
  return edition;
}

ReadView ReaderOf(const std::vector<Edition>& editions) {
  return [&editions](const ViewRequest& request) {
    const Edition& edition = editions[request.edition];
    const auto from = [&](cv::Point2d q) {
      const Point2d p = request.displacement->ApplyInverse({q.x, q.y});
      return cv::Point2d(p.x, p.y);
    };
    return EditionView{
        Warp(edition.rgb, from, request.area, request.reduction,
             cv::Scalar::all(255), cv::INTER_LINEAR),
        Warp(edition.coverage, from, request.area, request.reduction,
             cv::Scalar(0), cv::INTER_NEAREST)};
  };
}

SeriesAlignment AlignAll(const std::vector<Edition>& editions) {
  SeriesAlignmentOptions options;
  options.editions = editions.size();
  options.grid_size = kSize;
  options.max_shift_m = 40.0;
  return AlignSeries(options, ReaderOf(editions));
}

// Median over places away from the border.
double MedianError(const DisplacementField& field, const Truth& truth) {
  std::vector<double> errors;
  for (int y = 64; y < kSide - 64; y += 16) {
    for (int x = 64; x < kSide - 64; x += 16) {
      const Point2d found = field.Apply({x * 1.0, y * 1.0});
      const cv::Point2d wanted = truth(cv::Point2d(x, y));
      errors.push_back(std::hypot(found.x - wanted.x, found.y - wanted.y));
    }
  }
  std::nth_element(errors.begin(), errors.begin() + 200, errors.end());
  return errors[errors.size() / 2];
}

TEST(AlignSeries, RecoversAKnownBendAcrossHandsAndChange) {
  const Town town = RandomTown(21, kSide);
  const std::vector<Edition> editions{
      OnSheet(Draw(Changed(town, 5), Hand::kFilled, {0, 0}, kSize, 1), Bent),
      OnSheet(Draw(town, Hand::kOutline, {0, 0}, kSize, 2), Same)};
  const SeriesAlignment found = AlignAll(editions);
  ASSERT_EQ(found.editions.size(), 2u);
  const EditionAlignment& older = found.editions[0];
  EXPECT_TRUE(older.aligned);
  EXPECT_LT(MedianError(older.fit.field, Bent), 0.5);
  EXPECT_NEAR(older.mean_shift.x, 9.0, 1.5);
  EXPECT_NEAR(older.mean_shift.y, -6.0, 1.5);
  EXPECT_GE(older.fit.held_out.size(), 8u);
  EXPECT_LT(older.fit.MedianError(), 1.0);
  // The newest one stands still.
  EXPECT_TRUE(found.editions[1].fit.field.IsEmpty());
  EXPECT_EQ(found.editions[1].mean_shift, cv::Point2d(0, 0));
}

// Turned by two degrees and shrunk by three per cent around the middle.
cv::Point2d TurnedAndShrunk(cv::Point2d p) {
  const cv::Point2d centre(kSide / 2.0, kSide / 2.0);
  const double angle = 2.0 * std::numbers::pi / 180.0;
  const cv::Point2d d = (p - centre) * 1.03;
  return centre +
         cv::Point2d(std::cos(angle) * d.x - std::sin(angle) * d.y,
                     std::sin(angle) * d.x + std::cos(angle) * d.y) +
         cv::Point2d(14.0, -11.0);
}

TEST(AlignSeries, FindsRotationAndScaleAcrossHandsAndChange) {
  const Town town = RandomTown(25, kSide);
  const std::vector<Edition> editions{
      OnSheet(Draw(Changed(town, 5), Hand::kInverted, {0, 0}, kSize, 1),
              TurnedAndShrunk),
      OnSheet(Draw(town, Hand::kOutline, {0, 0}, kSize, 2), Same)};
  const SeriesAlignment found = AlignAll(editions);
  ASSERT_TRUE(found.editions[0].aligned);
  EXPECT_LT(MedianError(found.editions[0].fit.field, TurnedAndShrunk), 0.5);
}

TEST(AlignSeries, StatesAnUncertaintyThatGrowsAwayFromEvidence) {
  const Town town = RandomTown(22, kSide);
  cv::Mat drawing = Draw(town, Hand::kFilled, {0, 0}, kSize, 1);
  // Nothing is drawn in the right half of one edition.
  drawing.colRange(kSide / 2, kSide).setTo(cv::Scalar(240, 230, 210));
  const std::vector<Edition> editions{
      OnSheet(drawing, Bent),
      OnSheet(Draw(town, Hand::kOutline, {0, 0}, kSize, 2), Same)};
  const SeriesAlignment found = AlignAll(editions);
  const DisplacementField& field = found.editions[0].fit.field;
  ASSERT_TRUE(found.editions[0].aligned);
  EXPECT_GT(field.SigmaAt({600, 320}), 1.5 * field.SigmaAt({160, 320}));
}

TEST(AlignSeries, LeavesAnEditionThatFitsNothing) {
  const Town town = RandomTown(23, kSide);
  const std::vector<Edition> editions{
      OnSheet(Draw(RandomTown(99, kSide), Hand::kFilled, {0, 0}, kSize, 1),
              Same),
      OnSheet(Draw(town, Hand::kFilled, {0, 0}, kSize, 2), Bent),
      OnSheet(Draw(town, Hand::kOutline, {0, 0}, kSize, 3), Same)};
  const SeriesAlignment found = AlignAll(editions);
  EXPECT_FALSE(found.editions[0].aligned);
  EXPECT_TRUE(found.editions[0].fit.field.IsEmpty());
  EXPECT_TRUE(found.editions[0].fit.held_out.empty());
  EXPECT_TRUE(found.editions[1].aligned);
  EXPECT_LT(MedianError(found.editions[1].fit.field, Bent), 0.5);
}

TEST(AlignSeries, BlankPaperIsLeftAlone) {
  const cv::Mat blank(kSize, CV_8UC3, cv::Scalar(235, 225, 205));
  const SeriesAlignment found =
      AlignAll({OnSheet(blank, Same), OnSheet(blank, Same)});
  EXPECT_FALSE(found.editions[0].aligned);
}

TEST(AlignSeries, IsTheSameForAnyNumberOfThreads) {
  const Town town = RandomTown(24, kSide);
  const std::vector<Edition> editions{
      OnSheet(Draw(town, Hand::kFilled, {0, 0}, kSize, 1), Bent),
      OnSheet(Draw(town, Hand::kOutline, {0, 0}, kSize, 2), Same)};
  const int before = cv::getNumThreads();
  cv::setNumThreads(1);
  const SeriesAlignment one = AlignAll(editions);
  cv::setNumThreads(4);
  const SeriesAlignment four = AlignAll(editions);
  cv::setNumThreads(before);
  EXPECT_EQ(one.editions[0].fit.field, four.editions[0].fit.field);
}

TEST(AlignSeries, RejectsBadOptions) {
  SeriesAlignmentOptions options;
  options.editions = 1;
  const ReadView read = [](const ViewRequest&) { return EditionView{}; };
  EXPECT_THROW(AlignSeries(options, read), Error);
  options.grid_size = kSize;
  options.min_confidence = 1.5;
  EXPECT_THROW(AlignSeries(options, read), Error);
}

}  // namespace
}  // namespace mapweave::tracking
