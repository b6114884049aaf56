// SPDX-License-Identifier: MIT
//
// The shipped probe on simulated sheets with damage that is not that of its
// training: it is drawn here, in another way.
#include "pipelines/sheet_qc.h"

#include "geo/geotiff_writer.h"
#include "pipelines/ingest.h"
#include "pipelines/sheet_qc_training.h"
#include "pipelines/shipped_weights.h"
#include "synth/render.h"
#include "synth/world.h"
#include "tests/pipelines/fixture.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace mapweave::pipelines {
namespace {

constexpr int kSheetPx = 512;
constexpr int kPlanted = 6;

cv::Mat SoundSheet(const std::string& hand, uint64_t seed) {
  synth::WorldOptions world;
  world.seed = seed;
  world.width_px = world.height_px = kSheetPx;
  world.margin_px = -40.0;
  world.building_px = 14.0;
  synth::RenderOptions render;
  render.hand = hand;
  render.seed = seed + 1;
  render.wear = 0.2;
  return synth::RenderEdition(synth::MakeWorld(world), 1, render).rgb;
}

void PlantTear(cv::Mat patch) {
  std::vector<cv::Point> line;
  for (int k = 0; k <= 8; ++k) {
    line.push_back({28 + 5 * ((k * 5) % 3) - k, 8 * k});
  }
  for (auto& p : line) p.x += 2;
  cv::polylines(patch, line, false, cv::Scalar::all(70), 4, cv::LINE_AA);
  for (auto& p : line) p.x -= 2;
  cv::polylines(patch, line, false, cv::Scalar(250, 248, 244), 3, cv::LINE_AA);
}

void PlantStain(cv::Mat patch) {
  cv::Mat wet = cv::Mat::zeros(patch.size(), CV_32F);
  cv::ellipse(wet, {32, 30}, {25, 18}, 25.0, 0.0, 360.0, 1.0, cv::FILLED);
  cv::ellipse(wet, {40, 40}, {13, 17}, 0.0, 0.0, 360.0, 1.0, cv::FILLED);
  cv::GaussianBlur(wet, wet, {5, 5}, 1.5);
  for (int y = 0; y < patch.rows; ++y) {
    for (int x = 0; x < patch.cols; ++x) {
      cv::Vec3b& p = patch.at<cv::Vec3b>(y, x);
      const float w = wet.at<float>(y, x);
      p = {cv::saturate_cast<uint8_t>(p[0] * (1 - 0.25f * w)),
           cv::saturate_cast<uint8_t>(p[1] * (1 - 0.42f * w)),
           cv::saturate_cast<uint8_t>(p[2] * (1 - 0.6f * w))};
    }
  }
}

void PlantDoublePrint(cv::Mat patch) {
  cv::Mat ghost;
  const cv::Mat move = (cv::Mat_<double>(2, 3) << 1, 0, 4, 0, 1, -3);
  cv::warpAffine(patch, ghost, move, patch.size(), cv::INTER_LINEAR,
                 cv::BORDER_REFLECT);
  cv::addWeighted(patch, 0.55, ghost, 0.45, 0.0, patch);
}

void PlantShiftedStrip(cv::Mat patch) {
  const cv::Mat source = patch.clone();
  source(cv::Rect(0, 10, 56, 30)).copyTo(patch(cv::Rect(7, 14, 56, 30)));
}

void PlantFold(cv::Mat patch) {
  for (int x = 26; x < 50; ++x) {
    const double dark = x < 28 ? 0.5 : 0.72 + 0.28 * (x - 28) / 22.0;
    cv::Mat column = patch.col(x);
    column *= dark;
  }
}

void PlantHole(cv::Mat patch) {
  cv::circle(patch, {33, 31}, 20, cv::Scalar::all(8), cv::FILLED, cv::LINE_AA);
}

// Where damage k of kPlanted is planted.
cv::Rect PlantedAt(int k) {
  return {60 + 150 * (k % 3), 96 + 224 * (k / 3), 64, 64};
}

cv::Mat DamagedSheet(cv::Mat sheet) {
  using Plant = void (*)(cv::Mat);
  constexpr Plant kPlants[kPlanted] = {PlantTear,        PlantStain,
                                       PlantDoublePrint, PlantShiftedStrip,
                                       PlantFold,        PlantHole};
  sheet = sheet.clone();
  for (int k = 0; k < kPlanted; ++k) kPlants[k](sheet(PlantedAt(k)));
  return sheet;
}

class SheetQc : public ::testing::Test {
 protected:
  Project Ingested(const std::string& name, const cv::Mat& rgb) {
    geo::Grid grid;
    grid.crs = geo::Crs::FromUserInput("EPSG:25832");
    grid.origin_x = 500000.0;
    grid.origin_y = 5400000.0;
    grid.width = rgb.cols;
    grid.height = rgb.rows;
    geo::GeoTiffOptions options;
    options.survey_date = "1880";
    const std::string tif = folder_.File(name + ".tif");
    geo::WriteGeoTiff(tif, ImageFromMat(rgb), grid, options);
    db::Store store =
        Ingest(LoadSeries({tif}, {}), {}, folder_.File(name + ".gpkg"),
               Overwrite::kRefuse, quiet_.context);
    return LoadProject(store);
  }
  SheetQuality Inspect(const std::string& name, const cv::Mat& rgb,
                       const QcOptions& options = {}) {
    return InspectSheets(Ingested(name, rgb), options, quiet_.context).at(0);
  }

