// SPDX-License-Identifier: MIT
//
// The whole flow on a series of 256 x 256 px with many small windows.
#include "pipelines/run.h"

#include "db/query.h"
#include "fixture.h"
#include "pipelines/export.h"
#include "pipelines/worlds.h"

#include <algorithm>
#include <thread>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RunTest : public ::testing::Test {
 protected:
  RunTest() {
    WorldSeriesOptions world;
    world.seed = 4;
    world.density = 0.9;
    world.width_px = 256;
    world.height_px = 256;
    world.editions = {"1860", "1880"};
    world.error.max_shift_m = 5.0;
    const WorldSeriesReport report = WriteWorldSeries(
        world, folder_.Path(), Overwrite::kRefuse, quiet_.context);
    series_ = LoadSeries({report.sheets.begin(), report.sheets.end()}, {});
    // 64 windows: enough to be interrupted among them.
    options_.segment.window_px = 64;
    options_.segment.overlap_px = 32;
  }

  fs::path Path(const std::string& name) const { return folder_.Path() / name; }
  RunReport RunTo(const std::string& name, const RunOptions& options) {
    return pipelines::Run(series_, options, Path(name), Overwrite::kRefuse,
                          quiet_.context);
  }
  // Everything that is drawn and how it is called, without times and run ids.
  std::string Observations(const std::string& name) const {
    const db::Store store =
        db::Store::Open(Path(name), db::OpenMode::kReadOnly);
    db::QueryFilter filter;
    filter.layer = db::QueryLayer::kObservation;
    return RowsAsGeoJsonText(db::Query(store, filter), store);
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
  Series series_;
  RunOptions options_;
};

int64_t WindowsDone(const fs::path& path) {
  try {
    const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
    const std::vector<db::RunRow> runs = store.Runs();
    if (runs.empty()) return 0;
    const auto work = store.Work(runs.back().run_id, "segment");
    return std::count_if(work.begin(), work.end(),
                         [](const auto& row) { return row.done; });
  } catch (const Error&) {
    return 0;  // not made yet
  }
}

TEST_F(RunTest, InterruptedRunGoesOnToTheSameResult) {
  const RunReport whole = RunTo("whole.gpkg", options_);
  EXPECT_FALSE(whole.resumed);
  EXPECT_GT(whole.summary.observations, 0);

  Progress progress(ProgressMode::kNone);
  CancelToken cancel;
  RunContext context{progress, cancel};
  std::thread watcher([&] {
    for (int i = 0; i < 20'000 && WindowsDone(Path("part.gpkg")) < 1; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    cancel.Cancel();
  });
  const Error error = ErrorOf([&] {
    pipelines::Run(series_, options_, Path("part.gpkg"), Overwrite::kRefuse,
                   context);
  });
  watcher.join();
  EXPECT_EQ(error.Code(), ErrorCode::kInterrupted);
  const int64_t done = WindowsDone(Path("part.gpkg"));
  EXPECT_GE(done, 1);
  EXPECT_LT(done, 64);

  const RunReport rest = RunTo("part.gpkg", options_);
  EXPECT_TRUE(rest.resumed);
  EXPECT_EQ(rest.summary.run_id, whole.summary.run_id);
  EXPECT_EQ(Observations("part.gpkg"), Observations("whole.gpkg"));
}

TEST_F(RunTest, UnfinishedRunIsKeptFromOtherOptions) {
  db::Store store = Ingest(series_, options_.ingest, Path("p.gpkg"),
                           Overwrite::kRefuse, quiet_.context);
  // What a run with options of its own keeps right after ingestion.
  store.SetMeta("run_options", "{}");
  store.Close();
  const Error error = ErrorOf([&] { RunTo("p.gpkg", options_); });
  EXPECT_EQ(error.Code(), ErrorCode::kUsage);
  EXPECT_THAT(error.Message(), HasSubstr("p.gpkg"));
  EXPECT_THAT(error.Hint(), HasSubstr("--overwrite"));
}

TEST_F(RunTest, WhatCannotRunLeavesNothingBehind) {
  RunOptions options = options_;
  WriteText(Path("foreign.safetensors"), "this is no checkpoint");
  options.segment.checkpoint = Path("foreign.safetensors").string();
  const Error error = ErrorOf([&] { RunTo("p.gpkg", options); });
  EXPECT_EQ(error.Code(), ErrorCode::kDevice);
  EXPECT_THAT(error.Message(), HasSubstr("foreign.safetensors"));
  EXPECT_FALSE(fs::exists(Path("p.gpkg")));

  options = options_;
  options.segment.overlap_px = 60;
  EXPECT_EQ(ErrorOf([&] { RunTo("p.gpkg", options); }).Code(),
            ErrorCode::kUsage);
  EXPECT_FALSE(fs::exists(Path("p.gpkg")));
}

TEST_F(RunTest, StagesOneByOneGiveWhatRunGives) {
  options_.segment.window_px = 128;
  options_.segment.overlap_px = 64;
  RunTo("whole.gpkg", options_);
  db::Store store = Ingest(series_, options_.ingest, Path("stages.gpkg"),
                           Overwrite::kRefuse, quiet_.context);
  EXPECT_EQ(ErrorOf([&] {
              DeriveLineage(store, options_.lineage, quiet_.context);
            }).Code(),
            ErrorCode::kBadInput);
  Align(store, options_.align, quiet_.context);
  const SegmentReport segmented =
      Segment(store, options_.segment, quiet_.context);
  // The shifted sheets together are a little wider than one.
  EXPECT_EQ(segmented.windows, 16);
  EXPECT_EQ(segmented.windows_done_before, 0);
  DeriveLineage(store, options_.lineage, quiet_.context);
  store.Close();
  EXPECT_EQ(Observations("stages.gpkg"), Observations("whole.gpkg"));
}

}  // namespace
}  // namespace mapweave::pipelines
