// SPDX-License-Identifier: MIT
#include "tracking/registration.h"

#include "core/error.h"
#include "tests/tracking/real_data.h"
#include "tests/tracking/town.h"

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <filesystem>

namespace mapweave::tracking {
namespace {

FeatureImage Features(const cv::Mat& image, const cv::Mat& coverage = {}) {
  return {StructureFeatures(image, coverage), coverage};
}

constexpr int kSide = 320;
const cv::Size kSize(kSide, kSide);

TEST(Registration, ContentFurtherRightAndDownGivesPositiveShift) {
  cv::Mat a = cv::Mat::zeros(96, 96, CV_32F);
  cv::Mat b = cv::Mat::zeros(96, 96, CV_32F);
  cv::rectangle(a, {30, 40}, {45, 50}, cv::Scalar(1), cv::FILLED);
  cv::rectangle(b, {35, 42}, {50, 52}, cv::Scalar(1), cv::FILLED);

  const ShiftEstimate estimate = EstimateShift(a, b, {.max_shift_px = 7});

  EXPECT_NEAR(estimate.shift.x, 5.0, 0.05);
  EXPECT_NEAR(estimate.shift.y, 2.0, 0.05);
  EXPECT_NEAR(estimate.correlation, 1.0, 1e-4);
  EXPECT_TRUE(estimate.is_confident);
}

TEST(Registration, FindsSubPixelShiftsAcrossHands) {
  const cv::Point2d shift(7.4, -3.25);
  const std::vector<std::pair<Hand, Hand>> pairs = {
      {Hand::kFilled, Hand::kFilled},
      {Hand::kFilled, Hand::kOutline},
      {Hand::kFilled, Hand::kInverted},
      {Hand::kOutline, Hand::kInverted}};
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    const Town town = RandomTown(seed, kSide);
    const Town later = Changed(town, seed + 100);
    for (const auto& [first, second] : pairs) {
      const ShiftEstimate estimate =
          EstimateShift(Features(Draw(town, first, {0, 0}, kSize, 11)),
                        Features(Draw(later, second, shift, kSize, 12)),
                        {.max_shift_px = 20});
      EXPECT_NEAR(estimate.shift.x, shift.x, 0.3)
          << static_cast<int>(first) << static_cast<int>(second);
      EXPECT_NEAR(estimate.shift.y, shift.y, 0.3);
      EXPECT_TRUE(estimate.is_confident) << estimate.confidence;
    }
  }
}

TEST(Registration, IsAntisymmetric) {
  const Town town = RandomTown(3, kSide);
  const FeatureImage a = Features(Draw(town, Hand::kFilled, {0, 0}, kSize, 1));
  const FeatureImage b =
      Features(Draw(town, Hand::kOutline, {-4.5, 6.0}, kSize, 2));
  const ShiftEstimate there = EstimateShift(a, b, {.max_shift_px = 10});
  const ShiftEstimate back = EstimateShift(b, a, {.max_shift_px = 10});
  EXPECT_NEAR(there.shift.x, -back.shift.x, 1e-3);
  EXPECT_NEAR(there.shift.y, -back.shift.y, 1e-3);
  EXPECT_NEAR(there.confidence, back.confidence, 1e-3);
}

TEST(Registration, RefusesUnrelatedImages) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const ShiftEstimate estimate =
        EstimateShift(Features(Draw(RandomTown(seed, kSide), Hand::kFilled,
                                    {0, 0}, kSize, seed)),
                      Features(Draw(RandomTown(seed + 50, kSide),
                                    Hand::kOutline, {0, 0}, kSize, seed + 1)),
                      {.max_shift_px = 20});
    EXPECT_LT(estimate.confidence, 0.35) << seed;
    EXPECT_FALSE(estimate.is_confident);
  }
}

TEST(Registration, RefusesALoneStraightLine) {
  cv::Mat image(kSize, CV_8UC3, cv::Scalar(240, 240, 240));
  cv::line(image, {-50, 20}, {400, 300}, cv::Scalar(0, 0, 0), 2, cv::LINE_AA);
  const ShiftEstimate estimate =
      EstimateShift(Features(image), Features(image), {.max_shift_px = 20});
  EXPECT_FALSE(estimate.is_confident) << estimate.confidence;
}

