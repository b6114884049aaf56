// SPDX-License-Identifier: MIT
//
// GeoJSON judged by a program that is not ours: geojsonhint, from npm.
#include "core/atomic_file.h"
#include "program.h"
#include "small_series.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class GeoJsonValidator : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(fs::path(MAPWEAVE_VALIDATOR) / "node_modules" / "@mapbox" /
                    "geojsonhint")) {
      GTEST_SKIP() << "geojsonhint is not installed (npm ci failed?)";
    }
  }
  Outcome Validate(const std::string& file) const {
    return RunTool(
        "node", {fs::path(MAPWEAVE_VALIDATOR) / "validate_geojson.mjs", file});
  }
  std::string Export(const std::string& name,
                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "export", SmallSeries::Get().Project(), folder_.File(name)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome made = Mapweave(arguments);
    EXPECT_EQ(made.code, 0) << made.err;
    return folder_.File(name);
  }
  mapweave::testing::TempDir folder_;
};

TEST_F(GeoJsonValidator, FindsNothingInAnExport) {
  const std::string observations = Export("observations.geojson");
  EXPECT_THAT(ReadFile(observations), HasSubstr("MultiPolygon"));
  for (const std::string& file :
       {observations, Export("states.geojson", {"--layer", "building_state"}),
        Export("none.geojson", {"--where", "area_m2 < 0"})}) {
    const Outcome outcome = Validate(file);
    EXPECT_EQ(outcome.code, 0) << file << "\n" << outcome.out << outcome.err;
  }
}

// Else the test above shows nothing.
TEST_F(GeoJsonValidator, RejectsTheSameFileWithRingsReversed) {
  Json collection = Json::parse(ReadFile(Export("right.geojson")));
  for (Json& feature : collection.at("features")) {
    for (Json& polygon : feature.at("geometry").at("coordinates")) {
      for (Json& ring : polygon) std::reverse(ring.begin(), ring.end());
    }
  }
  std::ofstream(folder_.File("left.geojson")) << collection.dump();
  const Outcome outcome = Validate(folder_.File("left.geojson"));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("right-hand rule"));
}

TEST_F(GeoJsonValidator, RejectsAWrongHoleOfItsOwnTestData) {
  const char* named = std::getenv("MAPWEAVE_DATA");
  const fs::path file = fs::path(named != nullptr ? named : MAPWEAVE_DATA) /
                        "geojson_fixtures/geojsonhint/test/data/bad/"
                        "bad-polygon-interiorring-rhr.geojson";
  if (!fs::exists(file)) GTEST_SKIP() << "no " << file;
  const Outcome outcome = Validate(file);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("right-hand rule"));
}

}  // namespace
}  // namespace mapweave::cli
