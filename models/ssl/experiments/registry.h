// SPDX-License-Identifier: MIT
//
// The experiments one by one; experiment.h is what callers use.
#pragma once

#include "models/ssl/experiments/experiment.h"

namespace mapweave::ssl {

// Fill settings, table, criteria and measures.
ExperimentReport AffineRegionsExperiment(const ExperimentOptions& options,
                                         RunContext& context);
ExperimentReport AnomalyExperiment(const ExperimentOptions& options,
                                   RunContext& context);
ExperimentReport BeyondClsExperiment(const ExperimentOptions& options,
                                     RunContext& context);
ExperimentReport DenoisingAlignmentExperiment(const ExperimentOptions& options,
                                              RunContext& context);
ExperimentReport UniBenchExperiment(const ExperimentOptions& options,
                                    RunContext& context);
ExperimentReport IdentifiabilityExperiment(const ExperimentOptions& options,
                                           RunContext& context);
ExperimentReport DietExperiment(const ExperimentOptions& options,
                                RunContext& context);
ExperimentReport XSampleExperiment(const ExperimentOptions& options,
                                   RunContext& context);
ExperimentReport LocalComplexityExperiment(const ExperimentOptions& options,
                                           RunContext& context);
ExperimentReport MaskAdviceExperiment(const ExperimentOptions& options,
                                      RunContext& context);
ExperimentReport ReconstructionExperiment(const ExperimentOptions& options,
                                          RunContext& context);
ExperimentReport ScalesExperiment(const ExperimentOptions& options,
                                  RunContext& context);
ExperimentReport AlloraExperiment(const ExperimentOptions& options,
                                  RunContext& context);
ExperimentReport FairLmExperiment(const ExperimentOptions& options,
                                  RunContext& context);

}  // namespace mapweave::ssl
