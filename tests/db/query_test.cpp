// SPDX-License-Identifier: MIT
#include "db/query.h"

#include "core/atomic_file.h"
#include "core/random.h"
#include "db/check.h"
#include "db/predicates.h"
#include "fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mapweave::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class QueryTest : public ::testing::Test {
 protected:
  // "A@1860" for each row.
  std::vector<std::string> Ask(const QueryFilter& filter) {
    std::vector<std::string> names;
    for (const QueryRow& row : Query(store_, filter)) {
      names.push_back(row.track_id + "@" + row.edition);
    }
    return names;
  }
  static QueryFilter At(const std::string& date) {
    QueryFilter filter;
    filter.at = ParseDateRange(date);
    return filter;
  }
  static QueryFilter Between(const std::string& from, const std::string& to) {
    QueryFilter filter;
    filter.between = {ParseDateRange(from), ParseDateRange(to)};
    return filter;
  }
  static QueryFilter Where(const std::string& expression) {
    QueryFilter filter;
    filter.where = expression;
    return filter;
  }

  TempDir folder_;
  Store store_ = TinyProject(folder_ / "tiny.gpkg");
};

TEST_F(QueryTest, NoFilterGivesAllStates) {
  EXPECT_THAT(Ask({}), ElementsAre("A@1860", "A@1900", "B@1860", "C@1880-05",
                                   "D@1860", "E@1880-05", "F@1880-05"));
}

TEST_F(QueryTest, RowsCarryTheirBuildingAndEdition) {
  QueryFilter filter;
  filter.track = "C";
  const std::vector<QueryRow> rows = Query(store_, filter);
  ASSERT_EQ(rows.size(), 1u);
  const QueryRow& row = rows[0];
  EXPECT_EQ(row.date_from, (Date{1880, 5, 1}));
  EXPECT_EQ(row.date_to, (Date{1880, 5, 31}));
  EXPECT_EQ(row.built_after, (Date{1860, 1, 1}));
  EXPECT_EQ(row.built_by, (Date{1880, 5, 31}));
  EXPECT_EQ(row.gone_after, (Date{1880, 5, 1}));
  EXPECT_EQ(row.gone_by, (Date{1900, 12, 31}));
  EXPECT_EQ(row.first_edition, "1880-05");
  EXPECT_EQ(row.area_m2, 100.0);
  EXPECT_EQ(row.run_id, "run-1");
  EXPECT_FALSE(row.score);
  EXPECT_FALSE(row.distance);
  EXPECT_EQ(row.geometry[0].shell.size(), 4u);
}

TEST_F(QueryTest, AtFindsWhatCertainlyStands) {
  EXPECT_THAT(Ask(At("1850")), IsEmpty());
  EXPECT_THAT(Ask(At("1860")), ElementsAre("A@1860", "B@1860", "D@1860"));
  // B and C were last seen in May 1880, D in 1860.
  EXPECT_THAT(Ask(At("1890")), ElementsAre("A@1860", "E@1880-05", "F@1880-05"));
  EXPECT_THAT(Ask(At("1900")), ElementsAre("A@1900", "E@1880-05", "F@1880-05"));
  EXPECT_THAT(Ask(At("1950")), IsEmpty());
}

TEST_F(QueryTest, AtMeansSomeMomentOfTheTimeGiven) {
  // Seen in the survey of May 1880, so certainly there in that month ...
  EXPECT_THAT(Ask(At("1880-05")), ElementsAre("A@1860", "B@1860", "C@1880-05",
                                              "E@1880-05", "F@1880-05"));
  // ... but not certainly on a given day of it.
  EXPECT_THAT(Ask(At("1880-05-15")), ElementsAre("A@1860"));
}

TEST_F(QueryTest, PossibleAddsWhatMayStand) {
  QueryFilter filter = At("1890");
  filter.standing = Standing::kPossible;
  EXPECT_THAT(Ask(filter), ElementsAre("A@1860", "B@1860", "C@1880-05",
                                       "E@1880-05", "F@1880-05"));
  filter = At("1850");
  filter.standing = Standing::kPossible;
  EXPECT_THAT(Ask(filter), ElementsAre("A@1860", "B@1860", "D@1860"));
}

