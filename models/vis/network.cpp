// SPDX-License-Identifier: MIT
#include "models/vis/network.h"

#include "core/error.h"
#include "models/vis/dense_network.h"

#include <algorithm>

namespace mapweave::vis {

void NetworkOptions::Validate() const {
  DenseConfig::Preset(preset);
  if (!norm.empty()) nn::ParseNormKind(norm);
}

std::shared_ptr<Network> MakeNetwork(const NetworkOptions& options) {
  options.Validate();
  DenseConfig config = DenseConfig::Preset(options.preset);
  if (!options.norm.empty()) config.norm = nn::ParseNormKind(options.norm);
  auto network = std::make_shared<DenseNetwork>(config);
  nn::InitialiseWeights(network->Module(), Rng(options.seed));
  return network;
}

std::shared_ptr<Network> NetworkFromHeader(const std::string& family,
                                           const Json& config) {
  if (family == "dense") {
    return std::make_shared<DenseNetwork>(DenseConfig::FromJson(config));
  }
  throw Error(ErrorCode::kBadInput,
              "holds a network of an unknown family \"" + family + "\"");
}

std::vector<std::string> PresetNames() { return {"small"}; }

torch::Tensor BatchBytes(const Batch& batch) {
  return torch::from_blob(
      const_cast<uint8_t*>(batch.pixels.data()),
      {batch.clips * batch.editions, batch.height, batch.width, 4},
      torch::TensorOptions(torch::kByte));
}

torch::Tensor ClipBytes(const tracking::Clip& clip) {
  bool fits =
      !clip.frames.empty() && clip.frames.size() == clip.coverage.size();
  for (size_t t = 0; fits && t < clip.frames.size(); ++t) {
    fits = clip.frames[t].type() == CV_8UC3 &&
           clip.coverage[t].type() == CV_8UC1 && !clip.frames[t].empty() &&
           clip.frames[t].size() == clip.frames[0].size() &&
           clip.coverage[t].size() == clip.frames[0].size();
  }
  if (!fits) {
    throw Error(ErrorCode::kBadInput,
                "a clip's frames and coverage do not fit together");
  }
  const int rows = clip.frames[0].rows;
  const int cols = clip.frames[0].cols;
  torch::Tensor bytes = torch::empty(
      {static_cast<int64_t>(clip.frames.size()), rows, cols, 4}, torch::kByte);
  uint8_t* to = bytes.data_ptr<uint8_t>();
  for (size_t t = 0; t < clip.frames.size(); ++t) {
    for (int row = 0; row < rows; ++row) {
      const auto* colours = clip.frames[t].ptr<uint8_t>(row);
      const auto* covered = clip.coverage[t].ptr<uint8_t>(row);
      for (int col = 0; col < cols; ++col, colours += 3, to += 4) {
        std::copy_n(colours, 3, to);
        to[3] = covered[col] != 0 ? 1 : 0;
      }
    }
  }
  return bytes;
}

}  // namespace mapweave::vis
