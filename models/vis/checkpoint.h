// SPDX-License-Identifier: MIT
//
// Checkpoints of networks: a safetensors file with the weights, and in its
// header the family, the configuration, the calibrated decoding options and how
// it was trained. A trained linker lies in the same file: its weights under
// names that begin with "link.", its configuration under "link" in the header.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "models/nn/safetensors.h"
#include "models/vis/link_net.h"
#include "models/vis/network.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace mapweave::vis {

struct Checkpoint {
  std::shared_ptr<Network> network;  // as loaded: on the CPU, in evaluation
  Json decode;                       // see Network
  Json training = Json::object();
  // Learned, for networks that find instances; null = none was trained.
  std::shared_ptr<Linker> linker;
};

// Replaces the file whole or not at all. Throws Error{kFailure}.
void SaveCheckpoint(const std::filesystem::path& path,
                    const Checkpoint& checkpoint);
// Throws Error{kDevice} naming the file if it is not a checkpoint, is damaged,
// or its tensors do not fit its configuration.
Checkpoint LoadCheckpoint(const std::filesystem::path& path);

// Parameters and buffers by name.
std::map<std::string, torch::Tensor> NamedTensors(
    const torch::nn::Module& module);
// Fills `module` with tensors that were read from `path`. Throws Error{kDevice}
// unless names and shapes are the same and all values finite.
void CopyTensors(const std::filesystem::path& path,
                 const std::map<std::string, torch::Tensor>& from,
                 const torch::nn::Module& module);

}  // namespace mapweave::vis
