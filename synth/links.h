// SPDX-License-Identifier: MIT
//
// Completes the truth of change: what the drawings of each building say of it.
// Internal to synth.
#pragma once

#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

// `between` are the links of kind kRebuild, kSplit, kMerge and kRecompose; what
// happens within buildings, their first and their last drawings is added from
// their events. Sorted as World::links.
std::vector<WorldLink> CompleteLinks(
    const std::vector<WorldBuilding>& buildings,
    std::vector<WorldLink> between);

}  // namespace mapweave::synth