TEST(Registration, RefusesShiftsBeyondTheAllowed) {
  const Town town = RandomTown(4, kSide);
  const ShiftEstimate estimate =
      EstimateShift(Features(Draw(town, Hand::kFilled, {0, 0}, kSize, 1)),
                    Features(Draw(town, Hand::kFilled, {9, 0}, kSize, 2)),
                    {.max_shift_px = 4});
  EXPECT_FALSE(estimate.is_confident) << estimate.confidence;
}

TEST(Registration, BlankPaperHasNoShift) {
  const cv::Mat blank(kSize, CV_8UC3, cv::Scalar(230, 220, 200));
  const ShiftEstimate estimate =
      EstimateShift(Features(blank), Features(blank), {.max_shift_px = 20});
  EXPECT_EQ(estimate.confidence, 0.0);
  EXPECT_EQ(estimate.shift, cv::Point2d(0, 0));
  EXPECT_FALSE(estimate.is_confident);
}

TEST(Registration, IsNotMisledByCollars) {
  // The edge of the paper is the strongest line on both and does not move;
  // what is drawn on it does.
  const cv::Point2d shift(8.0, 5.0);
  const Town town = RandomTown(5, kSide);
  cv::Mat a = Draw(town, Hand::kFilled, {0, 0}, kSize, 1);
  cv::Mat b = Draw(Changed(town, 6), Hand::kOutline, shift, kSize, 2);
  cv::Mat coverage = cv::Mat::zeros(kSize, CV_8UC1);
  coverage(cv::Rect(60, 40, 200, 230)).setTo(1);
  a.setTo(cv::Scalar(0, 0, 0), coverage == 0);
  b.setTo(cv::Scalar(0, 0, 0), coverage == 0);

  const ShiftEstimate masked = EstimateShift(
      Features(a, coverage), Features(b, coverage), {.max_shift_px = 20});

  EXPECT_NEAR(masked.shift.x, shift.x, 0.3);
  EXPECT_NEAR(masked.shift.y, shift.y, 0.3);
  EXPECT_TRUE(masked.is_confident);
}

TEST(Registration, MakesNoFeaturesOffTheCoverageOrAtItsEdge) {
  cv::Mat image(kSize, CV_8UC3, cv::Scalar(0, 0, 0));
  cv::Mat coverage = cv::Mat::zeros(kSize, CV_8UC1);
  const cv::Rect paper(60, 40, 200, 230);
  coverage(paper).setTo(1);
  image(paper).setTo(cv::Scalar(240, 230, 210));
  const cv::Mat features = StructureFeatures(image, coverage);
  ASSERT_EQ(features.channels(), kStructureChannels);
  EXPECT_LT(cv::norm(features, cv::NORM_INF), 1e-6);
}

TEST(Registration, FindsLargeShiftsCoarseToFine) {
  const cv::Size size(700, 520);
  const cv::Point2d shift(-83.5, 61.25);
  const Town town = RandomTown(7, 700);
  const ShiftEstimate estimate = EstimateShift(
      Features(Draw(town, Hand::kFilled, {0, 0}, size, 1)),
      Features(Draw(Changed(town, 8), Hand::kOutline, shift, size, 2)),
      {.max_shift_px = 100, .coarse_side_px = 256});
  EXPECT_NEAR(estimate.shift.x, shift.x, 0.3);
  EXPECT_NEAR(estimate.shift.y, shift.y, 0.3);
  EXPECT_TRUE(estimate.is_confident) << estimate.confidence;
}

std::vector<FeatureImage> Series(const std::vector<cv::Point2d>& positions,
                                 const Town& town) {
  std::vector<FeatureImage> editions;
  const Hand hands[] = {Hand::kFilled, Hand::kOutline, Hand::kInverted};
  for (size_t i = 0; i < positions.size(); ++i) {
    editions.push_back(
        Features(Draw(town, hands[i % 3], positions[i], kSize, i)));
  }
  return editions;
}

