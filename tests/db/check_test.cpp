// SPDX-License-Identifier: MIT
#include "db/check.h"

#include "core/atomic_file.h"
#include "core/random.h"
#include "db/sqlite.h"
#include "fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapweave::db {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class CheckTest : public ::testing::Test {
 protected:
  void SetUp() override { TinyProject(path_).Close(); }

  // Does damage that the store would not.
  std::vector<std::string> ProblemsAfter(const std::string& sql) {
    {
      Connection connection(path_, Access::kReadWrite);
      connection.ExecuteScript(
          "PRAGMA foreign_keys = OFF;"
          "PRAGMA ignore_check_constraints = ON;" +
          sql);
    }
    return CheckStore(path_).problems;
  }

  TempDir folder_;
  fs::path path_ = folder_ / "p.gpkg";
};

TEST_F(CheckTest, SoundProjectHasNoProblems) {
  const CheckReport report = CheckStore(path_);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_GE(report.checks.size(), 15u);
}

TEST_F(CheckTest, FindsDanglingReferences) {
  EXPECT_THAT(ProblemsAfter("DELETE FROM edition WHERE edition = '1900'"),
              Contains(HasSubstr("foreign keys")));
}

TEST_F(CheckTest, FindsMissingTable) {
  EXPECT_THAT(ProblemsAfter("DROP TABLE review"),
              Contains(HasSubstr("'review' is missing")));
}

TEST_F(CheckTest, KnowsEvaluations) {
  {
    Store store = Store::Open(path_, OpenMode::kReadWrite);
    store.SaveModel({"abc", "small", "small.safetensors", {}, "{}", ""});
    store.SaveEvaluations({{"abc", "count", 1, 0, "correct", 1.0}});
  }
  EXPECT_THAT(CheckStore(path_).problems, IsEmpty());
  EXPECT_THAT(ProblemsAfter("DELETE FROM model"),
              ElementsAre(HasSubstr("evaluation")));
  EXPECT_THAT(ProblemsAfter("DROP TABLE evaluation"),
              Contains(HasSubstr("'evaluation' is missing")));
}

TEST_F(CheckTest, FindsWrongApplicationId) {
  EXPECT_THAT(ProblemsAfter("PRAGMA application_id = 1"),
              ElementsAre(HasSubstr("application_id")));
}

TEST_F(CheckTest, FindsWrongExtent) {
  EXPECT_THAT(ProblemsAfter("UPDATE gpkg_contents SET max_x = 5 "
                            "WHERE table_name = 'observation'"),
              ElementsAre(HasSubstr("extent of observation")));
}

TEST_F(CheckTest, FindsRtreeThatDisagrees) {
  EXPECT_THAT(ProblemsAfter("DELETE FROM rtree_observation_geom "
                            "WHERE id = (SELECT min(id) FROM "
                            "rtree_observation_geom)"),
              ElementsAre(HasSubstr("without an entry")));
  EXPECT_THAT(ProblemsAfter("INSERT INTO rtree_observation_geom "
                            "VALUES (999, 0, 1, 0, 1)"),
              Contains(HasSubstr("without a feature, fid 999")));
}

TEST_F(CheckTest, FindsRtreeEntryInTheWrongPlace) {
  EXPECT_THAT(ProblemsAfter("UPDATE rtree_building_state_geom SET minx = 50, "
                            "maxx = 60 WHERE id = (SELECT min(id) FROM "
                            "rtree_building_state_geom)"),
              ElementsAre(HasSubstr("R-tree of building_state")));
}

TEST_F(CheckTest, FindsBrokenGeometry) {
  EXPECT_THAT(ProblemsAfter("DROP TRIGGER rtree_observation_geom_update1;"
                            "UPDATE observation SET geom = substr(geom, 1, 60) "
                            "WHERE track_id = 'B' AND edition = '1860'"),
              ElementsAre(HasSubstr("geometries of observation")));
  EXPECT_THAT(ProblemsAfter("UPDATE observation SET geom = x'0102' "
                            "WHERE track_id = 'B' AND edition = '1860'"),
              Contains(HasSubstr("not a GeoPackage geometry")));
}