TEST_F(QueryTest, UnknownEndCountsAsStanding) {
  store_.SaveRun(MakeRun("run-2"));
  RunResult result;
  result.buildings = {Building("X", "1880-05", "1880-05")};
  result.buildings[0].gone_after = std::nullopt;
  result.observations = {
      Observation("X", "1880-05", Rectangle(0, 50, 10, 60), 100)};
  store_.WriteResult("run-2", result);

  QueryFilter filter = At("1950");
  filter.layer = QueryLayer::kObservation;
  EXPECT_THAT(Ask(filter), ElementsAre("X@1880-05"));
}

TEST_F(QueryTest, BetweenGivesEveryShapeOfTheTime) {
  EXPECT_THAT(
      Ask(Between("1870", "1890")),
      ElementsAre("A@1860", "B@1860", "C@1880-05", "E@1880-05", "F@1880-05"));
  EXPECT_THAT(Ask(Between("1890", "1905")),
              ElementsAre("A@1860", "A@1900", "E@1880-05", "F@1880-05"));
}

TEST_F(QueryTest, ObservationsAreThoseOfTheLatestEdition) {
  QueryFilter filter = At("1890");
  filter.layer = QueryLayer::kObservation;
  EXPECT_THAT(Ask(filter), ElementsAre("A@1880-05", "E@1880-05", "F@1880-05"));
  const QueryRow row = Query(store_, filter).front();
  EXPECT_EQ(row.score, 0.8);
  EXPECT_EQ(row.presence, 0.95);
  EXPECT_FALSE(row.start_date);
}

TEST_F(QueryTest, KindFindsBothEndsOfALink) {
  QueryFilter filter;
  filter.kind = "split";
  EXPECT_THAT(Ask(filter), ElementsAre("D@1860", "E@1880-05", "F@1880-05"));
  filter.kind = "disappear";
  EXPECT_THAT(Ask(filter), ElementsAre("B@1860", "C@1880-05"));
  filter.kind = "merge";
  EXPECT_THAT(Ask(filter), IsEmpty());
}

TEST_F(QueryTest, KindWithDatesAsksWhenItHappened) {
  QueryFilter filter = Between("1890", "1895");
  filter.kind = "disappear";
  EXPECT_THAT(Ask(filter), ElementsAre("B@1860", "C@1880-05"));
  filter = Between("1850", "1870");
  filter.kind = "disappear";
  EXPECT_THAT(Ask(filter), IsEmpty());
}

TEST_F(QueryTest, PlainFilters) {
  QueryFilter filter;
  filter.edition = "1900";
  EXPECT_THAT(Ask(filter), ElementsAre("A@1900"));
  filter = {};
  filter.min_area_m2 = 200;
  EXPECT_THAT(Ask(filter), ElementsAre("A@1900", "D@1860"));
  filter.limit = 1;
  EXPECT_THAT(Ask(filter), ElementsAre("A@1900"));
}

TEST_F(QueryTest, BoxAndDateJoin) {
  QueryFilter filter = At("1860");
  filter.bbox = Box{5, 5, 105, 8};
  EXPECT_THAT(Ask(filter), ElementsAre("A@1860", "B@1860"));
}

TEST_F(QueryTest, WithinGoesByTheRepresentativePoint) {
  QueryFilter filter;
  // Holds the middle of A as of 1860 (5, 5) but not as of 1900 (10, 5).
  filter.within = Rectangle(-1, -1, 6, 11);
  EXPECT_THAT(Ask(filter), ElementsAre("A@1860"));
}

TEST_F(QueryTest, NearByRadiusAndByCount) {
  QueryFilter filter;
  filter.near = NearFilter{{204, 20}, 10.0, std::nullopt};
  std::vector<QueryRow> rows = Query(store_, filter);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].track_id, "C");
  EXPECT_EQ(rows[0].distance, 10.0);
  filter.near->radius = 9.9;
  EXPECT_THAT(Ask(filter), IsEmpty());
  filter.near = NearFilter{{204, 20}, std::nullopt, 2};
  EXPECT_THAT(Ask(filter), ElementsAre("C@1880-05", "B@1860"));
  filter.near->radius = 50.0;
  EXPECT_THAT(Ask(filter), ElementsAre("C@1880-05"));
}

