// SPDX-License-Identifier: MIT
//
// Stage 4: joins the windows' tracks into buildings of the series, traces
// their outlines, derives what happened to them and when, and stores it all in
// one transaction.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "db/store.h"
#include "tracking/lineage.h"
#include "tracking/stitch.h"
#include "tracking/trace.h"

#include <map>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct LineageStageOptions {
  tracking::StitchOptions stitch;
  tracking::TraceOptions trace;
  tracking::LineageOptions lineage;
};

// How often each kind happened between two editions.
struct KindCount {
  std::string from_edition;
  std::string to_edition;
  std::map<std::string, int64_t> kinds;
};

struct ResultSummary {
  std::string run_id;
  std::vector<std::string> editions;             // oldest first
  std::vector<int64_t> observations_by_edition;  // beside `editions`
  int64_t buildings = 0;
  int64_t observations = 0;
  std::map<std::string, int64_t> kinds;
  std::vector<KindCount> steps;  // by edition
};

// Finishes the project's unfinished run. If there is none, the newest finished
// run stands as it is. Throws Error{kBadInput} if windows are missing.
ResultSummary DeriveLineage(db::Store& store,
                            const LineageStageOptions& options,
                            RunContext& context);

// What the project file holds now.
ResultSummary Summarise(const db::Store& store);

}  // namespace mapweave::pipelines
