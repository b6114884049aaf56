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
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace mapweave::vis {

// What a network learns from: the labels alone, or the dense family's targets
// too.
enum class TargetKind { kLabels, kDense };

// What must be the same for all clips of a step.
struct BatchSize {
  int64_t editions = 0;
  int64_t height = 0;
  int64_t width = 0;

  bool operator==(const BatchSize&) const = default;
};

// B clips of T editions each; of a step that several processes share, those of
// one process.
struct Batch {
  int64_t clips = 0;
  int64_t editions = 0;
  // Multiples of 16; smaller clips fill the top left corner.
  int64_t height = 0;
  int64_t width = 0;
  // [B * T, H, W, 4]: red, green, blue, coverage (0 or 1).
  std::vector<uint8_t> pixels;
  // [B * T, H, W]: from 1 to tracks[b], without gaps, on the covered pixels of
  // clip b's buildings, 0 elsewhere.
  std::vector<int32_t> labels;
  std::vector<int32_t> tracks;      // [B]
  std::vector<std::string> groups;  // [B * T], see LabelledClip
  uint64_t seed = 0;                // of whatever a loss draws at random
  // Where the first clip stands among those of all processes, and their number.
  int64_t first_clip = 0;
  int64_t joined_clips = 0;
  std::optional<DenseTargets> dense;  // for TargetKind::kDense
};

// Applies the options to a clip in place; every draw comes from `rng`.
void Augment(tracking::LabelledClip& labelled, const AugmentOptions& options,
             Rng& rng);

// A batch of clips as they are, no smaller than `least`. They have the same
// number of editions; throws Error{kBadInput} if not, or if a clip's own images
// do not fit together.
Batch MakeBatch(const std::vector<tracking::LabelledClip>& clips,
                TargetKind targets, const BatchSize& least = {});

// Where a run begins or goes on.
struct LoaderStart {
  int64_t step = 0;
  uint64_t clip = 0;  // number of clips that the steps before took
};

// Hands out the batches of steps start.step, start.step + 1, ... in order. A
// batch is a function of the options, the step and the clips alone. Processes
// that share the steps (TrainOptions::processes) cut every step's clips up
// between them: together they see what one process sees.
class BatchLoader {
 public:
  // `source` and `options` are borrowed.
  BatchLoader(const tracking::ClipSource& source, const TrainOptions& options,
              TargetKind targets, LoaderStart start);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Waits for the next batch; throws what making it threw.
  Batch Take();
  // The batch last taken, made anew for the size that all processes have agreed
  // on: no more editions than it has, no less height and width.
  Batch Retake(const BatchSize& size) const;

 private:
  struct Plan {
    int64_t step = 0;
    uint64_t first_clip = 0;  // of the step
    int64_t clips = 0;        // of the step
    int64_t editions = 0;     // at most
    // This process's part of the step's clips.
    int64_t begin = 0;
    int64_t end = 0;
  };
  struct Made {
    Plan plan;
    // As the source gave them; kept only for Retake.
    std::vector<tracking::LabelledClip> clips;
    std::optional<Batch> batch;  // none if there is an error
    std::exception_ptr error;
  };

  Plan PlanStep(int64_t step, uint64_t first_clip) const;
  std::vector<tracking::LabelledClip> Load(const Plan& plan) const;
  Batch Make(const Plan& plan, std::vector<tracking::LabelledClip> clips,
             const BatchSize& size) const;
  void Work();

  const tracking::ClipSource& source_;
  const TrainOptions& options_;
  TargetKind targets_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  int64_t take_step_;   // next to hand out
  int64_t claim_step_;  // next to make
  uint64_t claim_clip_;
  std::map<int64_t, Made> ready_;
  Made taken_;
  std::vector<std::thread> threads_;
};

}  // namespace mapweave::vis