  // A probe that has learned next to nothing, for what does not depend on it.
  std::string QuickProbe() {
    QcTrainingOptions options;
    options.sheets = 2;
    options.held_out_sheets = 2;
    options.probe.steps = 2;
    options.probe.batch = 8;
    options.probe.width = 4;
    options.probe.output = folder_.File("quick.safetensors");
    TrainQcProbe(options, Overwrite::kAllow, quiet_.context);
    return options.probe.output;
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
};

// Planted places that one of the first `k` meets.
int Recalled(const SheetQuality& quality, int k) {
  int recalled = 0;
  for (int i = 0; i < kPlanted; ++i) {
    const auto end = quality.places.begin() +
                     std::min<ptrdiff_t>(k, std::ssize(quality.places));
    recalled += std::any_of(
        quality.places.begin(), end, [&](const SuspectPlace& place) {
          return (place.window & PlantedAt(i)).area() >= 32 * 32;
        });
  }
  return recalled;
}

double MeanTop(const SheetQuality& quality, size_t count) {
  double sum = 0.0;
  for (size_t i = 0; i < count; ++i) sum += quality.places.at(i).score;
  return sum / static_cast<double>(count);
}

TEST_F(SheetQc, PlantedDamageRanksBeforeWhatIsSound) {
  if (!FindShippedWeights("qc.safetensors")) {
    GTEST_SKIP() << "models/weights/qc.safetensors is not there";
  }
  int at_6 = 0;
  int at_12 = 0;
  int all = 0;
  for (const char* hand : {"cadastre", "engraved", "insurance", "colonial"}) {
    SCOPED_TRACE(hand);
    const cv::Mat sound = SoundSheet(hand, static_cast<uint64_t>(77 + all));
    const SheetQuality before = Inspect(std::string(hand) + "_sound", sound);
    const SheetQuality after =
        Inspect(std::string(hand) + "_damaged", DamagedSheet(sound));
    at_6 += Recalled(after, kPlanted);
    at_12 += Recalled(after, 2 * kPlanted);
    all += kPlanted;
    EXPECT_LT(MeanTop(before, kPlanted), MeanTop(after, kPlanted));
    std::printf(
        "%-10s recall at 6: %d of 6, at 12: %d; mean of the top 6: "
        "%.3f, sound %.3f; median %.4f\n",
        hand, Recalled(after, kPlanted), Recalled(after, 2 * kPlanted),
        MeanTop(after, kPlanted), MeanTop(before, kPlanted),
        after.median_score);
  }
  RecordProperty("recall_at_6", at_6);
  RecordProperty("recall_at_12", at_12);
  EXPECT_GE(at_6, (3 * all) / 4);
  EXPECT_GE(at_12, (5 * all) / 6);
}

TEST_F(SheetQc, PlacesLieApartOnTheSheetAndWorstFirst) {
  QcOptions options;
  options.probe = QuickProbe();
  options.places = 20;
  const SheetQuality quality =
      Inspect("a", DamagedSheet(SoundSheet("hatched", 5)), options);
  EXPECT_EQ(quality.windows, 15 * 15);
  ASSERT_LE(quality.places.size(), 20u);
  ASSERT_GE(quality.places.size(), 10u);
  for (size_t i = 0; i < quality.places.size(); ++i) {
    const SuspectPlace& place = quality.places[i];
    EXPECT_GE(place.bounds.min_x, 500000.0);
    EXPECT_LE(place.bounds.max_y, 5400000.0);
    EXPECT_DOUBLE_EQ(place.bounds.min_x, 500000.0 + place.window.x);
    EXPECT_DOUBLE_EQ(place.bounds.max_y, 5400000.0 - place.window.y);
    if (i > 0) {
      EXPECT_LE(place.score, quality.places[i - 1].score);
    }
    for (size_t j = 0; j < i; ++j) {
      EXPECT_EQ((place.window & quality.places[j].window).area(), 0);
    }
  }
}

TEST_F(SheetQc, SheetBelowOneWindowHasNoPlaces) {
  QcOptions options;
  options.probe = QuickProbe();
  const SheetQuality quality = Inspect(
      "a", SoundSheet("cadastre", 5)(cv::Rect(0, 0, 60, 200)).clone(), options);
  EXPECT_EQ(quality.windows, 0);
  EXPECT_TRUE(quality.places.empty());
}

TEST_F(SheetQc, ReportIsWrittenOnceUnlessItMayBeReplaced) {
  const Project project = Ingested(
      "a & b", SoundSheet("cadastre", 5)(cv::Rect(0, 0, 160, 160)).clone());
  QcOptions options;
  options.probe = QuickProbe();
  options.places = 3;
  options.report = folder_.File("report");
  const auto sheets =
      CheckSheetQuality(project, options, Overwrite::kRefuse, quiet_.context);
  ASSERT_EQ(sheets.size(), 1u);
  const auto in_report = [&](const char* name) {
    return std::filesystem::path(options.report) / name;
  };
  EXPECT_TRUE(std::filesystem::exists(in_report("a___b_places.png")));
  EXPECT_TRUE(std::filesystem::exists(in_report("a___b_overview.png")));
  EXPECT_THAT(ReadFile(in_report("index.html")),
              ::testing::HasSubstr("a &amp; b.tif"));
  const Json layer =
      ParseJson(ReadFile(in_report("places.geojson")), "places.geojson");
  EXPECT_EQ(layer.at("features").size(), sheets[0].places.size());
  EXPECT_EQ(layer.at("features")[0].at("properties").at("rank"), 1);
  EXPECT_EQ(
      ErrorOf([&] { CheckQcOptions(options, Overwrite::kRefuse); }).Code(),
      ErrorCode::kUsage);
  CheckQcOptions(options, Overwrite::kAllow);
  options.probe = folder_.File("none.safetensors");
  EXPECT_EQ(ErrorOf([&] { CheckQcOptions(options, Overwrite::kAllow); }).Code(),
            ErrorCode::kDevice);
  EXPECT_THAT(QcText(sheets), ::testing::HasSubstr("not a verdict"));
  EXPECT_EQ(ToJson(sheets)[0].at("windows"), sheets[0].windows);
}

TEST_F(SheetQc, TrainingWritesAProbeThatIsUsed) {
  QcTrainingOptions options;
  options.sheets = 2;
  options.held_out_sheets = 2;
  options.probe.steps = 2;
  options.probe.batch = 8;
  options.probe.width = 4;
  options.probe.output = folder_.File("probe.safetensors");
  options.preview = folder_.File("preview.png");
  const ssl::SheetProbeReport report =
      TrainQcProbe(options, Overwrite::kRefuse, quiet_.context);
  EXPECT_EQ(report.images, 32);
  EXPECT_TRUE(std::filesystem::exists(options.preview));
  QcOptions qc;
  qc.probe = options.probe.output;
  const SheetQuality quality = Inspect(
      "a", SoundSheet("cadastre", 5)(cv::Rect(0, 0, 128, 128)).clone(), qc);
  EXPECT_EQ(quality.windows, 9);
  EXPECT_EQ(ErrorOf([&] {
              TrainQcProbe(options, Overwrite::kRefuse, quiet_.context);
            }).Code(),
            ErrorCode::kUsage);
}

}  // namespace
}  // namespace mapweave::pipelines
