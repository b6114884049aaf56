// SPDX-License-Identifier: MIT
//
// Training batches, made ahead of the arithmetic by threads of their own:
// clips from a ClipSource, thinned to one number of editions, changed at
// random, and laid out as the network wants them.
#pragma once

#include "core/random.h"
#include "models/vis/dense_targets.h"
#include "models/vis/trainer.h"
#include "tracking/clip.h"

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace mapweave::vis {

struct Batch {
  // [B * T, H, W, 4]: red, green, blue, coverage (0 or 1). H and W are those
  // of `targets`, multiples of 16; smaller clips fill the top left corner.
  std::vector<uint8_t> pixels;
  DenseTargets targets;
};

// Applies the options to a clip in place; every draw comes from `rng`.
void Augment(tracking::LabelledClip& labelled, const AugmentOptions& options,
             Rng& rng);

// A batch of clips as they are. They have the same number of editions; throws
// Error{kBadInput} if not, or if a clip's own images do not fit together.
Batch MakeBatch(const std::vector<tracking::LabelledClip>& clips);

// Hands out the batches of steps first_step, first_step + 1, ... in order. A
// batch is a function of the options, the step and the clips alone.
class BatchLoader {
 public:
  // `source` and `options` are borrowed. `first_clip` is the number of clips
  // that the steps before first_step took.
  BatchLoader(const tracking::ClipSource& source, const TrainOptions& options,
              int64_t first_step, uint64_t first_clip);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Waits for the next batch; throws what making it threw.
  Batch Take();

 private:
  struct Plan {
    int64_t step = 0;
    uint64_t first_clip = 0;
    int64_t clips = 0;
    int64_t editions = 0;
  };
  struct Made {
    std::vector<Batch> batch;  // one, or none if there is an error
    std::exception_ptr error;
  };

  Plan PlanStep(int64_t step, uint64_t first_clip) const;
  Batch Make(const Plan& plan) const;
  void Work();

  const tracking::ClipSource& source_;
  const TrainOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  int64_t take_step_;   // next to hand out
  int64_t claim_step_;  // next to make
  uint64_t claim_clip_;
  std::map<int64_t, Made> ready_;
  std::vector<std::thread> threads_;
};

}  // namespace mapweave::vis