TEST(Registration, TiesASeriesToItsNewestEdition) {
  const std::vector<cv::Point2d> positions = {{6, 2}, {-3.5, 4}, {1, -5}};
  const SeriesShifts series =
      EstimateSeriesShifts(Series(positions, RandomTown(10, kSide)), {});

  ASSERT_EQ(series.editions.size(), 3u);
  EXPECT_EQ(series.pairs.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    // What brings edition i onto the newest.
    const cv::Point2d expected = positions[2] - positions[i];
    EXPECT_NEAR(series.editions[i].shift.x, expected.x, 0.3) << i;
    EXPECT_NEAR(series.editions[i].shift.y, expected.y, 0.3) << i;
    EXPECT_TRUE(series.editions[i].is_confident);
  }
  EXPECT_EQ(series.editions[2].shift, cv::Point2d(0, 0));
}

TEST(Registration, LeavesAnUnrelatedEditionAlone) {
  std::vector<FeatureImage> editions =
      Series({{6, 2}, {0, 0}, {1, -5}}, RandomTown(12, kSide));
  editions[1] =
      Features(Draw(RandomTown(77, kSide), Hand::kOutline, {0, 0}, kSize, 3));
  const SeriesShifts series = EstimateSeriesShifts(editions, {});
  EXPECT_TRUE(series.editions[0].is_confident);
  EXPECT_NEAR(series.editions[0].shift.x, -5, 0.3);
  EXPECT_FALSE(series.editions[1].is_confident);
  EXPECT_EQ(series.editions[1].confidence, 0.0);
  EXPECT_EQ(series.editions[1].shift, cv::Point2d(0, 0));
}

// A sheet at half size, its white collar not covered.
FeatureImage ReadSheet(const std::filesystem::path& file, cv::Mat& rgb) {
  cv::cvtColor(cv::imread(file.string(), cv::IMREAD_COLOR), rgb,
               cv::COLOR_BGR2RGB);
  cv::Mat collar;
  cv::inRange(rgb, cv::Scalar::all(252), cv::Scalar::all(255), collar);
  cv::morphologyEx(collar, collar, cv::MORPH_OPEN, cv::Mat::ones(9, 9, CV_8U));
  cv::Mat coverage = collar == 0;
  cv::resize(rgb, rgb, {}, 0.5, 0.5, cv::INTER_AREA);
  cv::resize(coverage, coverage, rgb.size(), 0, 0, cv::INTER_NEAREST);
  return Features(rgb, coverage);
}

TEST(Registration, TiesRealPlansOfOneTownAndRefusesAnUpturnedOne) {
  const std::filesystem::path folder = RealDataFolder() / "saigon";
  if (!std::filesystem::exists(folder / "saigon_1882_north.tif")) {
    GTEST_SKIP() << folder << " is absent; set MAPWEAVE_DATA";
  }
  cv::Mat older_image;
  cv::Mat newer_image;
  const FeatureImage older =
      ReadSheet(folder / "saigon_1882_north.tif", older_image);
  const FeatureImage newer =
      ReadSheet(folder / "saigon_1898_north.tif", newer_image);
  const ShiftOptions options{.max_shift_px = 64};

  // 2.34 m on the ground per pixel; measured by hand, the older plan lies 6 to
  // 8 m too far east on the whole and up to 15 m locally.
  const ShiftEstimate plain = EstimateShift(older, newer, options);
  EXPECT_TRUE(plain.is_confident) << plain.confidence;
  EXPECT_NEAR(plain.shift.x, -2.3, 1.2);
  EXPECT_NEAR(plain.shift.y, 1.2, 1.2);

  cv::Mat moved_image(newer_image.size(), CV_8UC3, cv::Scalar::all(255));
  cv::Mat moved_coverage = cv::Mat::zeros(newer_image.size(), CV_8UC1);
  const cv::Point move(42, -35);
  const cv::Rect to =
      cv::Rect(move, newer_image.size()) & cv::Rect({0, 0}, newer_image.size());
  newer_image(to - move).copyTo(moved_image(to));
  newer.coverage(to - move).copyTo(moved_coverage(to));
  const ShiftEstimate moved =
      EstimateShift(older, Features(moved_image, moved_coverage), options);
  EXPECT_TRUE(moved.is_confident);
  EXPECT_NEAR(moved.shift.x - plain.shift.x, move.x, 0.5);
  EXPECT_NEAR(moved.shift.y - plain.shift.y, move.y, 0.5);

  cv::Mat upturned;
  cv::Mat upturned_coverage;
  cv::rotate(newer_image, upturned, cv::ROTATE_180);
  cv::rotate(newer.coverage, upturned_coverage, cv::ROTATE_180);
  const ShiftEstimate unrelated =
      EstimateShift(older, Features(upturned, upturned_coverage), options);
  EXPECT_LT(unrelated.confidence, 0.2);
}

