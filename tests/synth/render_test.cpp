// SPDX-License-Identifier: MIT
#include "synth/render.h"

#include "core/error.h"
#include "synth/shapes.h"
#include "tracking/mask.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <numbers>

namespace mapweave::synth {
namespace {

const World& Town() {
  static const World kWorld = [] {
    WorldOptions options;
    options.seed = 11;
    options.width_px = 420;
    options.height_px = 400;
    options.margin_px = 20.0;
    options.building_px = 16.0;
    options.water = 0.0;
    options.editions = {"a", "b"};
    return MakeWorld(options);
  }();
  return kWorld;
}

bool Same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() &&
         cv::norm(a, b, cv::NORM_INF) == 0.0;
}

class Hands : public testing::TestWithParam<std::string> {};

TEST_P(Hands, DrawsBuildingsUnlikeTheirSurroundings) {
  RenderOptions options;
  options.hand = GetParam();
  options.lettering = 0.0;
  options.wear = 0.3;
  double contrast = 0.0;
  constexpr int kSeeds = 4;
  for (int seed = 0; seed < kSeeds; ++seed) {
    options.seed = static_cast<uint64_t>(seed);
    const EditionImage image = RenderEdition(Town(), 0, options);
    ASSERT_EQ(image.rgb.type(), CV_8UC3);
    const cv::Mat inside = image.labels > 0;
    cv::Mat around;
    cv::dilate(inside, around, cv::Mat::ones(9, 9, CV_8UC1));
    around.setTo(cv::Scalar(0), inside);
    // What a hand without fill puts on paper is its outlines.
    contrast +=
        cv::norm(cv::mean(image.rgb, inside) - cv::mean(image.rgb, around)) /
        kSeeds;
  }
  EXPECT_GT(contrast, 12.0);
}

// Against the same sheet without buildings: each of them, however small and
// pale, changes some of its pixels clearly.
TEST_P(Hands, DrawsEveryBuildingVisibly) {
  World bare = Town();
  for (WorldBuilding& building : bare.buildings)
    for (MultiPolygon& footprint : building.footprint) footprint.clear();
  RenderOptions options;
  options.hand = GetParam();
  options.lettering = 0.0;
  options.wear = 0.0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    options.seed = seed;
    const EditionImage with = RenderEdition(Town(), 0, options);
    const EditionImage without = RenderEdition(bare, 0, options);
    cv::Mat difference;
    cv::absdiff(with.rgb, without.rgb, difference);
    std::map<int32_t, std::pair<int, int>> clear_of_all;
    for (int y = 0; y < difference.rows; ++y) {
      for (int x = 0; x < difference.cols; ++x) {
        const int32_t label = with.labels.at<int32_t>(y, x);
        if (label == 0) continue;
        const cv::Vec3b d = difference.at<cv::Vec3b>(y, x);
        auto& [clear, all] = clear_of_all[label];
        clear += std::max({d[0], d[1], d[2]}) > 20 ? 1 : 0;
        ++all;
      }
    }
    EXPECT_GT(clear_of_all.size(), 30u);
    for (const auto& [label, counts] : clear_of_all) {
      if (counts.second < 12) continue;
      EXPECT_GT(counts.first, 0.15 * counts.second)
          << "building " << label << " seed " << seed;
    }
  }
}

// Every building of edition `t` is labelled where its outline is placed.
void ExpectLabelsAtTheTruth(size_t t, const RenderOptions& options) {
  const EditionImage image =
      RenderEdition(Town(), static_cast<int>(t), options);
  const cv::Rect sheet({0, 0}, SheetSize(Town(), options.placement));
  ASSERT_EQ(image.labels.size(), sheet.size());
  ASSERT_EQ(image.rgb.size(), sheet.size());
  int checked = 0;
  for (const WorldBuilding& building : Town().buildings) {
    MultiPolygon placed = building.footprint[t];
    for (Polygon& polygon : placed) {
      for (Point2d& p : polygon.shell) p = options.placement.Apply(p);
      for (Ring& hole : polygon.holes)
        for (Point2d& p : hole) p = options.placement.Apply(p);
    }
    const auto truth = tracking::Mask::FromPolygons(placed).Clipped(sheet);
    if (truth.Area() < 12) continue;
    const auto drawn = tracking::Mask::FromLabels(
        image.labels, static_cast<int32_t>(building.identity), sheet);
    EXPECT_GE(tracking::IoU(truth, drawn), 0.95) << building.identity;
    ++checked;
  }
  EXPECT_GT(checked, 30);
}

