// SPDX-License-Identifier: MIT
//
// Self-supervised runs as rows of a project file: `model` has the checkpoints,
// `experiment` the measures of each step with the settings and the seed,
// `evaluation` what an encoder said of every single sample.
#pragma once

#include "core/json.h"
#include "db/store.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/measure.h"

#include <string>
#include <vector>

namespace mapweave::pipelines {

// The project file, to be written. Makes one that holds results alone where
// there is none. Throws Error{kDatabase} as db::Store::Open.
db::Store OpenResults(const std::string& project);

// A checkpoint as a row of `model`, unless its weights are known already; what
// a training run wrote of itself stays.
void SaveModelOnce(db::Store& store, const db::ModelRow& model);

// One run of measures; `row` has all but step, measure and value.
void SaveMeasures(db::Store& store, db::ExperimentRow row,
                  const std::vector<ssl::Measure>& measures);

// Records an experiment: its measures, and what each criterion measured, at
// step 0 under its claim.
void SaveExperiment(const ssl::ExperimentReport& report,
                    const std::string& project);

}  // namespace mapweave::pipelines
