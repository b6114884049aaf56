// SPDX-License-Identifier: MIT
#include "synth/video_source.h"

#include "core/error.h"
#include "synth/preview.h"
#include "tests/synth/video_sheet.h"
#include "tracking/track.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace mapweave::synth {
namespace {

using ::testing::HasSubstr;
using tracking::LabelledClip;

bool Same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() &&
         cv::norm(a, b, cv::NORM_INF) == 0.0;
}

bool Same(const LabelledClip& a, const LabelledClip& b) {
  if (a.labels.size() != b.labels.size()) return false;
  for (size_t t = 0; t < a.labels.size(); ++t) {
    if (!Same(a.labels[t], b.labels[t]) ||
        !Same(a.clip.frames[t], b.clip.frames[t]) ||
        !Same(a.clip.coverage[t], b.clip.coverage[t])) {
      return false;
    }
  }
  return true;
}

std::vector<MapSheet> Sheets() { return {{"sheet", DrawVideoSheet(), {}}}; }

// Nothing happens to the sheet but what a test asks for.
VideoOptions Still() {
  VideoOptions options;
  options.change = options.decoys = options.recolour = options.wear = 0.0;
  options.lettering = options.restyle = options.blank = 0.0;
  options.max_jitter_px = options.max_rotation_deg = 0.0;
  options.max_distortion_px = 0.0;
  options.min_scale = options.max_scale = 1.0;
  return options;
}

