// SPDX-License-Identifier: MIT
#include "cli/training_arguments.h"

#include "core/atomic_file.h"
#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace mapweave::cli {

void TrainingArguments::AddStart(CLI::App* command) {
  command->add_option("--preset", training_.preset, "Size of the network")
      ->check(CLI::IsMember(vis::PresetNames()))
      ->capture_default_str();
  command
      ->add_option("--norm", training_.norm,
                   "group, batch or frozen; the preset's own if not given")
      ->check(CLI::IsMember({"group", "batch", "frozen"}));
  command
      ->add_option("--backbone", training_.backbone,
                   "torchvision's ResNet-50 weights as safetensors, for the "
                   "preset paper")
      ->check(CLI::ExistingFile);
  CLI::Option* trunk =
      command
          ->add_option("--trunk", training_.trunk,
                       "Dense checkpoint that query-small starts from")
          ->check(CLI::ExistingFile);
  command
      ->add_flag("--freeze-trunk", training_.freeze_trunk,
                 "Leave the loaded trunk as it is")
      ->needs(trunk);
  command
      ->add_option("--queries", training_.queries,
                   "Most buildings that a query network finds in a window")
      ->check(CLI::Range(1, 4096));
  command->add_option("--init", training_.init_checkpoint,
                      "Start from the weights of this checkpoint");
}

void TrainingArguments::AddTo(CLI::App* command, TrainingStart start) {
  if (start == TrainingStart::kChosen) AddStart(command);
  command->add_option("-o,--output", training_.output, "CHECKPOINT.safetensors")
      ->required();
  command->add_option("--steps", training_.steps, "Stop after so many steps");
  command->add_option("--minutes", minutes_,
                      "Stop after so many minutes of training");
  command->add_flag("--resume", training_.resume,
                    "Go on with an interrupted training of the same output");
  command->add_option("--curves", training_.curves_csv,
                      "Write the loss curve as CSV, and as a picture (SVG) "
                      "beside it");
  const char* advanced = "Advanced";
  command
      ->add_option("--frames-per-step", frames_per_step_,
                   "The preset's own if not given")
      ->group(advanced);
  command
      ->add_option("--min-editions", training_.min_editions,
                   "Fewest editions of a clip")
      ->check(CLI::Range(1, 8))
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--max-editions", max_editions_,
                   "Most editions of a clip; the preset's own if not given")
      ->check(CLI::Range(1, 8))
      ->group(advanced);
  command
      ->add_option("--warmup-steps", training_.warmup_steps,
                   "Steps in which the learning rate rises from 0")
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--final-fraction", training_.final_fraction,
                   "Of the learning rate, where its cosine ends")
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--learning-rate", learning_rate_,
                   "The preset's own if not given; 0.0005 on labels and "
                   "0.0002 to adapt, from a checkpoint")
      ->group(advanced);
  command
      ->add_flag("--freeze-norm,!--learn-norm", freeze_norm_,
                 "Whether batch norms keep the statistics of the checkpoint "
                 "that training starts from; they do on labels and to adapt, "
                 "from the shipped one")
      ->group(advanced);
  command->add_option("--ema-decay", training_.ema_decay)
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--validate-every", training_.validate_every,
                   "Steps between validations")
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--checkpoint-every", training_.checkpoint_every,
                   "Steps between checkpoints, from which --resume goes on")
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--validation-clips", training_.validation_clips)
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--loader-threads", training_.loader_threads)
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--peer-timeout", training_.processes.timeout_seconds,
                   "Of several processes: seconds to wait for the others")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str()
      ->group(advanced);
  command->add_flag("!--fp32", training_.bf16,
                    "Convolutions in float32 instead of bfloat16");
}

vis::TrainOptions TrainingArguments::Complete(
    const CommonOptions& common, const TrainingDefaults& defaults) const {
  vis::TrainOptions training = training_;
  const vis::TrainOptions recipe = vis::PresetRecipe(training.preset);
  training.clip_norm = recipe.clip_norm;
  training.learning_rate = learning_rate_.value_or(
      defaults.learning_rate.value_or(recipe.learning_rate));
  training.freeze_norm = freeze_norm_.value_or(defaults.freeze_norm);
  training.frames_per_step = frames_per_step_.value_or(recipe.frames_per_step);
  training.max_editions = max_editions_.value_or(recipe.max_editions);
  training.device = common.device;
  training.seconds = minutes_ * 60.0;
  if (training.steps == 0 && training.seconds <= 0.0) {
    training.steps = defaults.steps;
  }
  training.seed = common.seed;
  training.threads = common.ThreadCount();
  training.processes = nn::ProcessesOf(nn::ThisEnvironment());
  training.processes.timeout_seconds = training_.processes.timeout_seconds;
  training.Validate();
  if (!training.resume) {
    CheckWritable(training.output, common.OverwriteMode());
  }
  return training;
}

void AddClipSide(CLI::App* command, int& side_px, int most) {
  command->add_option("--clip-px", side_px, "Side of a training clip in pixels")
      ->check(CLI::Range(32, most))
      ->capture_default_str();
}

void PrintScores(const vis::ValidationScores& scores) {
  PrintText(fmt::format(
      "validation: detection F1 {:.3f}, link F1 {:.3f}, track F1 {:.3f} at "
      "score {:.2f}\n",
      scores.detection_f1, scores.link_f1, scores.track_f1, scores.threshold));
}

void RequireOneProcess(const std::string& what) {
  if (nn::ProcessesOf(nn::ThisEnvironment()).size == 1) return;
  throw Error(ErrorCode::kUsage, what + " runs in one process",
              "unset RANK and WORLD_SIZE, and start it once");
}

std::string ProcessesHelp(const std::string& command) {
  return fmt::format(
      "Several processes train one network, each on its part of every step's\n"
      "clips, when all are started with the same command and with RANK,\n"
      "WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun --no-python sets\n"
      "them; with MASTER_ADDR, Slurm's and mpirun's own numbers will do. Two\n"
      "on this machine:\n"
      "  export MASTER_ADDR=localhost MASTER_PORT=29500 WORLD_SIZE=2\n"
      "  RANK=1 mapweave {0} ... -o big.safetensors --threads 1 &\n"
      "  RANK=0 mapweave {0} ... -o big.safetensors --threads 1",
      command);
}

namespace {

void PrintGroups(const nn::PerGroupLoss& losses) {
  if (losses.Empty()) return;
  PrintText(fmt::format(
      "loss of late by map hand, highest first; mean over clips {:.3f}, over "
      "hands {:.3f}\n",
      losses.MicroMean(), losses.MacroMean()));
  std::vector<nn::GroupLoss> groups = losses.Groups();
  std::ranges::stable_sort(groups, std::ranges::greater(),
                           &nn::GroupLoss::loss);
  for (const nn::GroupLoss& group : groups) {
    PrintText(fmt::format("  {:<16} {:7.3f}  {} clips\n", group.group,
                          group.loss, group.count));
  }
}

}  // namespace

void PrintReport(const pipelines::TrainReport& report, bool as_json) {
  if (report.checkpoint_sha256.empty()) return;
  if (as_json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  PrintText(
      fmt::format("{}: {} steps, {} clips, {}, {:.0f} % of it waiting for "
                  "clips, loss {:.3f}\n",
                  report.checkpoint, report.result.steps, report.result.clips,
                  FormatDuration(report.result.seconds),
                  100.0 * report.result.waiting_share, report.result.loss));
  PrintGroups(report.result.groups);
  if (report.result.validated) PrintScores(report.result.validation);
}

}  // namespace mapweave::cli