TEST_F(QueryTest, RefusesFiltersThatMakeNoSense) {
  QueryFilter both = At("1890");
  both.between = {ParseDateRange("1880"), ParseDateRange("1890")};
  QueryFilter kind;
  kind.kind = "vanish";
  QueryFilter box;
  box.bbox = Box{10, 0, 0, 10};
  QueryFilter near;
  near.near = NearFilter{};
  QueryFilter within;
  within.within = MultiPolygon{};
  QueryFilter limit;
  limit.limit = 0;
  for (const QueryFilter& filter :
       {both, kind, box, near, within, limit, Between("1890", "1880")}) {
    EXPECT_EQ(ErrorOf([&] { Query(store_, filter); }).Code(),
              ErrorCode::kUsage);
  }
}

TEST_F(QueryTest, WhereTakesExpressions) {
  EXPECT_THAT(Ask(Where("area_m2 > 150 AND kind IS NULL")),
              ElementsAre("D@1860"));
  EXPECT_THAT(Ask(Where("kind = 'enlarge' OR track_id LIKE 'b'")),
              ElementsAre("A@1900", "B@1860"));
  EXPECT_THAT(Ask(Where("built_after BETWEEN '1850-01-01' AND '1870-01-01' "
                        "AND date_edtf = '1880-05'")),
              ElementsAre("C@1880-05", "E@1880-05", "F@1880-05"));
  EXPECT_THAT(Ask(Where("track_id IN (SELECT to_track FROM lineage "
                        "WHERE kind = 'split')")),
              ElementsAre("E@1880-05", "F@1880-05"));
  EXPECT_THAT(Ask(Where("edition || ';--(?' = '1900;--(?'")),
              ElementsAre("A@1900"));
  EXPECT_THAT(Ask(Where("CASE WHEN area_m2 - -1 > 300 THEN 1 ELSE 0 END")),
              ElementsAre("D@1860"));
}

TEST_F(QueryTest, WhereWorksBesideOtherFilters) {
  QueryFilter filter = Where("area_m2 < 150 OR area_m2 > 250");
  filter.at = ParseDateRange("1860");
  filter.bbox = Box{50, 0, 400, 10};
  EXPECT_THAT(Ask(filter), ElementsAre("B@1860", "D@1860"));
}

TEST_F(QueryTest, WhereRefusesEverythingElse) {
  const std::string before = ReadFile(store_.Path());
  for (const std::string expression : {
           "",
           "   ",
           "1; DROP TABLE building",
           "1) OR (1",
           "1) UNION SELECT * FROM (SELECT 1",
           "1 --",
           "1 /* open",
           "'open",
           "(1",
           "?1 = 1",
           ":a = 1",
           "1, 2",
           "1 ORDER BY 1",
           "1 LIMIT 1",
           "no_such_column = 1",
           "\"no such column\" = 1",
           "count(*) > 0",
           "DELETE FROM building",
           "(DELETE FROM building)",
           "(SELECT sql FROM sqlite_master) IS NULL",
           "EXISTS (SELECT 1 FROM sqlite_schema)",
           "EXISTS (SELECT 1 FROM mapweave_meta)",
           "EXISTS (SELECT 1 FROM gpkg_contents)",
           "EXISTS (SELECT 1 FROM rtree_observation_geom_node)",
           "(SELECT count(*) FROM pragma_table_info('building')) > 0",
           "(SELECT * FROM pragma_journal_mode('wal')) = 'wal'",
           "EXISTS (SELECT 1 FROM dbstat)",
           "load_extension('x') IS NULL",
           "readfile('/etc/hostname') IS NULL",
           "writefile('x', 'y') IS NULL",
           "randomblob(1000000000) IS NULL",
           "zeroblob(1000000000) IS NULL",
           "printf('%.*c', 1000000000, 'x') IS NULL",
           "replace('aaaa', 'a', 'b') = 'x'",
           "sqlite_version() = '3'",
           "last_insert_rowid() = 1",
           "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
           "SELECT max(x) FROM c) > 0",
       }) {
    const Error error = ErrorOf([&] { Query(store_, Where(expression)); });
    EXPECT_EQ(error.Code(), ErrorCode::kUsage)
        << expression << ": " << error.Message();
    EXPECT_THAT(error.Hint(), HasSubstr("track_id")) << expression;
    EXPECT_THROW(ExplainQuery(store_, Where(expression)), Error) << expression;
  }
  EXPECT_THROW(Query(store_, Where(std::string("1\0 = 1", 6))), Error);
  store_.Close();
  EXPECT_TRUE(ReadFile(folder_ / "tiny.gpkg") == before);
}