TEST(VideoClipSource, GivesTheSameClipInAnyOrderAndThread) {
  const VideoClipSource source(Sheets(), {});
  const VideoClipSource other(Sheets(), {}, 3);
  std::vector<LabelledClip> forward;
  for (uint64_t i = 0; i < 12; ++i) forward.push_back(source.Get(i));
  std::vector<LabelledClip> backward(12);
  std::vector<std::thread> threads;
  for (int part = 0; part < 2; ++part) {
    threads.emplace_back([&, part] {
      for (int i = 11 - part; i >= 0; i -= 2)
        backward[static_cast<size_t>(i)] = other.Get(static_cast<uint64_t>(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < 12; ++i) EXPECT_TRUE(Same(forward[i], backward[i]));
  EXPECT_FALSE(Same(forward[0], forward[1]));
}

TEST(VideoClipSource, WithAnotherSeedGivesOtherClips) {
  const VideoClipSource source(Sheets(), {});
  const VideoClipSource same = source.WithSeed(source.Options().seed);
  const VideoClipSource other = source.WithSeed(source.Options().seed + 1);
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(Same(source.Get(i), same.Get(i)));
    EXPECT_FALSE(Same(source.Get(i), other.Get(i)));
  }
  EXPECT_EQ(other.PseudoInstances(), source.PseudoInstances());
}

class EveryPreset : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryPreset, KeepsTheContractOfClips) {
  VideoOptions options = VideoPreset(GetParam());
  options.size_px = 96;
  const VideoClipSource source(Sheets(), options);
  EXPECT_GT(source.PseudoInstances(), 40);
  int labelled = 0;
  int changed = 0;
  for (uint64_t i = 0; i < 30; ++i) {
    const LabelledClip clip = source.Get(i);
    const size_t frames = clip.labels.size();
    ASSERT_GE(frames, static_cast<size_t>(options.min_frames));
    ASSERT_LE(frames, static_cast<size_t>(options.max_frames));
    ASSERT_EQ(clip.clip.frames.size(), frames);
    ASSERT_EQ(clip.clip.coverage.size(), frames);
    std::set<int32_t> used;
    for (size_t t = 0; t < frames; ++t) {
      ASSERT_EQ(clip.clip.frames[t].type(), CV_8UC3);
      ASSERT_EQ(clip.clip.coverage[t].type(), CV_8UC1);
      ASSERT_EQ(clip.labels[t].type(), CV_32SC1);
      ASSERT_EQ(clip.clip.frames[t].size(), cv::Size(96, 96));
      ASSERT_EQ(clip.labels[t].size(), cv::Size(96, 96));
      EXPECT_EQ(cv::countNonZero((clip.labels[t] != 0) &
                                 (clip.clip.coverage[t] == 0)),
                0);
      for (const int32_t k : cv::Mat_<int32_t>(clip.labels[t])) used.insert(k);
    }
    used.erase(0);
    if (used.empty()) continue;
    ++labelled;
    EXPECT_EQ(*used.begin(), 1);
    EXPECT_EQ(*used.rbegin(), static_cast<int32_t>(used.size()));
    changed += !Same(clip.labels.front(), clip.labels.back());
  }
  EXPECT_GT(labelled, 20);
  EXPECT_GT(changed, 10);
}

INSTANTIATE_TEST_SUITE_P(VideoClipSource, EveryPreset,
                         ::testing::ValuesIn(VideoPresetNames()),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(VideoClipSource, WhatIsNotEditedPersists) {
  VideoOptions options = Still();
  options.min_frames = options.max_frames = 4;
  const VideoClipSource source(Sheets(), options);
  int buildings = 0;
  for (uint64_t i = 0; i < 10; ++i) {
    const LabelledClip clip = source.Get(i);
    for (const tracking::Track& track :
         tracking::TracksFromLabels(clip.labels)) {
      ++buildings;
      for (size_t t = 1; t < 4; ++t) {
        // Frames differ by less than a pixel.
        if (track.masks[0].Area() < 40) continue;
        EXPECT_GT(tracking::IoU(track.masks[0], track.masks[t]), 0.6);
      }
    }
  }
  EXPECT_GT(buildings, 50);
}

// The houses are found by their colour on every frame and compared with the
// masks, through registration error and edits alike.
TEST(VideoClipSource, MasksLieWhereBuildingsAreDrawn) {
  VideoOptions options = Still();
  options.change = 0.8;
  options.decoys = 1.0;
  options.max_jitter_px = 4.0;
  options.max_rotation_deg = 2.0;
  options.max_distortion_px = 3.0;
  options.min_scale = options.max_scale = 1.5;
  const VideoClipSource source(Sheets(), options);
  double sum = 0.0;
  int frames = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    const LabelledClip clip = source.Get(i);
    for (size_t t = 0; t < clip.labels.size(); ++t) {
      sum += ImageIoU(HousePixels(clip.clip.frames[t]), clip.labels[t] != 0);
      ++frames;
    }
  }
  EXPECT_GT(sum / frames, 0.87);
}

TEST(VideoClipSource, TracesWhatItDid) {
  VideoOptions options = Still();
  options.change = 0.8;
  options.min_frames = options.max_frames = 3;
  const VideoClipSource source(Sheets(), options);
  std::set<VideoOperator> seen;
  for (uint64_t i = 0; i < 60; ++i) {
    const TracedClip traced = source.Trace(i);
    EXPECT_TRUE(Same(traced.clip, source.Get(i)));
    for (const EditTrace& edit : traced.edits) {
      seen.insert(edit.op);
      EXPECT_LT(edit.begin, edit.end);
      // Some frame shows it and some does not.
      EXPECT_LT(edit.end - edit.begin, 3);
      EXPECT_EQ(edit.centre.size(), 3U);
    }
  }
  for (const auto& [op, weight] : options.operators)
    EXPECT_EQ(seen.count(op), 1U) << VideoOperatorName(op);
}

TEST(VideoClipSource, NamesTheSheetThatIsOfNoUse) {
  const auto expect = [](std::vector<MapSheet> sheets, const char* text) {
    try {
      VideoClipSource(std::move(sheets), {});
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
      EXPECT_THAT(error.Message(), HasSubstr(text));
      EXPECT_FALSE(error.Hint().empty());
    }
  };
  const cv::Mat bare(200, 200, CV_8UC3, cv::Scalar(230, 220, 200));
  expect({{"good", DrawVideoSheet(), {}}, {"bare.tif", bare, {}}}, "bare.tif");
  expect({{"tiny.tif", bare(cv::Rect(0, 0, 200, 40)).clone(), {}}}, "tiny.tif");
  EXPECT_THROW(VideoClipSource({}, {}), Error);
}

// A window of a large sheet may be bare as long as another one is not.
TEST(VideoClipSource, AcceptsABareWindowOfAGoodSheet) {
  const cv::Mat bare(200, 200, CV_8UC3, cv::Scalar(230, 220, 200));
  const VideoClipSource source(
      {{"one", DrawVideoSheet(), {}}, {"one", bare, {}}}, {});
  EXPECT_GT(source.PseudoInstances(), 40);
}

TEST(VideoClipSource, NamesTheOptionThatIsWrong) {
  VideoOptions options;
  options.max_frames = 9;
  try {
    VideoClipSource(Sheets(), options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_THAT(error.Message(), HasSubstr("max_frames"));
  }
  EXPECT_THROW(VideoPreset("cinema"), Error);
}

}  // namespace
}  // namespace mapweave::synth
