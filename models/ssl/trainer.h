// SPDX-License-Identifier: MIT
//
// The loop that trains any method: batches in a seeded order, views, step,
// update, monitors; interrupted runs go on where they were.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/progress.h"
#include "models/ssl/measure.h"
#include "models/ssl/methods.h"
#include "models/ssl/monitor.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/schedule.h"
#include "models/ssl/view_recipe.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace mapweave::ssl {

struct TrainerOptions {
  int64_t steps = 1000;
  int64_t batch = 64;  // at most the data set's size
  ScheduleOptions schedule;
  OptimiserOptions optimiser;
  // Unset: the method's own.
  std::optional<ViewRecipe> views;
  uint64_t seed = 1;
  // In steps; 0 = only at the end.
  int64_t measure_every = 20;  // monitors of Phase::kAfterForward, and the loss
  int64_t evaluate_every = 0;  // monitors of Phase::kEvaluation
  // Where the state for `resume` lies; empty: none is kept.
  std::filesystem::path state;
  int64_t save_every = 200;
  bool resume = false;

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct TrainerResult {
  int64_t steps = 0;
  double seconds = 0.0;
  double loss = 0.0;  // mean over the last 20 steps
  std::vector<Measure> measures;
};

// Trains `method` where its parameters are. The same options, data and method
// give the same weights on one device, whatever monitors watch and however
// often the run was interrupted (monitors that look back begin anew).
// Throws Error{kInterrupted} after saving when context.cancel is set,
// Error{kFailure} when the loss or its gradient is no longer a number, and
// what the method and the views throw.
TrainerResult TrainMethod(Method& method, const Dataset& data,
                          const TrainerOptions& options,
                          const std::vector<std::unique_ptr<Monitor>>& monitors,
                          RunContext& context);

struct BatchPlan {
  int64_t samples = 0;
  int64_t batch = 0;
  uint64_t seed = 1;
  // Batches are of samples whose index leaves one remainder.
  int64_t shards = 1;
};
// The batch of `step`: every epoch is a permutation of its own, its incomplete
// last batch is left out, one of each shard.
torch::Tensor BatchIndex(const BatchPlan& plan, int64_t step);

}  // namespace mapweave::ssl
