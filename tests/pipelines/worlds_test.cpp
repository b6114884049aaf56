// SPDX-License-Identifier: MIT
#include "pipelines/worlds.h"

#include "core/atomic_file.h"
#include "db/check.h"
#include "fixture.h"
#include "pipelines/align.h"
#include "pipelines/ingest.h"
#include "pipelines/world_sheets.h"
#include "tracking/mask.h"

#include <algorithm>
#include <cmath>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

WorldSeriesOptions SmallTown() {
  WorldSeriesOptions options;
  options.seed = 11;
  options.width_px = 448;
  options.height_px = 416;
  options.editions = {"1860", "1880", "1900"};
  options.metres_per_px = 0.5;
  options.error.max_shift_m = 7.0;
  return options;
}

std::vector<fs::path> Paths(const WorldSeriesReport& report) {
  return {report.sheets.begin(), report.sheets.end()};
}

TEST(WorldSeries, TruthIsASoundProjectOfWhatWasWritten) {
  mapweave::testing::TempDir folder;
  QuietContext quiet;
  const WorldSeriesReport report = WriteWorldSeries(
      SmallTown(), folder.Path(), Overwrite::kRefuse, quiet.context);
  EXPECT_THAT(db::CheckStore(report.truth).problems, IsEmpty());
  const db::Store truth =
      db::Store::Open(report.truth, db::OpenMode::kReadOnly);
  EXPECT_EQ(static_cast<int64_t>(truth.Buildings().size()), report.buildings);
  EXPECT_EQ(static_cast<int64_t>(truth.Observations().size()),
            report.observations);
  EXPECT_GT(report.buildings, 10);
  EXPECT_GT(report.observations, report.buildings);
  EXPECT_THAT(LoadSeries(Paths(report), {}).Labels(),
              ::testing::ElementsAre("1860", "1880", "1900"));
}

// The sheets' content must be displaced by what the truth states: alignment,
// which sees the pixels alone, has to find the same shifts.
TEST(WorldSeries, AlignmentFindsTheShiftsOfTheTruth) {
  mapweave::testing::TempDir folder;
  QuietContext quiet;
  const WorldSeriesReport report = WriteWorldSeries(
      SmallTown(), folder.Path(), Overwrite::kRefuse, quiet.context);
  const db::Store truth =
      db::Store::Open(report.truth, db::OpenMode::kReadOnly);
  db::Store store =
      Ingest(LoadSeries(Paths(report), {}), {}, folder.File("p.gpkg"),
             Overwrite::kRefuse, quiet.context);
  const std::vector<EditionAlignment> found = Align(store, {}, quiet.context);
  const std::vector<db::EditionRow> editions = truth.Editions();
  ASSERT_EQ(found.size(), editions.size());
  const double tolerance_m = 0.6 * SmallTown().metres_per_px;
  double moved = 0.0;
  for (size_t t = 0; t < found.size(); ++t) {
    SCOPED_TRACE(found[t].edition);
    EXPECT_TRUE(found[t].aligned);
    EXPECT_NEAR(found[t].shift_x_m, *editions[t].shift_x_m, tolerance_m);
    EXPECT_NEAR(found[t].shift_y_m, *editions[t].shift_y_m, tolerance_m);
    moved += std::hypot(*editions[t].shift_x_m, *editions[t].shift_y_m);
  }
  // Else the test shows nothing.
  EXPECT_GT(moved, 4 * tolerance_m);
  EXPECT_EQ(*editions.back().shift_x_m, 0.0);
}

TEST(WorldSeries, OptionsThatMakeNoSenseAreRefused) {
  const auto refused = [](const std::function<void(WorldSeriesOptions&)>& set) {
    WorldSeriesOptions options = SmallTown();
    set(options);
    EXPECT_EQ(ErrorOf([&] { options.Validate(); }).Code(), ErrorCode::kUsage);
  };
  refused([](auto& o) { o.editions.clear(); });
  refused([](auto& o) { o.editions = {"1880", "1860"}; });
  refused([](auto& o) { o.editions = {"1880", "1880"}; });
  refused([](auto& o) { o.hands = {MapHands().front()}; });
  refused([](auto& o) { o.plan = "spiral"; });
  refused([](auto& o) { o.metres_per_px = 0.0; });
  refused([](auto& o) { o.metres_per_px = std::nan(""); });
  refused([](auto& o) { o.error.max_shift_m = -1.0; });
  refused([](auto& o) { o.error.max_shift_m = 101.0; });
  refused([](auto& o) { o.error.max_shift_m = std::nan(""); });
  refused([](auto& o) { o.error.affine = 0.2; });
  refused([](auto& o) { o.error.shrinkage = -0.01; });
  refused([](auto& o) { o.error.seam_m = 1e9; });
  refused([](auto& o) { o.distortion_m = 9.0; });
  refused([](auto& o) { o.hands = {"cadastre", "crayon", "outline"}; });
  refused([](auto& o) { o.resolutions = {1.0, 1.0}; });
  refused([](auto& o) { o.resolutions = {1.0, 1.0, 0.0}; });
  refused([](auto& o) { o.sheet_columns = 0; });
  refused([](auto& o) { o.sheet_rows = 1000; });
  refused([](auto& o) { o.missing_sheets = 0.5; });  // of one sheet each
  refused([](auto& o) {
    o.sheet_columns = 2;
    o.missing_sheets = 1.0;
  });
  refused([](auto& o) { o.tile_px = 8; });
  refused([](auto& o) { o.footprints.emplace(); });  // no fields named
}

