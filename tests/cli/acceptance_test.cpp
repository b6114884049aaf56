// SPDX-License-Identifier: MIT
//
// The shipped series with the shipped checkpoint must come up to what the
// README says.
#include "program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;

TEST(Acceptance, ShippedSeriesIsTrackedWellWithinItsMemory) {
  const fs::path samples = MAPWEAVE_SAMPLES;
  mapweave::testing::TempDir folder;
  const std::string project = folder.File("town.gpkg");
  const Outcome run =
      Mapweave({"run", samples / "town_1860.tif", samples / "town_1880.tif",
                samples / "town_1900.tif", samples / "town_1925.tif", "-o",
                project, "--threads", "2", "--json"});
  ASSERT_EQ(run.code, 0) << run.err;
  constexpr long kThreeGiB = 3L * 1024 * 1024;
  EXPECT_LE(run.peak_kb, kThreeGiB);
  RecordProperty("seconds", static_cast<int>(run.seconds));
  RecordProperty("peak_mb", static_cast<int>(run.peak_kb / 1024));

  EXPECT_EQ(Mapweave({"db", "check", project}).code, 0);
  const Outcome eval = Mapweave({"eval", project, samples / "truth.gpkg",
                                 "--fail-under", "track_f1=0.80,link_f1=0.85"});
  EXPECT_EQ(eval.code, 0) << eval.err << eval.out;
}

}  // namespace
}  // namespace mapweave::cli
