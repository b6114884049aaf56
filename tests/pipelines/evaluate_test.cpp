// SPDX-License-Identifier: MIT
//
// Two houses on four editions; figures are worked out by hand.
#include "pipelines/evaluate.h"

#include "fixture.h"
#include "tracking/youtube_vis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mapweave::pipelines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kWest = 'w';
constexpr char kEast = 'e';
constexpr char kNowhere = '-';
const std::vector<std::string> kEditions = {"1860", "1880", "1900", "1925"};

// Per track where it lies on each edition.
using Places = std::map<std::string, std::string>;

std::string House(const std::string& track, const std::string& edition,
                  char place) {
  // About 22 m by 22 m.
  const double x = place == kWest ? 9.0 : 9.001;
  const double y = 48.0;
  return fmt::format(
      R"({{"type":"Feature","properties":{{"track_id":"{0}","edition":"{1}"}},)"
      R"("geometry":{{"type":"Polygon","coordinates":)"
      R"([[[{2},{3}],[{4},{3}],[{4},{5}],[{2},{5}],[{2},{3}]]]}}}})",
      track, edition, x, y, x + 0.0003, y + 0.0002);
}

std::string Collection(const std::vector<std::string>& features) {
  return fmt::format(R"({{"type":"FeatureCollection","features":[{}]}})",
                     fmt::join(features, ",\n"));
}

class EvaluateTest : public ::testing::Test {
 protected:
  EvaluateTest() { Write("truth.geojson", {{"a", "wwww"}, {"b", "eeee"}}); }

  std::filesystem::path Path(const std::string& name) const {
    return folder_.Path() / name;
  }
  void Write(const std::string& name, const Places& tracks) const {
    std::vector<std::string> features;
    for (const auto& [track, places] : tracks) {
      for (size_t t = 0; t < places.size(); ++t) {
        if (places[t] == kNowhere) continue;
        features.push_back(House(track, kEditions[t], places[t]));
      }
    }
    WriteText(Path(name), Collection(features));
  }
  EvaluateReport Compare(const Places& predicted) {
    Write("predicted.geojson", predicted);
    EvaluateOptions options;
    options.resolution = 0.5;
    return Evaluate(Path("predicted.geojson"), Path("truth.geojson"), options,
                    quiet_.context);
  }
  QuietContext quiet_;

 private:
  mapweave::testing::TempDir folder_;
};

TEST_F(EvaluateTest, PerfectTracksScoreOneUnderAnyName) {
  const EvaluateReport report = Compare({{"x", "wwww"}, {"y", "eeee"}});
  EXPECT_THAT(report.editions, ::testing::ElementsAreArray(kEditions));
  EXPECT_EQ(report.predicted_tracks, 2);
  EXPECT_EQ(report.true_tracks, 2);
  EXPECT_DOUBLE_EQ(report.measures.track_f1, 1.0);
  EXPECT_DOUBLE_EQ(report.measures.link_f1, 1.0);
  EXPECT_DOUBLE_EQ(report.measures.idf1, 1.0);
  EXPECT_DOUBLE_EQ(report.measures.hota, 1.0);
  EXPECT_DOUBLE_EQ(report.baseline.link_f1, 1.0);
}

