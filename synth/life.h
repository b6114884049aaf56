// SPDX-License-Identifier: MIT
//
// What happens on the plots of a block from one edition to the next, building
// by building and between neighbours. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/plots.h"
#include "synth/world.h"

#include <functional>
#include <vector>

namespace mapweave::synth {

// The ground that the plots lie on.
struct Site {
  // The block, beyond which no wing is built.
  Ring outline;
  // Whether a point of the block may be built on.
  std::function<bool(Point2d)> is_dry;
  // Share of the plots that are built on when the quarter is full.
  double density = 1.0;
  // Edition on which the quarter is opened.
  size_t since = 0;
  // Per edition: the area below which outbuildings are left out; 0 = none.
  std::vector<double> shed_area;
};

struct BlockLife {
  // Identity 0, footprints in true ground as the surveyors saw them.
  std::vector<WorldBuilding> buildings;
  // kRebuild, kSplit, kMerge and kRecompose between positions in `buildings`.
  std::vector<WorldLink> links;
};

// The buildings that stand on the plots one after the other.
BlockLife LiveBlock(const std::vector<Plot>& plots, const Site& site,
                    const WorldOptions& options, Rng& rng);

}  // namespace mapweave::synth
