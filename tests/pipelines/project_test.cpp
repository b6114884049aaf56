// SPDX-License-Identifier: MIT
//
// A project notices when the files that it was made of change.
#include "pipelines/project.h"

#include "fixture.h"
#include "pipelines/ingest.h"

#include <regex>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kPoints[] =
    "mapX,mapY,sourceX,sourceY,enable\n500000,5400000,0,0,1\n"
    "500032,5400000,32,0,1\n500032,5399968,32,-32,1\n"
    "500000,5399968,0,-32,1\n";
constexpr char kCutline[] =
    R"({"type":"Polygon","coordinates":[[[8.9,48.7],[9.1,48.7],[9.1,48.8],)"
    R"([8.9,48.8],[8.9,48.7]]]})";

class ProjectTest : public ::testing::Test {
 protected:
  fs::path Path(const std::string& name) const { return folder_.Path() / name; }
  db::Store Ingested(const SheetSettings& settings) {
    WriteSheet(Path("a.tif"));
    SeriesOptions options;
    options.editions = {"1882"};
    for (const char* key : {"gcps", "cutline", "crs"}) {
      if (settings.Get(key).empty()) continue;
      options.settings.push_back(
          {key, Path("a.tif").string() + "=" + settings.Get(key)});
    }
    return Ingest(LoadSeries({Path("a.tif")}, options), {}, Path("p.gpkg"),
                  Overwrite::kAllow, quiet_.context);
  }

 private:
  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
};

void ExpectRefused(const db::Store& store) {
  try {
    RequireUnchangedSheets(store);
    ADD_FAILURE() << "the change is not noticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(),
                AllOf(HasSubstr("a.tif"), HasSubstr("has changed")));
  }
}

TEST_F(ProjectTest, NoticesOtherControlPointsAndCutlines) {
  WriteText(Path("a.points"), kPoints);
  WriteText(Path("cut.geojson"), kCutline);
  SheetSettings settings;
  settings.gcps = Path("a.points");
  settings.cutline = Path("cut.geojson");
  settings.crs = "EPSG:25832";
  const db::Store store = Ingested(settings);
  RequireUnchangedSheets(store);
  const std::string moved =
      std::regex_replace(kPoints, std::regex("500032"), "500064");
  WriteText(Path("a.points"), moved);
  ExpectRefused(store);
  WriteText(Path("a.points"), kPoints);
  RequireUnchangedSheets(store);
  WriteText(Path("cut.geojson"), std::string(kCutline) + "\n");
  ExpectRefused(store);
}

TEST_F(ProjectTest, NoticesAPlaceThatComesBesideTheSheet) {
  const db::Store store = Ingested({});
  RequireUnchangedSheets(store);
  // PAM's word goes before the TIFF's own.
  WriteText(Path("a.tif.aux.xml"),
            "<PAMDataset><GeoTransform> 500010, 1, 0, 5400000, 0, -1"
            "</GeoTransform></PAMDataset>");
  ExpectRefused(store);
}

TEST_F(ProjectTest, FilesOfBeforeSayNothingOfTheAids) {
  db::Store store = Ingested({});
  db::SheetRow row = store.Sheets().at(0);
  ASSERT_EQ(row.aids_sha256, "");
  row.aids_sha256 = std::nullopt;
  store.SaveSheet(row);
  WriteText(Path("a.tif.aux.xml"),
            "<PAMDataset><GeoTransform> 500010, 1, 0, 5400000, 0, -1"
            "</GeoTransform></PAMDataset>");
  RequireUnchangedSheets(store);
}

}  // namespace
}  // namespace mapweave::pipelines
