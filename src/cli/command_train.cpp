// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "cli/link_training.h"
#include "cli/training_arguments.h"
#include "core/error.h"
#include "pipelines/segment.h"
#include "pipelines/train_labels.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

struct TrainCommand {
  TrainingArguments training;
  pipelines::WorldTrainOptions worlds;
  bool calibrate = false;
  pipelines::LabelTrainOptions labels;
  std::string drawn_on = "auto";
  bool from_scratch = false;
  LinkArguments links;
};

// Enough for a few hundred buildings; cautious with what is known already.
constexpr TrainingDefaults kFromCheckpoint{.steps = 1500,
                                           .learning_rate = 5e-4};
// It has seen more drawings than any user's labels show.
constexpr TrainingDefaults kFromShipped{
    .steps = 1500, .learning_rate = 5e-4, .freeze_norm = true};
constexpr TrainingDefaults kFromScratch{.steps = 6000, .learning_rate = {}};

struct VideoOptions {
  TrainingArguments training;
  pipelines::VideoTrainOptions videos;
  std::string preset = "mapweave";
  std::string pseudo;
};

void Calibrate(const CommonOptions& common, TrainCommand options) {
  if (!common.overwrite) {
    throw Error(ErrorCode::kUsage, "--calibrate changes the checkpoint",
                "Add --overwrite to agree.");
  }
  RequireOneProcess("calibration");
  options.worlds.training = options.training.Parsed();
  options.worlds.training.device = common.device;
  const vis::ValidationScores scores =
      pipelines::CalibrateOnWorlds(options.worlds);
  if (common.json) {
    PrintJson({{"checkpoint", options.worlds.training.output},
               {"detection_f1", scores.detection_f1},
               {"link_f1", scores.link_f1},
               {"track_f1", scores.track_f1},
               {"threshold", scores.threshold}});
  } else {
    PrintScores(scores);
  }
}

void RunTrainOnLabels(const CommonOptions& common, const TrainCommand& options,
                      RunContext& context) {
  pipelines::LabelTrainOptions labels = options.labels;
  const bool from_shipped = options.training.Parsed().init_checkpoint.empty() &&
                            !options.from_scratch;
  labels.training =
      options.training.Complete(common, options.from_scratch ? kFromScratch
                                        : from_shipped       ? kFromShipped
                                                             : kFromCheckpoint);
  if (from_shipped && !labels.training.resume) {
    labels.training.init_checkpoint = pipelines::DefaultCheckpoint();
  }
  labels.reading.drawn_on = pipelines::ParseDrawnOn(options.drawn_on);
  labels.clips.size_px = options.worlds.clip_px;
  labels.hands = options.worlds.hands;
  PrintReport(pipelines::TrainOnLabels(labels, context), common.json);
}

void RunTrain(const CommonOptions& common, const TrainCommand& options,
              RunContext& context) {
  if (options.calibrate) {
    Calibrate(common, options);
    return;
  }
  if (!options.labels.labels.empty()) {
    RunTrainOnLabels(common, options, context);
    return;
  }
  if (options.links.is_asked) {
    RequireOneProcess("the training of a linker");
    LinkArguments links = options.links;
    links.worlds.training.checkpoint = options.training.Parsed().output;
    links.worlds.hands = options.worlds.hands;
    links.worlds.clip_px = options.worlds.clip_px;
    RunTrainLinks(common, links, context);
    return;
  }
  pipelines::WorldTrainOptions worlds = options.worlds;
  worlds.training = options.training.Complete(common);
  PrintReport(pipelines::TrainOnWorlds(worlds, context), common.json);
}

void RunPretrain(const CommonOptions& common, const VideoOptions& options,
                 RunContext& context) {
  pipelines::VideoTrainOptions videos = options.videos;
  videos.training = options.training.Complete(common);
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
  options->training.AddTo(command);
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
      "small.safetensors -o mine.safetensors\n\n" +
      ProcessesHelp("pretrain"));
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunPretrain(invocation.common, *options, context);
    };
  });
}

void AddLabelOptions(CLI::App* command, TrainCommand& options) {
  const char* group = "Labels";
  pipelines::LabelTrainOptions& labels = options.labels;
  command
      ->add_option("--labels", labels.labels,
                   "Polygons with track_id and edition (GeoPackage, GeoJSON "
                   "...), a project file, or YouTube-VIS JSON; may be repeated")
      ->group(group);
  command
      ->add_option("--series", labels.series,
                   "What the polygons were drawn on: a project file, a "
                   "catalogue or sheets; not needed for labels that are "
                   "project files")
      ->group(group);
  command
      ->add_option("--frames", labels.frames,
                   "Folder with the frames of YouTube-VIS JSON; its own if "
                   "not given")
      ->group(group);
  command
      ->add_option("--drawn-on", options.drawn_on,
                   "Whether the polygons fit the aligned series, or the sheets "
                   "as they are georeferenced")
      ->check(CLI::IsMember(pipelines::DrawnOnNames()))
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--extent", labels.reading.extent,
                   "Polygons within which every building is labelled; if not "
                   "given, the layer \"extent\" of the labels, or what lies "
                   "within --reach-px of a labelled building")
      ->group(group);
  command->add_option("--reach-px", labels.reading.reach_px)
      ->check(CLI::Range(0, 4096))
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--held-out", labels.clips.held_out,
                   "Share of the labelled places that is not trained on, to "
                   "choose thresholds")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--limit-labels", labels.limit,
                   "Learn from so many different clips only")
      ->check(CLI::PositiveNumber)
      ->group(group);
  command
      ->add_option("--mix-worlds", labels.mix_worlds,
                   "Share of the clips that is cut from simulated worlds")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str()
      ->group(group);
  command
      ->add_flag("--from-scratch", options.from_scratch,
                 "Do not start from the shipped checkpoint")
      ->group(group);
}

}  // namespace

void AddTrainCommands(CLI::App& app, Invocation& invocation) {
  AddPretrainCommand(app, invocation);
  AddAdaptCommand(app, invocation);
  auto options = std::make_shared<TrainCommand>();
  CLI::App* command = AddCommand(
      app, "train",
      "Train a network on labels, or on simulated worlds, and write a "
      "checkpoint",
      invocation);
  options->training.AddTo(command);
  AddClipSide(command, options->worlds.clip_px, 2048);
  command
      ->add_option("--hands", options->worlds.hands,
                   "Map hands to draw the worlds in; all if not given")
      ->delimiter(',');
  command->add_flag("--calibrate", options->calibrate,
                    "Train nothing: choose the thresholds of the checkpoint "
                    "OUTPUT anew");
  AddLabelOptions(command, *options);
  AddLinkOptions(command, options->links);
  command->footer(
      "Examples:\n"
      "  mapweave train --labels drawn.gpkg --series town.gpkg -o "
      "mine.safetensors\n"
      "  mapweave train --minutes 30 -o small.safetensors --curves loss.csv"
      "\n\n" +
      ProcessesHelp("train"));
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunTrain(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
