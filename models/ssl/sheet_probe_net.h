// SPDX-License-Identifier: MIT
//
// The network of a sheet probe and its file.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "models/ssl/encoder.h"

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::ssl {

// A sound window, or one kind of defect: an encoder and a linear layer.
class SheetProbeNetImpl : public torch::nn::Module {
 public:
  // `kinds`: names of the defects.
  SheetProbeNetImpl(const EncoderConfig& config, int window_px,
                    std::vector<std::string> kinds, const Rng& rng);

  // images: [N, 3, side, side] in [0, 1]. [N, 1 + kinds] logits, sound first.
  torch::Tensor forward(const torch::Tensor& images);

  const Encoder& SharedEncoder() const { return encoder_; }
  const torch::nn::Linear& Head() const { return head_; }
  int WindowPx() const { return window_px_; }
  const std::vector<std::string>& Kinds() const { return kinds_; }

 private:
  int window_px_;
  std::vector<std::string> kinds_;
  Encoder encoder_;
  torch::nn::Linear head_{nullptr};
};
TORCH_MODULE(SheetProbeNet);

// Throws Error{kFailure} naming the file.
void SaveSheetProbe(const std::filesystem::path& path, const SheetProbeNet& net,
                    const Json& training);

struct SavedSheetProbe {
  SheetProbeNet net{nullptr};  // on the CPU, in evaluation mode
  Json training = Json::object();
};
// Throws Error{kDevice} naming the file.
SavedSheetProbe LoadSheetProbe(const std::filesystem::path& path);

}  // namespace mapweave::ssl
