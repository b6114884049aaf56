// SPDX-License-Identifier: MIT
//
// Monitors watch a training without touching it: each declares what it reads
// and when it is asked, and returns numbers by name. The trainer asks them in
// evaluation mode, without gradients, and restores what it changed for that;
// training with monitors gives the same weights as without.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/method.h"
#include "models/ssl/probe.h"

#include <torch/torch.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mapweave::ssl {

enum class Phase {
  kAfterForward,  // at every step, with what the step returned
  kEvaluation,    // now and then, with the method as it is
};

struct Observation {
  int64_t step = 0;
  const Bag& outputs;  // of the last step
  const Method& method;
};

class Monitor {
 public:
  virtual ~Monitor() = default;
  virtual Phase When() const = 0;
  // Names in Observation::outputs that it reads; where one is missing (another
  // method), the monitor is not asked.
  virtual std::vector<std::string> Keys() const = 0;
  // Measures by name; empty while there is nothing to say.
  virtual std::map<std::string, double> Measure(const Observation& seen) = 0;
};

// Tells whether embeddings fall into a point or a line.
//   "spread": mean over dimensions of the deviation of the unit-length
//     projections, times sqrt(P): 1 for directions spread evenly, 0 for one.
//   "information": entropy of the mean assignment minus the mean entropy, in
//     units of log K; 0 when all samples are assigned alike. Only for methods
//     with assignments.
// "collapsed" is 1 where spread, or information where there is one, lies below
// its threshold.
struct CollapseOptions {
  double least_spread = 0.25;
  double least_information = 0.05;
};
std::unique_ptr<Monitor> MakeCollapseMonitor(
    const CollapseOptions& options = {});

// "rankme" of the last embeddings of the run, as soon as there are more than
// dimensions: those of `factor` times as many samples.
std::unique_ptr<Monitor> MakeRankMeMonitor(double factor = 2.0);

// "knn_accuracy" and "linear_accuracy" on labelled sets of their own, which
// training does not see. Borrows both.
std::unique_ptr<Monitor> MakeProbeMonitor(const Dataset& train,
                                          const Dataset& test);

}  // namespace mapweave::ssl
