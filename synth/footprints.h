// SPDX-License-Identifier: MIT
//
// A town laid around real buildings: given outlines with their spans of life
// stand where they are, and streets, blocks and parcels are laid around them,
// so that the hands that draw simulated towns can draw a real one.
#pragma once

#include "core/geometry.h"
#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

// One building of a record.
struct FootprintLife {
  // In pixels of the world's window. May reach beyond it.
  MultiPolygon outline;
  // For each edition of the world whether it stands; one span without a break,
  // or never.
  std::vector<bool> stands;
};

// A world with those buildings instead of simulated ones. Of the options it
// takes the seed, the window, the editions, omission, distortion_px,
// unsteadiness_px (of buildings that touch no other), water and relief;
// building_px becomes the side of a middling building, within its limits.
//
// Building i is lives[i] and has the identity i + 1; an outline never changes.
// Where records overlap that stand at the same time, the later one in the list
// has the ground. Links join what goes with an edition to what comes with it
// where at least half of the smaller lies within the other: kRebuild (1 : 1),
// kSplit (1 : n), kMerge (n : 1), kRecompose (n : m), always between different
// identities, unlike in MakeWorld.
//
// Blocks are the clusters of the outlines of the edition that has most, streets
// run midway between them, each parcel is the land of a block that is nearest
// to one building, and the open land is fields and gardens. Waters keep clear
// of all buildings. Throws Error{kBadInput} that names the record whose
// `stands` is of the wrong length or broken, and what WorldOptions::Validate
// throws.
World MakeWorldFrom(const WorldOptions& options,
                    const std::vector<FootprintLife>& lives);

}  // namespace mapweave::synth
