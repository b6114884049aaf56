// SPDX-License-Identifier: MIT
//
// A finished project: asked, exported, measured, checked.
#include "core/atomic_file.h"
#include "program.h"
#include "small_series.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class FinishedProject : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.File(name); }
  Json Features(std::vector<std::string> filters) const {
    filters.insert(filters.begin(), {"query", project_});
    filters.push_back("--json");
    const Outcome outcome = Mapweave(filters);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return JsonOf(outcome).at("features");
  }
  const SmallSeries& small_ = SmallSeries::Get();
  const std::string project_ = small_.Project();

 private:
  mapweave::testing::TempDir folder_;
};

int64_t Lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

TEST_F(FinishedProject, QueryAnswersAsTableCsvAndGeoJsonAlike) {
  const std::vector<std::string> ask = {"query", project_, "--at", "1880"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), ask.begin(), ask.end());
    return Mapweave(more);
  };
  const size_t rows = Features({"--at", "1880"}).size();
  EXPECT_GT(rows, 0u);
  const Outcome csv = with({"--format", "csv"});
  EXPECT_EQ(csv.code, 0);
  EXPECT_THAT(csv.out, StartsWith("track_id,edition,"));
  EXPECT_EQ(Lines(csv.out), static_cast<int64_t>(rows) + 1);
  EXPECT_THAT(with({}).out, HasSubstr(fmt::format("{} row", rows)));
  EXPECT_EQ(with({"--format", "json"}).out, with({"--json"}).out);
}

TEST_F(FinishedProject, QueryFindsWhatLiesInABox) {
  const Json all = Features({"--layer", "observation"});
  ASSERT_GT(all.size(), 1u);
  const Json inside = Features(
      {"--layer", "observation", "--bbox", "499900,5399000,500900,5400100"});
  EXPECT_EQ(inside.size(), all.size());
  const Json west = Features(
      {"--layer", "observation", "--bbox", "499900,5399000,500128,5400100"});
  EXPECT_GT(west.size(), 0u);
  EXPECT_LT(west.size(), all.size());
  EXPECT_EQ(Features({"--bbox", "0,0,1,1"}).size(), 0u);
  const std::string track = all.at(0).at("properties").at("track_id");
  for (const Json& feature : Features({"--track", track})) {
    EXPECT_EQ(feature.at("properties").at("track_id"), track);
  }
}

TEST_F(FinishedProject, IsNotAlignedAnewBehindItsBuildings) {
  const std::string copy = Path("copy.gpkg");
  fs::copy_file(project_, copy);
  // The sheets lie beside the original.
  for (const std::string& sheet : small_.Sheets()) {
    fs::copy_file(sheet, Path(fs::path(sheet).filename().string()));
  }
  const Outcome refused = Mapweave({"align", copy, "--min-confidence", "1"});
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("--overwrite"));
  EXPECT_EQ(Mapweave({"query", copy, "--at", "1880"}).code, 0);
  // The same alignment again changes nothing.
  EXPECT_EQ(Mapweave({"align", copy}).code, 0);

  const Outcome anew =
      Mapweave({"align", copy, "--min-confidence", "1", "--overwrite"});
  EXPECT_EQ(anew.code, 0) << anew.err;
  EXPECT_THAT(anew.err, HasSubstr("segment"));
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"query", copy, "--at", "1880"},
           {"export", copy, Path("copy.geojson")}}) {
    const Outcome empty = Mapweave(arguments);
    EXPECT_EQ(empty.code, 3) << empty.err;
    EXPECT_THAT(empty.err, HasSubstr("no result yet"));
  }
  EXPECT_FALSE(fs::exists(Path("copy.geojson")));
}

