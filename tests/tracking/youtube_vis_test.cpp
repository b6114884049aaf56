// SPDX-License-Identifier: MIT
#include "tracking/youtube_vis.h"

#include "core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace mapweave::tracking {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Mask Rectangle(int col, int row, int width, int height) {
  std::vector<tracking::Run> runs;
  for (int y = row; y < row + height; ++y)
    runs.push_back({y, col, col + width});
  return Mask::FromRuns(std::move(runs));
}

// A house that stays and one that takes its neighbour's place.
VisDocument TwoHouses() {
  VisDocument document;
  document.description = "two houses";
  VisVideo& video = document.videos.emplace_back();
  video.size = {8, 4};
  video.frames = {"1860.tif", "1880.tif"};
  video.editions = {"1860", "1880"};
  video.tracks = {
      TrackAsDrawn({Rectangle(0, 0, 2, 2), Rectangle(0, 0, 3, 2)}, 1.0f),
      TrackAsDrawn({{}, Rectangle(5, 1, 2, 3)}, 0.25f)};
  video.track_ids = {"a", "b"};
  LineageEvent enlarge;
  enlarge.from_track = enlarge.to_track = 0;
  enlarge.to_edition = 1;
  enlarge.kind = LineageKind::kEnlarge;
  enlarge.probability = 1.0;
  LineageEvent appear = enlarge;
  appear.from_track.reset();
  appear.to_track = 1;
  appear.kind = LineageKind::kAppear;
  video.lineage = {enlarge, appear};
  return document;
}

std::string FaultOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    return error.Message();
  }
  return "no error was thrown";
}

std::string FaultOf(const Json& json) {
  return FaultOf([&] { FromYoutubeVis(json, "truth.json"); });
}

TEST(YoutubeVis, WritesWhatTheFormatAsksFor) {
  const Json json = ToYoutubeVis(TwoHouses());
  EXPECT_EQ(json["categories"], Json::parse(R"([{"id":1,"name":"building",)"
                                            R"("supercategory":"building"}])"));
  EXPECT_EQ(json["videos"][0]["file_names"],
            Json::parse(R"(["1860.tif","1880.tif"])"));
  EXPECT_EQ(json["videos"][0]["length"], 2);
  // Column by column over 4 rows: 2 on, 2 off, 2 on, then off.
  EXPECT_EQ(
      json["annotations"][0],
      Json::parse(
          R"({"id":1,"video_id":1,"category_id":1,"iscrowd":0,"width":8,)"
          R"("height":4,"length":2,"segmentations":[)"
          R"({"size":[4,8],"counts":"0220h0"},)"
          R"({"size":[4,8],"counts":"022000d0"}],"areas":[4,6],)"
          R"("bboxes":[[0,0,2,2],[0,0,3,2]],"mapweave":{"track_id":"a"}})"));
  const Json& second = json["annotations"][1];
  EXPECT_EQ(second["id"], 2);
  EXPECT_TRUE(second["segmentations"][0].is_null());
  EXPECT_TRUE(second["areas"][0].is_null());
  EXPECT_TRUE(second["bboxes"][0].is_null());
  EXPECT_EQ(second["bboxes"][1], Json({5, 1, 2, 3}));
  EXPECT_EQ(json["videos"][0]["mapweave"]["lineage"][1],
            Json::parse(R"({"kind":"appear","from":null,"to":2,)"
                        R"("from_frame":0,"to_frame":1,"probability":1.0})"));
}

TEST(YoutubeVis, ComesBackAsItWas) {
  const VisDocument written = TwoHouses();
  // Through text, as on disk.
  const VisDocument read = FromYoutubeVis(
      ParseJson(ToYoutubeVis(written).dump(), "text"), "truth.json");
  EXPECT_EQ(read.description, written.description);
  ASSERT_THAT(read.videos, SizeIs(1));
  const VisVideo& a = written.videos[0];
  const VisVideo& b = read.videos[0];
  EXPECT_EQ(b.id, 1);
  EXPECT_EQ(b.size, a.size);
  EXPECT_EQ(b.frames, a.frames);
  EXPECT_EQ(b.editions, a.editions);
  EXPECT_EQ(b.track_ids, a.track_ids);
  ASSERT_THAT(b.tracks, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(b.tracks[i].masks, a.tracks[i].masks);
    EXPECT_EQ(b.tracks[i].presence, a.tracks[i].presence);
    EXPECT_EQ(b.tracks[i].link, a.tracks[i].link);
  }
  ASSERT_THAT(b.lineage, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(b.lineage[i].kind, a.lineage[i].kind);
    EXPECT_EQ(b.lineage[i].from_track, a.lineage[i].from_track);
    EXPECT_EQ(b.lineage[i].to_track, a.lineage[i].to_track);
    EXPECT_EQ(b.lineage[i].to_edition, 1u);
  }
  EXPECT_EQ(ToYoutubeVis(read), ToYoutubeVis(written));
}