TEST_F(QueryTest, ExplainShowsSqlValuesAndPlan) {
  QueryFilter filter = At("1890");
  filter.bbox = Box{1, 2, 3, 4};
  const std::string text = ExplainQuery(store_, filter);
  EXPECT_THAT(text, HasSubstr("FROM building_state"));
  EXPECT_THAT(text, HasSubstr("= 1890-12-31"));
  EXPECT_THAT(text, HasSubstr("VIRTUAL TABLE INDEX"));  // the R-tree
  EXPECT_THAT(text, HasSubstr("the polygon intersects the box"));
  EXPECT_THAT(text, Not(HasSubstr("SCAN s")));  // no walk through all rows
}

TEST_F(QueryTest, ExplainKnowsWhere) {
  EXPECT_THAT(ExplainQuery(store_, Where("area_m2 > 3")),
              HasSubstr("area_m2 > 3"));
}

TEST_F(QueryTest, ReadOnlyStoreAnswersToo) {
  store_.Close();
  store_ = Store::Open(folder_ / "tiny.gpkg", OpenMode::kReadOnly);
  EXPECT_THAT(Ask(Where("area_m2 > 250")), ElementsAre("D@1860"));
}

// A row of many slanted quadrilaterals, asked for with random boxes.
TEST(QueryRtree, EqualsBruteForce) {
  TempDir folder;
  Store store =
      Store::Create(folder / "many.gpkg", SwissSrs(), Overwrite::kRefuse);
  store.SaveEdition(Edition("1880", 0));
  store.SaveRun(MakeRun("run-1"));
  Rng rng(11);
  RunResult result;
  for (int i = 0; i < 800; ++i) {
    // Swiss coordinates: beyond what 32-bit floats tell apart by the metre.
    const double x = 2600000.0 + rng.Uniform(0.0, 1000.0);
    const double y = 1200000.0 + rng.Uniform(0.0, 1000.0);
    const double w = rng.Uniform(1.0, 40.0);
    const double h = rng.Uniform(1.0, 40.0);
    const std::string track = "t" + std::to_string(1000 + i);
    result.buildings.push_back(Building(track, "1880", "1880"));
    result.observations.push_back(Observation(
        track, "1880", {{{{x, y - h}, {x + w, y}, {x, y + h}, {x - w, y}}, {}}},
        2 * w * h));
  }
  store.WriteResult("run-1", result);
  QueryFilter filter;
  filter.layer = QueryLayer::kObservation;
  const std::vector<QueryRow> all = Query(store, filter);
  ASSERT_EQ(all.size(), 800u);

  size_t found_in_total = 0;
  for (int i = 0; i < 150; ++i) {
    const double x = 2600000.0 + rng.Uniform(-50.0, 1000.0);
    const double y = 1200000.0 + rng.Uniform(-50.0, 1000.0);
    filter.bbox =
        Box{x, y, x + rng.Uniform(0.0, 200.0), y + rng.Uniform(0.0, 200.0)};
    std::vector<int64_t> expected;
    for (const QueryRow& row : all) {
      if (Intersects(row.geometry, *filter.bbox)) expected.push_back(row.fid);
    }
    std::vector<int64_t> found;
    for (const QueryRow& row : Query(store, filter)) found.push_back(row.fid);
    EXPECT_EQ(found, expected);
    found_in_total += found.size();
  }
  EXPECT_GT(found_in_total, 500u);
}

TEST(QueryRtree, NearestEqualsBruteForce) {
  TempDir folder;
  Store store = TinyProject(folder / "tiny.gpkg");
  const std::vector<QueryRow> all = Query(store, {});
  Rng rng(5);
  for (int i = 0; i < 50; ++i) {
    const Point2d point{rng.Uniform(-50, 400), rng.Uniform(-50, 50)};
    std::vector<std::pair<double, int64_t>> expected;
    for (const QueryRow& row : all) {
      expected.emplace_back(Distance(row.geometry, point), row.fid);
    }
    std::sort(expected.begin(), expected.end());
    expected.resize(3);
    QueryFilter filter;
    filter.near = NearFilter{point, std::nullopt, 3};
    std::vector<std::pair<double, int64_t>> found;
    for (const QueryRow& row : Query(store, filter)) {
      found.emplace_back(*row.distance, row.fid);
    }
    EXPECT_EQ(found, expected);
  }
}

}  // namespace
}  // namespace mapweave::db