// All but the project file, which says when it was made.
TEST(WorldSeries, SameOptionsGiveTheSameBytes) {
  WorldSeriesOptions options = SmallTown();
  options.sheet_columns = 2;
  options.error.affine = 0.01;
  options.frames = true;
  options.error_fields = true;
  options.tile_px = 256;
  mapweave::testing::TempDir folder;
  QuietContext quiet;
  for (const char* name : {"a", "b"}) {
    WriteWorldSeries(options, folder.Path() / name, Overwrite::kRefuse,
                     quiet.context);
  }
  int compared = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(folder.Path() / "a")) {
    if (!entry.is_regular_file() || entry.path().extension() == ".gpkg") {
      continue;
    }
    ++compared;
    const fs::path relative = fs::relative(entry.path(), folder.Path() / "a");
    EXPECT_EQ(ReadFile(entry.path()), ReadFile(folder.Path() / "b" / relative))
        << relative;
  }
  // 6 sheets, 3 fields, 4 tiles of 3 frames, 2 documents.
  EXPECT_EQ(compared, 6 + 3 + 12 + 2);
  const auto truth = [&](const char* name) {
    return db::Store::Open(folder.Path() / name / "truth.gpkg",
                           db::OpenMode::kReadOnly);
  };
  const std::vector<db::ObservationRow> a = truth("a").Observations();
  const std::vector<db::ObservationRow> b = truth("b").Observations();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].track_id, b[i].track_id);
    EXPECT_EQ(a[i].area_m2, b[i].area_m2);
  }
}

TEST(WorldSeries, AnotherSeedIsAnotherTown) {
  WorldSeriesOptions options = SmallTown();
  const WorldSeries one = PlanSeries(options);
  options.seed = 12;
  const WorldSeries other = PlanSeries(options);
  EXPECT_NE(one.world.buildings[0].footprint[0][0].shell,
            other.world.buildings[0].footprint[0][0].shell);
  EXPECT_FALSE(one.editions[0].sheets[0].nominal_from_true ==
               other.editions[0].sheets[0].nominal_from_true);
}

TEST(WorldSeries, SheetsCoverTheWindowAndLieAgainstEachOther) {
  WorldSeriesOptions options = SmallTown();
  options.sheet_columns = 3;
  options.sheet_rows = 2;
  options.sheet_overlap_m = 6.0;
  options.error.seam_m = 3.0;
  options.error.shrinkage = 0.01;
  options.error.affine = 0.01;
  const WorldSeries series = PlanSeries(options);
  for (const WorldEdition& edition : series.editions) {
    SCOPED_TRACE(edition.label);
    ASSERT_EQ(edition.sheets.size(), 6u);
    tracking::Mask covered;
    int64_t area = 0;
    double seams = 0.0;
    for (const WorldSheet& sheet : edition.sheets) {
      const auto part = tracking::Mask::FromPolygons({{sheet.Covered(), {}}});
      covered = covered.Union(part);
      area += part.Area();
      const Point2d middle{224.0, 208.0};
      const Point2d here = sheet.nominal_from_true.Apply(middle);
      const Point2d first = edition.sheets[0].nominal_from_true.Apply(middle);
      seams = std::max(seams, std::hypot(here.x - first.x, here.y - first.y));
    }
    EXPECT_EQ(covered.Clipped({0, 0, 448, 416}).Area(), 448 * 416);
    EXPECT_GT(area, covered.Area());  // they overlap
    EXPECT_GT(seams, 1.0);
  }
  // The newest edition as a whole lies where it should.
  EXPECT_NEAR(series.editions.back().shift.x, 0.0, 1e-9);
  EXPECT_NEAR(series.editions.back().shift.y, 0.0, 1e-9);
  EXPECT_GT(std::hypot(series.editions[0].shift.x, series.editions[0].shift.y),
            0.5);
}

TEST(WorldSeries, EverySheetHasTheResolutionOfItsEdition) {
  WorldSeriesOptions options = SmallTown();
  options.resolutions = {1.0, 0.25, 0.5};
  const WorldSeries series = PlanSeries(options);
  for (size_t t = 0; t < 3; ++t) {
    const WorldSheet& sheet = series.editions[t].sheets[0];
    const geo::Grid grid = sheet.GridIn(series.grid);
    EXPECT_DOUBLE_EQ(grid.resolution, options.resolutions[t]);
    EXPECT_NEAR(sheet.size.width, 448 * 0.5 / options.resolutions[t], 1.0);
  }
}

TEST(WorldSeries, ExistingFilesAreKept) {
  mapweave::testing::TempDir folder;
  QuietContext quiet;
  WriteText(folder.File("town_1880.tif"), "mine");
  const Error error = ErrorOf([&] {
    WriteWorldSeries(SmallTown(), folder.Path(), Overwrite::kRefuse,
                     quiet.context);
  });
  EXPECT_EQ(error.Code(), ErrorCode::kUsage);
  EXPECT_THAT(error.Message(), HasSubstr("town_1880.tif"));
  EXPECT_EQ(ReadFile(folder.File("town_1880.tif")), "mine");
  EXPECT_FALSE(fs::exists(folder.File("town_1860.tif")));
  EXPECT_FALSE(fs::exists(folder.File("truth.gpkg")));
}

}  // namespace
}  // namespace mapweave::pipelines