TEST(YoutubeVis, TracksBeyondTheFrameAreLeftOutWithTheirLineage) {
  VisDocument document = TwoHouses();
  VisVideo& video = document.videos[0];
  video.tracks[0] =
      TrackAsDrawn({Rectangle(8, 0, 2, 2), Rectangle(0, 4, 3, 2)}, 1.0f);
  video.tracks[1] = TrackAsDrawn({{}, Rectangle(6, 2, 9, 9)}, 1.0f);
  const VisDocument read = FromYoutubeVis(ToYoutubeVis(document), "text");
  ASSERT_THAT(read.videos[0].tracks, SizeIs(1));
  EXPECT_EQ(read.videos[0].tracks[0].masks[1], Rectangle(6, 2, 2, 2));
  EXPECT_THAT(read.videos[0].track_ids, ElementsAre("b"));
  ASSERT_THAT(read.videos[0].lineage, SizeIs(1));
  EXPECT_EQ(read.videos[0].lineage[0].to_track, 0u);
}

TEST(YoutubeVis, ReadsListsPolygonsAndEmptyCodes) {
  Json json = ToYoutubeVis(TwoHouses());
  Json& segmentations = json["annotations"][0]["segmentations"];
  segmentations[0] = Json::parse(R"([[1,1,3,1,3,3,1,3],[5,0,8,0,8,1,5,1]])");
  segmentations[1]["counts"] = {0, 2, 2, 2, 26};
  // Of no pixel: the building is absent.
  json["annotations"][1]["segmentations"][0] =
      Json::parse(R"({"size":[4,8],"counts":[32]})");
  const VisDocument read = FromYoutubeVis(json, "truth.json");
  const VisVideo& video = read.videos[0];
  EXPECT_EQ(video.tracks[0].masks[0],
            Rectangle(1, 1, 2, 2).Union(Rectangle(5, 0, 3, 1)));
  EXPECT_EQ(video.tracks[0].masks[1], Rectangle(0, 0, 2, 2));
  EXPECT_TRUE(video.tracks[1].masks[0].IsEmpty());
  EXPECT_EQ(video.tracks[1].presence[0], 0.0f);
}

TEST(YoutubeVis, CrowdsAndOtherCategoriesAreNoBuildings) {
  Json json = ToYoutubeVis(TwoHouses());
  json["annotations"][0]["iscrowd"] = 1;
  json["videos"][0].erase("mapweave");
  json["categories"].push_back({{"id", 7}, {"name", "well"}});
  Json well = json["annotations"][1];
  well["category_id"] = 7;
  json["annotations"].push_back(well);
  const VisDocument read = FromYoutubeVis(json, "truth.json");
  EXPECT_THAT(read.videos[0].tracks, SizeIs(1));
  EXPECT_THAT(read.videos[0].crowds, SizeIs(1));
  EXPECT_EQ(read.other_annotations, 1);
}

