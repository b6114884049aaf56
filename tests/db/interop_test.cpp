// SPDX-License-Identifier: MIT
//
// Other programs read project files, and files of other programs are told
// apart. What is not installed or not there is skipped, visibly.
#include "core/atomic_file.h"
#include "db/check.h"
#include "db/store.h"
#include "fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdio.h>
#include <string>
#include <sys/wait.h>

namespace mapweave::db {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Output {
  int status = -1;
  std::string text;  // stdout and stderr
};

Output Shell(const std::string& command) {
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  size_t count = 0;
  while ((count = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output.text.append(buffer, count);
  }
  output.status = WEXITSTATUS(pclose(pipe));
  return output;
}

bool HasProgram(const std::string& name) {
  return Shell("command -v " + name).status == 0;
}

class GdalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasProgram("ogrinfo")) GTEST_SKIP() << "ogrinfo is not installed";
    Store store = TinyProject(path_);
    SheetRow sheet;
    sheet.path = "a.tif";
    sheet.sha256 = "0";
    sheet.edition = "1860";
    sheet.crs = "EPSG:2056";
    sheet.georef = "affine";
    sheet.footprint = Rectangle(0, 0, 400, 100);
    store.SaveSheet(sheet);
  }

  TempDir folder_;
  fs::path path_ = folder_ / "p.gpkg";
};

TEST_F(GdalTest, EveryLayerOpensWithoutComplaint) {
  const Output output = Shell("ogrinfo -ro -al -so " + path_.string());
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.text,
              AllOf(Not(HasSubstr("ERROR")), Not(HasSubstr("Warning"))));
  for (const char* layer :
       {"sheet", "observation", "building_state", "edition", "building",
        "lineage", "run", "work", "model", "experiment", "review"}) {
    EXPECT_THAT(output.text,
                HasSubstr(std::string("Layer name: ") + layer + "\n"));
  }
  EXPECT_THAT(output.text, Not(HasSubstr("mapweave_meta")));
}

TEST_F(GdalTest, LayersHaveTheirTypesAndCrs) {
  const Output output =
      Shell("ogrinfo -ro -so " + path_.string() + " building_state");
  EXPECT_THAT(
      output.text,
      AllOf(HasSubstr("Geometry: Multi Polygon"), HasSubstr("Feature Count: 7"),
            HasSubstr("Extent: (0.000000, 0.000000) - (330.000000, "
                      "10.000000)"),
            HasSubstr("start_date: Date"), HasSubstr("end_date: Date"),
            HasSubstr("ID[\"EPSG\",2056]")));
}

TEST_F(GdalTest, EveryFeatureIsRead) {
  const Output output = Shell("ogrinfo -ro -al " + path_.string());
  EXPECT_THAT(output.text,
              AllOf(Not(HasSubstr("ERROR")), Not(HasSubstr("Warning")),
                    HasSubstr("MULTIPOLYGON (((300 0,314 0,314 10,300 10,300 "
                              "0)))"),
                    HasSubstr("end_date (Date) = 1899/12/31"),
                    HasSubstr("aligned (Integer(Boolean)) = 0")));
}

TEST_F(GdalTest, SpatialFilterUsesTheRtree) {
  const Output output = Shell("ogrinfo -ro -q -spat 195 0 199 5 " +
                              path_.string() + " observation");
  EXPECT_THAT(output.text, Not(HasSubstr("track_id (String)")));
  EXPECT_THAT(Shell("ogrinfo -ro -q -spat 195 0 205 5 " + path_.string() +
                    " observation")
                  .text,
              HasSubstr("track_id (String) = C"));
}

// As somebody does who corrects an outline in QGIS.
TEST_F(GdalTest, EditsKeepTheFileSound) {
  const Output output =
      Shell("ogrinfo -q " + path_.string() +
            " -sql \"UPDATE building SET confidence = 1 WHERE track_id = "
            "'A'\"");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(CheckStore(path_).problems, IsEmpty());
  EXPECT_EQ(
      Store::Open(path_, OpenMode::kReadOnly).FindBuilding("A")->confidence,
      1.0);
}

TEST(Fixtures, ForeignGeoPackagesAreRefusedCleanly) {
  const char* from_environment = std::getenv("MAPWEAVE_DATA");
  const fs::path folder =
      fs::path(from_environment ? from_environment : MAPWEAVE_DATA) /
      "gpkg_fixtures";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no " << folder;
  TempDir copies;
  int files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".gpkg") continue;
    ++files;
    SCOPED_TRACE(entry.path().filename().string());
    const fs::path path = copies / entry.path().filename().string();
    fs::copy_file(entry.path(), path);
    const std::string before = ReadFile(path);
    for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite}) {
      const Error error = ErrorOf([&] { Store::Open(path, mode); });
      EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
      EXPECT_THAT(error.Message(), HasSubstr("not a project of mapweave"));
    }
    EXPECT_FALSE(CheckStore(path).IsSound());
    EXPECT_TRUE(ReadFile(path) == before) << "the file was changed";
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace mapweave::db
