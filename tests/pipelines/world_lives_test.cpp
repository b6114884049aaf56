// SPDX-License-Identifier: MIT
//
// Every kind of lineage against geometry, both read back from truth.gpkg.
#include "db/store.h"
#include "fixture.h"
#include "geo/polygon_ops.h"
#include "pipelines/worlds.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace mapweave::pipelines {
namespace {

using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// One town for all tests: as many changes as the sheets can hold, on drawings
// that are exact but for the scatter of a surveyed house.
class WorldLives : public ::testing::Test {
 protected:
  using Drawing = std::pair<std::string, size_t>;  // track, edition

  static void SetUpTestSuite() {
    WorldSeriesOptions options;
    options.seed = 8;
    options.width_px = options.height_px = 900;
    options.editions = {"1850", "1870", "1890", "1910"};
    options.plan = "dense-core";
    options.density = 0.9;
    options.change = 0.5;
    options.distortion_m = 0.0;
    mapweave::testing::TempDir folder;
    QuietContext quiet;
    const WorldSeriesReport report = WriteWorldSeries(
        options, folder.Path(), Overwrite::kRefuse, quiet.context);
    const db::Store truth =
        db::Store::Open(report.truth, db::OpenMode::kReadOnly);
    town_ = new Town;
    town_->editions = options.editions;
    town_->buildings = truth.Buildings();
    town_->lineage = truth.Lineage();
    town_->states = truth.BuildingStates();
    for (db::ObservationRow& row : truth.Observations()) {
      town_->shapes[{row.track_id, Position(row.edition)}] =
          std::move(row.geometry);
    }
  }
  static void TearDownTestSuite() {
    delete town_;
    town_ = nullptr;
  }

  struct Town {
    std::vector<std::string> editions;
    std::vector<db::BuildingRow> buildings;
    std::vector<db::LineageRow> lineage;
    std::vector<db::BuildingStateRow> states;
    std::map<Drawing, MultiPolygon> shapes;
  };

  static size_t Position(const std::string& edition) {
    const auto& editions = town_->editions;
    return static_cast<size_t>(
        std::find(editions.begin(), editions.end(), edition) -
        editions.begin());
  }
  static std::vector<db::LineageRow> OfKind(const std::string& kind) {
    std::vector<db::LineageRow> rows;
    for (const db::LineageRow& row : town_->lineage) {
      if (row.kind == kind) rows.push_back(row);
    }
    return rows;
  }
  static bool IsDrawn(const std::string& track, size_t edition) {
    return town_->shapes.count({track, edition}) > 0;
  }
  static const MultiPolygon& From(const db::LineageRow& row) {
    return town_->shapes.at({*row.from_track, Position(*row.from_edition)});
  }
  static const MultiPolygon& To(const db::LineageRow& row) {
    return town_->shapes.at({*row.to_track, Position(*row.to_edition)});
  }
  // Houses are surveyed anew for each edition and come to lie a little
  // elsewhere: the best figure over shifts of up to three metres.
  template <typename Figure>
  static double Best(const MultiPolygon& moved, Figure figure) {
    double best = figure(moved);
    for (int dx = -3; dx <= 3 && best < 0.95; ++dx) {
      for (int dy = -3; dy <= 3; ++dy) {
        MultiPolygon shifted = moved;
        for (Polygon& polygon : shifted) {
          for (Point2d& p : polygon.shell) p = {p.x + dx, p.y + dy};
          for (Ring& hole : polygon.holes) {
            for (Point2d& p : hole) p = {p.x + dx, p.y + dy};
          }
        }
        best = std::max(best, figure(shifted));
      }
    }
    return best;
  }
  // Share of `part` that lies in `whole`.
  static double Within(const MultiPolygon& part, const MultiPolygon& whole) {
    return Best(part, [&](const MultiPolygon& moved) {
      return geo::IntersectionArea(moved, whole) / geo::PlanarArea(part);
    });
  }
  static double IoUAsTheyLie(const MultiPolygon& a, const MultiPolygon& b) {
    const double both = geo::IntersectionArea(a, b);
    return both / (geo::PlanarArea(a) + geo::PlanarArea(b) - both);
  }
  static double IoU(const MultiPolygon& a, const MultiPolygon& b) {
    return Best(
        a, [&](const MultiPolygon& moved) { return IoUAsTheyLie(moved, b); });
  }
  // Rows of one kind that hang together on the same two editions.
  struct Event {
    std::set<std::string> from;
    std::set<std::string> to;
    std::vector<db::LineageRow> rows;
  };
  static std::vector<Event> EventsOf(const std::string& kind) {
    std::vector<Event> events;
    for (const db::LineageRow& row : OfKind(kind)) {
      Event joined{{*row.from_track}, {*row.to_track}, {row}};
      std::vector<Event> others;
      for (Event& event : events) {
        const bool same = event.rows[0].from_edition == row.from_edition &&
                          (event.from.count(*row.from_track) ||
                           event.to.count(*row.to_track));
        if (!same) {
          others.push_back(std::move(event));
          continue;
        }
        joined.from.merge(event.from);
        joined.to.merge(event.to);
        joined.rows.insert(joined.rows.end(), event.rows.begin(),
                           event.rows.end());
      }
      others.push_back(std::move(joined));
      events = std::move(others);
    }
    return events;
  }
  static void ExpectHalfWithin(const Event& event) {
    for (const db::LineageRow& row : event.rows) {
      EXPECT_GE(
          std::max(Within(From(row), To(row)), Within(To(row), From(row))),
          0.5);
      // The identity goes on where the outlines agree, and nowhere else.
      if (row.from_track == row.to_track) {
        EXPECT_GT(IoU(From(row), To(row)), 0.45);
      } else {
        EXPECT_LT(IoUAsTheyLie(From(row), To(row)), 0.55);
      }
    }
  }