TEST_P(Hands, DrawsTheFootprintWhereTheTruthIs) {
  RenderOptions options;
  options.hand = GetParam();
  options.seed = 5;
  options.placement = Placement::Shift({7.0, -4.0});
  ExpectLabelsAtTheTruth(1, options);
}

INSTANTIATE_TEST_SUITE_P(All, Hands, testing::ValuesIn(HandNames()),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           std::erase(name, '-');
                           return name;
                         });
INSTANTIATE_TEST_SUITE_P(HeldOut, Hands, testing::ValuesIn(HeldOutHandNames()),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           std::erase(name, '-');
                           return name;
                         });

// The ink itself, not only the label: a black building is dark from a pixel
// inside its label, and paper from a pixel beside it.
TEST(Render, PutsTheInkWhereTheLabelIs) {
  World world = Town();
  world.blocks.clear();
  world.blocks.emplace_back();
  world.blocks[0].outline = {{-90, -90}, {-80, -90}, {-80, -80}};
  world.streets.clear();
  world.buildings.clear();
  WorldBuilding building;
  building.identity = 1;
  building.footprint = {
      {Polygon{{{100, 100}, {140, 100}, {140, 130}, {100, 130}}, {}}}, {}};
  world.buildings.push_back(building);
  RenderOptions options;
  options.hand = "solid-black";
  options.lettering = 0.0;
  options.wear = 0.0;
  const EditionImage image = RenderEdition(world, 0, options);
  cv::Mat grey;
  cv::cvtColor(image.rgb, grey, cv::COLOR_RGB2GRAY);
  int rim = 0;
  int dark = 0;
  for (int y = 95; y < 135; ++y) {
    for (int x = 95; x < 145; ++x) {
      const bool in = x >= 100 && x < 140 && y >= 100 && y < 130;
      EXPECT_EQ(image.labels.at<int32_t>(y, x), in ? 1 : 0);
      const bool well_out = x < 99 || x > 140 || y < 99 || y > 130;
      // The ridge of the roof may be light.
      const bool edge = x == 101 || x == 138 || y == 101 || y == 128;
      const bool well_in = x > 100 && x < 139 && y > 100 && y < 129;
      if (well_in && edge) {
        ++rim;
        dark += grey.at<uint8_t>(y, x) < 130 ? 1 : 0;
      }
      if (well_out) {
        EXPECT_GT(grey.at<uint8_t>(y, x), 150) << x << "," << y;
      }
    }
  }
  EXPECT_GT(dark, 0.9 * rim);
}

// Placements by their causes; the middle of the town stays on the sheet.
std::vector<PlacementParts> Misplacements() {
  PlacementParts base;
  base.centre = {210, 200};
  std::vector<PlacementParts> all(5, base);
  all[0].shift = {-11.5, 6.25};
  all[1].rotation_rad = 0.06;
  all[2].scale = 0.6;
  all[3].stretch_x = 0.97;
  all[3].stretch_y = 1.02;
  all[3].shear = 0.03;
  all[4] = {{210, 200}, 0.98, 1.01, -0.02, -0.04, {5.0, -3.0}, 1.5};
  return all;
}

TEST(Render, MovesLabelsAndInkTogether) {
  for (const PlacementParts& parts : Misplacements()) {
    RenderOptions options;
    options.hand = "solid-black";
    options.lettering = 0.0;
    options.wear = 0.0;
    options.placement = MakePlacement(parts);
    ExpectLabelsAtTheTruth(0, options);
    // The ink lies in the labels: inside is dark, a ring around it is light.
    const EditionImage image = RenderEdition(Town(), 0, options);
    cv::Mat grey;
    cv::cvtColor(image.rgb, grey, cv::COLOR_RGB2GRAY);
    const cv::Mat labelled = image.labels > 0;
    cv::Mat inside;
    cv::Mat near;
    cv::erode(labelled, inside, cv::Mat::ones(3, 3, CV_8UC1));
    cv::dilate(labelled, near, cv::Mat::ones(3, 3, CV_8UC1));
    cv::Mat around;
    cv::dilate(near, around, cv::Mat::ones(3, 3, CV_8UC1));
    around.setTo(cv::Scalar(0), near);
    EXPECT_LT(cv::mean(grey, inside)[0] + 60.0, cv::mean(grey, around)[0]);
  }
}

