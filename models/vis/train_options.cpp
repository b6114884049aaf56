// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "models/vis/trainer.h"

#include <fmt/format.h>

namespace mapweave::vis {
namespace {

void CheckRange(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw Error(ErrorCode::kUsage, fmt::format("training option {} is {}, must "
                                             "be {} to {}",
                                             name, value, low, high));
}

}  // namespace

TrainOptions PresetRecipe(const std::string& preset) {
  TrainOptions options;
  options.preset = preset;
  if (preset == "paper") {
    options.learning_rate = 1e-4;
    options.clip_norm = 0.01;
    options.frames_per_step = 32;  // 16 clips
    options.max_editions = 2;
  } else if (preset == "query-small" || preset == "large") {
    options.learning_rate = 1e-3;
  }
  return options;
}

void TrainOptions::Validate() const {
  NetworkOptions::Validate();
  CheckRange("steps", static_cast<double>(steps), 0, 1e9);
  CheckRange("seconds", seconds, 0, 1e9);
  if (steps == 0 && seconds == 0.0) {
    throw Error(ErrorCode::kUsage,
                "training has neither a limit in steps nor in seconds",
                "set one of the two");
  }
  CheckRange("min_editions", min_editions, 1, 64);
  CheckRange("max_editions", max_editions, min_editions, 64);
  CheckRange("frames_per_step", frames_per_step, 1, 4096);
  CheckRange("crop", crop, 0, 4096);
  CheckRange("learning_rate", learning_rate, 1e-9, 1.0);
  CheckRange("warmup_steps", warmup_steps, 0, 1e9);
  CheckRange("final_fraction", final_fraction, 0.0, 1.0);
  CheckRange("weight_decay", weight_decay, 0.0, 10.0);
  CheckRange("clip_norm", clip_norm, 1e-6, 1e9);
  CheckRange("ema_decay", ema_decay, 0.0, 0.999999);
  CheckRange("augment.gain", augment.gain, 0.0, 1.0);
  CheckRange("augment.offset", augment.offset, 0.0, 1.0);
  CheckRange("augment.noise", augment.noise, 0.0, 1.0);
  CheckRange("augment.blur", augment.blur, 0.0, 1.0);
  CheckRange("threads", threads, 1, 1024);
  CheckRange("loader_threads", loader_threads, 1, 1024);
  CheckRange("checkpoint_every", static_cast<double>(checkpoint_every), 0, 1e9);
  CheckRange("validate_every", static_cast<double>(validate_every), 0, 1e9);
  CheckRange("validation_clips", validation_clips, 1, 1e6);
  divergence.Validate();
  processes.Validate();
  if (processes.size > 1 && frames_per_step < processes.size * max_editions) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{} processes cannot share steps of {} editions: a clip "
                    "has up to {}",
                    processes.size, frames_per_step, max_editions),
        fmt::format("take at least {} frames per step",
                    processes.size * max_editions));
  }
  if (output.empty()) {
    throw Error(ErrorCode::kUsage, "training has no output file",
                "name the checkpoint to write");
  }
  if (resume && !init_checkpoint.empty()) {
    throw Error(ErrorCode::kUsage,
                "training can either resume or start from a checkpoint");
  }
}

}  // namespace mapweave::vis
