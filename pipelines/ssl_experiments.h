// SPDX-License-Identifier: MIT
//
// Experiments side by side: each computes in one thread, so that its numbers do
// not depend on how many run at once.
#pragma once

#include "core/progress.h"
#include "models/ssl/experiments/experiment.h"

#include <functional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct SslExperimentRun {
  std::vector<std::string> names;
  // Map tiles and benchmarks are added where they are missing.
  ssl::ExperimentOptions options;
  int jobs = 1;  // at most so many at once
};

// Calls `on_report` for each name in order, as soon as it and all before it are
// done; never twice at once, but not always from the calling thread. After a
// failure no further experiment is begun; those before it are still reported.
// Throws what ssl::RunExperiment throws.
void RunExperiments(
    const SslExperimentRun& run,
    const std::function<void(const ssl::ExperimentReport&)>& on_report,
    RunContext& context);

}  // namespace mapweave::pipelines
