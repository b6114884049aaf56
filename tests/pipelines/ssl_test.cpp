// SPDX-License-Identifier: MIT
#include "pipelines/ssl.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "db/store.h"
#include "pipelines/ssl_records.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <numbers>
#include <set>

namespace mapweave::pipelines {
namespace {

using testing::TempDir;

MapTileOptions SmallTiles() {
  MapTileOptions options;
  options.count = 12;
  options.side_px = 32;
  return options;
}

bool Same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && cv::norm(a, b, cv::NORM_INF) == 0.0;
}

TEST(MapTiles, ArePureFunctionsOfSeedAndIndex) {
  const MapTiles tiles(SmallTiles());
  MapTileOptions other = SmallTiles();
  other.seed = 2;
  EXPECT_EQ(tiles.Get(3).rgb.size(), cv::Size(32, 32));
  EXPECT_TRUE(Same(tiles.Get(3).rgb, MapTiles(SmallTiles()).Get(3).rgb));
  EXPECT_FALSE(Same(tiles.Get(3).rgb, tiles.Get(4).rgb));
  EXPECT_FALSE(Same(tiles.Get(3).rgb, MapTiles(other).Get(3).rgb));
}

TEST(MapTiles, LabelsFollowTheFactorAndThePictureDoesNot) {
  MapTileOptions scale = SmallTiles();
  scale.label = ParseTileFactor("scale");
  const MapTiles by_density(SmallTiles());
  const MapTiles by_scale(scale);
  std::set<int64_t> labels;
  bool differs = false;
  for (int64_t i = 0; i < by_density.Size(); ++i) {
    const ssl::ImageSample sample = by_density.Get(i);
    labels.insert(sample.label);
    differs = differs || sample.label != by_scale.Get(i).label;
    EXPECT_TRUE(Same(sample.rgb, by_scale.Get(i).rgb));
    EXPECT_GE(sample.label, 0);
    EXPECT_LT(sample.label, 4);
  }
  EXPECT_GT(labels.size(), 1u);
  EXPECT_TRUE(differs);
  EXPECT_THROW(ParseTileFactor("colour"), Error);
}

// Four times the direction of the strongest edges, which brings both
// directions of streets that cross at right angles together.
double FourfoldEdgeAngle(const cv::Mat& rgb) {
  cv::Mat grey, dx, dy;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  cv::GaussianBlur(grey, grey, cv::Size(0, 0), 1.0);
  cv::Sobel(grey, dx, CV_64F, 1, 0);
  cv::Sobel(grey, dy, CV_64F, 0, 1);
  double c = 0.0;
  double s = 0.0;
  for (int row = 0; row < grey.rows; ++row) {
    for (int col = 0; col < grey.cols; ++col) {
      const double x = dx.at<double>(row, col);
      const double y = dy.at<double>(row, col);
      const double weight = x * x + y * y;
      c += weight * std::cos(4.0 * std::atan2(y, x));
      s += weight * std::sin(4.0 * std::atan2(y, x));
    }
  }
  return std::atan2(s, c);
}

TEST(MapTiles, HatchAngleIsThatOfTheEdgesInThePicture) {
  constexpr int64_t kTiles = 60;
  const MapTileSupply supply;
  EXPECT_EQ(supply.Factors().back().name, "hatch_angle");
  EXPECT_EQ(supply.Factors().back().values, 0) << "continuous";
  double agreement = 0.0;
  double mirrored = 0.0;
  for (int64_t i = 0; i < kTiles; ++i) {
    const ssl::FactorTile tile = supply.Draw({5, 64}, i);
    EXPECT_EQ(tile.factors.size(), supply.Factors().size());
    const double degrees = tile.factors.at("hatch_angle");
    EXPECT_GE(degrees, 0.0);
    EXPECT_LT(degrees, 90.0);
    const double angle = 4.0 * degrees * std::numbers::pi / 180.0;
    const double edges = FourfoldEdgeAngle(tile.rgb);
    agreement += std::cos(edges - angle) / kTiles;
    mirrored += std::cos(edges + angle) / kTiles;
  }
  // Of 60 random angles, below 0.3 with probability 0.9995.
  EXPECT_GT(agreement, 0.4);
  EXPECT_LT(std::abs(mirrored), 0.35);
}

TEST(SheetTiles, AreCutWhereThereIsPaper) {
  synth::MapSheet sheet;
  sheet.name = "half";
  sheet.rgb = cv::Mat(64, 256, CV_8UC3, cv::Scalar(0, 0, 0));
  sheet.coverage = cv::Mat::zeros(64, 256, CV_8UC1);
  const cv::Rect paper(128, 0, 128, 64);
  sheet.rgb(paper).setTo(cv::Scalar(200, 190, 180));
  sheet.coverage(paper).setTo(1);
  const SheetTiles tiles({sheet}, SmallTiles());
  for (int64_t i = 0; i < tiles.Size(); ++i) {
    EXPECT_GE(cv::mean(tiles.Get(i).rgb)[0], 0.9 * 200.0);
    EXPECT_EQ(tiles.Get(i).label, -1);
  }
  MapTileOptions large = SmallTiles();
  large.side_px = 128;
  EXPECT_THROW(SheetTiles({sheet}, large), Error);
}

TEST(PretrainEncoder, LandsInTheProjectFile) {
  const TempDir dir;
  const auto path = [&](const char* name) {
    return (dir.Path() / name).string();
  };
  db::Store::Create(path("p.gpkg"),
                    {"EPSG", 2056, "LV95", "PROJCS[\"CH1903+ / LV95\"]"},
                    Overwrite::kRefuse)
      .Close();
  SslPretrainOptions options;
  options.tiles = SmallTiles();
  options.training.steps = 2;
  options.training.batch = 4;
  options.training.output = path("trunk.safetensors");
  options.project = path("p.gpkg");
  options.curves = path("curves.svg");
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  const SslPretrainReport report = PretrainEncoder(options, context);

  const db::Store store =
      db::Store::Open(path("p.gpkg"), db::OpenMode::kReadOnly);
  ASSERT_EQ(store.Models().size(), 1u);
  EXPECT_EQ(store.Models()[0].sha256, report.checkpoint_sha256);
  EXPECT_EQ(store.Models()[0].method, "simclr");
  const auto rows = store.Experiments();
  EXPECT_EQ(rows.size(), report.result.measures.size());
  EXPECT_GE(rows.size(), 2u);
  EXPECT_EQ(rows[0].model_sha256, report.checkpoint_sha256);
  EXPECT_NE(ReadFile(path("curves.svg")).find("<svg"), std::string::npos);
  const Json config = ParseJson(rows[0].hyper_parameters, "row");
  EXPECT_EQ(config["seed"], 1);
  EXPECT_EQ(config["data"]["source"], "simulated towns");

  ssl::ExperimentOptions smoke;
  smoke.smoke = true;
  smoke.seeds = 1;
  const ssl::ExperimentReport experiment =
      ssl::RunExperiment("affine-regions", smoke, context);
  SaveExperiment(experiment, path("p.gpkg"));
  EXPECT_EQ(
      db::Store::Open(path("p.gpkg"), db::OpenMode::kReadOnly)
          .Experiments()
          .size(),
      rows.size() + experiment.measures.size() + experiment.criteria.size());
}

TEST(ProbeOnTiles, KeepsWhatWasSaidOfEveryTile) {
  const TempDir dir;
  SslProbeOptions options;
  options.tiles = SmallTiles();
  options.test_count = 10;
  options.project = (dir.Path() / "p.gpkg").string();  // is made
  const ssl::ProbeReport report = ProbeOnTiles(options);
  ASSERT_EQ(report.answers.size(), 10u);

  const auto open = [&] {
    return db::Store::Open(options.project, db::OpenMode::kReadOnly);
  };
  const auto rows = open().Evaluations();
  ASSERT_EQ(rows.size(), 40u);
  double correct = 0.0;
  for (const db::EvaluationRow& row : rows) {
    EXPECT_EQ(row.benchmark, "probe density, 12 tiles of 32 px, seed 1");
    if (row.metric == "correct") correct += row.value;
    if (row.metric == "predicted") {
      EXPECT_EQ(row.value,
                static_cast<double>(
                    report.answers[static_cast<size_t>(row.sample)].linear));
    }
  }
  EXPECT_NEAR(correct / 10.0, report.linear_accuracy, 1e-12);
  ASSERT_EQ(open().Models().size(), 1u) << "random weights, too";
  EXPECT_EQ(open().Models()[0].path, "");
  ASSERT_EQ(open().Experiments().size(), 2u);
  EXPECT_EQ(open().Experiments()[1].measure, "linear_accuracy");

  ProbeOnTiles(options);
  EXPECT_EQ(open().Evaluations().size(), 40u);
  options.probe.seed = options.tiles.seed = 2;
  ProbeOnTiles(options);
  EXPECT_EQ(open().Models().size(), 2u);
  EXPECT_EQ(open().Evaluations().size(), 80u);
}

}  // namespace
}  // namespace mapweave::pipelines
