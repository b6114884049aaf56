// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/plan_tiles.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace mapweave::ssl {
namespace {

ExperimentReport RunBaselines(const TileSupply* tiles) {
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 1;
  options.tiles = tiles;
  return RunExperiment("baselines", options, context);
}

TEST(BaselinesExperiment, SmokeFormRunsEveryMethod) {
  const PlanTiles tiles;
  const ExperimentReport report = RunBaselines(&tiles);
  EXPECT_FALSE(report.measures.empty());
  std::set<std::string> names;
  for (const auto& row : report.table.rows) {
    EXPECT_EQ(row.size(), report.table.columns.size());
    names.insert(row[1]);
  }
  for (const char* name :
       {"random", "simclr", "byol", "barlow-twins", "vicreg", "dino", "lejepa",
        "diet", "mae", "supcon", "supervised", "byol without predictor",
        "dino without centring", "vicreg without variance"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  // Six methods against random weights, three that collapse, and the others
  // that must not be called so.
  EXPECT_EQ(report.criteria.size(), 10u);
  EXPECT_THROW(RunBaselines(nullptr), Error) << "no tiles";
}

}  // namespace
}  // namespace mapweave::ssl