TEST(EstimateSimilarity, FindsRotationScaleAndShiftAcrossHands) {
  const cv::Size size(480, 400);
  const Town town = RandomTown(31, 480);
  const cv::Mat b = Draw(town, Hand::kOutline, {0, 0}, size, 1);
  const double angle = -1.7 * CV_PI / 180.0;
  const double scale = 0.975;
  // Where a shows what b shows at q: centre + (q - shift - centre) / M.
  const cv::Point2d centre(240, 200);
  const cv::Point2d shift(17, -9);
  Town inverse = town;
  for (auto* shapes : {&inverse.blocks, &inverse.buildings}) {
    for (auto& shape : *shapes) {
      for (cv::Point2d& p : shape) {
        const cv::Point2d d = (p - shift - centre) / scale;
        p = centre + cv::Point2d(std::cos(angle) * d.x + std::sin(angle) * d.y,
                                 std::cos(angle) * d.y - std::sin(angle) * d.x);
      }
    }
  }
  const cv::Mat a = Draw(inverse, Hand::kFilled, {0, 0}, size, 2);
  SimilarityOptions options;
  options.shift.max_shift_px = 40;
  const SimilarityEstimate found = EstimateSimilarity(
      {StructureFeatures(a, {}), {}}, {StructureFeatures(b, {}), {}}, options);
  EXPECT_TRUE(found.shift.is_confident) << found.shift.confidence;
  EXPECT_NEAR(found.rotation_rad, angle, 0.003);
  EXPECT_NEAR(found.scale, scale, 0.003);
  EXPECT_NEAR(found.shift.shift.x, shift.x, 1.0);
  EXPECT_NEAR(found.shift.shift.y, shift.y, 1.0);
}

TEST(EstimateSimilarity, RefusesUnrelatedImages) {
  const cv::Size size(400, 400);
  for (uint64_t seed = 0; seed < 2; ++seed) {
    const cv::Mat a =
        Draw(RandomTown(50 + seed, 400), Hand::kFilled, {0, 0}, size, 1);
    const cv::Mat b =
        Draw(RandomTown(70 + seed, 400), Hand::kOutline, {0, 0}, size, 2);
    SimilarityOptions options;
    options.shift.max_shift_px = 60;
    const SimilarityEstimate found =
        EstimateSimilarity({StructureFeatures(a, {}), {}},
                           {StructureFeatures(b, {}), {}}, options);
    EXPECT_FALSE(found.shift.is_confident) << found.shift.confidence;
  }
}

TEST(EstimateSimilarity, RejectsBadOptions) {
  const FeatureImage image{cv::Mat::zeros(64, 64, CV_32F), {}};
  SimilarityOptions options;
  options.max_rotation_rad = 1.0;
  EXPECT_THROW(EstimateSimilarity(image, image, options), Error);
  options = {};
  options.max_stretch = -0.1;
  EXPECT_THROW(EstimateSimilarity(image, image, options), Error);
}

TEST(Registration, RejectsBadOptions) {
  const cv::Mat image = cv::Mat::zeros(64, 64, CV_32F);
  EXPECT_THROW(EstimateShift(image, image, {.max_shift_px = -1}), Error);
  EXPECT_THROW(EstimateShift(image, image, {.min_overlap = 0}), Error);
  EXPECT_THROW(EstimateShift(image, image, {.min_confidence = 2}), Error);
  EXPECT_THROW(EstimateShift(image, image, {.coarse_side_px = 8}), Error);
}

}  // namespace
}  // namespace mapweave::tracking
