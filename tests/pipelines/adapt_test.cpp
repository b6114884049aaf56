// SPDX-License-Identifier: MIT
#include "pipelines/adapt.h"

#include "fixture.h"
#include "models/vis/segmenter.h"
#include "pipelines/ingest.h"
#include "pipelines/segment.h"
#include "pipelines/series.h"
#include "pipelines/worlds.h"

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using tracking::Mask;

// A simulated town on two sheets that lie where they should.
class AdaptTest : public ::testing::Test {
 protected:
  AdaptTest() {
    WorldSeriesOptions world;
    world.seed = 4;
    world.density = 0.9;
    world.width_px = 256;
    world.height_px = 256;
    world.editions = {"1860", "1880"};
    world.error.max_shift_m = 0.0;
    const WorldSeriesReport report = WriteWorldSeries(
        world, folder_.Path(), Overwrite::kRefuse, quiet_.context);
    Ingest(LoadSeries({report.sheets.begin(), report.sheets.end()}, {}), {},
           SeriesPath(), Overwrite::kRefuse, quiet_.context);
    options_.series = {SeriesPath().string()};
    options_.looking.views = 3;
    options_.looking.window_px = 256;
    options_.clip_px = 64;
    options_.training.steps = 1;
    options_.training.frames_per_step = 4;
    options_.training.init_checkpoint = DefaultCheckpoint();
    options_.training.output = folder_.File("mine.safetensors");
  }

  fs::path SeriesPath() const { return folder_.Path() / "series.gpkg"; }
  PseudoLabels Look(const PseudoTrackOptions& options) {
    return FindPseudoTracks(
        LoadProject(db::Store::Open(SeriesPath(), db::OpenMode::kReadOnly)),
        DefaultCheckpoint(), options, quiet_.context);
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
  AdaptOptions options_;
};

TEST_F(AdaptTest, BelievesWhatEveryLookFindsAndLeavesTheRestOpen) {
  PseudoTrackOptions options = options_.looking;
  const PseudoLabels found = Look(options);
  EXPECT_EQ(found.believed, static_cast<int64_t>(found.labels.tracks.size()));
  EXPECT_GE(found.believed, 10);
  // The truth of the world is a project file, too.
  const Project project =
      LoadProject(db::Store::Open(SeriesPath(), db::OpenMode::kReadOnly));
  const SeriesLabels truth = ReadSeriesLabels({folder_.Path() / "truth.gpkg"},
                                              project, LabelReadOptions{});
  int right = 0;
  for (const tracking::Track& track : found.labels.tracks) {
    right +=
        std::ranges::any_of(truth.tracks, [&](const tracking::Track& building) {
          return tracking::SpatioTemporalIoU(track, building) >= 0.5;
        });
    for (size_t t = 0; t < 2; ++t) {
      EXPECT_EQ(track.masks[t].IntersectionArea(found.labels.doubtful[t]), 0);
    }
  }
  EXPECT_GE(right, 0.7 * static_cast<double>(found.believed));

  // Whoever asks for more agreement believes less and doubts more.
  options.min_iou = 0.95;
  const PseudoLabels strict = Look(options);
  EXPECT_LT(strict.believed, found.believed);
  EXPECT_EQ(strict.believed + strict.doubted, found.believed + found.doubted);
  EXPECT_GT(strict.labels.doubtful[0].Area(), found.labels.doubtful[0].Area());
}

TEST_F(AdaptTest, LooksTheSameWithAnyNumberOfThreads) {
  PseudoTrackOptions options = options_.looking;
  // Several windows.
  options.window_px = 128;
  options.border_px = 32;
  options.views = 2;
  const PseudoLabels one = Look(options);
  options.threads = 3;
  const PseudoLabels three = Look(options);
  ASSERT_EQ(one.labels.tracks.size(), three.labels.tracks.size());
  for (size_t k = 0; k < one.labels.tracks.size(); ++k) {
    EXPECT_EQ(one.labels.tracks[k].masks, three.labels.tracks[k].masks);
  }
  EXPECT_EQ(one.labels.doubtful, three.labels.doubtful);
}

TEST_F(AdaptTest, WritesANetworkThatKeepsItsThresholdsAndNothingElse) {
  const AdaptReport report = Adapt(options_, quiet_.context);
  ASSERT_EQ(report.rounds.size(), 2u);
  EXPECT_GT(report.rounds[1].believed, 0);
  const Json config = vis::InspectCheckpoint(options_.training.output).config;
  EXPECT_EQ(config.at("decode").at("min_score"),
            vis::InspectCheckpoint(DefaultCheckpoint())
                .config.at("decode")
                .at("min_score"));
  EXPECT_THAT(config.at("training").at("notes").at("data"),
              HasSubstr("pseudo-labels"));
  for (const fs::directory_entry& entry :
       fs::directory_iterator(folder_.Path())) {
    EXPECT_THAT(entry.path().filename().string(),
                ::testing::Not(HasSubstr("round")));
  }
}

TEST_F(AdaptTest, AsksForLabelsWhereItFindsNothing) {
  options_.looking.min_iou = 1.0;
  options_.looking.min_agreement = 1.0;
  options_.looking.views = 8;
  const Error error = ErrorOf([&] { Adapt(options_, quiet_.context); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Hint(), HasSubstr("--labels"));
  EXPECT_FALSE(fs::exists(options_.training.output));
}

}  // namespace
}  // namespace mapweave::pipelines
