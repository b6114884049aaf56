// SPDX-License-Identifier: MIT
//
// Building plots: where on a block buildings may stand, and what they look
// like at first. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/shapes.h"
#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

// A place for one building at a time. The plan is drawn into `quad`; at street
// corners the plot is `cut` instead, and built on as a whole.
struct Plot {
  Quad quad;
  Ring cut;
  HousePlan plan;
  // In a row: shares walls, so it cannot move or turn by itself.
  bool attached = false;
  bool is_public = false;
  bool is_outbuilding = false;
  // Chance that it is built on when the town is full.
  double chance = 1.0;
};

// How dwellings stand.
enum class Housing {
  kByDensity,  // rows where it is dense, else free-standing
  kPerimeter,  // closed rows around a court full of back buildings
  kRoadside,   // farmhouses on the road, barns behind them
};

struct PlotOptions {
  double building_px = 14.0;
  // Local density in [0, 1]; above about one half, houses form rows.
  double density = 0.7;
  BlockUse use = BlockUse::kDwellings;
  Housing housing = Housing::kByDensity;
};

// Plots of one convex block, and its parcels into `parcels`.
struct BlockPlots {
  std::vector<Plot> plots;
  std::vector<Ring> parcels;
};
BlockPlots LayPlots(const Ring& block, const PlotOptions& options, Rng& rng);

}  // namespace mapweave::synth
