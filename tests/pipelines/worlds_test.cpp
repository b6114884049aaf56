// SPDX-License-Identifier: MIT
#include "pipelines/worlds.h"

#include "db/check.h"
#include "fixture.h"
#include "pipelines/align.h"
#include "pipelines/ingest.h"

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
  EXPECT_THAT(LoadSeries(Paths(report), {}).Editions(),
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