  static Town* town_;
};

WorldLives::Town* WorldLives::town_ = nullptr;

TEST_F(WorldLives, EveryKindOccurs) {
  for (const std::string& kind : db::LineageKinds()) {
    EXPECT_THAT(OfKind(kind), SizeIs(Gt(2u))) << kind;
  }
}

TEST_F(WorldLives, EveryDrawingIsExplained) {
  std::map<Drawing, int> before;
  std::map<Drawing, int> after;
  for (const db::LineageRow& row : town_->lineage) {
    ASSERT_TRUE(row.from_edition && row.to_edition);
    if (row.from_track) ++after[{*row.from_track, Position(*row.from_edition)}];
    if (row.to_track) ++before[{*row.to_track, Position(*row.to_edition)}];
  }
  for (const auto& [drawing, shape] : town_->shapes) {
    EXPECT_EQ(before.count(drawing) > 0, drawing.second > 0);
    EXPECT_EQ(after.count(drawing) > 0,
              drawing.second + 1 < town_->editions.size());
  }
  // And nothing is explained that is not drawn.
  for (const auto& counts : {before, after}) {
    for (const auto& [drawing, count] : counts) {
      EXPECT_TRUE(town_->shapes.count(drawing));
    }
  }
}

TEST_F(WorldLives, WhatPersistsLooksTheSame) {
  double sum = 0.0;
  const auto rows = OfKind("persist");
  for (const db::LineageRow& row : rows) {
    EXPECT_EQ(row.from_track, row.to_track);
    EXPECT_EQ(Position(*row.from_edition) + 1, Position(*row.to_edition));
    const double iou = IoU(From(row), To(row));
    EXPECT_GT(iou, 0.5);
    sum += iou;
  }
  EXPECT_GT(sum / static_cast<double>(rows.size()), 0.85);
}

TEST_F(WorldLives, WhatIsRedrawnStaysInItsPlace) {
  for (const db::LineageRow& row : OfKind("redrawn")) {
    EXPECT_EQ(row.from_track, row.to_track);
    EXPECT_GT(IoU(From(row), To(row)), 0.3);
  }
}

TEST_F(WorldLives, WhatIsEnlargedHoldsWhatItWas) {
  for (const db::LineageRow& row : OfKind("enlarge")) {
    EXPECT_EQ(row.from_track, row.to_track);
    EXPECT_GT(geo::PlanarArea(To(row)), geo::PlanarArea(From(row)));
    EXPECT_GT(Within(From(row), To(row)), 0.8);
  }
}

TEST_F(WorldLives, WhatIsReducedLiesInWhatItWas) {
  for (const db::LineageRow& row : OfKind("reduce")) {
    EXPECT_EQ(row.from_track, row.to_track);
    EXPECT_LT(geo::PlanarArea(To(row)), geo::PlanarArea(From(row)));
    EXPECT_GT(Within(To(row), From(row)), 0.8);
  }
}

TEST_F(WorldLives, WhatIsReshapedGainsAndLosesGround) {
  for (const db::LineageRow& row : OfKind("reshape")) {
    EXPECT_EQ(row.from_track, row.to_track);
    EXPECT_LT(Within(From(row), To(row)), 0.99);
    EXPECT_LT(Within(To(row), From(row)), 0.99);
    EXPECT_GT(geo::IntersectionArea(From(row), To(row)), 0.0);
  }
}

TEST_F(WorldLives, OneBuildingSplitsIntoParts) {
  for (const Event& event : EventsOf("split")) {
    EXPECT_THAT(event.from, SizeIs(1));
    EXPECT_THAT(event.to, SizeIs(::testing::Ge(2u)));
    for (const db::LineageRow& row : event.rows) {
      EXPECT_GT(Within(To(row), From(row)), 0.5);
    }
    ExpectHalfWithin(event);
  }
}

TEST_F(WorldLives, SeveralBuildingsMergeIntoOne) {
  for (const Event& event : EventsOf("merge")) {
    EXPECT_THAT(event.from, SizeIs(::testing::Ge(2u)));
    EXPECT_THAT(event.to, SizeIs(1));
    for (const db::LineageRow& row : event.rows) {
      EXPECT_GT(Within(From(row), To(row)), 0.5);
    }
    ExpectHalfWithin(event);
  }
}

TEST_F(WorldLives, SeveralBuildingsAreCutUpAnew) {
  for (const Event& event : EventsOf("recompose")) {
    EXPECT_THAT(event.from, SizeIs(::testing::Ge(2u)));
    EXPECT_THAT(event.to, SizeIs(::testing::Ge(2u)));
    ExpectHalfWithin(event);
  }
}

TEST_F(WorldLives, WhatIsRebuiltIsAnother) {
  for (const db::LineageRow& row : OfKind("rebuild")) {
    EXPECT_NE(row.from_track, row.to_track);
    EXPECT_FALSE(IsDrawn(*row.from_track, Position(*row.to_edition)));
    EXPECT_FALSE(IsDrawn(*row.to_track, Position(*row.from_edition)));
    EXPECT_GT(geo::IntersectionArea(From(row), To(row)), 0.0);
  }
}

TEST_F(WorldLives, AGapLiesBetweenTwoDrawings) {
  for (const db::LineageRow& row : OfKind("gap")) {
    EXPECT_EQ(row.from_track, row.to_track);
    const size_t from = Position(*row.from_edition);
    const size_t to = Position(*row.to_edition);
    EXPECT_GT(to, from + 1);
    for (size_t t = from + 1; t < to; ++t) {
      EXPECT_FALSE(IsDrawn(*row.from_track, t));
    }
  }
}

TEST_F(WorldLives, WhatAppearsWasNotThereAndWhatDisappearsDoesNotReturn) {
  for (const db::LineageRow& row : OfKind("appear")) {
    EXPECT_FALSE(row.from_track);
    for (size_t t = 0; t < Position(*row.to_edition); ++t) {
      EXPECT_FALSE(IsDrawn(*row.to_track, t));
    }
  }
  for (const db::LineageRow& row : OfKind("disappear")) {
    EXPECT_FALSE(row.to_track);
    for (size_t t = Position(*row.to_edition); t < town_->editions.size();
         ++t) {
      EXPECT_FALSE(IsDrawn(*row.from_track, t));
    }
  }
}

TEST_F(WorldLives, DatesHoldWhatIsDrawn) {
  for (const db::BuildingRow& building : town_->buildings) {
    const int first = std::stoi(building.first_edition);
    const int last = std::stoi(building.last_edition);
    ASSERT_TRUE(building.built_by);
    EXPECT_LE(building.built_by->year, first);
    if (building.built_after) {
      EXPECT_LT(building.built_after->year, building.built_by->year);
    }
    if (building.gone_after) {
      EXPECT_GE(building.gone_after->year, last);
      EXPECT_GT(building.gone_by->year, building.gone_after->year);
    }
    EXPECT_EQ(building.gone_after.has_value(), building.end_edtf.has_value());
  }
}

TEST_F(WorldLives, StatesAreTheDrawingsThatBeginSomething) {
  std::map<std::string, std::vector<db::BuildingStateRow>> by_track;
  for (const db::BuildingStateRow& row : town_->states) {
    by_track[row.track_id].push_back(row);
  }
  EXPECT_EQ(by_track.size(), town_->buildings.size());
  std::set<std::string> kinds;
  for (auto& [track, states] : by_track) {
    std::sort(states.begin(), states.end(), [](const auto& a, const auto& b) {
      return *a.start_date < *b.start_date;
    });
    for (size_t i = 0; i < states.size(); ++i) {
      if (states[i].kind) kinds.insert(*states[i].kind);
      EXPECT_LE(*states[i].start_date, *states[i].end_date);
      if (i > 0) {
        EXPECT_LT(*states[i - 1].end_date, *states[i].start_date);
      }
    }
  }
  for (const char* kind : {"appear", "enlarge", "split", "merge", "rebuild"}) {
    EXPECT_TRUE(kinds.count(kind)) << kind;
  }
}

}  // namespace
}  // namespace mapweave::pipelines
