// SPDX-License-Identifier: MIT
//
// What came of the cells: tables for people and machines, and a plot.
#pragma once

#include "bench/pretraining/experiment.h"
#include "core/line_chart.h"

#include <string>
#include <vector>

namespace mapweave::pretraining {

struct Finding {
  Cell cell;
  Json measures;
};

// One row per cell.
std::string ToCsv(const std::vector<Finding>& findings);

// Mean ± standard deviation over seeds, one row per number of labels and way;
// below it the gain over "scratch" and "scratch-long", seed by seed.
std::string ToMarkdown(const std::vector<Finding>& findings);

// Means of AP and link F1 over the number of labels, one line per way;
// `all_labels` is how many kAllLabels are.
LineChart ToChart(const std::vector<Finding>& findings, int all_labels);

}  // namespace mapweave::pretraining
