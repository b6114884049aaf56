// SPDX-License-Identifier: MIT
#include "pipelines/ssl.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "db/store.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

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

  ssl::ExperimentOptions smoke;
  smoke.smoke = true;
  smoke.seeds = 1;
  const ssl::ExperimentReport experiment =
      ssl::RunExperiment("affine-regions", smoke, context);
  SaveExperiment(experiment, path("p.gpkg"));
  EXPECT_EQ(db::Store::Open(path("p.gpkg"), db::OpenMode::kReadOnly)
                .Experiments()
                .size(),
            rows.size() + experiment.measures.size());
}

}  // namespace
}  // namespace mapweave::pipelines
