// SPDX-License-Identifier: MIT
#include "pipelines/videos.h"

#include "core/error.h"
#include "core/json.h"
#include "tests/support/temp_dir.h"
#include "tests/synth/video_sheet.h"
#include "tracking/youtube_vis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>

#include <filesystem>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Videos : public ::testing::Test {
 protected:
  std::string WriteSheet(const std::string& name, const cv::Mat& rgb) {
    cv::Mat bgr;
    cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
    const std::string path = folder_.File(name);
    EXPECT_TRUE(cv::imwrite(path, bgr));
    return path;
  }

  VideoSetOptions Options() {
    VideoSetOptions options;
    options.sheets = {WriteSheet("sheet.png", synth::DrawVideoSheet())};
    options.clips.size_px = 64;
    options.count = 6;
    options.output = folder_.File("out");
    return options;
  }

  mapweave::testing::TempDir folder_;
  Progress progress_;
  CancelToken cancel_;
  RunContext context_{progress_, cancel_};
};

TEST_F(Videos, WritesFramesAndTruthThatFitTogether) {
  const VideoSetOptions options = Options();
  const VideoSetReport report =
      WriteVideoSet(options, Overwrite::kRefuse, context_);
  EXPECT_EQ(report.clips, 6);
  EXPECT_GT(report.pseudo_instances, 40);
  EXPECT_EQ(report.annotations, folder_.File("out/annotations.json"));
  const tracking::VisDocument document = tracking::FromYoutubeVis(
      ReadJson(report.annotations), report.annotations);
  ASSERT_EQ(document.videos.size(), 6U);
  const synth::VideoClipSource source(
      ReadMapSheets(options.sheets, options.reading, context_), options.clips);
  int64_t tracks = 0;
  for (size_t i = 0; i < 6; ++i) {
    const tracking::VisVideo& video = document.videos[i];
    const tracking::LabelledClip clip = source.Get(i);
    ASSERT_EQ(video.frames.size(), clip.labels.size());
    for (size_t t = 0; t < video.frames.size(); ++t) {
      cv::Mat frame =
          cv::imread(folder_.File("out/" + video.frames[t]), cv::IMREAD_COLOR);
      ASSERT_FALSE(frame.empty());
      cv::cvtColor(frame, frame, cv::COLOR_BGR2RGB);
      EXPECT_EQ(cv::norm(frame, clip.clip.frames[t], cv::NORM_INF), 0.0);
    }
    const tracking::TrackSet truth = tracking::TracksFromLabels(clip.labels);
    ASSERT_EQ(video.tracks.size(), truth.size());
    tracks += static_cast<int64_t>(truth.size());
    for (size_t k = 0; k < truth.size(); ++k)
      EXPECT_TRUE(video.tracks[k].masks == truth[k].masks);
  }
  EXPECT_EQ(report.tracks, tracks);
  EXPECT_GT(tracks, 6);
}

TEST_F(Videos, WritesTheSameForAnyNumberOfThreads) {
  VideoSetOptions options = Options();
  const VideoSetReport one =
      WriteVideoSet(options, Overwrite::kRefuse, context_);
  options.output = folder_.File("again/truth.json");
  options.threads = 3;
  const VideoSetReport three =
      WriteVideoSet(options, Overwrite::kRefuse, context_);
  EXPECT_EQ(three.annotations, options.output);
  EXPECT_EQ(ReadFile(one.annotations), ReadFile(three.annotations));
  EXPECT_EQ(ReadFile(folder_.File("out/000003/0.png")),
            ReadFile(folder_.File("again/000003/0.png")));
}

TEST_F(Videos, WritesAPreview) {
  VideoSetOptions options = Options();
  options.output.clear();
  options.preview = folder_.File("preview.png");
  options.preview_clips = 4;
  WriteVideoSet(options, Overwrite::kRefuse, context_);
  EXPECT_FALSE(cv::imread(options.preview).empty());
  EXPECT_THROW(WriteVideoSet(options, Overwrite::kRefuse, context_), Error);
  options.preview.clear();
  try {
    WriteVideoSet(options, Overwrite::kRefuse, context_);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
  }
}

TEST_F(Videos, NamesTheSheetThatIsOfNoUse) {
  const auto expect = [&](const std::string& sheet, const char* text) {
    VideoSetOptions options = Options();
    options.sheets.push_back(sheet);
    try {
      WriteVideoSet(options, Overwrite::kRefuse, context_);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
      EXPECT_THAT(error.Message(), HasSubstr(text));
    }
    EXPECT_FALSE(fs::exists(folder_.File("out/annotations.json")));
  };
  expect(folder_.File("missing.tif"), "missing.tif");
  WriteFileAtomically(folder_.File("text.tif"), "no picture",
                      Overwrite::kRefuse);
  expect(folder_.File("text.tif"), "text.tif");
  const cv::Mat bare(256, 256, CV_8UC3, cv::Scalar(230, 220, 200));
  expect(WriteSheet("bare.png", bare), "bare.png");
  expect(WriteSheet("tiny.png", bare(cv::Rect(0, 0, 30, 30)).clone()),
         "tiny.png");
}

TEST_F(Videos, ReadsLargeSheetsInWindowsWithinTheBudget) {
  const std::string path =
      WriteSheet("large.png", synth::DrawVideoSheet(1500, 1100));
  MapSheetOptions reading;
  reading.whole_sheet_px = 1'000'000;
  reading.window_px = 512;
  const std::vector<synth::MapSheet> all =
      ReadMapSheets({path}, reading, context_);
  EXPECT_EQ(all.size(), 6U);
  for (const synth::MapSheet& sheet : all) {
    EXPECT_EQ(sheet.name, path);
    EXPECT_LE(sheet.rgb.cols, 512);
    EXPECT_EQ(sheet.rgb.size(), sheet.coverage.size());
  }
  // 64 MB are 4 megapixels: of four sheets, less than all.
  reading.memory_mb = 64;
  const std::vector<synth::MapSheet> some =
      ReadMapSheets({path, path, path, path}, reading, context_);
  EXPECT_LT(some.size(), 24U);
  EXPECT_GE(some.size(), 4U);
  const std::vector<synth::MapSheet> again =
      ReadMapSheets({path, path, path, path}, reading, context_);
  ASSERT_EQ(some.size(), again.size());
  for (size_t i = 0; i < some.size(); ++i)
    EXPECT_EQ(cv::norm(some[i].rgb, again[i].rgb, cv::NORM_INF), 0.0);
  // A reduced sheet fits whole.
  reading.memory_mb = 2048;
  reading.downsample = 2;
  const std::vector<synth::MapSheet> reduced =
      ReadMapSheets({path}, reading, context_);
  ASSERT_EQ(reduced.size(), 1U);
  EXPECT_EQ(reduced[0].rgb.size(), cv::Size(750, 550));
}

}  // namespace
}  // namespace mapweave::pipelines
