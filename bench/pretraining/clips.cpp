// SPDX-License-Identifier: MIT
#include "bench/pretraining/clips.h"

#include "core/error.h"
#include "core/random.h"

#include <numeric>
#include <utility>

namespace mapweave::pretraining {
namespace {

using tracking::LabelledClip;

constexpr uint64_t kTileStream = 0x7072657472746c73ULL;

// Images are shared when a clip is copied, and training changes them in place.
LabelledClip DeepCopy(const LabelledClip& from) {
  LabelledClip to;
  for (const cv::Mat& m : from.clip.frames) to.clip.frames.push_back(m.clone());
  for (const cv::Mat& m : from.clip.coverage)
    to.clip.coverage.push_back(m.clone());
  for (const cv::Mat& m : from.labels) to.labels.push_back(m.clone());
  return to;
}

}  // namespace

RepeatedClips::RepeatedClips(std::vector<LabelledClip> clips, uint64_t seed)
    : clips_(std::move(clips)), seed_(seed) {
  MAPWEAVE_CHECK(!clips_.empty());
}

LabelledClip RepeatedClips::Get(uint64_t index) const {
  std::vector<size_t> order(clips_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng(seed_, index / clips_.size());
  rng.Shuffle(order);
  return DeepCopy(clips_[order[index % clips_.size()]]);
}

ListedClips::ListedClips(std::vector<LabelledClip> clips)
    : clips_(std::move(clips)) {
  MAPWEAVE_CHECK(!clips_.empty());
}

LabelledClip ListedClips::Get(uint64_t index) const {
  return DeepCopy(clips_[index % clips_.size()]);
}

ssl::ImageSample SheetImages::Get(int64_t index) const {
  constexpr int kSide = 64;
  Rng rng = Rng(seed_, kTileStream).Fork(static_cast<uint64_t>(index));
  const cv::Mat& rgb = rng.Pick(sheets_).rgb;
  const auto x = static_cast<int>(rng.Int(0, rgb.cols - kSide));
  const auto y = static_cast<int>(rng.Int(0, rgb.rows - kSide));
  ssl::ImageSample sample;
  sample.rgb = rgb({x, y, kSide, kSide}).clone();
  return sample;
}

std::vector<LabelledClip> SingleEditions(
    const std::vector<LabelledClip>& clips) {
  std::vector<LabelledClip> single;
  for (const LabelledClip& clip : clips) {
    for (size_t t = 0; t < clip.labels.size(); ++t) {
      single.push_back({{{clip.clip.frames[t]}, {clip.clip.coverage[t]}},
                        {clip.labels[t].clone()}});
      tracking::RenumberLabels(single.back().labels);
    }
  }
  return single;
}

}  // namespace mapweave::pretraining
