// SPDX-License-Identifier: MIT
//
// The experiments one by one; experiment.h is what callers use.
#pragma once

#include "models/ssl/experiments/experiment.h"

namespace mapweave::ssl {

// Fill settings, table, criteria and measures.
ExperimentReport AffineRegionsExperiment(const ExperimentOptions& options,
                                         RunContext& context);
ExperimentReport DenoisingAlignmentExperiment(const ExperimentOptions& options,
                                              RunContext& context);

}  // namespace mapweave::ssl
