// SPDX-License-Identifier: MIT
//
// The land that a town stands on: waters, railways, hills, and the lines that
// people draw across it. Internal to synth.
#pragma once

#include "core/geometry.h"
#include "core/random.h"
#include "synth/world.h"

namespace mapweave::synth {

// A river and ponds into world.waters, as likely as the options say.
void AddWaters(World& world, Box region, Rng rng);

// Now and then a railway, on an embankment for a part of its way.
void AddRailway(World& world, Box region, Rng rng);

// Hills, as likely as the options say. Contours of equal interval in the
// region.
void AddRelief(World& world, Box region, Rng rng);

// Hedges, tracks and paths through fields and gardens, walls around estates
// and cemeteries, dykes and moats. After the blocks have their uses.
void AddLines(World& world, Box region, Rng rng);

}  // namespace mapweave::synth
