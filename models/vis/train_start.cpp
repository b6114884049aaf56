// SPDX-License-Identifier: MIT
#include "models/vis/train_start.h"

#include "core/error.h"
#include "core/log.h"
#include "models/vis/network.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>

namespace mapweave::vis {

Json Recipe(const TrainOptions& o) {
  Json recipe = {{"preset", o.preset},
                 {"norm", o.norm},
                 {"frames_per_step", o.frames_per_step},
                 {"min_editions", o.min_editions},
                 {"max_editions", o.max_editions},
                 {"crop", o.crop},
                 {"learning_rate", o.learning_rate},
                 {"warmup_steps", o.warmup_steps},
                 {"final_fraction", o.final_fraction},
                 {"weight_decay", o.weight_decay},
                 {"clip_norm", o.clip_norm},
                 {"ema_decay", o.ema_decay},
                 {"bf16", o.bf16},
                 {"augment",
                  {{"rotate", o.augment.rotate},
                   {"flip", o.augment.flip},
                   {"reverse_time", o.augment.reverse_time},
                   {"permute_colours", o.augment.permute_colours},
                   {"gain", o.augment.gain},
                   {"offset", o.augment.offset},
                   {"noise", o.augment.noise},
                   {"blur", o.augment.blur}}},
                 {"seed", o.seed}};
  if (!o.backbone.empty()) recipe["backbone"] = o.backbone;
  if (!o.trunk.empty()) recipe["trunk"] = o.trunk;
  if (o.freeze_trunk) recipe["freeze_trunk"] = true;
  if (o.freeze_norm) recipe["freeze_norm"] = true;
  if (o.queries > 0) recipe["queries"] = o.queries;
  return recipe;
}

// A run that is resumed may have begun with a checkpoint whose network is not
// that of the preset: what it has written tells which it is.
Checkpoint StartingPoint(const TrainOptions& options) {
  if (options.resume && std::filesystem::exists(options.output)) {
    return LoadCheckpoint(options.output);
  }
  if (!options.init_checkpoint.empty()) {
    Checkpoint checkpoint = LoadCheckpoint(options.init_checkpoint);
    const std::string norm = checkpoint.network->Config().value("norm", "");
    if (!options.norm.empty() && options.norm != norm) {
      throw Error(ErrorCode::kDevice, options.init_checkpoint +
                                          ": was trained with " + norm +
                                          " norm, not " + options.norm);
    }
    if (checkpoint.linker) {
      // It was trained on what the old weights find.
      LogInfo("the linker of {} is left out: train it anew for the new network",
              options.init_checkpoint);
      checkpoint.linker.reset();
    }
    return checkpoint;
  }
  if (options.freeze_norm) {
    throw Error(ErrorCode::kUsage,
                "batch norms that have seen nothing have no statistics to keep",
                "start from a checkpoint, or let them be learned");
  }
  Checkpoint checkpoint;
  checkpoint.network = MakeNetwork(options);
  checkpoint.decode = checkpoint.network->CheckDecode(Json::object());
  return checkpoint;
}

torch::ScalarType ComputeType(const TrainOptions& options,
                              const torch::Device& device) {
  if (!options.bf16) return torch::kFloat;
  if (device.is_cpu() && !CpuHasBf16()) {
    LogInfo("this CPU has no bfloat16 arithmetic: training in float32");
    return torch::kFloat;
  }
  return torch::kBFloat16;
}

torch::Device DeviceOf(const TrainOptions& options) {
  const bool any = options.device == "auto" || options.device == "cuda";
  if (options.processes.size > 1 && any && torch::cuda::is_available()) {
    const auto count = static_cast<int>(torch::cuda::device_count());
    return ToTorchDevice(
        fmt::format("cuda:{}", options.processes.local_rank % count));
  }
  return ToTorchDevice(options.device);
}

}  // namespace mapweave::vis
