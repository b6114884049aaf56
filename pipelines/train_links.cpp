// SPDX-License-Identifier: MIT
#include "pipelines/train_links.h"

#include "core/error.h"
#include "models/vis/segmenter.h"
#include "synth/clip_source.h"

namespace mapweave::pipelines {
namespace {

// Keeps validation worlds apart from training worlds of any seed.
constexpr uint64_t kValidationSeed = 0x76616c69645f3032ULL;

synth::WorldClipSource Worlds(const LinkWorldOptions& options, uint64_t seed) {
  synth::WorldClipOptions clips = synth::LinkingClipOptions();
  clips.seed = seed;
  clips.size_px = options.clip_px;
  clips.hands = options.hands;
  return synth::WorldClipSource(clips);
}

Json ToJson(const vis::ValidationScores& scores) {
  return {{"link_f1", scores.link_f1}, {"track_f1", scores.track_f1}};
}

}  // namespace

vis::LinkTrainResult TrainLinksOnWorlds(const LinkWorldOptions& options,
                                        RunContext& context) {
  if (options.training.fit.seed == kValidationSeed) {
    throw Error(ErrorCode::kUsage, "this seed is kept for validation",
                "Choose another --seed.");
  }
  vis::LinkTrainOptions training = options.training;
  training.device = vis::ResolveDevice(training.device);
  return vis::TrainLinks(Worlds(options, training.fit.seed),
                         Worlds(options, kValidationSeed), training, context);
}

Json ToJson(const vis::LinkTrainResult& result) {
  return {{"lessons", result.lessons},
          {"pairs", result.pairs},
          {"loss", result.loss},
          {"link_threshold", result.link_threshold},
          {"min_score", result.min_score},
          {"by_overlap", ToJson(result.before)},
          {"learned", ToJson(result.after)}};
}

}  // namespace mapweave::pipelines
