// SPDX-License-Identifier: MIT
//
// Street plans: a region cut into convex blocks by streets. Internal to synth.
#pragma once

#include "core/geometry.h"
#include "core/random.h"
#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

// A place where houses gather.
struct Settlement {
  Point2d centre;
  double radius_px = 0.0;
};

// How near a point is to the nearest settlement: 1 in the middle, one half at
// the radius, falling to 0.
double Nearness(const std::vector<Settlement>& settlements, Point2d p);

struct StreetPlan {
  std::vector<Ring> blocks;  // convex, streets already cut away
  std::vector<WorldStreet> streets;
  // Of kDenseCore and kVillage; empty where the town has no middle.
  std::vector<Settlement> settlements;
};

// Fills `region` with the plan that the options ask for.
StreetPlan MakeStreetPlan(const WorldOptions& options, Box region, Rng& rng);

// Cuts a convex block into parcels of about `side` pixels each way.
std::vector<Ring> CutParcels(const Ring& block, double side, double disorder,
                             Rng& rng);

}  // namespace mapweave::synth
