// SPDX-License-Identifier: MIT
#include "models/vis/query_decoder.h"

#include "core/error.h"

#include <gtest/gtest.h>

namespace mapweave::vis {
namespace {

using tracking::Mask;
using tracking::TrackSet;

Mask Box(int x, int y, int width, int height) {
  std::vector<tracking::Run> runs;
  for (int row = y; row < y + height; ++row)
    runs.push_back({row, x, x + width});
  return Mask::FromRuns(runs);
}

QueryTrack Query(std::vector<Mask> masks, float building) {
  QueryTrack query;
  query.certainty.assign(masks.size(), 0.75f);
  query.presence.assign(masks.size(), 1.0f);
  query.masks = std::move(masks);
  query.building = building;
  return query;
}

TEST(TracksFromQueries, ShowsOnlyWhatIsPresentAndLargeEnough) {
  QueryTrack query =
      Query({Box(0, 0, 5, 5), Box(0, 0, 5, 5), Box(0, 0, 3, 3)}, 0.5f);
  query.presence[0] = 0.4f;
  QueryTrack absent = Query({Box(9, 9, 5, 5), Mask(), Mask()}, 0.9f);
  absent.presence.assign(3, 0.1f);

  const TrackSet tracks = TracksFromQueries({query, absent}, {});

  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_TRUE(tracks[0].masks[0].IsEmpty());
  EXPECT_EQ(tracks[0].masks[1], Box(0, 0, 5, 5));
  EXPECT_TRUE(tracks[0].masks[2].IsEmpty());  // 9 pixels
  EXPECT_FLOAT_EQ(tracks[0].score, 0.375f);   // 0.5 * 0.75
  EXPECT_FLOAT_EQ(tracks[0].presence[0], 0.4f);
}

TEST(TracksFromQueries, KeepsTheBetterOfTwoThatAreOne) {
  const QueryTrack worse = Query({Box(1, 0, 10, 10)}, 0.6f);
  const QueryTrack better = Query({Box(0, 0, 10, 10)}, 0.8f);

  const TrackSet tracks = TracksFromQueries({worse, better}, {});

  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].masks[0], Box(0, 0, 10, 10));
}

TEST(TracksFromQueries, GivesSharedPixelsToTheBetterTrack) {
  const QueryTrack worse = Query({Box(8, 0, 10, 10)}, 0.6f);
  const QueryTrack better = Query({Box(0, 0, 10, 10)}, 0.8f);
  QueryDecodeOptions options;

  const TrackSet tracks = TracksFromQueries({worse, better}, options);
  options.max_overlap = 1.0;
  const TrackSet published = TracksFromQueries({worse, better}, options);

  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].masks[0], Box(0, 0, 10, 10));
  EXPECT_EQ(tracks[1].masks[0], Box(10, 0, 8, 10));
  EXPECT_EQ(published[1].masks[0], Box(8, 0, 10, 10));
}

TEST(TracksFromQueries, LinksEveryMaskToTheNextOverGaps) {
  QueryTrack query = Query({Box(0, 0, 5, 5), Mask(), Box(1, 0, 5, 5)}, 1.0f);
  query.presence = {0.8f, 0.0f, 0.5f};

  const TrackSet tracks = TracksFromQueries({query}, {});

  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_FLOAT_EQ(tracks[0].link[0], 0.4f);
  EXPECT_FLOAT_EQ(tracks[0].link[1], 0.0f);
  EXPECT_FLOAT_EQ(tracks[0].link[2], 0.0f);
}

TEST(TracksFromQueries, OrdersByFirstPixelWithoutALimitOnTheirNumber) {
  std::vector<QueryTrack> queries;
  for (int i = 0; i < 400; ++i) {
    queries.push_back(Query({Box(5 * (i % 20), 5 * (i / 20), 4, 4)},
                            0.5f + static_cast<float>(i) / 1000.0f));
  }

  const TrackSet tracks = TracksFromQueries(queries, {});

  ASSERT_EQ(tracks.size(), 400u);
  for (size_t i = 1; i < tracks.size(); ++i) {
    EXPECT_LT(tracks[i - 1].masks[0].Runs()[0], tracks[i].masks[0].Runs()[0]);
  }
}

TEST(QueryDecodeOptions, SurviveJsonAndRefuseWhatIsImpossible) {
  QueryDecodeOptions options;
  options.min_presence = 0.25;
  EXPECT_EQ(QueryDecodeOptions::FromJson(options.ToJson(), {}).ToJson(),
            options.ToJson());
  EXPECT_EQ(QueryDecodeOptions::FromJson(Json::object(), options).ToJson(),
            options.ToJson());
  EXPECT_THROW(QueryDecodeOptions::FromJson({{"min_score", 2}}, {}), Error);
  EXPECT_THROW(QueryDecodeOptions::FromJson({{"min_score", "x"}}, {}), Error);
}

}  // namespace
}  // namespace mapweave::vis
