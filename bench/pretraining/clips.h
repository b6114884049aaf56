// SPDX-License-Identifier: MIT
//
// Supplies of training clips made of other clips, and of tiles made of sheets.
#pragma once

#include "models/ssl/pretrain.h"
#include "synth/video_source.h"
#include "tracking/clip.h"

#include <cstdint>
#include <vector>

namespace mapweave::pretraining {

// A few clips again and again: each once per round, in an order drawn anew for
// every round.
class RepeatedClips : public tracking::ClipSource {
 public:
  // At least one clip.
  RepeatedClips(std::vector<tracking::LabelledClip> clips, uint64_t seed);
  tracking::LabelledClip Get(uint64_t index) const override;

 private:
  std::vector<tracking::LabelledClip> clips_;
  uint64_t seed_;
};

// Clips 0 .. n - 1 in their order, then from the start.
class ListedClips : public tracking::ClipSource {
 public:
  explicit ListedClips(std::vector<tracking::LabelledClip> clips);
  tracking::LabelledClip Get(uint64_t index) const override;

 private:
  std::vector<tracking::LabelledClip> clips_;
};

// One clip of each in turn. Both are borrowed.
class AlternatingClips : public tracking::ClipSource {
 public:
  AlternatingClips(const tracking::ClipSource& a, const tracking::ClipSource& b)
      : a_(a), b_(b) {}
  tracking::LabelledClip Get(uint64_t index) const override {
    return (index % 2 == 0 ? a_ : b_).Get(index / 2);
  }

 private:
  const tracking::ClipSource& a_;
  const tracking::ClipSource& b_;
};

// Tiles of 64 px cut at random from sheets that are covered throughout, without
// labels. The sheets are borrowed.
class SheetImages : public ssl::ImageSource {
 public:
  SheetImages(const std::vector<synth::MapSheet>& sheets, int64_t count,
              uint64_t seed)
      : sheets_(sheets), count_(count), seed_(seed) {}
  int64_t Size() const override { return count_; }
  ssl::ImageSample Get(int64_t index) const override;

 private:
  const std::vector<synth::MapSheet>& sheets_;
  int64_t count_;
  uint64_t seed_;
};

// Every edition as a clip of its own.
std::vector<tracking::LabelledClip> SingleEditions(
    const std::vector<tracking::LabelledClip>& clips);

}  // namespace mapweave::pretraining