TEST_F(EvaluateTest, SwappedIdentitiesKeepTheOutlinesAndLoseTheTracks) {
  const EvaluateReport report = Compare({{"x", "wwee"}, {"y", "eeww"}});
  // 2 of 6 houses in common with either true track: under one half.
  EXPECT_DOUBLE_EQ(report.measures.track_f1, 0.0);
  // Of six links on either side, the two over the swap are wrong.
  EXPECT_DOUBLE_EQ(report.measures.link_precision, 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(report.measures.link_recall, 4.0 / 6.0);
  for (const auto& edition : report.measures.editions) {
    EXPECT_DOUBLE_EQ(edition.f1, 1.0);
  }
  // The baseline links by place and does not see the names.
  EXPECT_DOUBLE_EQ(report.baseline.track_f1, 1.0);
  EXPECT_DOUBLE_EQ(report.baseline.link_f1, 1.0);
}

TEST_F(EvaluateTest, MissingTrackCostsRecallOnly) {
  const EvaluateReport report = Compare({{"x", "wwww"}});
  EXPECT_DOUBLE_EQ(report.measures.track_precision, 1.0);
  EXPECT_DOUBLE_EQ(report.measures.track_recall, 0.5);
  EXPECT_DOUBLE_EQ(report.measures.track_f1, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(report.measures.link_precision, 1.0);
  EXPECT_DOUBLE_EQ(report.measures.link_recall, 0.5);
  EXPECT_DOUBLE_EQ(report.measures.link_f1, 2.0 / 3.0);
}

TEST_F(EvaluateTest, MissingHouseCostsTheLinksOnBothItsSides) {
  const EvaluateReport report = Compare({{"x", "wwww"}, {"y", "ee-e"}});
  // 3 of 4 houses in common.
  EXPECT_DOUBLE_EQ(report.measures.track_f1, 1.0);
  // x has three links and y one, all right; over the gap there is no link.
  EXPECT_DOUBLE_EQ(report.measures.link_precision, 1.0);
  EXPECT_DOUBLE_EQ(report.measures.link_recall, 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(report.measures.link_f1, 4.0 / 5.0);
  EXPECT_DOUBLE_EQ(report.measures.editions[2].recall, 0.5);
}

TEST_F(EvaluateTest, EditionsThatTheTruthLacksAreLeftOut) {
  Write("truth.geojson", {{"a", "ww--"}, {"b", "ee--"}});
  const EvaluateReport report = Compare({{"x", "wwww"}, {"y", "eeee"}});
  EXPECT_THAT(report.editions, ElementsAre("1860", "1880"));
  EXPECT_DOUBLE_EQ(report.measures.track_f1, 1.0);
  EXPECT_DOUBLE_EQ(report.measures.link_f1, 1.0);
}

TEST_F(EvaluateTest, NothingPredictedScoresZero) {
  const EvaluateReport report = Compare({{"x", "----"}, {"y", "---w"}});
  EXPECT_EQ(report.predicted_tracks, 1);
  EXPECT_DOUBLE_EQ(report.measures.track_f1, 0.0);
  EXPECT_DOUBLE_EQ(report.measures.link_f1, 0.0);
}

TEST_F(EvaluateTest, PolygonWithoutFieldsNamesTheFileAndTheField) {
  WriteText(Path("bad.geojson"),
            R"({"type":"FeatureCollection","features":[{"type":"Feature",)"
            R"("properties":{"track_id":"x"},"geometry":{"type":"Polygon",)"
            R"("coordinates":[[[9,48],[9.1,48],[9,48.1],[9,48]]]}}]})");
  const Error error = ErrorOf([&] {
    Evaluate(Path("bad.geojson"), Path("truth.geojson"), {}, quiet_.context);
  });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("bad.geojson"));
  EXPECT_THAT(error.Message(), HasSubstr("edition"));
}

TEST_F(EvaluateTest, MissingFileIsNamed) {
  const Error error = ErrorOf([&] {
    Evaluate(Path("truth.geojson"), Path("gone.gpkg"), {}, quiet_.context);
  });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("gone.gpkg"));
}

TEST_F(EvaluateTest, FilesOnUnrelatedDatumsAreNotCompared) {
  const auto in_crs = [&](const std::string& name, const std::string& crs) {
    WriteText(Path(name + ".csv"),
              "track_id,edition,WKT\nx,1860,\"POLYGON((0 0,10 0,0 10))\"\n");
    WriteText(Path(name + ".vrt"),
              fmt::format("<OGRVRTDataSource><OGRVRTLayer name=\"{0}\">"
                          "<SrcDataSource>{1}</SrcDataSource>"
                          "<GeometryType>wkbPolygon</GeometryType>"
                          "<LayerSRS>{2}</LayerSRS>"
                          "<GeometryField encoding=\"WKT\" field=\"WKT\"/>"
                          "</OGRVRTLayer></OGRVRTDataSource>",
                          name, Path(name + ".csv").string(), crs));
    return Path(name + ".vrt");
  };
  const auto a = in_crs("a", "EPSG:25832");
  const auto b = in_crs("b", "+proj=tmerc +lon_0=9 +x_0=500000 +ellps=bessel");
  const Error error = ErrorOf([&] { Evaluate(b, a, {}, quiet_.context); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("no transformation"));
  EXPECT_THAT(error.Hint(), HasSubstr("EPSG:25832"));
}

// Two clips of two frames: `b` is found in one of them, and too wide.
class EvaluateVideosTest : public EvaluateTest {
 protected:
  static tracking::Track House(int width) {
    const auto mask = tracking::Mask::FromPolygons(
        {{{{2.0, 2.0}, {2.0 + width, 2.0}, {2.0 + width, 6.0}, {2.0, 6.0}},
          {}}});
    return tracking::TrackAsDrawn({mask, mask}, 1.0f);
  }
  static tracking::VisDocument Clips(const tracking::TrackSet& first,
                                     const tracking::TrackSet& second) {
    tracking::VisDocument document;
    for (const tracking::TrackSet& tracks : {first, second}) {
      tracking::VisVideo& video = document.videos.emplace_back();
      video.id = static_cast<int64_t>(document.videos.size());
      video.size = {32, 16};
      video.frames = {"a.png", "b.png"};
      video.editions = {"1860", "1880"};
      video.tracks = tracks;
    }
    return document;
  }
  EvaluateReport CompareJson(const Json& predicted, const Json& truth) {
    WriteText(Path("p.json"), predicted.dump());
    WriteText(Path("t.json"), truth.dump());
    return Evaluate(Path("p.json"), Path("t.json"), {}, quiet_.context);
  }
};

TEST_F(EvaluateVideosTest, VideosArePooled) {
  const Json truth = tracking::ToYoutubeVis(Clips({House(4)}, {House(8)}));
  // IoU 1 in the first clip, 8 / 20 in the second.
  const tracking::VisDocument predicted = Clips({House(4)}, {House(20)});
  for (const Json& side : {tracking::ToYoutubeVis(predicted),
                           tracking::ToYoutubeVisResults(predicted)}) {
    const EvaluateReport report = CompareJson(side, truth);
    EXPECT_EQ(report.series, 2);
    EXPECT_EQ(report.true_tracks, 2);
    EXPECT_EQ(report.predicted_tracks, 2);
    EXPECT_THAT(report.editions, ElementsAre("1860", "1880"));
    EXPECT_DOUBLE_EQ(report.measures.track_f1, 0.5);
    EXPECT_DOUBLE_EQ(report.measures.link_f1, 0.5);
    EXPECT_DOUBLE_EQ(report.baseline.link_f1, 0.5);
    EXPECT_DOUBLE_EQ(report.measures.editions[1].recall, 0.5);
  }
  EXPECT_DOUBLE_EQ(CompareJson(truth, truth).measures.ap, 1.0);
}

TEST_F(EvaluateVideosTest, LineageIsPooledByKind) {
  tracking::VisDocument truth = Clips({House(4)}, {House(8)});
  for (tracking::VisVideo& video : truth.videos) {
    tracking::LineageEvent event;
    event.from_track = event.to_track = 0;
    event.to_edition = 1;
    event.kind = tracking::LineageKind::kEnlarge;
    video.lineage = {event};
  }
  tracking::VisDocument predicted = truth;
  predicted.videos[1].lineage[0].kind = tracking::LineageKind::kReduce;
  const EvaluateReport report = CompareJson(tracking::ToYoutubeVis(predicted),
                                            tracking::ToYoutubeVis(truth));
  const auto& enlarge = report.lineage.at(tracking::LineageKind::kEnlarge);
  EXPECT_DOUBLE_EQ(enlarge.Precision(), 1.0);
  EXPECT_DOUBLE_EQ(enlarge.Recall(), 0.5);
  EXPECT_EQ(report.lineage.at(tracking::LineageKind::kReduce).false_positives,
            1);
}

TEST_F(EvaluateVideosTest, VideoWithoutPredictionsCostsRecall) {
  const tracking::VisDocument both = Clips({House(4)}, {House(8)});
  tracking::VisDocument one = both;
  one.videos.pop_back();
  const EvaluateReport report =
      CompareJson(tracking::ToYoutubeVis(one), tracking::ToYoutubeVis(both));
  EXPECT_DOUBLE_EQ(report.measures.track_recall, 0.5);
  EXPECT_DOUBLE_EQ(report.measures.track_precision, 1.0);
}

TEST_F(EvaluateVideosTest, SidesThatDoNotBelongTogetherAreRefused) {
  const tracking::VisDocument truth = Clips({House(4)}, {House(8)});
  const Json json = tracking::ToYoutubeVis(truth);
  tracking::VisDocument larger = truth;
  larger.videos[1].size = {33, 16};
  const auto fault = [&](const Json& predicted, const Json& true_side) {
    const Error error = ErrorOf([&] { CompareJson(predicted, true_side); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    return error.Message();
  };
  EXPECT_THAT(fault(tracking::ToYoutubeVis(larger), json),
              HasSubstr("33 x 16"));
  EXPECT_THAT(fault(json, tracking::ToYoutubeVisResults(truth)),
              HasSubstr("t.json' is a list of results"));
  Write("map.geojson", {{"a", "wwww"}});
  WriteText(Path("t.json"), json.dump());
  EXPECT_THAT(ErrorOf([&] {
                Evaluate(Path("map.geojson"), Path("t.json"), {},
                         quiet_.context);
              }).Message(),
              HasSubstr("map.geojson' is not"));
}

TEST_F(EvaluateTest, TellsWhatWentWrongOnWhichEdition) {
  // The house in the east is found nowhere, and its neighbour is called by
  // another name on the last edition.
  const Json report = ToJson(Compare({{"x", "www"}, {"y", "---w"}}));
  EXPECT_EQ(report.at("faults").at("missed"), 4);
  EXPECT_EQ(report.at("faults").at("identity_lost"), 1);
  EXPECT_EQ(report.at("faults").at("link_unseen"), 3);
  EXPECT_EQ(report.at("faults").at("spurious"), 0);
  const Json& editions = report.at("editions");
  EXPECT_EQ(editions.at(kEditions[3]).at("faults").at("identity_lost"), 1);
  EXPECT_EQ(editions.at(kEditions[2]).at("faults").at("identity_lost"), 0);
  // The baseline does not see the names.
  EXPECT_EQ(report.at("baseline").at("faults").at("identity_lost"), 0);
}

TEST_F(EvaluateTest, IntervalsHoldTheFiguresAndCanBeLeftOut) {
  const EvaluateReport compared = Compare({{"x", "wwee"}, {"y", "eeww"}});
  const Json report = ToJson(compared);
  const Json& bootstrap = report.at("bootstrap");
  EXPECT_EQ(bootstrap.at("replicates"), 1000);
  EXPECT_EQ(bootstrap.at("places"), 2);  // the two houses lie far apart
  const Json& link = bootstrap.at("link_f1");
  EXPECT_LE(link.at("low"), report.at("link_f1"));
  EXPECT_GE(link.at("high"), report.at("link_f1"));
  EXPECT_DOUBLE_EQ(link.at("difference").at("value"),
                   report.at("link_f1").get<double>() -
                       report.at("baseline").at("link_f1").get<double>());
  EXPECT_DOUBLE_EQ(FigureOf(report, "bootstrap.link_f1.difference.value"),
                   compared.intervals.link_f1.difference.value);
  EvaluateOptions none;
  none.resolution = 0.5;
  none.bootstrap.replicates = 0;
  EXPECT_FALSE(ToJson(Evaluate(Path("predicted.geojson"),
                               Path("truth.geojson"), none, quiet_.context))
                   .contains("bootstrap"));
}

TEST_F(EvaluateTest, FiguresAreFoundByDottedKeys) {
  const Json report = ToJson(Compare({{"x", "wwww"}}));
  EXPECT_DOUBLE_EQ(FigureOf(report, "track_f1"), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(FigureOf(report, "baseline.track_recall"), 0.5);
  EXPECT_DOUBLE_EQ(FigureOf(report, "editions.1860.recall"), 0.5);
  for (const char* key : {"beauty", "baseline", "baseline.", "crs", ""}) {
    EXPECT_EQ(ErrorOf([&] { FigureOf(report, key); }).Code(), ErrorCode::kUsage)
        << key;
  }
}

}  // namespace
}  // namespace mapweave::pipelines
