// SPDX-License-Identifier: MIT
//
// The true lineage of a simulated series as its sheets can show it: where
// sheets are missing, what lies between two sights is told as one event.
#pragma once

#include "synth/world.h"
#include "tracking/lineage.h"

#include <vector>

namespace mapweave::pipelines {

// By position in World::buildings, then by edition.
struct WorldSights {
  // The building is drawn on a sheet that is there.
  std::vector<std::vector<bool>> seen;
  // A sheet covers the building's place; true wherever it is seen.
  std::vector<std::vector<bool>> covered;
};

// World::links between what is seen, as events on positions in
// World::buildings, by from_edition, to_edition, then tracks; no evidence,
// probability 1. Over editions on which a building cannot be seen because no
// sheet covers it, links are joined: a change of the outline outweighs a new
// drawing, different changes make kReshape, what happens between buildings
// outweighs what happens within one, and different ones of that make
// kRecompose. kGap is left only where a covered edition lacks the building. An
// absence at the begin or the end counts from the nearest covered edition, so
// without one there is no kAppear or kDisappear.
std::vector<tracking::LineageEvent> SeenLineage(const synth::World& world,
                                                const WorldSights& sights);

}  // namespace mapweave::pipelines
