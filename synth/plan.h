// SPDX-License-Identifier: MIT
//
// Street plans: a region cut into convex blocks by streets. Internal to synth.
#pragma once

#include "core/geometry.h"
#include "core/random.h"
#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

struct StreetPlan {
  std::vector<Ring> blocks;  // convex, streets already cut away
  std::vector<WorldStreet> streets;
};

// Fills `region` with the plan that the options ask for.
StreetPlan MakeStreetPlan(const WorldOptions& options, Box region, Rng& rng);

// Cuts a convex block into parcels of about `side` pixels each way.
std::vector<Ring> CutParcels(const Ring& block, double side, double disorder,
                             Rng& rng);

}  // namespace mapweave::synth
