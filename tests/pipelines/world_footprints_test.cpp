// SPDX-License-Identifier: MIT
//
// Real buildings with their life spans: which editions they stand on, where
// they come to lie, and files that cannot be used.
#include "pipelines/world_footprints.h"

#include "core/json.h"
#include "db/check.h"
#include "db/store.h"
#include "fixture.h"
#include "geo/polygon_ops.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FootprintsTest : public ::testing::Test {
 protected:
  // A house of 20 x 15 m at (x, y) m from a corner in Utrecht, EPSG:28992.
  static std::string House(double x, double y, const std::string& start,
                           const std::string& end) {
    const double left = 136000.0 + x;
    const double bottom = 456000.0 + y;
    return fmt::format(
        R"({{"type":"Feature","properties":{{"from":{},"to":{}}},)"
        R"("geometry":{{"type":"Polygon","coordinates":[[[{},{}],[{},{}],)"
        R"([{},{}],[{},{}],[{},{}]]]}}}})",
        start, end, left, bottom, left + 20, bottom, left + 20, bottom + 15,
        left, bottom + 15, left, bottom);
  }
  WorldSeriesOptions Options(const std::vector<std::string>& features,
                             const std::string& crs = "EPSG::28992") const {
    WriteText(folder_.File("houses.geojson"),
              fmt::format(R"({{"type":"FeatureCollection","crs":{{"type":)"
                          R"("name","properties":{{"name":)"
                          R"("urn:ogc:def:crs:{}"}}}},"features":[{}]}})",
                          crs, fmt::join(features, ",\n")));
    WorldSeriesOptions options;
    options.seed = 5;
    options.editions = {"1850", "1870", "1890"};
    options.footprints.emplace();
    options.footprints->path = folder_.File("houses.geojson");
    options.footprints->start_field = "from";
    options.footprints->end_field = "to";
    return options;
  }
  static std::string FaultOf(const WorldSeriesOptions& options) {
    const Error error = ErrorOf([&] { ReadRealTown(options); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr(options.footprints->path));
    return error.Message() + " | " + error.Hint();
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
};

TEST_F(FootprintsTest, BothEndsOfALifeCountAndNullsAreOpen) {
  const RealTown town = ReadRealTown(
      Options({House(0, 0, "1870", "1889"), House(40, 0, "null", "1850"),
               House(80, 0, "1871", "null"), House(120, 0, "null", "null"),
               House(160, 0, "\"1860-05\"", "\"1870\""),
               House(200, 0, "1851", "1869"), House(240, 0, "1900", "null")}));
  std::vector<std::vector<bool>> stands;
  for (const synth::FootprintLife& life : town.lives) {
    stands.push_back(life.stands);
  }
  EXPECT_THAT(stands, ElementsAre(ElementsAre(false, true, false),
                                  ElementsAre(true, false, false),
                                  ElementsAre(false, false, true),
                                  ElementsAre(true, true, true),
                                  ElementsAre(false, true, false)));
  EXPECT_EQ(town.counts.taken, 7);
  EXPECT_EQ(town.counts.standing, 5);
  EXPECT_EQ(town.counts.unknown_starts, 2);
  EXPECT_EQ(town.counts.unknown_ends, 3);
}

TEST_F(FootprintsTest, WindowHoldsTheBuildingsAtTheGivenScale) {
  WorldSeriesOptions options =
      Options({House(0, 0, "1800", "1900"), House(101, 52, "1800", "1900")});
  options.metres_per_px = 0.5;
  options.footprints->margin_px = 30;
  const RealTown town = ReadRealTown(options);
  EXPECT_EQ(town.grid.crs.Label(), "EPSG:28992");
  EXPECT_NEAR(town.grid.PixelMetres(), 0.5, 1e-6);
  // 121 x 67 m, and 30 pixels on every side.
  EXPECT_NEAR(static_cast<double>(town.grid.width), 242 + 60, 1);
  EXPECT_NEAR(static_cast<double>(town.grid.height), 134 + 60, 1);
  const Box first = geo::Bounds(town.lives[0].outline);
  EXPECT_NEAR(first.min_x, 30.5, 0.51);
  EXPECT_NEAR(first.max_x - first.min_x, 40.0, 0.01);
  EXPECT_NEAR(first.max_y, 30 + 134, 1.01);
}

TEST_F(FootprintsTest, DegreesAreBroughtToAMetricGrid) {
  WorldSeriesOptions options = Options({});
  WriteText(options.footprints->path,
            R"({"type":"FeatureCollection","features":[{"type":"Feature",)"
            R"("properties":{"from":1800,"to":null},"geometry":{"type":)"
            R"("Polygon","coordinates":[[[5.1,52.1],[5.1003,52.1],)"
            R"([5.1003,52.1002],[5.1,52.1002],[5.1,52.1]]]}}]})");
  const RealTown town = ReadRealTown(options);
  EXPECT_EQ(town.grid.crs.Label(), "EPSG:32631");
  const Box box = geo::Bounds(town.lives[0].outline);
  // 0.0003 degrees at 52 degrees north.
  EXPECT_NEAR(box.max_x - box.min_x, 20.5, 0.7);
}

TEST_F(FootprintsTest, BoxTakesBuildingsByTheirMiddle) {
  WorldSeriesOptions options =
      Options({House(0, 0, "null", "null"), House(40, 0, "null", "null"),
               House(80, 0, "null", "null")});
  options.footprints->bbox = Box{136005.0, 456000.0, 136055.0, 456100.0};
  const RealTown town = ReadRealTown(options);
  EXPECT_EQ(town.counts.taken, 2);
  options.footprints->bbox = Box{0.0, 0.0, 1.0, 1.0};
  EXPECT_THAT(FaultOf(options), HasSubstr("EPSG:28992"));
}

TEST_F(FootprintsTest, FilesThatCannotBeUsedAreNamed) {
  const std::string house = House(0, 0, "1800", "1900");
  WorldSeriesOptions options = Options({house});
  options.footprints->start_field = "built";
  EXPECT_THAT(FaultOf(options), HasSubstr("no field \"built\""));
  EXPECT_THAT(FaultOf(options), HasSubstr("from, to"));
  EXPECT_THAT(FaultOf(Options({House(0, 0, "\"ca. 1850\"", "1900")})),
              HasSubstr("record 1: \"ca. 1850\" in field \"from\""));
  EXPECT_THAT(FaultOf(Options({house, House(40, 0, "1900", "1800")})),
              HasSubstr("record 2 ends (1800) before it starts (1900)"));
  EXPECT_THAT(FaultOf(Options({House(0, 0, "1900", "null")})),
              HasSubstr("no building stands"));
  options = Options({house, House(300000, 0, "1800", "1900")});
  EXPECT_THAT(FaultOf(options), HasSubstr("--metres-per-px"));
  options = Options({});
  EXPECT_THAT(FaultOf(options), HasSubstr("houses.geojson"));
  options.footprints->path = folder_.File("gone.gpkg");
  EXPECT_THAT(FaultOf(options), HasSubstr("no such file"));
  // A table of texts has no CRS.
  options.footprints->path = folder_.File("houses.csv");
  WriteText(options.footprints->path,
            "from,to,WKT\n1800,1900,\"POLYGON((0 0,20 0,20 15,0 15))\"\n");
  EXPECT_THAT(FaultOf(options), HasSubstr("coordinate reference system"));
}

TEST_F(FootprintsTest, RealBuildingsAreTheTruth) {
  WorldSeriesOptions options =
      Options({House(0, 0, "1800", "1869"), House(0, 0, "1871", "1950"),
               House(60, 0, "null", "null"), House(120, 0, "1880", "null")});
  options.distortion_m = 0.0;
  options.error.max_shift_m = 0.0;
  const WorldSeriesReport report = WriteWorldSeries(
      options, folder_.Path() / "town", Overwrite::kRefuse, quiet_.context);
  EXPECT_THAT(db::CheckStore(report.truth).problems, IsEmpty());
  EXPECT_EQ(report.footprints.standing, 4);
  const db::Store truth =
      db::Store::Open(report.truth, db::OpenMode::kReadOnly);
  std::map<std::string, int> on_edition;
  for (const db::ObservationRow& row : truth.Observations()) {
    ++on_edition[row.edition];
    EXPECT_NEAR(row.area_m2, 300.0, 3.0);
    const Box box = geo::Bounds(row.geometry);
    const double x = std::fmod(box.min_x - 136000.0 + 10.0, 60.0) - 10.0;
    EXPECT_NEAR(x, 0.0, 3.0);
    EXPECT_NEAR(box.min_y, 456000.0, 3.0);
  }
  EXPECT_EQ(on_edition["1850"], 2);
  EXPECT_EQ(on_edition["1870"], 1);
  EXPECT_EQ(on_edition["1890"], 3);
  int open = 0;
  for (const db::BuildingRow& row : truth.Buildings()) {
    open += row.gone_by ? 0 : 1;
  }
  EXPECT_EQ(open, 3);
}

// The file as it comes.
TEST_F(FootprintsTest, AmsterdamIsDrawnOnAnyNumberOfEditions) {
  const char* data = std::getenv("MAPWEAVE_DATA");
  const fs::path file = fs::path(data != nullptr ? data : MAPWEAVE_DATA) /
                        "amsterdam" / "buildings_pqr_epsg28992.geojson";
  if (!fs::exists(file)) {
    GTEST_SKIP() << file << " is absent; set MAPWEAVE_DATA";
  }
  WorldSeriesOptions options;
  options.seed = 3;
  options.editions = {"1850", "1900", "1925", "1950", "1970", "1990"};
  options.footprints.emplace();
  options.footprints->path = file.string();
  options.footprints->start_field = "start";
  options.footprints->end_field = "end";
  const WorldSeriesReport report = WriteWorldSeries(
      options, folder_.Path(), Overwrite::kRefuse, quiet_.context);
  EXPECT_THAT(db::CheckStore(report.truth).problems, IsEmpty());
  EXPECT_EQ(report.footprints.taken, 1066);
  EXPECT_EQ(report.footprints.unknown_starts, 950);
  EXPECT_EQ(report.footprints.unknown_ends, 210);
  EXPECT_THAT(report.sheets, SizeIs(6));
  // Most were pulled down in the 1960s.
  EXPECT_GT(report.editions[0].observations, 700);
  EXPECT_LT(report.editions[5].observations, 400);
}

}  // namespace
}  // namespace mapweave::pipelines
