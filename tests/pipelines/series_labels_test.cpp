// SPDX-License-Identifier: MIT
#include "pipelines/series_labels.h"

#include "drawn_series.h"

#include <algorithm>
#include <set>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using tracking::LabelledClip;
using tracking::Mask;

class SeriesLabelsTest : public ::testing::Test {
 protected:
  SeriesLabelsTest()
      : series_(folder_.Path()),
        project_path_(series_.MakeProject(quiet_.context)),
        project_(LoadProject(
            db::Store::Open(project_path_, db::OpenMode::kReadOnly))) {}

  SeriesLabels Read(const fs::path& file,
                    const LabelReadOptions& options = {}) {
    return ReadSeriesLabels({file}, project_, options);
  }
  // The mask of building k on the grid, which begins where the west edge of the
  // newer sheet lies.
  Mask Expected(size_t k) const {
    const Point2d origin = project_.grid.PixelFromWorld(
        {series_.Grid().origin_x, series_.Grid().origin_y});
    return Mask::FromImage(
        cv::Mat::ones(series_.Buildings()[k].size(), CV_8UC1),
        series_.Buildings()[k].tl() +
            cv::Point(cvRound(origin.x), cvRound(origin.y)));
  }
  // Share of labelled pixels that are dark, and of dark ones that are labelled.
  static std::pair<double, double> Fit(const LabelledClip& clip, size_t t) {
    cv::Mat dark;
    cv::extractChannel(clip.clip.frames[t], dark, 0);
    dark = (dark < 85) & (clip.clip.coverage[t] != 0);
    const cv::Mat labelled = clip.labels[t] > 0;
    dark.setTo(0, clip.labels[t] < 0);
    const double both = cv::countNonZero(dark & labelled);
    return {both / std::max(1, cv::countNonZero(labelled)),
            both / std::max(1, cv::countNonZero(dark))};
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
  DrawnSeries series_;
  fs::path project_path_;
  Project project_;
};

TEST_F(SeriesLabelsTest, PutsOutlinesOnTheAlignedGrid) {
  const SeriesLabels labels =
      Read(series_.WriteLabels("drawn.gpkg", series_.Features(0, 3)));
  EXPECT_EQ(labels.editions, (std::vector<size_t>{0, 1}));
  ASSERT_EQ(labels.tracks.size(), 3u);
  for (size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(labels.tracks[k].masks[0], Expected(k));
    EXPECT_EQ(labels.tracks[k].masks[1], Expected(k));
  }
}

TEST_F(SeriesLabelsTest, SeesWhetherOutlinesWereDrawnOnTheSheetsThemselves) {
  // A person who traced the older sheet in a GIS drew 6 m further east.
  const auto drawn = series_.Features(0, 20, DrawnSeries::kShift);
  const fs::path file = series_.WriteLabels("drawn.gpkg", drawn);
  const SeriesLabels labels = Read(file);
  LabelReadOptions said;
  said.drawn_on = DrawnOn::kAligned;
  const SeriesLabels misled = Read(file, said);
  for (size_t k = 0; k < labels.tracks.size(); ++k) {
    EXPECT_EQ(labels.tracks[k].masks[0], labels.tracks[k].masks[1]);
    EXPECT_EQ(misled.tracks[k].masks[0],
              misled.tracks[k].masks[1].Translated(DrawnSeries::kShift, 0));
  }
}

TEST_F(SeriesLabelsTest, TransformsLabelsOfAnotherCrs) {
  // GeoJSON is in WGS 84.
  const SeriesLabels labels =
      Read(series_.WriteLabels("drawn.geojson", series_.Features(0, 3)));
  for (const tracking::Track& track : labels.tracks) {
    const auto same = [&](size_t k) {
      return IoU(track.masks[1], Expected(k)) > 0.99;
    };
    EXPECT_TRUE(same(0) || same(1) || same(2));
  }
}

TEST_F(SeriesLabelsTest, NamesTheEditionThatTheSeriesDoesNotHave) {
  auto features = series_.Features(0, 2);
  features[3].attributes["edition"] = "1881";
  const fs::path file = series_.WriteLabels("drawn.gpkg", features);
  const Error error = ErrorOf([&] { Read(file); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(),
              AllOf(HasSubstr("drawn.gpkg"), HasSubstr("1881")));
  EXPECT_THAT(error.Hint(), HasSubstr("1860, 1880"));
}

TEST_F(SeriesLabelsTest, NamesTheFieldThatAPolygonLacks) {
  auto features = series_.Features(0, 2);
  features[1].attributes.erase("edition");
  const fs::path file = series_.WriteLabels("drawn.gpkg", features);
  const Error error = ErrorOf([&] { Read(file); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(),
              AllOf(HasSubstr("drawn.gpkg"), HasSubstr("edition")));
}

TEST_F(SeriesLabelsTest, RefusesAFileWithoutPolygons) {
  const fs::path file = series_.WriteLabels("drawn.gpkg", {});
  const Error error = ErrorOf([&] { Read(file); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("drawn.gpkg"));
}

TEST_F(SeriesLabelsTest, RefusesLabelsOfAnotherPlace) {
  auto features = series_.Features(0, 4);
  for (geo::VectorFeature& feature : features) {
    for (Point2d& p : feature.geometry[0].shell) p.x += 5000.0;
  }
  const SeriesLabels labels = Read(series_.WriteLabels("far.gpkg", features));
  const Error error =
      ErrorOf([&] { MakeSeriesClips(project_, labels, PlacedClipOptions{}); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Hint(), HasSubstr("CRS"));
}

TEST_F(SeriesLabelsTest, ObeysTheReviewersOfAProject) {
  db::Store store = db::Store::Open(project_path_, db::OpenMode::kReadWrite);
  db::RunRow run;
  run.run_id = "r";
  run.stage = "segment";
  run.status = db::RunStatus::kDone;
  store.SaveRun(run);
  db::RunResult result;
  for (size_t k = 0; k < 5; ++k) {
    db::BuildingRow building;
    building.track_id = "b" + std::to_string(k);
    building.first_edition = "1860";
    building.last_edition = "1880";
    result.buildings.push_back(building);
    for (const char* edition : {"1860", "1880"}) {
      db::ObservationRow row;
      row.track_id = building.track_id;
      row.edition = edition;
      row.geometry = series_.Outline(k);
      result.observations.push_back(row);
    }
  }
  store.WriteResult("r", result);
  const auto review = [&](const char* verdict, const char* track) {
    db::ReviewRow row;
    row.verdict = verdict;
    row.track_id = track;
    return row;
  };
  db::ReviewRow absent = review("absent", "b0");
  absent.edition = "1880";
  store.AddReview(absent);
  db::ReviewRow wrong = review("wrong_outline", "b1");
  wrong.edition = "1860";
  store.AddReview(wrong);
  db::ReviewRow same = review("same", "b2");
  same.other_track = "b3";
  store.AddReview(same);
  db::ReviewRow parted = review("not_same", "b4");
  parted.edition = "1860";
  parted.other_track = "b4";
  parted.other_edition = "1880";
  store.AddReview(parted);

  const SeriesLabels labels = Read(project_path_);

  // b0, b1, b2 with b3, b4, b4 from 1880.
  ASSERT_EQ(labels.tracks.size(), 5u);
  EXPECT_EQ(labels.tracks[0].masks[0], Expected(0));
  EXPECT_TRUE(labels.tracks[0].masks[1].IsEmpty());
  EXPECT_EQ(labels.doubtful[0], Expected(1));
  EXPECT_TRUE(labels.doubtful[1].IsEmpty());
  EXPECT_EQ(labels.tracks[2].masks[1], Expected(2).Union(Expected(3)));
  EXPECT_EQ(labels.tracks[3].masks[0], Expected(4));
  EXPECT_TRUE(labels.tracks[3].masks[1].IsEmpty());
  EXPECT_EQ(labels.tracks[4].masks[1], Expected(4));
  // The program has looked at all of the sheets.
  EXPECT_EQ(labels.extent[1].Area(), DrawnSeries::kSide * DrawnSeries::kSide);
}

TEST_F(SeriesLabelsTest, CountsNothingBeyondWhatWasLabelled) {
  LabelReadOptions options;
  options.reach_px = 4;
  const fs::path file =
      series_.WriteLabels("drawn.gpkg", series_.Features(9, 10));
  const cv::Rect box = Expected(9).Bounds();
  const SeriesLabels near = Read(file, options);
  EXPECT_EQ(near.extent[0].Bounds(),
            (cv::Rect(box.x - 4, box.y - 4, box.width + 8, box.height + 8)));
  // A drawn extent speaks of one edition, or of all.
  geo::VectorFeature extent{series_.Outline(9), {{"edition", "1880"}}};
  geo::WriteVectorOptions write;
  write.fields = {{"edition"}};
  geo::WritePolygons(folder_.File("extent.gpkg"), {extent}, series_.Grid().crs,
                     write);
  options.extent = folder_.File("extent.gpkg");
  const SeriesLabels drawn = Read(file, options);
  EXPECT_TRUE(drawn.extent[0].IsEmpty());
  EXPECT_EQ(drawn.extent[1], Expected(9));
}

class SeriesClipsTest : public SeriesLabelsTest {
 protected:
  PlacedClips Make(const PlacedClipOptions& options) {
    return MakeSeriesClips(
        project_,
        Read(series_.WriteLabels("all.gpkg", series_.Features(0, 64))),
        options);
  }
};

TEST_F(SeriesClipsTest, DrawsLabelsWhereTheSheetsShowTheBuildings) {
  PlacedClipOptions options;
  options.size_px = 96;
  const PlacedClips clips = Make(options);
  int64_t known = 0;
  for (uint64_t i = 0; i < 8; ++i) {
    const LabelledClip clip = clips.training->Get(i);
    ASSERT_EQ(clip.labels.size(), 2u);
    for (size_t t = 0; t < 2; ++t) {
      EXPECT_EQ(clip.labels[t].size(), cv::Size(96, 96));
      const auto [right, found] = Fit(clip, t);
      EXPECT_GT(right, 0.98);
      EXPECT_GT(found, 0.98);
      known += cv::countNonZero((clip.labels[t] >= 0) &
                                (clip.clip.coverage[t] != 0));
    }
    // All buildings stand still.
    EXPECT_EQ(tracking::TracksFromLabels(clip.labels).size(),
              tracking::TracksFromLabels({clip.labels[1]}).size());
  }
  EXPECT_GT(known, 8 * 2 * 96 * 96 / 4);
}

TEST_F(SeriesClipsTest, IsAPureFunctionOfSeedAndIndex) {
  PlacedClipOptions options;
  options.size_px = 64;
  const PlacedClips clips = Make(options);
  const PlacedClips again = Make(options);
  clips.training->Get(5);
  const LabelledClip a = clips.training->Get(2);
  const LabelledClip b = again.training->Get(2);
  EXPECT_EQ(cv::norm(a.clip.frames[0], b.clip.frames[0], cv::NORM_INF), 0.0);
  EXPECT_EQ(cv::norm(a.labels[1], b.labels[1], cv::NORM_INF), 0.0);
  options.seed = 2;
  const LabelledClip other = Make(options).training->Get(2);
  EXPECT_GT(cv::norm(a.labels[1], other.labels[1], cv::NORM_INF), 0.0);
}

TEST_F(SeriesClipsTest, NeverTrainsOnWhatIsHeldOut) {
  // Mark every pixel that some training clip counts, and every held-out one,
  // by the pattern of the paper around it: clips do not say where they lie.
  PlacedClipOptions options;
  options.size_px = 64;
  options.held_out = 0.3;
  const PlacedClips clips = Make(options);
  ASSERT_GT(clips.held_out_places, 1);
  EXPECT_GT(clips.held_out_buildings, 3);
  EXPECT_EQ(clips.training_buildings + clips.held_out_buildings, 64);
  const auto fingerprint = [](const cv::Mat& frame, int row, int col) {
    // 6 x 6 pixels of paper, which is nowhere the same twice; nothing for
    // buildings, which look alike.
    std::string key;
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 6; ++x) {
        const uint8_t value = frame.at<cv::Vec3b>(row + y, col + x)[0];
        if (value < 85) return std::string();
        key += static_cast<char>(value);
      }
    }
    return key;
  };
  std::set<std::string> held_out;
  for (int64_t i = 0; i < clips.held_out_places; ++i) {
    const LabelledClip clip = clips.held_out->Get(static_cast<uint64_t>(i));
    for (int row = 0; row + 6 <= clip.labels[1].rows; ++row) {
      for (int col = 0; col + 6 <= clip.labels[1].cols; ++col) {
        if (clip.clip.coverage[1].at<uint8_t>(row, col) == 0) continue;
        held_out.insert(fingerprint(clip.clip.frames[1], row, col));
      }
    }
  }
  held_out.erase("");
  int seen = 0;
  int counted = 0;
  for (uint64_t i = 0; i < 40; ++i) {
    const LabelledClip clip = clips.training->Get(i);
    for (int row = 0; row + 6 <= 64; row += 3) {
      for (int col = 0; col + 6 <= 64; col += 3) {
        if (clip.clip.coverage[1].at<uint8_t>(row, col) == 0) continue;
        const bool is_held_out =
            held_out.contains(fingerprint(clip.clip.frames[1], row, col));
        seen += is_held_out;
        // A patch of which a part lies inside is not looked up.
        counted += is_held_out && clip.labels[1].at<int>(row, col) >= 0;
      }
    }
  }
  EXPECT_GT(seen, 100);
  EXPECT_EQ(counted, 0);
}

TEST_F(SeriesClipsTest, HoldsTheSamePlacesOutForAnySeed) {
  PlacedClipOptions options;
  options.size_px = 64;
  const PlacedClips clips = Make(options);
  options.seed = 99;
  const PlacedClips other = Make(options);
  ASSERT_EQ(clips.held_out_places, other.held_out_places);
  for (int64_t i = 0; i < clips.held_out_places; ++i) {
    const auto index = static_cast<uint64_t>(i);
    EXPECT_EQ(cv::norm(clips.held_out->Get(index).clip.frames[0],
                       other.held_out->Get(index).clip.frames[0], cv::NORM_INF),
              0.0);
  }
  options.held_out = 0.0;
  EXPECT_EQ(Make(options).held_out_places, 0);
}

}  // namespace
}  // namespace mapweave::pipelines