TEST(YoutubeVis, FaultsAreNamedWithTheirPlace) {
  const Json good = ToYoutubeVis(TwoHouses());
  const auto fault = [&](const std::string& place, const Json& value) {
    Json json = good;
    json[Json::json_pointer(place)] = value;
    return FaultOf(json);
  };
  EXPECT_THAT(fault("/annotations/1/video_id", 3),
              HasSubstr("'truth.json': /annotations/1/video_id"));
  EXPECT_THAT(fault("/annotations/1/id", 1), HasSubstr("/annotations/1/id"));
  EXPECT_THAT(fault("/annotations/0/segmentations", Json::array()),
              HasSubstr("0 items for 2 frames"));
  EXPECT_THAT(fault("/annotations/0/segmentations/1/counts", "02"),
              HasSubstr("/annotations/0/segmentations/1/counts"));
  EXPECT_THAT(fault("/annotations/0/segmentations/1/counts", "~"),
              HasSubstr("/annotations/0/segmentations/1/counts"));
  EXPECT_THAT(fault("/annotations/0/segmentations/0/size", {8, 4}),
              HasSubstr("[height, width], [4, 8]"));
  EXPECT_THAT(fault("/annotations/0/segmentations/0", {{1, 2}}),
              HasSubstr("/annotations/0/segmentations/0/0"));
  EXPECT_THAT(fault("/annotations/0/segmentations/0", "half"),
              HasSubstr("/annotations/0/segmentations/0 should be an object"));
  EXPECT_THAT(fault("/videos/0/width", 0), HasSubstr("/videos/0/width"));
  EXPECT_THAT(fault("/videos/0/width", "8"), HasSubstr("whole number"));
  EXPECT_THAT(fault("/videos/0/mapweave/editions", {"1860"}),
              HasSubstr("1 labels for 2 frames"));
  EXPECT_THAT(fault("/videos/0/mapweave/lineage/0/kind", "vanish"),
              HasSubstr("/videos/0/mapweave/lineage/0/kind"));
  EXPECT_THAT(fault("/videos/0/mapweave/lineage/0/from", 99),
              HasSubstr("/videos/0/mapweave/lineage/0/from"));
  EXPECT_THAT(fault("/categories", Json::array()), HasSubstr("/categories"));
  EXPECT_THAT(FaultOf(Json::object()), HasSubstr("lacks \"categories\""));
  EXPECT_THAT(FaultOf(Json(3)), HasSubstr("the document should be an object"));
}

TEST(YoutubeVis, DocumentsThatContradictThemselvesAreNotWritten) {
  VisDocument document = TwoHouses();
  document.videos.push_back(document.videos[0]);
  EXPECT_THAT(FaultOf([&] { ToYoutubeVis(document); }), HasSubstr("one id"));
  document = TwoHouses();
  document.videos[0].track_ids.pop_back();
  EXPECT_THAT(FaultOf([&] { ToYoutubeVis(document); }), HasSubstr("track ids"));
  document = TwoHouses();
  document.videos[0].frames.push_back("1900.tif");
  document.videos[0].editions.push_back("1900");
  EXPECT_THAT(FaultOf([&] { ToYoutubeVis(document); }), HasSubstr("frames"));
}

TEST(YoutubeVisResults, ComeBackWithTheirScores) {
  const VisDocument document = TwoHouses();
  const Json json = ToYoutubeVisResults(document);
  EXPECT_TRUE(IsYoutubeVisResults(json));
  EXPECT_FALSE(IsYoutubeVis(json));
  const VisDocument read =
      FromYoutubeVisResults(json, document, "results.json");
  ASSERT_THAT(read.videos, SizeIs(1));
  ASSERT_THAT(read.videos[0].tracks, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.videos[0].tracks[i].masks,
              document.videos[0].tracks[i].masks);
    EXPECT_EQ(read.videos[0].tracks[i].score,
              document.videos[0].tracks[i].score);
  }
  EXPECT_THAT(FromYoutubeVisResults(Json::array(), document, "results.json")
                  .videos[0]
                  .tracks,
              IsEmpty());
}

TEST(YoutubeVisResults, FaultsAreNamedWithTheirPlace) {
  const VisDocument document = TwoHouses();
  Json json = ToYoutubeVisResults(document);
  json[1]["video_id"] = 9;
  EXPECT_THAT(
      FaultOf([&] { FromYoutubeVisResults(json, document, "results.json"); }),
      HasSubstr("'results.json': /1/video_id"));
  json[1]["video_id"] = 1;
  json[0].erase("score");
  EXPECT_THAT(
      FaultOf([&] { FromYoutubeVisResults(json, document, "results.json"); }),
      HasSubstr("/0 lacks \"score\""));
}

}  // namespace
}  // namespace mapweave::tracking
