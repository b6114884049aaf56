// SPDX-License-Identifier: MIT
#include "models/ssl/experiments/experiment.h"

#include <gtest/gtest.h>

namespace mapweave::ssl {
namespace {

TEST(BeyondClsExperiment, SmokeFormReadsThreeEncoders) {
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 1;
  const ExperimentReport report = RunExperiment("beyond-cls", options, context);
  ASSERT_EQ(report.table.rows.size(), 3u);
  EXPECT_EQ(report.table.rows[0][1], "random");
  for (const auto& row : report.table.rows) {
    ASSERT_EQ(row.size(), report.table.columns.size());
    for (size_t i = 2; i < 6; ++i) {
      EXPECT_GE(std::stod(row[i]), 0.0) << report.table.columns[i];
      EXPECT_LE(std::stod(row[i]), 1.0) << report.table.columns[i];
    }
  }
  EXPECT_EQ(report.criteria.size(), 3u);
  EXPECT_FALSE(report.measures.empty());

  cancel.Cancel();
  EXPECT_ANY_THROW(RunExperiment("beyond-cls", options, context));
}

}  // namespace
}  // namespace mapweave::ssl
