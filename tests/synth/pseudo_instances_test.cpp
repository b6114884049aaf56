// SPDX-License-Identifier: MIT
#include "synth/pseudo_instances.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <vector>

namespace mapweave::synth {
namespace {

using tracking::Instance;
using tracking::Mask;

const cv::Scalar kPaper(238, 228, 200);
const cv::Scalar kInk(45, 40, 35);
const cv::Scalar kCarmine(205, 105, 90);

// A sheet with paper grain, six carmine houses with an ink outline, parcel
// lines, and a line of capitals.
struct Sheet {
  cv::Mat rgb;
  std::vector<Mask> houses;
};

Sheet DrawSheet() {
  Sheet sheet;
  sheet.rgb = cv::Mat(220, 300, CV_8UC3, kPaper);
  for (int x = 20; x < 300; x += 90)
    cv::line(sheet.rgb, {x, 0}, {x, 219}, kInk, 1, cv::LINE_AA);
  for (int y = 20; y < 220; y += 90)
    cv::line(sheet.rgb, {0, y}, {299, y}, kInk, 1, cv::LINE_AA);
  for (int i = 0; i < 6; ++i) {
    const cv::Rect house(40 + 90 * (i % 3), 35 + 90 * (i / 3), 14 + 4 * i,
                         12 + 2 * i);
    cv::rectangle(sheet.rgb, house, kCarmine, cv::FILLED);
    cv::rectangle(sheet.rgb, house, kInk, 1);
    cv::Mat mask = cv::Mat::zeros(sheet.rgb.size(), CV_8UC1);
    cv::rectangle(mask, house, 255, cv::FILLED);
    sheet.houses.push_back(Mask::FromImage(mask));
  }
  cv::putText(sheet.rgb, "RUE HAUTE", {30, 100}, cv::FONT_HERSHEY_DUPLEX, 0.6,
              kInk, 1, cv::LINE_AA);
  Rng rng(7);
  for (int y = 0; y < sheet.rgb.rows; ++y)
    for (int x = 0; x < sheet.rgb.cols; ++x)
      for (int c = 0; c < 3; ++c)
        sheet.rgb.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uint8_t>(
            sheet.rgb.at<cv::Vec3b>(y, x)[c] + rng.Normal(0.0, 2.0));
  return sheet;
}

double BestIoU(const Mask& mask, const std::vector<Instance>& found) {
  double best = 0.0;
  for (const Instance& instance : found)
    best = std::max(best, tracking::IoU(mask, instance.mask));
  return best;
}

class EveryWay : public ::testing::TestWithParam<std::string> {
 protected:
  PseudoOptions Options() const {
    PseudoOptions options;
    options.way = ParsePseudoWay(GetParam());
    return options;
  }
};

TEST_P(EveryWay, FindsTintedHousesAndNotTheLettering) {
  const Sheet sheet = DrawSheet();
  const std::vector<Instance> found =
      FindPseudoInstances(sheet.rgb, {}, Options());
  int hit = 0;
  for (const Mask& house : sheet.houses) hit += BestIoU(house, found) > 0.7;
  EXPECT_GE(hit, 5);
  int right = 0;
  for (const Instance& instance : found) {
    EXPECT_GT(instance.score, 0.0f);
    EXPECT_LE(instance.score, 1.0f);
    for (const Mask& house : sheet.houses)
      right += tracking::IoU(house, instance.mask) > 0.5;
  }
  EXPECT_GE(right + 1, static_cast<int>(found.size()));
}

TEST_P(EveryWay, GivesDisjointMasksInOrderAndTheSameTwice) {
  const Sheet sheet = DrawSheet();
  const std::vector<Instance> found =
      FindPseudoInstances(sheet.rgb, {}, Options());
  const std::vector<Instance> again =
      FindPseudoInstances(sheet.rgb, {}, Options());
  ASSERT_EQ(found.size(), again.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(found[i].mask == again[i].mask);
    EXPECT_EQ(found[i].score, again[i].score);
    for (size_t j = i + 1; j < found.size(); ++j) {
      EXPECT_EQ(found[i].mask.IntersectionArea(found[j].mask), 0);
      EXPECT_LT(found[i].mask.Runs()[0], found[j].mask.Runs()[0]);
    }
  }
}

TEST_P(EveryWay, FindsNothingOnBarePaper) {
  const cv::Mat bare(128, 128, CV_8UC3, kPaper);
  EXPECT_TRUE(FindPseudoInstances(bare, {}, Options()).empty());
  const cv::Mat uncovered = cv::Mat::zeros(128, 128, CV_8UC1);
  EXPECT_TRUE(FindPseudoInstances(bare, uncovered, Options()).empty());
}

TEST_P(EveryWay, StaysOnCoveredPaper) {
  const Sheet sheet = DrawSheet();
  cv::Mat coverage(sheet.rgb.size(), CV_8UC1, cv::Scalar(1));
  // The first house lies at columns 40 to 54; the edge cuts it.
  coverage(cv::Rect(0, 0, 47, 220)).setTo(0);
  const std::vector<Instance> found =
      FindPseudoInstances(sheet.rgb, coverage, Options());
  EXPECT_FALSE(found.empty());
  for (const Instance& instance : found)
    EXPECT_GE(instance.mask.Bounds().x, 47);
}

INSTANTIATE_TEST_SUITE_P(PseudoInstances, EveryWay,
                         ::testing::ValuesIn(PseudoWayNames()),
                         [](const auto& parameter) { return parameter.param; });

TEST(PseudoInstances, LeavesOutWhatIsTooSmallOrTooLarge) {
  const Sheet sheet = DrawSheet();
  PseudoOptions options;
  options.min_area_px = 400;
  options.max_area_px = 600;
  for (const Instance& instance : FindPseudoInstances(sheet.rgb, {}, options)) {
    EXPECT_GE(instance.mask.Area(), 400);
    EXPECT_LE(instance.mask.Area(), 600);
  }
}

TEST(PseudoInstances, NamesTheOptionThatIsWrong) {
  PseudoOptions options;
  options.max_area_px = 5;
  try {
    FindPseudoInstances(cv::Mat(32, 32, CV_8UC3, kPaper), {}, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_NE(error.Message().find("max_area_px"), std::string::npos);
  }
  EXPECT_THROW(ParsePseudoWay("magic"), Error);
}

}  // namespace
}  // namespace mapweave::synth
