// SPDX-License-Identifier: MIT
#include "synth/clip_source.h"

#include "core/error.h"
#include "synth/preview.h"
#include "tracking/track.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <map>
#include <set>
#include <thread>
#include <utility>

namespace mapweave::synth {
namespace {

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

bool IsBare(const LabelledClip& clip) {
  for (const cv::Mat& labels : clip.labels)
    if (cv::countNonZero(labels) > 0) return false;
  return true;
}

bool HasHole(const LabelledClip& clip) {
  for (const cv::Mat& coverage : clip.clip.coverage)
    if (cv::countNonZero(coverage) < static_cast<int>(coverage.total()))
      return true;
  return false;
}

TEST(WorldClipSource, GivesTheSameClipInAnyOrderAndThread) {
  const WorldClipSource source({});
  std::vector<LabelledClip> forward;
  for (uint64_t i = 0; i < 6; ++i) forward.push_back(source.Get(i));
  std::vector<LabelledClip> backward(6);
  std::vector<std::thread> threads;
  for (int part = 0; part < 2; ++part) {
    threads.emplace_back([&, part] {
      const WorldClipSource other({});
      for (int i = 5 - part; i >= 0; i -= 2)
        backward[static_cast<size_t>(i)] = other.Get(static_cast<uint64_t>(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(Same(forward[i], backward[i]));
  EXPECT_FALSE(Same(forward[0], forward[1]));
}

TEST(WorldClipSource, KeepsTheContractOfClips) {
  WorldClipOptions options;
  options.size_px = 96;
  const WorldClipSource source(options);
  std::set<size_t> lengths;
  for (uint64_t i = 0; i < 60; ++i) {
    const LabelledClip clip = source.Get(i);
    lengths.insert(clip.labels.size());
    ASSERT_EQ(clip.clip.frames.size(), clip.labels.size());
    ASSERT_EQ(clip.clip.coverage.size(), clip.labels.size());
    std::set<int32_t> used;
    for (size_t t = 0; t < clip.labels.size(); ++t) {
      ASSERT_EQ(clip.clip.frames[t].type(), CV_8UC3);
      ASSERT_EQ(clip.clip.coverage[t].type(), CV_8UC1);
      ASSERT_EQ(clip.labels[t].type(), CV_32SC1);
      ASSERT_EQ(clip.labels[t].size(), cv::Size(96, 96));
      EXPECT_EQ(cv::countNonZero((clip.labels[t] != 0) &
                                 (clip.clip.coverage[t] == 0)),
                0);
      for (int y = 0; y < 96; ++y)
        for (int x = 0; x < 96; ++x)
          used.insert(clip.labels[t].at<int32_t>(y, x));
    }
    used.erase(0);
    // From 1 without gaps.
    if (!used.empty()) {
      EXPECT_EQ(*used.begin(), 1);
      EXPECT_EQ(*used.rbegin(), static_cast<int32_t>(used.size()));
    }
  }
  EXPECT_EQ(lengths, (std::set<size_t>{2, 3, 4}));
}

TEST(WorldClipSource, HasBareClipsAndHolesAsOftenAsAsked) {
  WorldClipOptions options;
  options.size_px = 64;
  options.min_editions = options.max_editions = 2;
  options.min_building_px = 5.0;
  options.max_building_px = 12.0;
  const WorldClipSource source(options);
  int bare = 0;
  int holes = 0;
  constexpr int kClips = 300;
  for (uint64_t i = 0; i < kClips; ++i) {
    const LabelledClip clip = source.Get(i);
    bare += IsBare(clip) ? 1 : 0;
    holes += HasHole(clip) ? 1 : 0;
  }
  EXPECT_GT(bare, 0.07 * kClips);
  EXPECT_LT(bare, 0.20 * kClips);
  EXPECT_GT(holes, 0.04 * kClips);
  EXPECT_LT(holes, 0.18 * kClips);
}

TEST(WorldClipSource, WithOnlyBlankClipsLabelsNothing) {
  WorldClipOptions options;
  options.blank = 1.0;
  const WorldClipSource source(options);
  for (uint64_t i = 0; i < 8; ++i) EXPECT_TRUE(IsBare(source.Get(i)));
}

// The same label is the same building: seen twice, it mostly overlaps itself
// once the jitter between editions is small.
TEST(WorldClipSource, KeepsALabelOnOneBuilding) {
  WorldClipOptions options;
  options.max_jitter_px = 0.0;
  options.max_distortion_px = 0.0;
  options.blank = 0.0;
  options.hole = 0.0;
  const WorldClipSource source(options);
  int seen_twice = 0;
  int overlapping = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    const LabelledClip clip = source.Get(i);
    const cv::Mat& a = clip.labels[0];
    const cv::Mat& b = clip.labels[1];
    double last = 0.0;
    cv::minMaxLoc(a, nullptr, &last);
    for (int k = 1; k <= static_cast<int>(last); ++k) {
      const cv::Mat in_a = a == k;
      const cv::Mat in_b = b == k;
      if (cv::countNonZero(in_a) < 20 || cv::countNonZero(in_b) < 20) continue;
      ++seen_twice;
      const double common = cv::countNonZero(in_a & in_b);
      overlapping += common > 0.4 * cv::countNonZero(in_a | in_b) ? 1 : 0;
    }
  }
  EXPECT_GT(seen_twice, 100);
  EXPECT_GT(overlapping, 0.95 * seen_twice);
}

// Shifted, turned, stretched and scanned coarsely: ink and label stay together.
TEST(WorldClipSource, LabelsTheInkAtAnyResolution) {
  WorldClipOptions options;
  options.hands = {"solid-black"};
  options.coarse = 1.0;
  options.blank = 0.0;
  options.hole = 0.0;
  options.min_building_px = 14.0;
  const WorldClipSource source(options);
  double inside_sum = 0.0;
  double around_sum = 0.0;
  for (uint64_t i = 0; i < 12; ++i) {
    const LabelledClip clip = source.Get(i);
    for (size_t t = 0; t < clip.labels.size(); ++t) {
      const cv::Mat labelled = clip.labels[t] > 0;
      cv::Mat inside;
      cv::Mat near;
      cv::Mat around;
      cv::erode(labelled, inside, cv::Mat::ones(3, 3, CV_8UC1));
      cv::dilate(labelled, near, cv::Mat::ones(5, 5, CV_8UC1));
      cv::dilate(near, around, cv::Mat::ones(3, 3, CV_8UC1));
      around.setTo(cv::Scalar(0), near);
      if (cv::countNonZero(inside) < 50) continue;
      const cv::Scalar in = cv::mean(clip.clip.frames[t], inside);
      const cv::Scalar out = cv::mean(clip.clip.frames[t], around);
      inside_sum += in[1];
      around_sum += out[1];
      EXPECT_LT(in[1] + 25.0, out[1]) << i << " " << t;
    }
  }
  EXPECT_LT(inside_sum * 1.8, around_sum);
}

// Every building that is drawn on two neighbouring editions goes on by exactly
// one link, and links join only what is drawn.
TEST(WorldClipSource, LinksWhatTheClipShows) {
  WorldClipOptions options;
  options.min_editions = options.max_editions = 3;
  options.min_change = options.max_change = 0.6;
  options.life = {.demolish = 0.0, .split = 1.0, .merge = 1.0};
  options.hole = 0.0;
  const WorldClipSource source(options);
  std::map<tracking::LineageKind, int> kinds;
  for (uint64_t i = 0; i < 12; ++i) {
    const tracking::LinkedClip linked = source.GetLinked(i);
    EXPECT_TRUE(Same(linked.labelled, source.Get(i)));
    const auto tracks = tracking::TracksFromLabels(linked.labelled.labels);
    const auto is_drawn = [&](int32_t label, int edition) {
      return !tracks.at(static_cast<size_t>(label) - 1)
                  .masks[static_cast<size_t>(edition)]
                  .IsEmpty();
    };
    std::map<std::pair<int32_t, int>, int> goes_on;
    for (const tracking::LabelLink& link : linked.links) {
      ++kinds[link.kind];
      ASSERT_LT(link.from_edition, link.to_edition);
      if (link.from != 0) {
        EXPECT_TRUE(is_drawn(link.from, link.from_edition));
      }
      if (link.to != 0) {
        EXPECT_TRUE(is_drawn(link.to, link.to_edition));
      }
      if (link.from == link.to) ++goes_on[{link.from, link.from_edition}];
    }
    for (size_t k = 0; k < tracks.size(); ++k) {
      const auto label = static_cast<int32_t>(k) + 1;
      for (int t = 0; t < 2; ++t) {
        if (!is_drawn(label, t) || !is_drawn(label, t + 1)) continue;
        EXPECT_EQ((goes_on[{label, t}]), 1) << label << " on " << t;
      }
    }
  }
  EXPECT_GT(kinds[tracking::LineageKind::kPersist], 100);
  EXPECT_GT(kinds[tracking::LineageKind::kSplit], 20);
  EXPECT_GT(kinds[tracking::LineageKind::kMerge], 10);
}

TEST(WorldClipSource, NamesTheOptionThatIsWrong) {
  WorldClipOptions options;
  options.hands = {"crayon"};
  EXPECT_THROW(WorldClipSource{options}, Error);
  options = {};
  options.min_editions = 5;
  try {
    WorldClipSource{options};
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_NE(error.Message().find("min_editions"), std::string::npos);
  }
  options = {};
  options.blank = -0.1;
  EXPECT_THROW(options.Validate(), Error);
  options = {};
  options.min_resolution = 0.1;
  EXPECT_THROW(options.Validate(), Error);
}

TEST(ContactSheet, ShowsEveryClipTwice) {
  WorldClipOptions options;
  options.size_px = 64;
  const WorldClipSource source(options);
  ContactSheetOptions sheet_options;
  sheet_options.clips = 3;
  sheet_options.columns = 2;
  sheet_options.max_editions = 2;
  const cv::Mat sheet = ContactSheet(source, sheet_options);
  ASSERT_EQ(sheet.type(), CV_8UC3);
  const LabelledClip first = source.Get(0);
  EXPECT_TRUE(
      Same(sheet(cv::Rect(0, 0, 64, 64)).clone(), first.clip.frames[0]));
  sheet_options.zoom = 0;
  EXPECT_THROW(ContactSheet(source, sheet_options), Error);
}

}  // namespace
}  // namespace mapweave::synth
