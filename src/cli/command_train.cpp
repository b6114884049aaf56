// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "core/error.h"
#include "pipelines/train.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

struct TrainingOptions {
  vis::TrainOptions training;
  // Of these the preset has its own values.
  CLI::Option* learning_rate = nullptr;
  CLI::Option* frames_per_step = nullptr;
  CLI::Option* max_editions = nullptr;
  double minutes = 0.0;
};

struct WorldOptions : TrainingOptions {
  pipelines::WorldTrainOptions worlds;
  bool calibrate = false;
};

struct VideoOptions : TrainingOptions {
  pipelines::VideoTrainOptions videos;
  std::string preset = "mapweave";
  std::string pseudo;
};

void PrintScores(const vis::ValidationScores& scores) {
  PrintText(fmt::format(
      "validation: detection F1 {:.3f}, link F1 {:.3f}, track F1 {:.3f} at "
      "score {:.2f}\n",
      scores.detection_f1, scores.link_f1, scores.track_f1, scores.threshold));
}

void PrintReport(const pipelines::TrainReport& report, bool as_json) {
  if (as_json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  PrintText(
      fmt::format("{}: {} steps, {} clips, {}, loss {:.3f}\n",
                  report.checkpoint, report.result.steps, report.result.clips,
                  FormatDuration(report.result.seconds), report.result.loss));
  if (report.result.validated) PrintScores(report.result.validation);
}

// What the command line says, checked before any work is done.
vis::TrainOptions Complete(const TrainingOptions& options,
                           const CommonOptions& common) {
  vis::TrainOptions training = options.training;
  const vis::TrainOptions recipe = vis::PresetRecipe(training.preset);
  training.clip_norm = recipe.clip_norm;
  if (options.learning_rate->empty()) {
    training.learning_rate = recipe.learning_rate;
  }
  if (options.frames_per_step->empty()) {
    training.frames_per_step = recipe.frames_per_step;
  }
  if (options.max_editions->empty()) {
    training.max_editions = recipe.max_editions;
  }
  training.device = common.device;
  training.seconds = options.minutes * 60.0;
  training.seed = common.seed;
  training.threads = common.ThreadCount();
  training.Validate();
  if (!training.resume) {
    CheckWritable(training.output, common.OverwriteMode());
  }
  return training;
}

void Calibrate(const CommonOptions& common, WorldOptions options) {
  if (!common.overwrite) {
    throw Error(ErrorCode::kUsage, "--calibrate changes the checkpoint",
                "Add --overwrite to agree.");
  }
  options.worlds.training = options.training;
  options.worlds.training.device = common.device;
  const vis::ValidationScores scores =
      pipelines::CalibrateOnWorlds(options.worlds);
  if (common.json) {
    PrintJson({{"checkpoint", options.training.output},
               {"detection_f1", scores.detection_f1},
               {"link_f1", scores.link_f1},
               {"track_f1", scores.track_f1},
               {"threshold", scores.threshold}});
  } else {
    PrintScores(scores);
  }
}

void RunTrain(const CommonOptions& common, const WorldOptions& options,
              RunContext& context) {
  if (options.calibrate) {
    Calibrate(common, options);
    return;
  }
  pipelines::WorldTrainOptions worlds = options.worlds;
  worlds.training = Complete(options, common);
  PrintReport(pipelines::TrainOnWorlds(worlds, context), common.json);
}

void RunPretrain(const CommonOptions& common, const VideoOptions& options,
                 RunContext& context) {
  pipelines::VideoTrainOptions videos = options.videos;
  videos.training = Complete(options, common);
  const int size_px = videos.clips.size_px;
  videos.clips = synth::VideoPreset(options.preset);
  videos.clips.size_px = size_px;
  if (!options.pseudo.empty()) {
    videos.clips.pseudo.way = synth::ParsePseudoWay(options.pseudo);
  }
  videos.reading.seed = common.seed;
  videos.reading.memory_mb = common.memory_mb;
  PrintReport(pipelines::PretrainOnSheets(videos, context), common.json);
}

void AddTrainingOptions(CLI::App* command, TrainingOptions& options) {
  vis::TrainOptions& training = options.training;
  command->add_option("-o,--output", training.output, "CHECKPOINT.safetensors")
      ->required();
  command->add_option("--preset", training.preset, "Size of the network")
      ->check(CLI::IsMember(vis::PresetNames()))
      ->capture_default_str();
  command
      ->add_option("--norm", training.norm,
                   "group, batch or frozen; the preset's own if not given")
      ->check(CLI::IsMember({"group", "batch", "frozen"}));
  command
      ->add_option("--backbone", training.backbone,
                   "torchvision's ResNet-50 weights as safetensors, for the "
                   "preset paper")
      ->check(CLI::ExistingFile);
  CLI::Option* trunk =
      command
          ->add_option("--trunk", training.trunk,
                       "Dense checkpoint that query-small starts from")
          ->check(CLI::ExistingFile);
  command
      ->add_flag("--freeze-trunk", training.freeze_trunk,
                 "Leave the loaded trunk as it is")
      ->needs(trunk);
  command
      ->add_option("--queries", training.queries,
                   "Most buildings that a query network finds in a window")
      ->check(CLI::Range(1, 4096));
  command->add_option("--steps", training.steps, "Stop after so many steps");
  command->add_option("--minutes", options.minutes,
                      "Stop after so many minutes of training");
  command->add_option("--init", training.init_checkpoint,
                      "Start from the weights of this checkpoint");
  command->add_flag("--resume", training.resume,
                    "Go on with an interrupted training of the same output");
  command->add_option("--curves", training.curves_csv,
                      "Write the loss curve as CSV");
  const char* advanced = "Advanced";
  options.frames_per_step =
      command
          ->add_option("--frames-per-step", training.frames_per_step,
                       "The preset's own if not given")
          ->group(advanced);
  options.max_editions =
      command
          ->add_option("--max-editions", training.max_editions,
                       "Most editions of a clip; the preset's own if not given")
          ->check(CLI::Range(2, 8))
          ->group(advanced);
  options.learning_rate =
      command
          ->add_option("--learning-rate", training.learning_rate,
                       "The preset's own if not given")
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
}

void AddClipSide(CLI::App* command, int& side_px, int most) {
  command->add_option("--clip-px", side_px, "Side of a training clip in pixels")
      ->check(CLI::Range(32, most))
      ->capture_default_str();
}

void AddPretrainCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<VideoOptions>();
  pipelines::VideoTrainOptions& videos = options->videos;
  CLI::App* command =
      AddCommand(app, "pretrain",
                 "Train a network on videos cut from scans that nobody has "
                 "labelled",
                 invocation);
  command
      ->add_option("sheets", videos.sheets,
                   "Scans of maps, georeferenced or not")
      ->required();
  AddTrainingOptions(command, *options);
  AddClipSide(command, videos.clips.size_px, 1024);
  command
      ->add_option("--videos", options->preset, "What is done to the buildings")
      ->check(CLI::IsMember(synth::VideoPresetNames()))
      ->capture_default_str();
  command
      ->add_option(
          "--pseudo", options->pseudo,
          fmt::format("How buildings are told from the rest; {} if "
                      "not given",
                      synth::PseudoWayName(synth::PseudoOptions().way)))
      ->check(CLI::IsMember(synth::PseudoWayNames()));
  command
      ->add_option("--downsample", videos.reading.downsample,
                   "Read the scans at 1/N of their resolution, so that "
                   "buildings are 5 to 60 pixels wide")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  mapweave pretrain town_1860.tif town_1900.tif --minutes 30 --init "
      "small.safetensors -o mine.safetensors");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunPretrain(invocation.common, *options, context);
    };
  });
}

}  // namespace

void AddTrainCommands(CLI::App& app, Invocation& invocation) {
  AddPretrainCommand(app, invocation);
  auto options = std::make_shared<WorldOptions>();
  CLI::App* command = AddCommand(
      app, "train",
      "Train a network on simulated worlds and write a checkpoint", invocation);
  AddTrainingOptions(command, *options);
  AddClipSide(command, options->worlds.clip_px, 2048);
  command
      ->add_option("--hands", options->worlds.hands,
                   "Map hands to draw the worlds in; all if not given")
      ->delimiter(',');
  command->add_flag("--calibrate", options->calibrate,
                    "Train nothing: choose the thresholds of the checkpoint "
                    "OUTPUT anew");
  command->footer(
      "Example:\n"
      "  mapweave train --minutes 30 -o small.safetensors --curves loss.csv");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunTrain(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