TEST(Placement, IsTheMapThatItsPartsSay) {
  PlacementParts parts;
  parts.centre = {10, 20};
  parts.shift = {3, -1};
  parts.scale = 2.0;
  // The centre goes where shift and scale put it, whatever turns about it.
  parts.rotation_rad = std::numbers::pi / 2;
  const Placement turned = MakePlacement(parts);
  EXPECT_NEAR(turned.Apply({10, 20}).x, 26.0, 1e-9);
  EXPECT_NEAR(turned.Apply({10, 20}).y, 38.0, 1e-9);
  // Clockwise as seen, with y down: right of the centre goes below it.
  EXPECT_NEAR(turned.Apply({11, 20}).x, 26.0, 1e-9);
  EXPECT_NEAR(turned.Apply({11, 20}).y, 40.0, 1e-9);
  EXPECT_NEAR(turned.Scale(), 2.0, 1e-9);
  const Point2d back = turned.ApplyInverse(turned.Apply({7.5, -3.25}));
  EXPECT_NEAR(back.x, 7.5, 1e-9);
  EXPECT_NEAR(back.y, -3.25, 1e-9);
  EXPECT_EQ(Placement::Shift({2, 3}).Then(Placement::Shift({-2, -3})),
            Placement{});
}

TEST(Placement, RefusesWhatIsNoSheet) {
  Placement mirrored;
  mirrored.a = -1.0;
  EXPECT_THROW(mirrored.Validate(), Error);
  Placement flat;
  flat.d = 0.0;
  EXPECT_THROW(flat.Validate(), Error);
  Placement nowhere;
  nowhere.tx = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(nowhere.Validate(), Error);
}

// Hatching and stippling reach the middle of a building, wherever it lies.
TEST(Render, FillsTheInsideOfHatchedBuildings) {
  for (const char* hand : {"hatched", "stippled"}) {
    RenderOptions options;
    options.hand = hand;
    options.lettering = 0.0;
    options.wear = 0.0;
    const EditionImage image = RenderEdition(Town(), 0, options);
    cv::Mat inside;
    cv::erode(image.labels > 0, inside, cv::Mat::ones(7, 7, CV_8UC1));
    cv::Mat grey;
    cv::cvtColor(image.rgb, grey, cv::COLOR_RGB2GRAY);
    cv::Scalar mean;
    cv::Scalar deviation;
    cv::meanStdDev(grey, mean, deviation, inside);
    EXPECT_GT(deviation[0], 20.0) << hand;
  }
}

TEST(Render, DrawsAWindowAsItDrawsTheWhole) {
  RenderOptions options;
  options.seed = 9;
  const EditionImage whole = RenderEdition(Town(), 0, options);
  const cv::Rect window(120, 88, 160, 144);
  const EditionImage part = RenderWindow(Town(), 0, options, window);
  EXPECT_TRUE(Same(part.labels, whole.labels(window)));
  const cv::Rect core(16, 16, window.width - 32, window.height - 32);
  cv::Mat difference;
  cv::absdiff(part.rgb(core), whole.rgb(window)(core), difference);
  const cv::Scalar mean = cv::mean(difference);
  EXPECT_LT(mean[0] + mean[1] + mean[2], 0.15);
}

// In every hand and state of wear: seeds differ in folds, screens, set-off,
// stains, notes and resolution.
TEST(Render, DrawsAWindowAsItDrawsTheWholeInEveryHand) {
  const std::vector<std::string> hands = HandNames();
  for (uint64_t seed = 0; seed < 32; ++seed) {
    RenderOptions options;
    options.hand = hands[seed % hands.size()];
    options.seed = seed;
    options.wear = 1.5;
    PlacementParts parts;
    parts.rotation_rad = 0.02;
    parts.scale = seed % 2 == 0 ? 1.0 : 0.8;
    options.placement = MakePlacement(parts);
    const EditionImage whole = RenderEdition(Town(), 0, options);
    const cv::Rect window(101, 67, 150, 131);
    const EditionImage part = RenderWindow(Town(), 0, options, window);
    const EditionImage truth = RenderTruth(Town(), 0, options, window);
    EXPECT_TRUE(Same(part.labels, whole.labels(window)));
    EXPECT_TRUE(Same(part.labels, truth.labels));
    EXPECT_TRUE(Same(part.coverage, truth.coverage));
    const cv::Rect core(16, 16, window.width - 32, window.height - 32);
    cv::Mat difference;
    cv::absdiff(part.rgb(core), whole.rgb(window)(core), difference);
    const cv::Scalar mean = cv::mean(difference);
    EXPECT_LT(mean[0] + mean[1] + mean[2], 0.3) << options.hand << " " << seed;
  }
}

