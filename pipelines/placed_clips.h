// SPDX-License-Identifier: MIT
//
// Training clips that know their place: what is trained on, and the places that
// are held out to choose thresholds and to measure on.
#pragma once

#include "core/random.h"
#include "tracking/clip.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace mapweave::pipelines {

// The label of a pixel of which nobody has said what is there.
inline constexpr int kUnknownLabel = -1;

struct PlacedClipOptions {
  uint64_t seed = 1;
  int size_px = 128;  // 32 to 2048
  // Of more editions, so many are drawn for each clip.
  int max_editions = 4;
  // Share of the labelled places that is held out; 0 = none. Nor is any if
  // there are fewer than four.
  double held_out = 0.2;
  // Throws Error{kUsage} that names the option.
  void Validate() const;

  // How many of so many places are held out.
  size_t HeldOutOf(size_t places) const;
};

struct PlacedClips {
  // An endless supply of windows at random places.
  std::shared_ptr<const tracking::ClipSource> training;
  // Clips 0 .. held_out_places - 1 are the places held out, with all editions;
  // null if there are none.
  std::shared_ptr<const tracking::ClipSource> held_out;
  int64_t held_out_places = 0;
  int64_t training_buildings = 0;
  int64_t held_out_buildings = 0;
};

// The stream that places are shuffled by before the first of them are held out:
// the same whatever the seed, so that all runs are measured on the same places.
inline constexpr uint64_t kSplitSeed = 0x73706c6974ULL;

// `most` of the positions 0 .. count - 1, drawn at random, ascending.
std::vector<size_t> DrawPositions(size_t count, size_t most, Rng& rng);

}  // namespace mapweave::pipelines
