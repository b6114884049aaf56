// SPDX-License-Identifier: MIT
#include "models/vis/dense_net.h"

#include "core/error.h"

#include <algorithm>
#include <vector>

namespace mapweave::vis {
namespace {

using nn::ConvNorm;
using nn::ConvNormOptions;

// Few pixels are building, fewer are centres: start the sigmoids low.
constexpr float kHeatBias = -4.0f;

int64_t PositiveField(const Json& json, const char* key) {
  if (!json.contains(key) || !json[key].is_number_integer()) {
    throw Error(ErrorCode::kBadInput, std::string("network configuration: \"") +
                                          key +
                                          "\" is missing or no whole number");
  }
  const int64_t value = json[key].get<int64_t>();
  // The upper bound keeps a damaged file from asking for all memory.
  if (value < 1 || value > 4096) {
    throw Error(ErrorCode::kBadInput,
                std::string("network configuration: \"") + key + "\" is " +
                    std::to_string(value) + ", must be 1 to 4096");
  }
  return value;
}

std::array<int64_t, 4> FourFields(const Json& json, const char* key) {
  if (!json.contains(key) || !json[key].is_array() || json[key].size() != 4) {
    throw Error(ErrorCode::kBadInput, std::string("network configuration: \"") +
                                          key +
                                          "\" must be four whole numbers");
  }
  std::array<int64_t, 4> values{};
  for (size_t i = 0; i < 4; ++i) {
    values[i] = PositiveField(Json{{key, json[key][i]}}, key);
  }
  return values;
}

torch::Tensor Double(const torch::Tensor& x) {
  return torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
}

}  // namespace

DenseConfig DenseConfig::Preset(const std::string& name) {
  DenseConfig config;
  if (name == "small") return config;
  if (name != "large") {
    throw Error(ErrorCode::kUsage, "unknown preset \"" + name + "\"",
                "use small, large, query-small or paper");
  }
  config.preset = name;
  config.widths = {64, 128, 256, 512};
  config.depths = {2, 3, 4, 3};
  config.pyramid = 256;
  config.fine = 96;
  config.head = 128;
  config.refine = 32;
  return config;
}

Json DenseConfig::ToJson() const {
  return {{"preset", preset},   {"norm", nn::NormKindName(norm)},
          {"widths", widths},   {"depths", depths},
          {"pyramid", pyramid}, {"fine", fine},
          {"head", head},       {"refine", refine}};
}

DenseConfig DenseConfig::FromJson(const Json& json) {
  if (!json.is_object()) {
    throw Error(ErrorCode::kBadInput, "network configuration: not an object");
  }
  DenseConfig config;
  config.preset = json.value("preset", std::string("custom"));
  config.norm = nn::ParseNormKind(json.value("norm", std::string("batch")));
  config.widths = FourFields(json, "widths");
  config.depths = FourFields(json, "depths");
  config.pyramid = PositiveField(json, "pyramid");
  config.fine = PositiveField(json, "fine");
  config.head = PositiveField(json, "head");
  // Networks of before the refinement do not name it.
  config.refine = json.contains("refine") && json["refine"] != 0
                      ? PositiveField(json, "refine")
                      : 0;
  if (config.refine % 2 != 0) {
    throw Error(ErrorCode::kBadInput,
                "network configuration: \"refine\" must be even");
  }
  const auto divides = [](int64_t channels) {
    return channels % nn::kGroupsPerNorm == 0;
  };
  if (config.norm == nn::NormKind::kGroup &&
      !(std::all_of(config.widths.begin(), config.widths.end(), divides) &&
        divides(config.pyramid) && divides(config.fine) &&
        divides(config.head) && divides(config.refine / 2))) {
    throw Error(ErrorCode::kBadInput,
                "network configuration: group norm needs channels in "
                "multiples of " +
                    std::to_string(nn::kGroupsPerNorm));
  }
  return config;
}

DenseNetImpl::DenseNetImpl(const DenseConfig& config) : config_(config) {
  const nn::NormKind norm = config.norm;
  const auto conv = [norm](int64_t in, int64_t out, int64_t kernel,
                           int64_t stride = 1) {
    return ConvNorm(ConvNormOptions{in, out, kernel, stride, norm, true});
  };
  stem_ = register_module("stem", conv(4, config.widths[0], 3, 2));
  int64_t channels = config.widths[0];
  for (size_t i = 0; i < 4; ++i) {
    torch::nn::Sequential stage;
    for (int64_t j = 0; j < config.depths[i]; ++j) {
      const int64_t stride = i > 0 && j == 0 ? 2 : 1;
      stage->push_back(
          nn::BasicBlock(channels, config.widths[i], stride, norm));
      channels = config.widths[i];
    }
    stages_[i] = register_module("stage" + std::to_string(i), stage);
  }
  for (size_t i = 0; i < 3; ++i) {
    const std::string level = std::to_string(4 << i);
    laterals_[i] = register_module(
        "lateral" + level, conv(config.widths[i + 1], config.pyramid, 1));
    smooths_[i] = register_module("smooth" + level,
                                  conv(config.pyramid, config.pyramid, 3));
    fusions_[i] = register_module("fusion" + level,
                                  nn::TemporalFusion(config.pyramid, norm));
  }
  fine_lateral_ =
      register_module("lateral2", conv(config.widths[0], config.fine, 1));
  fine_reduce_ =
      register_module("reduce2", conv(config.pyramid, config.fine, 1));
  fine_smooth_ = register_module("smooth2", conv(config.fine, config.fine, 3));
  head_ = register_module("head", conv(config.fine, config.head, 3));
  head_out_ = register_module("head_out", nn::Conv(config.head, 16, 1));
  if (config.refine > 0) {
    ink_ = register_module("ink", conv(4, config.refine / 2, 3));
    context_ =
        register_module("context", conv(config.head, 2 * config.refine, 1));
    refine_ = register_module("refine", conv(config.refine, config.refine, 3));
    refine_out_ = register_module("refine_out", nn::Conv(config.refine, 2, 3));
  }
  heat_ = register_module("heat", conv(config.fine, config.fine, 3));
  heat_out_ =
      register_module("heat_out", nn::Conv(config.fine, 1, 1, kHeatBias));
}

DenseNetImpl::Features DenseNetImpl::Trunk(const torch::Tensor& x) {
  Features features;
  torch::Tensor y = stem_(x);
  for (size_t i = 0; i < features.size(); ++i) {
    y = stages_[i]->forward(y);
    features[i] = y;
  }
  return features;
}

std::array<torch::Tensor, 3> DenseNetImpl::Pyramid(const Features& features,
                                                   int64_t editions) {
  std::array<torch::Tensor, 3> levels;
  torch::Tensor y;
  for (size_t i = laterals_.size(); i-- > 0;) {
    const torch::Tensor lateral = laterals_[i](features[i + 1]);
    y = smooths_[i](y.defined() ? lateral + Double(y) : lateral);
    y = fusions_[i](y, editions);
    levels[i] = y;
  }
  return levels;
}

torch::Tensor DenseNetImpl::Fine(const torch::Tensor& features,
                                 const torch::Tensor& coarse) {
  return fine_smooth_(fine_lateral_(features) + Double(fine_reduce_(coarse)));
}

torch::Tensor DenseNetImpl::Cells(const torch::Tensor& fine,
                                  const torch::Tensor& x) {
  const torch::Tensor head = head_(fine);
  const torch::Tensor cells = head_out_(head).to(torch::kFloat);
  if (!refine_) return cells;
  const torch::Tensor context = torch::pixel_shuffle(context_(head), 2);
  const torch::Tensor correction =
      refine_out_(refine_(torch::cat({ink_(x), context}, 1)
                              .contiguous(torch::MemoryFormat::ChannelsLast)));
  const torch::Tensor of_cells =
      torch::pixel_unshuffle(correction.to(torch::kFloat), 2);
  return torch::cat({cells.slice(1, 0, 8) + of_cells, cells.slice(1, 8, 16)},
                    1);
}

DenseOutput DenseNetImpl::forward(const torch::Tensor& x, int64_t editions) {
  MAPWEAVE_CHECK(x.dim() == 4 && x.size(1) == 4 && editions >= 1 &&
                 x.size(0) % editions == 0 && x.size(2) % kDenseStride == 0 &&
                 x.size(3) % kDenseStride == 0);
  const Features features = Trunk(x);
  DenseOutput output;
  output.levels = Pyramid(features, editions);
  const torch::Tensor fine = Fine(features[0], output.levels[0]);
  output.fine = fine;
  output.cells = Cells(fine, x);
  // As in TemporalFusion: the reduction in memory order.
  const torch::Tensor shared =
      fine.permute({0, 2, 3, 1})
          .reshape({x.size(0) / editions, editions, -1})
          .amax(1)
          .view({-1, fine.size(2), fine.size(3), config_.fine})
          .permute({0, 3, 1, 2});
  output.heat = heat_out_(heat_(shared)).to(torch::kFloat);
  return output;
}

torch::Tensor DenseNetImpl::Infer(const torch::Tensor& x) {
  MAPWEAVE_CHECK(!is_training() && !torch::GradMode::is_enabled());
  const int64_t editions = x.size(0);
  std::array<std::vector<torch::Tensor>, 4> levels;
  for (int64_t t = 0; t < editions; ++t) {
    const Features features = Trunk(x.narrow(0, t, 1));
    for (size_t i = 0; i < levels.size(); ++i) {
      levels[i].push_back(features[i]);
    }
  }
  Features features;
  for (size_t i = 1; i < levels.size(); ++i)
    features[i] = torch::cat(levels[i]);
  const torch::Tensor coarse = Pyramid(features, editions)[0];
  std::vector<torch::Tensor> cells;
  for (int64_t t = 0; t < editions; ++t) {
    const torch::Tensor fine =
        Fine(levels[0][static_cast<size_t>(t)], coarse.narrow(0, t, 1));
    cells.push_back(Cells(fine, x.narrow(0, t, 1)));
  }
  return torch::cat(cells);
}

torch::Tensor NormaliseInput(const torch::Tensor& bytes,
                             const torch::Device& device,
                             torch::ScalarType dtype) {
  MAPWEAVE_CHECK(bytes.dim() == 4 && bytes.size(3) == 4 &&
                 bytes.scalar_type() == torch::kUInt8);
  const torch::Tensor x =
      bytes.to(device)
          .permute({0, 3, 1, 2})
          .to(torch::kFloat);  // keeps the channels-last order of the bytes
  const torch::Tensor coverage = x.slice(1, 3, 4);
  const torch::Tensor colours = (x.slice(1, 0, 3) - 160.0f) / 64.0f * coverage;
  const auto padding = [](int64_t size) {
    return (kDenseStride - size % kDenseStride) % kDenseStride;
  };
  torch::Tensor y = torch::cat({colours, coverage}, 1);
  y = torch::constant_pad_nd(y, {0, padding(y.size(3)), 0, padding(y.size(2))});
  return y.to(dtype).contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace mapweave::vis
