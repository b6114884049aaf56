// SPDX-License-Identifier: MIT
//
// Supplies of clips made of other supplies: mixed by weight, or a list that is
// gone through over and over.
#pragma once

#include "tracking/clip.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace mapweave::tracking {

// Clip i is clip i of one of the parts, which the seed and i choose by weight.
class MixedClips : public ClipSource {
 public:
  struct Part {
    std::shared_ptr<const ClipSource> source;
    double weight = 1.0;  // against the sum of all
  };

  // Throws Error{kUsage} without a part of positive weight.
  MixedClips(std::vector<Part> parts, uint64_t seed);

  LabelledClip Get(uint64_t index) const override;

 private:
  std::vector<Part> parts_;
  std::vector<double> weights_;
  uint64_t seed_;
};

// Clips 0 .. count - 1 of the first part, then those of the next; after the
// last one it begins anew.
class ListedClips : public ClipSource {
 public:
  struct Part {
    std::shared_ptr<const ClipSource> source;
    uint64_t count = 0;
  };

  // Throws Error{kUsage} without any clip.
  explicit ListedClips(std::vector<Part> parts);

  LabelledClip Get(uint64_t index) const override;

  // Of the list.
  uint64_t Count() const { return count_; }

 private:
  std::vector<Part> parts_;
  uint64_t count_ = 0;
};

}  // namespace mapweave::tracking
