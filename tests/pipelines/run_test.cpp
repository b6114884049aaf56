// SPDX-License-Identifier: MIT
//
// The whole flow on a series of 256 x 256 px with many small windows.
#include "pipelines/run.h"

#include "db/check.h"
#include "db/query.h"
#include "fixture.h"
#include "geo/polygon_ops.h"
#include "pipelines/export.h"
#include "pipelines/project.h"
#include "pipelines/worlds.h"

#include <fmt/format.h>

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

TEST(MixedDates, ABuildingIsDatedByTheSheetThatShowsIt) {
  const mapweave::testing::TempDir folder;
  QuietContext quiet;
  WorldSeriesOptions world;
  world.seed = 4;
  world.width_px = world.height_px = 384;
  world.editions = {"1860", "1880"};
  world.hands = {"cadastre", "carmine"};
  world.change = 0.5;
  world.sheet_columns = 2;
  world.error.max_shift_m = world.error.seam_m = 0.0;
  const WorldSeriesReport made =
      WriteWorldSeries(world, folder.Path(), Overwrite::kRefuse, quiet.context);
  const auto& sheets = made.sheets;
  ASSERT_EQ(sheets.size(), 4u);
  const auto name = [&](size_t i) {
    return fs::path(sheets[i]).filename().string();
  };
  // The western half of the earlier survey was drawn a year later than the
  // rest, that of the later one four years earlier.
  WriteText(folder.File("series.toml"),
            fmt::format("[[edition]]\ndate = \"1860\"\nsheets = [\n"
                        "{{ path = \"{}\", date = \"1861-05\" }}, \"{}\"]\n"
                        "[[edition]]\nlabel = \"second\"\nsheets = [\n"
                        "{{ path = \"{}\", date = \"1878\" }},\n"
                        "{{ path = \"{}\", date = \"1882\" }}]\n",
                        name(0), name(1), name(2), name(3)));
  const fs::path project = folder.File("p.gpkg");
  RunOptions options;
  options.segment.window_px = 256;
  options.segment.overlap_px = 64;
  pipelines::Run(LoadSeries({folder.File("series.toml")}, {}), options, project,
                 Overwrite::kRefuse, quiet.context);

  const db::Store store = db::Store::Open(project, db::OpenMode::kReadOnly);
  const Box extent = FindIngestRecord(store)->grid.Extent();
  const double middle = 0.5 * (extent.min_x + extent.max_x);
  int west = 0;
  int east = 0;
  for (const db::BuildingRow& building : store.Buildings()) {
    if (building.first_edition != "second") continue;
    const Box box =
        geo::Bounds(store.ObservationsOf(building.track_id).front().geometry);
    ASSERT_TRUE(building.built_by.has_value());
    if (box.max_x < middle - 8.0) {
      EXPECT_EQ(building.built_by->ToString(), "1878-12-31");
      EXPECT_EQ(building.built_after->ToString(), "1861-05-01");
      ++west;
    } else if (box.min_x > middle + 8.0) {
      EXPECT_EQ(building.built_by->ToString(), "1882-12-31");
      EXPECT_EQ(building.built_after->ToString(), "1860-01-01");
      ++east;
    }
  }
  EXPECT_GT(west, 0);
  EXPECT_GT(east, 0);
  EXPECT_THAT(db::CheckStore(project).problems, ::testing::IsEmpty());
}

}  // namespace
}  // namespace mapweave::pipelines