TEST_F(CheckTest, FindsDatesOutOfOrder) {
  EXPECT_THAT(ProblemsAfter("UPDATE building SET gone_after = '1850-01-01' "
                            "WHERE track_id = 'B'"),
              ElementsAre(HasSubstr("order of dates: building (track")));
  EXPECT_THAT(ProblemsAfter("UPDATE building_state SET end_date = "
                            "'1850-01-01' WHERE track_id = 'A' AND edition = "
                            "'1900'"),
              Contains(HasSubstr("ends before it starts")));
}

TEST_F(CheckTest, FindsEditionsOutOfOrder) {
  EXPECT_THAT(
      ProblemsAfter("UPDATE edition SET ordinal = 1 WHERE edition = '1900'"),
      ElementsAre(HasSubstr("1880-05, 1900")));
  EXPECT_THAT(
      ProblemsAfter("UPDATE edition SET ordinal = 7 WHERE edition = '1860'"),
      Contains(HasSubstr("editions: two editions out of order")));
}

TEST_F(CheckTest, FindsBuildingThatNobodySaw) {
  EXPECT_THAT(ProblemsAfter("DELETE FROM observation WHERE track_id = 'D'"),
              Contains(HasSubstr("without an observation")));
}

TEST_F(CheckTest, ListsNoMoreThanIsOfUse) {
  std::string sql = "PRAGMA foreign_keys = OFF;";
  for (int i = 0; i < 50; ++i) {
    sql +=
        "INSERT INTO lineage (from_track, kind, run_id) "
        "VALUES ('nobody', 'split', 'run-1');";
  }
  const std::vector<std::string> problems = ProblemsAfter(sql);
  EXPECT_THAT(problems, SizeIs(21));
  EXPECT_THAT(problems, Contains(HasSubstr("30 more")));
}

// Damage anywhere in the file is reported or harmless, never a crash.
TEST_F(CheckTest, SurvivesRandomDamage) {
  const std::string bytes = ReadFile(path_);
  Rng rng(2);
  int unsound = 0;
  for (int i = 0; i < 60; ++i) {
    std::string damaged = bytes;
    for (int flip = 0; flip < 20; ++flip) {
      const auto at = static_cast<size_t>(
          rng.Int(0, static_cast<int64_t>(bytes.size()) - 1));
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.Int(0, 7)));
    }
    WriteFileAtomically(path_, damaged, Overwrite::kAllow);
    try {
      if (!CheckStore(path_).IsSound()) ++unsound;
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
      ++unsound;
    }
  }
  EXPECT_GT(unsound, 30);
}

TEST_F(CheckTest, StatsCount) {
  const StoreStats stats = ReadStats(Store::Open(path_, OpenMode::kReadOnly));
  EXPECT_EQ(stats.sheets, 0);
  EXPECT_EQ(stats.editions, 3);
  EXPECT_EQ(stats.buildings, 6);
  EXPECT_EQ(stats.observations, 11);
  EXPECT_EQ(stats.states, 7);
  EXPECT_EQ(stats.runs, 1);
  ASSERT_EQ(stats.per_edition.size(), 3u);
  EXPECT_EQ(stats.per_edition[0].edition, "1860");
  EXPECT_EQ(stats.per_edition[0].observations, 3);
  EXPECT_EQ(stats.per_edition[0].area_m2, 500.0);  // A, B, D
  EXPECT_EQ(stats.per_edition[1].area_m2, 580.0);  // A, B, C, E, F
  EXPECT_EQ(stats.per_edition[2].area_m2, 480.0);  // A, E, F
  EXPECT_EQ(stats.area_m2, 1560.0);
  EXPECT_THAT(stats.lineage,
              UnorderedElementsAre(Pair("persist", 1), Pair("enlarge", 1),
                                   Pair("disappear", 2), Pair("appear", 1),
                                   Pair("split", 2)));
  EXPECT_EQ(stats.file_bytes, static_cast<int64_t>(fs::file_size(path_)));
}

}  // namespace
}  // namespace mapweave::db
