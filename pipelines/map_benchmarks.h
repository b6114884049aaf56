// SPDX-License-Identifier: MIT
//
// Benchmarks on drawn maps: what an encoder can be asked about a tile of a
// simulated town whose truth is known. Recognition, density, street angles,
// links and robustness are asked on whole towns; counts, sides and the angle of
// one building on scenes whose buildings are put where the question needs them,
// so that all answers are equally frequent and nothing else tells them.
#pragma once

#include "models/ssl/benchmark.h"

#include <string>
#include <vector>

namespace mapweave::pipelines {

// All of them, on tiles of 64 pixels; the groups are "recognition", "counting",
// "spatial relation", "orientation", "temporal link" and "robustness".
ssl::BenchmarkSet MapBenchmarks();

// Those of MapBenchmarks() that are named, in its order; all for none. Throws
// Error{kUsage} for an unknown name.
ssl::BenchmarkSet ChooseBenchmarks(const std::vector<std::string>& names);

}  // namespace mapweave::pipelines
