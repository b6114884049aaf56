// SPDX-License-Identifier: MIT
//
// Lays streets, blocks and parcels around buildings that are given. Internal to
// synth.
#pragma once

#include "core/random.h"
#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

struct Outlines {
  std::vector<MultiPolygon> outlines;  // pixels, true ground
  // Of each outline whether the streets run around it; what was built over a
  // street later is no part of a block.
  std::vector<bool> makes_blocks;
};

// Fills world.streets and world.blocks and says of each outline which block it
// stands in. Works on an image of at most 4096 pixels a
// side, so the borders of blocks and parcels are exact to a pixel in windows of
// that size and coarser in larger ones.
std::vector<size_t> LaySurroundings(World& world, const Outlines& buildings,
                                    Rng rng);

}  // namespace mapweave::synth
