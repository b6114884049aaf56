// SPDX-License-Identifier: MIT
//
// Experiments: each shows on a small scale whether a paper's effect is there,
// prints its numbers beside what must hold, and says so. No Torch here, so that
// its users do not pay for Torch's headers.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/ssl/benchmark.h"
#include "models/ssl/measure.h"
#include "models/ssl/tile_supply.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mapweave::ssl {

struct ExperimentOptions {
  uint64_t seed = 1;
  // How many seeds, from `seed` on; 0 = as many as the experiment's page says.
  int seeds = 0;
  // A form of seconds that runs all of the code; its verdict means nothing.
  bool smoke = false;
  // Borrowed; experiments on map tiles throw Error{kUsage} without it.
  const TileSupply* tiles = nullptr;
  // Borrowed; experiments on benchmarks throw Error{kUsage} without it.
  const BenchmarkSet* benchmarks = nullptr;
};

// One thing that must hold.
struct Criterion {
  std::string claim;
  double measured = 0.0;
  enum class Sense { kAtLeast, kAtMost };
  Sense sense = Sense::kAtLeast;
  double threshold = 0.0;

  bool Holds() const {
    return sense == Sense::kAtLeast ? measured >= threshold
                                    : measured <= threshold;
  }
};

struct ExperimentTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// A picture of what was found, to be written to a folder.
struct ExperimentFigure {
  std::string file;  // name with extension, "regions.svg"
  std::string svg;
};

struct ExperimentReport {
  std::string name;
  std::string paper;
  Json settings = Json::object();
  ExperimentTable table;
  std::vector<Criterion> criteria;
  std::vector<Measure> measures;
  std::vector<ExperimentFigure> figures;
  double seconds = 0.0;

  // "reproduced" if all criteria hold, "not reproduced" if none, else "partly".
  std::string Verdict() const;
};

struct ExperimentInfo {
  std::string name;
  std::string summary;
  std::string paper;
};

// In the order in which `ssl experiment all` runs them.
std::vector<ExperimentInfo> ListExperiments();

// Throws Error{kUsage} for an unknown name and Error{kInterrupted} when
// context.cancel is set.
ExperimentReport RunExperiment(const std::string& name,
                               const ExperimentOptions& options,
                               RunContext& context);

}  // namespace mapweave::ssl
