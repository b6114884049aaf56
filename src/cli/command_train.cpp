// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "core/error.h"
#include "pipelines/train.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

struct Options {
  pipelines::WorldTrainOptions worlds;
  double minutes = 0.0;
  bool calibrate = false;
};

void PrintScores(const vis::ValidationScores& scores) {
  PrintText(fmt::format(
      "validation: detection F1 {:.3f}, link F1 {:.3f}, track F1 {:.3f} at "
      "score {:.2f}\n",
      scores.detection_f1, scores.link_f1, scores.track_f1, scores.threshold));
}

void Calibrate(const CommonOptions& common,
               const pipelines::WorldTrainOptions& worlds) {
  const vis::ValidationScores scores = pipelines::CalibrateOnWorlds(worlds);
  if (common.json) {
    PrintJson({{"checkpoint", worlds.training.output},
               {"detection_f1", scores.detection_f1},
               {"link_f1", scores.link_f1},
               {"track_f1", scores.track_f1},
               {"threshold", scores.threshold}});
  } else {
    PrintScores(scores);
  }
}

void Run(const CommonOptions& common, Options options, RunContext& context) {
  vis::TrainOptions& training = options.worlds.training;
  training.device = common.device;
  if (options.calibrate) {
    if (!common.overwrite) {
      throw Error(ErrorCode::kUsage, "--calibrate changes the checkpoint",
                  "Add --overwrite to agree.");
    }
    Calibrate(common, options.worlds);
    return;
  }
  if (!training.resume) {
    CheckWritable(training.output, common.OverwriteMode());
  }
  training.seconds = options.minutes * 60.0;
  training.seed = common.seed;
  training.threads = common.ThreadCount();
  const pipelines::TrainReport report =
      pipelines::TrainOnWorlds(options.worlds, context);
  if (common.json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  PrintText(
      fmt::format("{}: {} steps, {} clips, {}, loss {:.3f}\n",
                  report.checkpoint, report.result.steps, report.result.clips,
                  FormatDuration(report.result.seconds), report.result.loss));
  if (report.result.validated) {
    PrintScores(report.result.validation);
  }
}

}  // namespace

void AddTrainCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  vis::TrainOptions& training = options->worlds.training;
  CLI::App* command = AddCommand(
      app, "train",
      "Train a network on simulated worlds and write a checkpoint", invocation);
  command->add_option("-o,--output", training.output, "CHECKPOINT.safetensors")
      ->required();
  command->add_option("--preset", training.preset, "Size of the network")
      ->check(CLI::IsMember({"small"}))
      ->capture_default_str();
  command
      ->add_option("--norm", training.norm,
                   "group or batch; the preset's own if not given")
      ->check(CLI::IsMember({"group", "batch"}));
  command->add_option("--steps", training.steps, "Stop after so many steps");
  command->add_option("--minutes", options->minutes,
                      "Stop after so many minutes of training");
  command
      ->add_option("--hands", options->worlds.hands,
                   "Map hands to draw the worlds in; all if not given")
      ->delimiter(',');
  command
      ->add_option("--clip-px", options->worlds.clip_px,
                   "Side of a training clip in pixels")
      ->check(CLI::Range(32, 2048))
      ->capture_default_str();
  command->add_option("--init", training.init_checkpoint,
                      "Start from the weights of this checkpoint");
  command->add_flag("--resume", training.resume,
                    "Go on with an interrupted training of the same output");
  command->add_flag("--calibrate", options->calibrate,
                    "Train nothing: choose the thresholds of the checkpoint "
                    "OUTPUT anew");
  command->add_option("--curves", training.curves_csv,
                      "Write the loss curve as CSV");
  const char* advanced = "Advanced";
  command->add_option("--frames-per-step", training.frames_per_step)
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--learning-rate", training.learning_rate)
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--ema-decay", training.ema_decay)
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--validate-every", training.validate_every,
                   "Steps between validations")
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--validation-clips", training.validation_clips)
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--loader-threads", training.loader_threads)
      ->capture_default_str()
      ->group(advanced);
  command->add_flag("!--fp32", training.bf16,
                    "Convolutions in float32 instead of bfloat16");
  command->footer(
      "Example:\n"
      "  mapweave train --minutes 30 -o small.safetensors --curves loss.csv");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      Run(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
