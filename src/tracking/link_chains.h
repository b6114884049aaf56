// SPDX-License-Identifier: MIT
//
// Instances strung together over the editions, and the tracks they make. For
// link.cpp and link_decision.cpp only.
#pragma once

#include "tracking/components.h"
#include "tracking/link.h"
#include "tracking/track.h"

#include <vector>

namespace mapweave::tracking {

// Each instance's successor, and whether it is one itself.
class Chains {
 public:
  // Borrows the instances.
  explicit Chains(const std::vector<std::vector<Instance>>& editions);

  // `from` is of an earlier edition than `to`; neither was linked on that side.
  void Link(const InstanceRef& from, const InstanceRef& to, double probability);

  bool IsEnd(int edition, int index) const {
    return next_[edition][index].edition == kNone;
  }
  bool IsStart(int edition, int index) const {
    return has_previous_[edition][index] == 0;
  }

  // In ascending order of their first mask's first pixel, then of its edition.
  TrackSet ToTracks() const;

 private:
  static constexpr int kNone = -1;
  // Where an instance goes on, and how surely.
  struct Onward {
    int edition = kNone;
    int index = kNone;
    float probability = 0.0f;
  };

  Track Follow(InstanceRef at) const;

  const std::vector<std::vector<Instance>>& editions_;
  std::vector<std::vector<Onward>> next_;
  std::vector<std::vector<char>> has_previous_;
};

}  // namespace mapweave::tracking
