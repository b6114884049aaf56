// SPDX-License-Identifier: MIT
#include "pipelines/sheet_dates.h"

#include "fixture.h"
#include "pipelines/building_states.h"
#include "pipelines/ingest.h"

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A square of 2 m with its west edge at `east_m`.
MultiPolygon HouseAt(double east_m) {
  const double x = 500000.0 + east_m;
  const double y = 5399990.0;
  return {{{{x, y}, {x + 2, y}, {x + 2, y + 2}, {x, y + 2}}, {}}};
}

class SheetDatesTest : public ::testing::Test {
 protected:
  SheetDatesTest() {
    WriteSheet(Path("west.tif"));
    WriteSheet(Path("east.tif"), "", 32.0);
    WriteSheet(Path("old_west.tif"));
    WriteSheet(Path("old_east.tif"), "", 32.0);
  }
  fs::path Path(const std::string& name) const { return folder_.Path() / name; }
  // `old` and `recent` are the inside of their lists of sheets.
  Project Ingested(const std::string& old, const std::string& recent) {
    WriteText(Path("s.toml"),
              "[[edition]]\nlabel = \"old\"\ndate = \"1850\"\n"
              "sheets = [" +
                  old +
                  "]\n"
                  "[[edition]]\nlabel = \"new\"\n"
                  "date = \"1880/1890\"\nsheets = [" +
                  recent + "]\n");
    const db::Store store =
        Ingest(LoadSeries({Path("s.toml")}, {}), {}, Path("p.gpkg"),
               Overwrite::kAllow, quiet_.context);
    return LoadProject(store);
  }
  static std::vector<std::string> TextsAt(const SheetDates& dates,
                                          const MultiPolygon& place) {
    std::vector<std::string> texts;
    for (const DateRange& date : dates.At({place})) texts.push_back(date.edtf);
    return texts;
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
};

TEST_F(SheetDatesTest, PlaceHasTheDateOfTheSheetThatCoversIt) {
  const SheetDates dates(Ingested(
      R"("old_west.tif", "old_east.tif")",
      R"({path = "west.tif", date = "1882"}, {path = "east.tif", date = "1889"})"));
  EXPECT_THAT(TextsAt(dates, HouseAt(10)), ElementsAre("1850", "1882"));
  EXPECT_THAT(TextsAt(dates, HouseAt(50)), ElementsAre("1850", "1889"));
  // Across the seam, from the first day of either to the last of either.
  EXPECT_THAT(TextsAt(dates, HouseAt(31)), ElementsAre("1850", "1882/1889"));
  // Beyond both: there is only the edition's.
  EXPECT_THAT(TextsAt(dates, HouseAt(90)), ElementsAre("1850", "1880/1890"));
}

TEST_F(SheetDatesTest, OneDateOfAllSheetsWinsOverTheEditions) {
  const SheetDates dates(
      Ingested(R"("old_west.tif")", R"({path = "west.tif", date = "1884"})"));
  EXPECT_THAT(TextsAt(dates, HouseAt(10)), ElementsAre("1850", "1884"));
}

TEST_F(SheetDatesTest, SheetsMoveWithWhatAlignmentFound) {
  Project project = Ingested(
      R"("old_west.tif", "old_east.tif")",
      R"({path = "west.tif", date = "1882"}, {path = "east.tif", date = "1889"})");
  project.editions[1].displacement = DisplacementField::Constant({10.0, 0.0});
  const SheetDates dates(project);
  EXPECT_THAT(TextsAt(dates, HouseAt(38)), ElementsAre("1850", "1882"));
}

TEST_F(SheetDatesTest, SheetsOfOnePlaceMustFollowTheOrderOfTheEditions) {
  const Error error = ErrorOf([&] {
    Ingested(R"({path = "old_west.tif", date = "1895"}, "old_east.tif")",
             R"("west.tif", "east.tif")");
  });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("old_west.tif"));
  EXPECT_FALSE(fs::exists(Path("p.gpkg")));
  // Elsewhere it does not matter: no place sees both.
  EXPECT_NO_THROW(
      Ingested(R"("old_west.tif", {path = "old_east.tif", date = "1895"})",
               R"("west.tif")"));
}

TEST(BuildingStates, SurveyOfUnknownBeginningShowsWhatStoodAtItsEnd) {
  const auto sight = [](const char* date,
                        std::vector<tracking::LineageKind> kinds) {
    return BuildingSight{date, ParseDateRange(date), HouseAt(0),
                         std::move(kinds)};
  };
  const geo::GroundMeasure ground(geo::Crs::FromUserInput("EPSG:25832"));
  const auto states = BuildingStates(
      "t",
      {sight("../1880", {}), sight("1898", {tracking::LineageKind::kEnlarge})},
      ground);
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].start_date, (Date{1880, 12, 31}));
  EXPECT_EQ(states[0].end_date, (Date{1897, 12, 31}));
  EXPECT_EQ(states[1].start_date, (Date{1898, 1, 1}));
}

}  // namespace
}  // namespace mapweave::pipelines
