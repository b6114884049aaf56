// SPDX-License-Identifier: MIT
#include "cli/link_training.h"

#include "core/error.h"

#include <fmt/format.h>

namespace mapweave::cli {

void AddLinkOptions(CLI::App* command, LinkArguments& links) {
  command->add_flag("--links", links.is_asked,
                    "Train the linker of the checkpoint OUTPUT alone: who is "
                    "who between editions");
  command
      ->add_option("--link-clips", links.worlds.training.clips,
                   "Clips that the linker learns from")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str()
      ->group("Advanced");
}

void RunTrainLinks(const CommonOptions& common, const LinkArguments& links,
                   RunContext& context) {
  if (!common.overwrite) {
    throw Error(ErrorCode::kUsage, "--links changes the checkpoint",
                "Add --overwrite to agree.");
  }
  pipelines::LinkWorldOptions worlds = links.worlds;
  worlds.training.device = common.device;
  worlds.training.threads = common.ThreadCount();
  worlds.training.fit.seed = common.seed;
  worlds.training.Validate();
  const vis::LinkTrainResult result =
      pipelines::TrainLinksOnWorlds(worlds, context);
  if (common.json) {
    PrintJson(pipelines::ToJson(result));
    return;
  }
  PrintText(fmt::format(
      "{}: linker trained on {} pairs, loss {:.3f}\n"
      "validation: detection F1 {:.3f}, link F1 {:.3f}, track F1 {:.3f} at "
      "probability {:.1f} of a link, {:.2f} of a building; by overlap alone "
      "{:.3f}, {:.3f}, {:.3f}\n",
      worlds.training.checkpoint, result.pairs, result.loss,
      result.after.detection_f1, result.after.link_f1, result.after.track_f1,
      result.link_threshold, result.min_score, result.before.detection_f1,
      result.before.link_f1, result.before.track_f1));
}

}  // namespace mapweave::cli
