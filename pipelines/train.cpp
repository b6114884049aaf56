// SPDX-License-Identifier: MIT
#include "pipelines/train.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "models/vis/segmenter.h"
#include "pipelines/digest.h"
#include "pipelines/train_curves.h"
#include "synth/clip_source.h"

#include <fmt/format.h>

namespace mapweave::pipelines {
namespace {

// Keeps validation worlds apart from training worlds of any seed.
constexpr uint64_t kValidationSeed = 0x76616c69645f3031ULL;

synth::WorldClipOptions ClipOptions(const WorldTrainOptions& options,
                                    uint64_t seed) {
  synth::WorldClipOptions clips;
  clips.seed = seed;
  clips.size_px = options.clip_px;
  clips.min_editions = options.training.min_editions;
  clips.max_editions = options.training.max_editions;
  clips.hands = options.hands;
  return clips;
}

// Of fewer guessed buildings, next to nothing can be learned; of few, little.
constexpr int64_t kFewestPseudoInstances = 10;
constexpr int64_t kFewPseudoInstances = 100;

void RequirePseudoInstances(int64_t count) {
  const char* advice =
      "Add sheets, read them at another resolution (--downsample: buildings "
      "should be 5 to 60 pixels wide), or try another --pseudo.";
  if (count < kFewestPseudoInstances) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("only {} places on the sheets look like buildings, "
                            "too few to learn from",
                            count),
                advice);
  }
  if (count < kFewPseudoInstances) {
    LogWarning("only {} places on the sheets look like buildings. {}", count,
               advice);
  }
}

void RequireTrainingSeed(uint64_t seed) {
  if (seed != kValidationSeed) return;
  throw Error(ErrorCode::kUsage, "this seed is kept for validation",
              "Choose another --seed.");
}

}  // namespace

TrainReport TrainOn(const tracking::ClipSource& train,
                    const tracking::ClipSource* validation,
                    const vis::TrainOptions& training, RunContext& context) {
  TrainReport report;
  report.result = vis::Train(train, validation, training, context);
  report.checkpoint = training.output;
  if (!training.processes.IsFirst()) return report;
  if (!training.curves_csv.empty()) DrawCurves(training.curves_csv);
  report.checkpoint_sha256 = Sha256OfFile(training.output);
  return report;
}

TrainReport TrainOnWorlds(const WorldTrainOptions& options,
                          RunContext& context) {
  RequireTrainingSeed(options.training.seed);
  const synth::WorldClipSource train(
      ClipOptions(options, options.training.seed));
  const synth::WorldClipSource validation(
      ClipOptions(options, kValidationSeed));
  vis::TrainOptions training = options.training;
  training.notes["data"] = "simulated worlds";
  training.notes["hands"] = options.hands;
  training.notes["clip_px"] = options.clip_px;
  return TrainOn(train, &validation, training, context);
}

TrainReport PretrainOnSheets(const VideoTrainOptions& options,
                             RunContext& context) {
  RequireTrainingSeed(options.training.seed);
  synth::VideoOptions clips = options.clips;
  clips.seed = options.training.seed;
  clips.min_frames = options.training.min_editions;
  clips.max_frames = options.training.max_editions;
  const synth::VideoClipSource train(
      ReadMapSheets(options.sheets, options.reading, context), clips,
      options.training.threads);
  const synth::VideoClipSource validation = train.WithSeed(kValidationSeed);
  LogInfo("pretrain: {} likely buildings on {} sheets", train.PseudoInstances(),
          options.sheets.size());
  RequirePseudoInstances(train.PseudoInstances());
  vis::TrainOptions training = options.training;
  training.notes["data"] = "synthetic videos from unlabelled sheets";
  training.notes["sheets"] = options.sheets.size();
  training.notes["pseudo_instances"] = train.PseudoInstances();
  training.notes["clip_px"] = options.clips.size_px;
  return TrainOn(train, &validation, training, context);
}

vis::ValidationScores CalibrateOnWorlds(const WorldTrainOptions& options) {
  const synth::WorldClipSource validation(
      ClipOptions(options, kValidationSeed));
  return vis::Calibrate(options.training.output, validation,
                        options.training.validation_clips,
                        vis::ResolveDevice(options.training.device));
}

Json ToJson(const TrainReport& report) {
  const vis::TrainResult& result = report.result;
  Json document = {{"checkpoint", report.checkpoint},
                   {"checkpoint_sha256", report.checkpoint_sha256},
                   {"steps", result.steps},
                   {"clips", result.clips},
                   {"seconds", result.seconds},
                   {"loss", result.loss},
                   {"waiting_share", result.waiting_share}};
  if (!result.groups.Empty()) {
    Json groups = Json::object();
    for (const nn::GroupLoss& group : result.groups.Groups()) {
      groups[group.group] = {{"loss", group.loss}, {"clips", group.count}};
    }
    document["groups"] = std::move(groups);
    document["groups_micro_loss"] = result.groups.MicroMean();
    document["groups_macro_loss"] = result.groups.MacroMean();
  }
  if (result.validated) {
    document["validation"] = {{"detection_f1", result.validation.detection_f1},
                              {"link_f1", result.validation.link_f1},
                              {"track_f1", result.validation.track_f1},
                              {"threshold", result.validation.threshold}};
  }
  return document;
}

}  // namespace mapweave::pipelines
