// SPDX-License-Identifier: MIT
//
// Odd rasters through the program: it reads or refuses, and never crashes.
#include "core/atomic_file.h"
#include "program.h"
#include "small_series.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

fs::path DataFolder() {
  const char* named = std::getenv("MAPWEAVE_DATA");
  return named != nullptr ? named : MAPWEAVE_DATA;
}

TEST(OddSheets, InfoReadsOrRefusesEach) {
  const fs::path folder = DataFolder() / "georef_torture";
  const fs::path list = folder / "EXPECTED_gdal3.6.2.json";
  if (!fs::exists(list)) GTEST_SKIP() << list << " is absent";
  int read = 0;
  int refused = 0;
  for (const Json& entry : ReadJson(list)) {
    const fs::path file = folder / entry.at("file").get<std::string>();
    const Outcome outcome = Mapweave({"info", file.string(), "--json"});
    const Json document = JsonOf(outcome);
    if (outcome.code == 0) {
      EXPECT_EQ(document.at("width"), entry.at("size")[0]) << file;
      EXPECT_EQ(document.at("height"), entry.at("size")[1]) << file;
      ++read;
      continue;
    }
    EXPECT_EQ(outcome.code, 3) << file << ": " << outcome.err;
    const Json& error = document.at("error");
    EXPECT_THAT(error.at("message").get<std::string>(),
                HasSubstr(file.filename().string()));
    EXPECT_NE(error.at("hint"), "") << file;
    ++refused;
  }
  EXPECT_EQ(read, 82);
  EXPECT_EQ(refused, 43);
}

TEST(OddSheets, PipesAreNotWaitedFor) {
  const mapweave::testing::TempDir folder;
  const fs::path pipe = folder.Path() / "pipe_1880.tif";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  fs::create_directory(folder.Path() / "out");
  const Outcome outcome =
      Mapweave({"run", SmallSeries::Get().First(), pipe.string(), "-o",
                (folder.Path() / "out" / "p.gpkg").string()});
  EXPECT_EQ(outcome.code, 3) << outcome.err;
  EXPECT_LT(outcome.seconds, 60.0);
  EXPECT_THAT(outcome.err, HasSubstr("pipe_1880.tif"));
  EXPECT_THAT(FilesIn(folder.Path() / "out"), IsEmpty());
}

TEST(OddSheets, ASheetThatChangesAfterIngestionIsRefused) {
  const mapweave::testing::TempDir folder;
  const std::vector<std::string>& sheets = SmallSeries::Get().Sheets();
  std::vector<std::string> ingest = {"ingest"};
  for (const std::string& sheet : sheets) {
    const fs::path copy = folder.Path() / fs::path(sheet).filename();
    fs::copy_file(sheet, copy);
    ingest.push_back(copy.string());
  }
  const std::string changed = ingest.back();
  const std::string project = (folder.Path() / "p.gpkg").string();
  ingest.insert(ingest.end(), {"-o", project});
  const Outcome ingested = Mapweave(ingest);
  ASSERT_EQ(ingested.code, 0) << ingested.err;
  {
    std::ofstream file(changed, std::ios::binary | std::ios::app);
    file << "one more byte";
  }
  for (const char* stage : {"align", "segment"}) {
    const Outcome outcome = Mapweave({stage, project});
    EXPECT_EQ(outcome.code, 3) << stage << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(fs::path(changed).filename().string()));
    EXPECT_THAT(outcome.err, HasSubstr("changed"));
  }
}

}  // namespace
}  // namespace mapweave::cli
