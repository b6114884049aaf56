// SPDX-License-Identifier: MIT
//
// Do queries on a densely trained trunk win against the dense network? Both
// start from the same dense checkpoint, see the same simulated clips for the
// same number of steps, choose their thresholds on the same 12 clips, and are
// measured on others. Checkpoints stay in DIR.
#include "core/error.h"
#include "core/progress.h"
#include "models/vis/assess.h"
#include "models/vis/trainer.h"
#include "synth/clip_source.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave {
namespace {

namespace fs = std::filesystem;

// No training takes its clips from worlds of this seed.
constexpr uint64_t kTestSeed = 0x76616c69645f3031ULL;
constexpr int kValidationClips = 12;
constexpr uint64_t kFirstTestClip = 1000;

struct Options {
  std::string folder;
  std::string trunk;
  int64_t steps = 80;
  int frames_per_step = 6;
  double learning_rate = 5e-4;
  int test_clips = 24;
  uint64_t seed = 7;
};

synth::WorldClipSource Worlds(uint64_t seed) {
  synth::WorldClipOptions clips;
  clips.seed = seed;
  return synth::WorldClipSource(clips);
}

struct Arm {
  const char* name;
  const char* preset;
  bool freeze;
};

void RunArm(const Options& options, const Arm& arm, RunContext& context) {
  vis::TrainOptions training = vis::PresetRecipe(arm.preset);
  if (training.preset == "small") {
    training.init_checkpoint = options.trunk;
  } else {
    training.trunk = options.trunk;
    training.freeze_trunk = arm.freeze;
  }
  training.steps = options.steps;
  training.frames_per_step = options.frames_per_step;
  training.learning_rate = options.learning_rate;
  training.warmup_steps = static_cast<int>(options.steps / 8);
  training.ema_decay = 0.95;  // few steps, short memory
  training.seed = options.seed;
  training.validate_every = 0;
  training.validation_clips = kValidationClips;
  training.output =
      (fs::path(options.folder) / (std::string(arm.name) + ".safetensors"))
          .string();
  const synth::WorldClipSource test = Worlds(kTestSeed);
  const vis::TrainResult trained =
      vis::Train(Worlds(options.seed), &test, training, context);
  vis::AssessOptions assess;
  assess.first = kFirstTestClip;
  assess.clips = options.test_clips;
  const vis::Assessment result = vis::Assess(training.output, test, assess);
  fmt::print("| {} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.0f} |\n",
             arm.name, result.measures.ap_unlimited, result.measures.ap50,
             result.measures.link_f1, result.measures.track_f1,
             result.detections.F1(), trained.seconds);
  std::fflush(stdout);
}

void Run(const Options& options) {
  std::error_code failure;
  fs::create_directories(options.folder, failure);
  if (failure) {
    throw Error(ErrorCode::kFailure,
                options.folder + ": cannot be made: " + failure.message());
  }
  Progress progress;
  const CancelToken cancel;
  RunContext context{progress, cancel};
  fmt::print(
      "| network | AP | AP50 | link F1 | track F1 | detection F1 | seconds |\n"
      "|---|---|---|---|---|---|---|\n");
  for (const Arm& arm : {Arm{"dense", "small", false},
                         Arm{"queries-frozen-trunk", "query-small", true},
                         Arm{"queries", "query-small", false}}) {
    RunArm(options, arm, context);
  }
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  mapweave::Options options;
  CLI::App app("Queries against dense, from one dense checkpoint");
  app.add_option("-o,--output", options.folder, "DIR")->required();
  app.add_option("--trunk", options.trunk, "Dense checkpoint to start from")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--steps", options.steps)->capture_default_str();
  app.add_option("--frames-per-step", options.frames_per_step)
      ->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate)
      ->capture_default_str();
  app.add_option("--test-clips", options.test_clips)->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    mapweave::Run(options);
  } catch (const mapweave::Error& error) {
    fmt::print(stderr, "{}\n", error.Message());
    return 1;
  }
  return 0;
}
