// SPDX-License-Identifier: MIT
//
// The maps that a user has at hand and no network was tuned to: series of
// sheets of a few towns, in hands and on a street plan that the simulated
// worlds of training never show. Parted by place: one half of each sheet
// carries no labels, the other half is cut into labelled windows, and the test
// is on other towns.
#pragma once

#include "core/json.h"
#include "synth/video_source.h"
#include "tracking/clip.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::pretraining {

struct TargetOptions {
  uint64_t seed = 1;  // of the towns
  // Of synth::HandNames(); every edition is drawn in one of them.
  std::vector<std::string> hands = {"insurance", "engraved", "topographic"};
  int towns = 4;  // with unlabelled, labelled and test places
  // For a second test alone: what was learned on other towns.
  int test_towns = 2;
  // Side of a town; a multiple of 2 clip_px. The western half is unlabelled; of
  // the eastern one the upper three fifths are labelled, the rest is the test.
  int town_px = 1280;
  int editions = 4;
  int clip_px = 128;
  int test_clips = 80;  // of either test
  // Windows with fewer buildings are not worth a label.
  int min_buildings = 3;

  Json ToJson() const;
};

struct Target {
  std::vector<synth::MapSheet> sheets;  // the unlabelled halves
  // Windows that do not overlap, all editions each, in random order.
  std::vector<tracking::LabelledClip> labelled;
  std::vector<tracking::LabelledClip> test;    // other places of these towns
  std::vector<tracking::LabelledClip> abroad;  // other towns
};

// A pure function of the options. Throws what synth::MakeWorld and
// synth::RenderEdition throw.
Target MakeTarget(const TargetOptions& options);

// All hands but those of the target: what the worlds may be drawn in.
std::vector<std::string> OtherHands(const TargetOptions& options);

}  // namespace mapweave::pretraining
