// SPDX-License-Identifier: MIT
//
// Sheets by all the ways in which users name them, through the program.
#include "core/atomic_file.h"
#include "geo/geotiff_writer.h"
#include "program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CatalogueCommand : public ::testing::Test {
 protected:
  CatalogueCommand() {
    fs::create_directory(folder_.Path() / "maps");
    for (const char* name : {"town_1882.tif", "town_1898.tif"}) {
      geo::Grid grid;
      grid.crs = geo::Crs::FromUserInput("EPSG:25832");
      grid.origin_x = 500000.0;
      grid.origin_y = 5400000.0;
      grid.width = 64;
      grid.height = 64;
      geo::WriteGeoTiff(folder_.Path() / "maps" / name, ImageU8(64, 64, 3, 200),
                        grid);
    }
  }
  std::string File(const std::string& name) const { return folder_.File(name); }
  Outcome Ingest(const std::vector<std::string>& inputs,
                 std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"ingest"};
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    arguments.insert(arguments.end(),
                     {"-o", File("p.gpkg"), "--json", "--overwrite"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Mapweave(arguments);
  }

  mapweave::testing::TempDir folder_;
};

TEST_F(CatalogueCommand, IngestSaysWhatItUnderstoodOfEachSheet) {
  const Outcome outcome = Ingest({File("maps")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json document = JsonOf(outcome);
  ASSERT_EQ(document["sheets"].size(), 2u);
  const Json& sheet = document["sheets"][0];
  EXPECT_EQ(sheet["path"], "maps/town_1882.tif");
  EXPECT_EQ(sheet["date"], "1882");
  EXPECT_EQ(sheet["date_source"], "file name");
  EXPECT_EQ(sheet["crs"], "EPSG:25832");
  EXPECT_EQ(sheet["georef"], "affine");
  EXPECT_TRUE(sheet["rmse_m"].is_null());
  EXPECT_EQ(sheet["crs_pipeline"], "");
  EXPECT_EQ(sheet["crs_accuracy_m"], 0.0);
  EXPECT_THAT(outcome.err, HasSubstr("town_1882.tif"));
  EXPECT_THAT(outcome.err, HasSubstr("1882 (as its name says)"));
}

TEST_F(CatalogueCommand, WritesEachFormatAndReadsItBack) {
  for (const char* output : {"list.csv", "list.toml", "stac"}) {
    SCOPED_TRACE(output);
    const Outcome written =
        Mapweave({"catalogue", File("maps"), "-o", File(output), "--json"});
    ASSERT_EQ(written.code, 0) << written.err;
    EXPECT_EQ(JsonOf(written)["editions"], Json::array({"1882", "1898"}));
    const Outcome outcome = Ingest({File(output)});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(JsonOf(outcome)["sheets"][1]["path"], "maps/town_1898.tif");
  }
  EXPECT_EQ(ReadFile(File("list.csv")),
            "path,date,edition\nmaps/town_1882.tif,1882,1882\n"
            "maps/town_1898.tif,1898,1898\n");
}

TEST_F(CatalogueCommand, OptionsOfSheetsAreTakenOneByOne) {
  const std::string first = File("maps/town_1882.tif");
  const std::string second = File("maps/town_1898.tif");
  const Outcome outcome = Ingest({"--crs", "EPSG:25833", "--crs",
                                  "town_1898.tif=EPSG:25832", first, second},
                                 {"--grid-crs", "EPSG:25832"});
  // A zone apart: the sheets do not overlap any more.
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err + outcome.out, HasSubstr("does not overlap"));
  EXPECT_EQ(Ingest({first, second}, {"--gcps", "x.points"}).code, 2);
}

TEST_F(CatalogueCommand, SheetsInArchivesAreReadInPlace) {
  const Outcome zipped = RunTool(
      "python3", {"-m", "zipfile", "-c", File("maps.zip"),
                  File("maps/town_1882.tif"), File("maps/town_1898.tif")});
  if (zipped.code == 127) GTEST_SKIP() << "python3 is not installed";
  ASSERT_EQ(zipped.code, 0) << zipped.err;
  const std::string zip = "/vsizip/" + File("maps.zip");
  for (const std::vector<std::string>& inputs :
       {std::vector<std::string>{zip},
        {zip + "/town_1882.tif", zip + "/town_1898.tif"}}) {
    const Outcome outcome = Ingest(inputs);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(JsonOf(outcome)["sheets"][0]["path"], zip + "/town_1882.tif");
  }
  EXPECT_EQ(Mapweave({"info", zip + "/town_1882.tif"}).code, 0);
  const Outcome gone = Mapweave({"info", zip + "/gone.tif"});
  EXPECT_EQ(gone.code, 3);
  EXPECT_THAT(gone.err, HasSubstr("gone.tif' does not exist"));
  // The project opens them again.
  EXPECT_EQ(Mapweave({"catalogue", File("p.gpkg"), "-o", File("zip.csv")}).code,
            0);
  EXPECT_THAT(ReadFile(File("zip.csv")), HasSubstr(zip + "/town_1898.tif,"));
}

TEST_F(CatalogueCommand, NetworkIsUsedOnlyWhenItIsNamed) {
  ASSERT_EQ(
      Mapweave({"catalogue", File("maps"), "-o", File("stac"), "--cogs"}).code,
      0);
  setenv("NO_PROXY", "127.0.0.1", 1);
  Program server("python3", {MAPWEAVE_RANGE_SERVER, folder_.Path().string()});
  if (!server.AwaitErrorText(" .\n")) GTEST_SKIP() << "no python3";
  std::smatch port;
  const std::string said = server.ErrorText();
  ASSERT_TRUE(std::regex_search(said, port, std::regex("port (\\d+)")));
  const std::string root = "http://127.0.0.1:" + port[1].str();

  // Links of a catalogue on this machine, however they are written.
  for (const std::string& href :
       {root, "/vsicurl/" + root, "%2Fvsicurl%2F" + root,
        "/vsigzip//vsicurl/" + root, std::string("/vsis3/bucket")}) {
    SCOPED_TRACE(href);
    std::ofstream(File("local.json"))
        << R"({"type":"Catalog","links":[{"rel":"child","href":")" << href
        << R"(/stac/collection.json"}]})";
    const Outcome local = Ingest({File("local.json")});
    EXPECT_EQ(local.code, 3);
    EXPECT_THAT(local.out, HasSubstr("The network is not used unless"));
  }
  // A raster on this machine whose pixels lie elsewhere.
  const std::string sheet = "/vsicurl/" + root + "/maps/town_1882.tif";
  for (const char* more :
       {"", R"(<SourceProperties RasterXSize="64" RasterYSize="64"
               DataType="Byte" BlockXSize="64" BlockYSize="64"/>)"}) {
    std::ofstream(File("far_1882.vrt"))
        << R"(<VRTDataset rasterXSize="64" rasterYSize="64">
<SRS>EPSG:25832</SRS><GeoTransform>500000,1,0,5400000,0,-1</GeoTransform>
<VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename relativeToVRT="0">)"
        << sheet << "</SourceFilename><SourceBand>1</SourceBand>" << more
        << "</SimpleSource></VRTRasterBand></VRTDataset>";
    const Outcome local = Mapweave({"info", File("far_1882.vrt")});
    EXPECT_EQ(local.code, 3) << local.out;
    EXPECT_THAT(local.err, HasSubstr("The network is not used unless"));
  }
  EXPECT_EQ(server.ErrorText(), said);

  const Outcome remote = Ingest({root + "/stac/collection.json"});
  EXPECT_EQ(remote.code, 0) << remote.err;
  EXPECT_EQ(JsonOf(remote)["sheets"][0]["path"],
            "/vsicurl/" + root + "/stac/town_1882/town_1882.tif");
  // A table or a series file is written by hand: its paths are named.
  std::ofstream(File("far.csv")) << "path,date\n"
                                 << root << "/maps/town_1882.tif,1882\n";
  EXPECT_EQ(Ingest({File("far.csv")}).code, 0);
  EXPECT_EQ(Mapweave({"info", root + "/maps/town_1882.tif"}).code, 0);
  // No folder was listed on the way.
  EXPECT_THAT(server.ErrorText(), HasSubstr("town_1882.tif HTTP"));
  EXPECT_THAT(server.ErrorText(), Not(HasSubstr("/ HTTP")));
  server.Signal(SIGTERM);
  server.Wait();
}

}  // namespace
}  // namespace mapweave::cli