TEST_F(FinishedProject, RecordsHowCoordinatesWereTransformed) {
  sqlite3* db = nullptr;
  ASSERT_EQ(
      sqlite3_open_v2(project_.c_str(), &db, SQLITE_OPEN_READONLY, nullptr),
      SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(
      sqlite3_prepare_v2(db, "SELECT crs_pipelines, crs_accuracy_m FROM run",
                         -1, &statement, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
  const Json pipelines = ParseJson(
      reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)), "run");
  ASSERT_EQ(pipelines.size(), 1u);
  EXPECT_EQ(pipelines.at(0).at("from"), "EPSG:25832");
  EXPECT_EQ(pipelines.at(0).at("to"), "EPSG:25832");
  EXPECT_EQ(pipelines.at(0).at("ballpark"), false);
  EXPECT_EQ(sqlite3_column_double(statement, 1), 0.0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
}

TEST_F(FinishedProject, QueryExplainsItself) {
  const Outcome outcome =
      Mapweave({"query", project_, "--at", "1870", "--explain"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("SELECT"));
}

TEST_F(FinishedProject, QueryRefusesNonsense) {
  for (const std::vector<std::string>& filter :
       {std::vector<std::string>{"--at", "18xx"},
        {"--between", "1900", "1880"},
        {"--bbox", "3,3,1,1"},
        {"--kind", "explode"},
        {"--where", "1; DROP TABLE building"}}) {
    std::vector<std::string> arguments = {"query", project_};
    arguments.insert(arguments.end(), filter.begin(), filter.end());
    const Outcome outcome = Mapweave(arguments);
    EXPECT_EQ(outcome.code, 2) << filter.back() << ": " << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
  }
}

TEST_F(FinishedProject, ExportsOpenInGdalWithEveryOutline) {
  const bool has_ogrinfo = RunTool("ogrinfo", {"--version"}).code == 0;
  const size_t outlines = Features({"--layer", "observation"}).size();
  for (const char* name :
       {"a.geojson", "a.geojsons", "a.csv", "a.gpkg", "a.fgb"}) {
    SCOPED_TRACE(name);
    const Outcome made = Mapweave({"export", project_, Path(name)});
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_GT(fs::file_size(Path(name)), 0u);
    if (!has_ogrinfo) continue;
    const Outcome info = RunTool("ogrinfo", {"-ro", "-al", "-so", Path(name)});
    EXPECT_EQ(info.code, 0) << info.err;
    EXPECT_THAT(info.out + info.err,
                HasSubstr(fmt::format("Feature Count: {}\n", outlines)));
    EXPECT_THAT(info.out + info.err, Not(HasSubstr("ERROR")));
    EXPECT_THAT(info.out + info.err, Not(HasSubstr("Warning")));
  }
}

TEST_F(FinishedProject, ExportsAPicture) {
  const Outcome made = Mapweave({"export", project_, Path("a.png")});
  EXPECT_EQ(made.code, 0) << made.err;
  const std::string png = ReadFile(Path("a.png"));
  EXPECT_THAT(png, StartsWith("\x89PNG\r\n\x1a\n"));
  // Both editions side by side: wider than high.
  const auto number = [&](size_t at) {
    return static_cast<uint8_t>(png[at + 2]) * 256 +
           static_cast<uint8_t>(png[at + 3]);
  };
  EXPECT_GE(number(16), 2 * 256);
  EXPECT_GE(number(20), 256);
  EXPECT_GT(number(16), number(20));
}

TEST_F(FinishedProject, UnknownExtensionIsRefused) {
  const Outcome outcome = Mapweave({"export", project_, Path("a.docx")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr(".geojson"));
  EXPECT_FALSE(fs::exists(Path("a.docx")));
}

TEST_F(FinishedProject, GdalListsAllItsLayers) {
  const Outcome info = RunTool("ogrinfo", {"-ro", "-al", "-so", project_});
  if (info.code == 127) GTEST_SKIP() << "ogrinfo is not installed";
  EXPECT_EQ(info.code, 0);
  for (const char* layer : {"sheet", "observation", "building_state", "edition",
                            "building", "lineage", "run"}) {
    EXPECT_THAT(info.out, HasSubstr(fmt::format("Layer name: {}\n", layer)));
  }
  EXPECT_THAT(info.out + info.err, Not(HasSubstr("ERROR")));
  EXPECT_THAT(info.out + info.err, Not(HasSubstr("Warning")));
}

TEST_F(FinishedProject, EvalOfItselfIsPerfect) {
  const Outcome outcome =
      Mapweave({"eval", project_, project_, "--json", "--fail-under",
                "track_f1=1,link_f1=1,ap50=1"});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  const Json report = JsonOf(outcome);
  for (const char* key :
       {"ap", "ap50", "ap75", "ar100", "ap_unlimited", "hota", "deta", "assa",
        "idf1", "scot", "track_f1", "link_f1", "editions", "baseline"}) {
    EXPECT_TRUE(report.contains(key)) << key;
  }
  EXPECT_EQ(report.at("lineage").at("appear").at("f1"), 1.0);
  EXPECT_GT(report.at("lineage").at("appear").at("true"), 0);
}

TEST_F(FinishedProject, EvalGateEndsWithSix) {
  const Outcome missed = Mapweave(
      {"eval", project_, small_.Truth(), "--fail-under", "track_f1=1.01"});
  EXPECT_EQ(missed.code, 6);
  EXPECT_THAT(missed.err, HasSubstr("track_f1"));
  EXPECT_THAT(missed.out, HasSubstr("track F1"));
  const Outcome json = Mapweave({"eval", project_, small_.Truth(),
                                 "--fail-under", "track_f1=1.01", "--json"});
  EXPECT_EQ(json.code, 6);
  EXPECT_THAT(JsonOf(json).at("error").at("message").get<std::string>(),
              HasSubstr("track_f1"));
  EXPECT_EQ(
      Mapweave({"eval", project_, small_.Truth(), "--fail-under", "link_f1=0"})
          .code,
      0);
  for (const char* gate : {"link_f1", "link_f1=high", "beauty=1", "=1"}) {
    EXPECT_EQ(
        Mapweave({"eval", project_, small_.Truth(), "--fail-under", gate}).code,
        2)
        << gate;
  }
}

TEST_F(FinishedProject, DbCheckPassesTheFileAndFindsDamage) {
  const Outcome good = Mapweave({"db", "check", project_, "--json"});
  EXPECT_EQ(good.code, 0) << good.out;
  EXPECT_EQ(JsonOf(good).at("sound"), true);
  EXPECT_EQ(Mapweave({"db", "stats", project_}).code, 0);

  const std::string bytes = ReadFile(project_);
  std::string holed = bytes;
  std::fill(holed.begin() + 8192, holed.begin() + 16384, '\x5a');
  struct Case {
    const char* name;
    std::string bytes;
  };
  for (const Case& c : {Case{"holed.gpkg", holed},
                        Case{"cut.gpkg", bytes.substr(0, bytes.size() / 2)},
                        Case{"text.gpkg", "no database"}}) {
    SCOPED_TRACE(c.name);
    std::ofstream(Path(c.name), std::ios::binary) << c.bytes;
    const Outcome plain = Mapweave({"db", "check", Path(c.name)});
    EXPECT_EQ(plain.code, 4) << plain.out << plain.err;
    EXPECT_THAT(plain.err, HasSubstr(c.name));
    const Outcome json = Mapweave({"db", "check", Path(c.name), "--json"});
    EXPECT_EQ(json.code, 4);
    EXPECT_EQ(JsonOf(json).at("error").at("code"), "database");
  }
}

TEST_F(FinishedProject, ForeignFilesAreNoProjects) {
  EXPECT_EQ(Mapweave({"query", Path("gone.gpkg")}).code, 4);
  const Outcome outcome = Mapweave({"query", small_.First()});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_THAT(outcome.err, HasSubstr("town_1860.tif"));
}

TEST_F(FinishedProject, LockedByAnotherProcessIsSaidClearly) {
  const std::string copy = Path("locked.gpkg");
  fs::copy_file(project_, copy);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(copy.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr),
            SQLITE_OK);
  const Outcome outcome = Mapweave({"align", copy});
  EXPECT_EQ(outcome.code, 4) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("locked.gpkg"));
  EXPECT_THAT(outcome.err, HasSubstr("another program"));
  sqlite3_close(other);
  EXPECT_EQ(Mapweave({"db", "check", copy}).code, 0);
}

TEST_F(FinishedProject, AlignRefusesAFullFolderBeforeItWorks) {
  // Beside the original, since it names its sheets relative to itself.
  const std::string copy = fs::path(project_).replace_filename("full.gpkg");
  fs::copy_file(project_, copy);
  const std::string before = ReadFile(copy);
  fs::create_directory(Path("report"));
  std::ofstream(Path("report") + "/index.html") << "kept";
  const Outcome outcome = Mapweave(
      {"align", copy, "--max-shift-m", "1", "--report", Path("report")});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("index.html' exists already"));
  EXPECT_EQ(ReadFile(copy), before);
}

}  // namespace
}  // namespace mapweave::cli
