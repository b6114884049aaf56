// SPDX-License-Identifier: MIT
#include "models/vis/network.h"

#include "core/error.h"
#include "models/nn/resnet.h"
#include "models/vis/checkpoint.h"
#include "models/vis/dense_network.h"
#include "models/vis/query_network.h"
#include "models/vis/trainer.h"

#include <algorithm>
#include <map>

namespace mapweave::vis {

std::optional<tracking::LinkScene> Network::Instances(
    const Prediction& /*prediction*/, const std::vector<cv::Mat>& /*coverage*/,
    const Json& /*decode*/) const {
  return std::nullopt;
}

std::vector<std::vector<Point2d>> Network::CentreVotes(
    const Prediction& /*prediction*/,
    const std::vector<std::vector<tracking::Instance>>& /*per_edition*/) const {
  return {};
}

void NetworkOptions::Validate() const {
  const bool is_query = QueryConfig::IsPreset(preset);
  const bool is_resnet =
      is_query && QueryConfig::Preset(preset).trunk == QueryTrunk::kResNet50;
  if (!is_query) DenseConfig::Preset(preset);
  if (!norm.empty()) {
    is_resnet ? static_cast<void>(nn::ParseResNetNorm(norm))
              : static_cast<void>(nn::ParseNormKind(norm));
  }
  const auto refuse = [this](bool given, const char* option) {
    if (!given) return;
    throw Error(ErrorCode::kUsage, std::string("the preset \"") + preset +
                                       "\" has no use for " + option);
  };
  refuse(!backbone.empty() && !is_resnet, "a ResNet's backbone");
  refuse(!trunk.empty() && (!is_query || is_resnet), "a dense trunk");
  refuse(freeze_trunk && trunk.empty(), "freezing a trunk that is not loaded");
  refuse(queries != 0 && !is_query, "a number of queries");
  if (queries < 0 || queries > 4096) {
    throw Error(ErrorCode::kUsage, "the number of queries is " +
                                       std::to_string(queries) +
                                       ", must be 1 to 4096");
  }
}

namespace {

std::shared_ptr<Network> MakeDense(const NetworkOptions& options) {
  DenseConfig config = DenseConfig::Preset(options.preset);
  if (!options.norm.empty()) config.norm = nn::ParseNormKind(options.norm);
  auto network = std::make_shared<DenseNetwork>(config);
  nn::InitialiseWeights(network->Module(), Rng(options.seed));
  return network;
}

std::shared_ptr<Network> MakeQuery(const NetworkOptions& options) {
  QueryConfig config = QueryConfig::Preset(options.preset);
  if (options.queries > 0) config.queries = options.queries;
  config.freeze_trunk = options.freeze_trunk;
  Checkpoint trunk;
  if (!options.trunk.empty()) {
    trunk = LoadCheckpoint(options.trunk);
    if (trunk.network->Family() != "dense") {
      throw Error(ErrorCode::kDevice, options.trunk + ": holds a " +
                                          trunk.network->Family() +
                                          " network, no dense trunk");
    }
    config.dense = DenseConfig::FromJson(trunk.network->Config());
  }
  if (config.trunk == QueryTrunk::kResNet50) {
    if (!options.backbone.empty()) config.norm = "frozen";
    if (!options.norm.empty()) config.norm = options.norm;
  } else if (!options.norm.empty()) {
    config.dense.norm = nn::ParseNormKind(options.norm);
  }
  auto network = std::make_shared<QueryNetwork>(config);
  InitialiseQueryNet(network->Net(), Rng(options.seed));
  if (!options.backbone.empty()) {
    nn::LoadTorchvisionWeights(options.backbone,
                               network->Net()->ResNetPart()->Backbone());
  }
  if (trunk.network) {
    CopyTensors(options.trunk, NamedTensors(trunk.network->Module()),
                *network->Net()->DensePart()->Trunk());
  }
  return network;
}

}  // namespace

std::shared_ptr<Network> MakeNetwork(const NetworkOptions& options) {
  options.Validate();
  return QueryConfig::IsPreset(options.preset) ? MakeQuery(options)
                                               : MakeDense(options);
}

std::shared_ptr<Network> NetworkFromHeader(const std::string& family,
                                           const Json& config) {
  if (family == "dense") {
    return std::make_shared<DenseNetwork>(DenseConfig::FromJson(config));
  }
  if (family == "query") {
    return std::make_shared<QueryNetwork>(QueryConfig::FromJson(config));
  }
  throw Error(ErrorCode::kBadInput,
              "holds a network of an unknown family \"" + family + "\"");
}

std::vector<std::string> PresetNames() {
  return {"small", "large", "query-small", "paper"};
}

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
