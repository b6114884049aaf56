// SPDX-License-Identifier: MIT
//
// What happens on a building plot from one edition to the next. Internal to
// synth.
#pragma once

#include "core/random.h"
#include "synth/plots.h"
#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

// The buildings that stand on `plot` one after the other, without identities
// and distortion: footprints in true ground as the surveyors saw them.
std::vector<WorldBuilding> LivePlot(const Plot& plot,
                                    const WorldOptions& options, int since,
                                    Rng& rng);

}  // namespace mapweave::synth
