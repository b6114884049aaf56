// SPDX-License-Identifier: MIT
#include "pipelines/filter.h"

#include "fixture.h"
#include "pipelines/project.h"

namespace mapweave::pipelines {
namespace {

using ::testing::HasSubstr;

class FilterTest : public ::testing::Test {
 protected:
  db::QueryFilter Parse(const FilterText& text) const {
    return ParseFilter(text, store_);
  }
  Error Refusal(const FilterText& text) const {
    return ErrorOf([&] { Parse(text); });
  }
  mapweave::testing::TempDir folder_;
  db::Store store_ = db::Store::Create(
      folder_.File("p.gpkg"),
      SpatialReferenceOf(geo::Crs::FromUserInput("EPSG:25832")),
      Overwrite::kRefuse);
};

TEST_F(FilterTest, NothingGivenFiltersNothing) {
  const db::QueryFilter filter = Parse({});
  EXPECT_EQ(filter.layer, db::QueryLayer::kBuildingState);
  EXPECT_EQ(filter.standing, db::Standing::kCertain);
  EXPECT_FALSE(filter.at || filter.between || filter.bbox || filter.within ||
               filter.kind || filter.track || filter.near ||
               filter.min_area_m2 || filter.edition || filter.where);
}

TEST_F(FilterTest, TextsBecomeValues) {
  FilterText text;
  text.layer = "observation";
  text.possible = true;
  text.between = {"1880", "1890-06"};
  text.bbox = {1, 2, 3, 4};
  text.near = {5, 6, 7};
  text.kind = "enlarge";
  const db::QueryFilter filter = Parse(text);
  EXPECT_EQ(filter.layer, db::QueryLayer::kObservation);
  EXPECT_EQ(filter.standing, db::Standing::kPossible);
  EXPECT_EQ(filter.between->first.from, (Date{1880, 1, 1}));
  EXPECT_EQ(filter.between->second.to, (Date{1890, 6, 30}));
  EXPECT_EQ(filter.bbox->max_y, 4.0);
  EXPECT_EQ(filter.near->radius, 7.0);
  EXPECT_FALSE(filter.near->nearest);
  text.near = {5, 6};
  EXPECT_EQ(Parse(text).near->nearest, 10);
}

TEST_F(FilterTest, NonsenseIsAnErrorOfUse) {
  FilterText date;
  date.at = "18x2";
  EXPECT_THAT(Refusal(date).Message(), HasSubstr("18x2"));
  FilterText reversed;
  reversed.between = {"1900", "1880"};
  FilterText both;
  both.at = "1900";
  both.between = {"1880", "1900"};
  FilterText box;
  box.bbox = {3, 0, 1, 2};
  FilterText radius;
  radius.near = {1, 2, -3};
  FilterText kind;
  kind.kind = "explode";
  for (const FilterText& text : {date, reversed, both, box, radius, kind}) {
    EXPECT_EQ(Refusal(text).Code(), ErrorCode::kUsage);
  }
}

TEST_F(FilterTest, AreaOfAFileIsBroughtToTheProjectsCrs) {
  WriteText(folder_.File("area.geojson"),
            R"({"type":"Polygon","coordinates":)"
            R"([[[9,48],[9.01,48],[9.01,48.01],[9,48.01],[9,48]]]})");
  FilterText text;
  text.within = folder_.File("area.geojson");
  const MultiPolygon area = *Parse(text).within;
  ASSERT_EQ(area.size(), 1u);
  for (const Point2d& point : area[0].shell) {
    EXPECT_NEAR(point.x, 500373, 400);
    EXPECT_NEAR(point.y, 5317000, 1500);
  }
  text.within = folder_.File("gone.geojson");
  EXPECT_EQ(Refusal(text).Code(), ErrorCode::kBadInput);
  EXPECT_THAT(Refusal(text).Message(), HasSubstr("gone.geojson"));
}

}  // namespace
}  // namespace mapweave::pipelines
