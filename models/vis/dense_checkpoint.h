// SPDX-License-Identifier: MIT
//
// Checkpoints of the dense network: a safetensors file with the weights, and
// in its header the family, the configuration, the calibrated thresholds and
// how it was trained.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "models/nn/safetensors.h"
#include "models/vis/dense_decoder.h"
#include "models/vis/dense_net.h"

#include <filesystem>

namespace mapweave::vis {

struct DenseCheckpoint {
  DenseNet net{nullptr};  // on the CPU, in evaluation mode
  DecodeOptions decode;
  Json training = Json::object();
};

// Replaces the file whole or not at all. Throws Error{kFailure}.
void SaveDenseCheckpoint(const std::filesystem::path& path,
                         const DenseCheckpoint& checkpoint);
// Throws Error{kDevice} naming the file if it is not such a checkpoint, is
// damaged, or its tensors do not fit its configuration.
DenseCheckpoint LoadDenseCheckpoint(const std::filesystem::path& path);

}  // namespace mapweave::vis
