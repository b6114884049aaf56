// SPDX-License-Identifier: MIT
#include "tracking/clip_mix.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace mapweave::tracking {
namespace {

// Clips of one pixel that say which source and index they are of.
class NamedClips : public ClipSource {
 public:
  explicit NamedClips(int name) : name_(name) {}
  LabelledClip Get(uint64_t index) const override {
    LabelledClip clip;
    clip.labels = {cv::Mat(1, 1, CV_32SC1, cv::Scalar(name_)),
                   cv::Mat(1, 1, CV_32SC1, cv::Scalar(double(index)))};
    return clip;
  }

 private:
  int name_;
};

int NameOf(const LabelledClip& clip) { return clip.labels[0].at<int>(0, 0); }
int IndexOf(const LabelledClip& clip) { return clip.labels[1].at<int>(0, 0); }

std::shared_ptr<const ClipSource> Named(int name) {
  return std::make_shared<NamedClips>(name);
}

TEST(MixedClips, DrawsByWeightFromSeedAndIndexAlone) {
  const MixedClips mix({{Named(1), 3.0}, {Named(2), 1.0}, {Named(3), 0.0}}, 5);
  const MixedClips same({{Named(1), 3.0}, {Named(2), 1.0}, {Named(3), 0.0}}, 5);
  const MixedClips other({{Named(1), 3.0}, {Named(2), 1.0}, {Named(3), 0.0}},
                         6);
  int first = 0;
  bool differs = false;
  for (int i = 999; i >= 0; --i) {
    const LabelledClip clip = mix.Get(static_cast<uint64_t>(i));
    EXPECT_EQ(IndexOf(clip), i);
    EXPECT_NE(NameOf(clip), 3);
    first += NameOf(clip) == 1;
    EXPECT_EQ(NameOf(clip), NameOf(same.Get(static_cast<uint64_t>(i))));
    differs |= NameOf(clip) != NameOf(other.Get(static_cast<uint64_t>(i)));
  }
  // 750 expected, standard deviation 14.
  EXPECT_NEAR(first, 750, 60);
  EXPECT_TRUE(differs);
}

TEST(MixedClips, RefusesToMixNothing) {
  EXPECT_THROW(MixedClips({}, 1), Error);
  EXPECT_THROW(MixedClips({{Named(1), 0.0}}, 1), Error);
  EXPECT_THROW(MixedClips({{Named(1), 1.0}, {Named(2), -0.5}}, 1), Error);
}

TEST(ListedClips, GoesThroughItsPartsInTurnAndBeginsAnew) {
  const ListedClips list({{Named(1), 2}, {Named(2), 0}, {Named(3), 1}});
  EXPECT_EQ(list.Count(), 3u);
  const std::vector<std::pair<int, int>> expected = {
      {1, 0}, {1, 1}, {3, 0}, {1, 0}};
  for (size_t i = 0; i < expected.size(); ++i) {
    const LabelledClip clip = list.Get(i);
    EXPECT_EQ(std::pair(NameOf(clip), IndexOf(clip)), expected[i]) << i;
  }
  EXPECT_THROW(ListedClips({{Named(1), 0}}), Error);
}

}  // namespace
}  // namespace mapweave::tracking