TEST(Render, WritesOverBuildingsWithoutTouchingTheTruth) {
  RenderOptions options;
  options.seed = 21;
  options.wear = 0.0;
  const EditionImage written = RenderEdition(Town(), 0, options);
  options.lettering = 0.0;
  const EditionImage bare = RenderEdition(Town(), 0, options);
  EXPECT_TRUE(Same(written.labels, bare.labels));
  cv::Mat difference;
  cv::absdiff(written.rgb, bare.rgb, difference);
  cv::cvtColor(difference, difference, cv::COLOR_RGB2GRAY);
  EXPECT_GT(cv::countNonZero(difference > 40), 300);
}

TEST(Render, DependsOnTheSeedOnly) {
  RenderOptions options;
  options.seed = 2;
  const EditionImage a = RenderEdition(Town(), 0, options);
  const EditionImage b = RenderEdition(Town(), 0, options);
  options.seed = 3;
  const EditionImage c = RenderEdition(Town(), 0, options);
  EXPECT_TRUE(Same(a.rgb, b.rgb));
  EXPECT_FALSE(Same(a.rgb, c.rgb));
  EXPECT_TRUE(Same(a.labels, c.labels));
}

TEST(Render, LabelsNothingBeyondPaperAndFrame) {
  RenderOptions options;
  options.frame.paper = {{60, 0}, {420, 0}, {420, 400}, {60, 400}};
  options.frame.neatline = {{100, 40}, {400, 40}, {400, 380}, {100, 380}};
  options.frame.outside = {0, 0, 0};
  const EditionImage image = RenderEdition(Town(), 0, options);
  for (int y = 0; y < 400; ++y) {
    for (int x = 0; x < 420; ++x) {
      EXPECT_EQ(image.coverage.at<uint8_t>(y, x), x >= 60 ? 1 : 0);
      if (x < 60) {
        EXPECT_EQ(image.rgb.at<cv::Vec3b>(y, x), cv::Vec3b(0, 0, 0));
      }
      if (x < 100 || y < 40) {
        EXPECT_EQ(image.labels.at<int32_t>(y, x), 0);
      }
    }
  }
  EXPECT_GT(cv::countNonZero(image.labels), 0);
}

TEST(Render, FramesASheetWithoutHidingABuilding) {
  WorldOptions world_options;
  world_options.width_px = 500;
  world_options.height_px = 400;
  world_options.margin_px = 40.0;
  world_options.distortion_px = 1.0;
  const World world = MakeWorld(world_options);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    RenderOptions options;
    options.frame = MakeSheetFrame(world, seed);
    const EditionImage framed = RenderEdition(world, 0, options);
    options.frame = {};
    const EditionImage free = RenderEdition(world, 0, options);
    EXPECT_TRUE(Same(framed.labels, free.labels));
    EXPECT_LT(cv::countNonZero(framed.coverage), 500 * 400);
  }
  world_options.margin_px = 0.0;
  EXPECT_THROW(MakeSheetFrame(MakeWorld(world_options), 1), Error);
}

TEST(Render, RefusesWhatItCannotDraw) {
  RenderOptions options;
  options.hand = "crayon";
  EXPECT_THROW(RenderEdition(Town(), 0, options), Error);
  options = {};
  EXPECT_THROW(RenderEdition(Town(), 2, options), Error);
  EXPECT_THROW(RenderEdition(Town(), -1, options), Error);
  EXPECT_THROW(RenderWindow(Town(), 0, options, {}), Error);
  options.wear = -1.0;
  EXPECT_THROW(options.Validate(), Error);
}

}  // namespace
}  // namespace mapweave::synth
