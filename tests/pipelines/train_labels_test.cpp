// SPDX-License-Identifier: MIT
#include "pipelines/train_labels.h"

#include "drawn_series.h"
#include "models/vis/segmenter.h"
#include "pipelines/image_file.h"
#include "pipelines/segment.h"
#include "pipelines/video_folder.h"
#include "tracking/youtube_vis.h"

#include <set>
#include <string>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using tracking::LabelledClip;

class TrainOnLabelsTest : public ::testing::Test {
 protected:
  TrainOnLabelsTest() : series_(folder_.Path()) {
    options_.clips.size_px = 64;
    options_.mix_worlds = 0.0;
    options_.training.steps = 2;
    options_.training.validation_clips = 2;
    // An untrained network takes long to calibrate.
    options_.training.init_checkpoint = DefaultCheckpoint();
    options_.training.output = folder_.File("mine.safetensors");
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
  DrawnSeries series_;
  LabelTrainOptions options_;
};

TEST_F(TrainOnLabelsTest, TrainsOnPolygonsOverAProject) {
  options_.series = {series_.MakeProject(quiet_.context).string()};
  options_.labels = {
      series_.WriteLabels("drawn.gpkg", series_.Features(0, 64)).string()};
  options_.clips.held_out = 0.5;
  options_.limit = 5;
  options_.mix_worlds = 0.4;
  const TrainReport report = TrainOnLabels(options_, quiet_.context);
  EXPECT_EQ(report.result.steps, 2);
  EXPECT_TRUE(report.result.validated);
  const Json notes = vis::InspectCheckpoint(report.checkpoint)
                         .config.at("training")
                         .at("notes");
  EXPECT_EQ(notes.at("labels"), Json::array({"drawn.gpkg"}));
  EXPECT_EQ(notes.at("labelled_buildings").get<int>() +
                notes.at("held_out_buildings").get<int>(),
            64);
}

TEST_F(TrainOnLabelsTest, KeepsTheThresholdsWhenTooLittleIsHeldOut) {
  options_.series = {series_.MakeProject(quiet_.context).string()};
  options_.labels = {
      series_.WriteLabels("drawn.gpkg", series_.Features(0, 6)).string()};
  const TrainReport report = TrainOnLabels(options_, quiet_.context);
  EXPECT_FALSE(report.result.validated);
  const auto threshold = [](const std::string& path) {
    return vis::InspectCheckpoint(path).config.at("decode").at("min_score");
  };
  EXPECT_EQ(threshold(report.checkpoint), threshold(DefaultCheckpoint()));
}

TEST_F(TrainOnLabelsTest, AsksForTheSheetsThatPolygonsWereDrawnOn) {
  options_.labels = {
      series_.WriteLabels("drawn.geojson", series_.Features(0, 3)).string()};
  const Error error = ErrorOf([&] { TrainOnLabels(options_, quiet_.context); });
  EXPECT_EQ(error.Code(), ErrorCode::kUsage);
  EXPECT_THAT(error.Message(), HasSubstr("drawn.geojson"));
  EXPECT_THAT(error.Hint(), HasSubstr("--series"));
  EXPECT_FALSE(fs::exists(options_.training.output));
}

TEST_F(TrainOnLabelsTest, SaysWhenThereAreNoLabels) {
  EXPECT_EQ(ErrorOf([&] { TrainOnLabels(options_, quiet_.context); }).Code(),
            ErrorCode::kUsage);
  options_.labels = {folder_.File("gone.gpkg")};
  const Error error = ErrorOf([&] { TrainOnLabels(options_, quiet_.context); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("gone.gpkg"));
}

// Videos of 48 x 40 px, one building of 10 x 8 px on each of two frames and, on
// the first frame, a crowd in the left ten columns.
class VideoFolderTest : public ::testing::Test {
 protected:
  const cv::Rect kBuilding{20, 12, 10, 8};

  fs::path WriteVideos(int count, cv::Size frame_size = {48, 40}) {
    tracking::VisDocument document;
    for (int i = 0; i < count; ++i) {
      tracking::VisVideo video;
      video.id = i + 1;
      video.size = {48, 40};
      const auto block = [](cv::Rect box) {
        return tracking::Mask::FromImage(cv::Mat::ones(box.size(), CV_8UC1),
                                         box.tl());
      };
      video.tracks.push_back(tracking::TrackAsDrawn(
          {block(kBuilding), block(kBuilding + cv::Point(2, 0))}, 1.0f));
      video.crowds.push_back(
          tracking::TrackAsDrawn({block({0, 0, 10, 40}), {}}, 1.0f));
      for (int t = 0; t < 2; ++t) {
        video.frames.push_back(std::to_string(i) + "_" + std::to_string(t) +
                               ".png");
        WriteImage(folder_.Path() / video.frames.back(),
                   cv::Mat(frame_size, CV_8UC3, cv::Scalar(200, 10 * i, t)),
                   Overwrite::kAllow);
      }
      document.videos.push_back(video);
    }
    const fs::path path = folder_.Path() / "videos.json";
    WriteText(path, tracking::ToYoutubeVis(document).dump());
    return path;
  }

  mapweave::testing::TempDir folder_;
  PlacedClipOptions options_;
};

TEST_F(VideoFolderTest, CutsClipsWithTheirLabelsAndWithoutTheCrowds) {
  const PlacedClips clips = MakeVideoClips(WriteVideos(1), {}, options_);
  EXPECT_EQ(clips.held_out_places, 0);
  const LabelledClip clip = clips.training->Get(3);
  ASSERT_EQ(clip.labels.size(), 2u);
  // Smaller than the clip's side: the whole frame.
  EXPECT_EQ(clip.labels[0].size(), cv::Size(48, 40));
  EXPECT_EQ(clip.clip.frames[1].at<cv::Vec3b>(0, 0), cv::Vec3b(200, 0, 1));
  EXPECT_EQ(cv::countNonZero(clip.labels[0] == 1), kBuilding.area());
  EXPECT_EQ(clip.labels[0].at<int>(12, 20), 1);
  EXPECT_EQ(clip.labels[1].at<int>(12, 31), 1);
  EXPECT_EQ(cv::countNonZero(clip.labels[0] >= 0), (48 - 10) * 40);
  EXPECT_EQ(cv::countNonZero(clip.labels[1] >= 0), 48 * 40);
}

TEST_F(VideoFolderTest, HoldsWholeVideosOut) {
  options_.held_out = 0.25;
  const PlacedClips clips = MakeVideoClips(WriteVideos(8), {}, options_);
  EXPECT_EQ(clips.held_out_places, 2);
  EXPECT_EQ(clips.training_buildings, 6);
  std::set<int> held_out;
  for (uint64_t i = 0; i < 2; ++i) {
    held_out.insert(
        clips.held_out->Get(i).clip.frames[0].at<cv::Vec3b>(0, 0)[1]);
  }
  EXPECT_EQ(held_out.size(), 2u);
  for (uint64_t i = 0; i < 50; ++i) {
    const LabelledClip clip = clips.training->Get(i);
    EXPECT_FALSE(held_out.contains(clip.clip.frames[0].at<cv::Vec3b>(0, 0)[1]));
  }
}

TEST_F(VideoFolderTest, NamesTheFrameThatIsMissingOrOfAnotherSize) {
  const fs::path path = WriteVideos(1, {48, 41});
  Error error = ErrorOf([&] { MakeVideoClips(path, {}, options_); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("0_0.png"));
  EXPECT_THAT(error.Message(), HasSubstr("48 x 41"));
  fs::remove(folder_.Path() / "0_0.png");
  error = ErrorOf([&] { MakeVideoClips(path, {}, options_); });
  EXPECT_THAT(error.Message(), HasSubstr("0_0.png"));
}

}  // namespace
}  // namespace mapweave::pipelines
