// SPDX-License-Identifier: MIT
#include "models/ssl/encoder.h"

#include "core/error.h"
#include "models/nn/blocks.h"
#include "models/nn/resnet.h"
#include "models/nn/safetensors.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/vit.h"
#include "models/vis/checkpoint.h"
#include "models/vis/dense_network.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::ssl {
namespace {

namespace fs = std::filesystem;

constexpr char kFormat[] = "mapweave-encoder";

class ResNetEncoderImpl : public EncoderImpl {
 public:
  explicit ResNetEncoderImpl(const EncoderConfig& config)
      : EncoderImpl(config),
        net_(nn::ResNetShape{config.kind == "resnet50" ? 50 : 18, config.width,
                             nn::ResNetNorm::kBatch}) {
    // Its parts one by one, so that torchvision's names have no prefix.
    for (const auto& part : net_->named_children()) {
      register_module(part.key(), part.value());
    }
  }
  EncoderOutput Encode(const torch::Tensor& images, Taps* taps) override {
    RequireImages(images, 1, Config().kind);
    // Of ImageNet, which torchvision's weights expect.
    const auto options = images.options().requires_grad(false);
    const torch::Tensor mean =
        torch::tensor({0.485, 0.456, 0.406}, options).view({1, 3, 1, 1});
    const torch::Tensor sigma =
        torch::tensor({0.229, 0.224, 0.225}, options).view({1, 3, 1, 1});
    nn::ActivationWatch watch;
    if (taps != nullptr && taps->wants_activations) {
      watch = [taps](const std::string& name, const torch::Tensor& x) {
        taps->activations.emplace_back(name, x);
      };
    }
    const torch::Tensor last = net_((images - mean) / sigma, watch).back();
    return {last.mean({2, 3}), last.flatten(2).transpose(1, 2)};
  }
  int64_t Width() const override { return net_->Channels(); }

 private:
  nn::ResNet net_;
};

// The trunk of the network that finds buildings: what is learned here, its
// training starts from. The rest of the network lies beside it unused.
class TrunkEncoderImpl : public EncoderImpl {
 public:
  TrunkEncoderImpl(const EncoderConfig& config,
                   std::shared_ptr<vis::DenseNetwork> network)
      : EncoderImpl(config), network_(std::move(network)) {
    register_module("net", network_->Net());
  }
  EncoderOutput Encode(const torch::Tensor& images, Taps* taps) override {
    RequireImages(images, vis::kDenseStride, Config().kind);
    const torch::Tensor coverage = torch::ones(
        {images.size(0), 1, images.size(2), images.size(3)}, images.options());
    const torch::Tensor x =
        torch::cat({(images * 255.0 - 160.0) / 64.0, coverage}, 1)
            .contiguous(torch::MemoryFormat::ChannelsLast);
    const auto features = network_->Net()->Trunk(x);
    if (taps != nullptr && taps->wants_activations) {
      for (size_t i = 0; i < features.size(); ++i) {
        taps->activations.emplace_back("stage" + std::to_string(i),
                                       features[i]);
      }
    }
    const torch::Tensor& last = features.back();
    return {last.mean({2, 3}), last.flatten(2).transpose(1, 2)};
  }
  int64_t Width() const override {
    return network_->Net()->Config().widths.back();
  }
  const std::shared_ptr<vis::DenseNetwork>& Network() { return network_; }

 private:
  std::shared_ptr<vis::DenseNetwork> network_;
};

// Statistics of a norm's own counting, which no forward pass reads.
bool IsCounter(const std::string& name) {
  return name.ends_with("num_batches_tracked");
}

std::map<std::string, torch::Tensor> NamedTensors(
    const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& item : module.named_parameters()) {
    tensors[item.key()] = item.value();
  }
  for (const auto& item : module.named_buffers()) {
    if (!IsCounter(item.key())) tensors[item.key()] = item.value();
  }
  return tensors;
}

int64_t WholeNumber(const Json& json, const char* key, int64_t otherwise) {
  if (!json.contains(key)) return otherwise;
  const Json& value = json[key];
  if (value.is_number_integer() && value >= 1 && value <= 4096) {
    return value.get<int64_t>();
  }
  throw Error(ErrorCode::kBadInput,
              fmt::format("encoder configuration: \"{}\" is no whole number "
                          "from 1 to 4096",
                          key));
}

}  // namespace

EncoderConfig EncoderConfig::FromJson(const Json& json) {
  if (!json.is_object() || !json.contains("kind") ||
      !json["kind"].is_string()) {
    throw Error(ErrorCode::kBadInput, "encoder configuration: has no \"kind\"");
  }
  EncoderConfig config;
  config.kind = json["kind"].get<std::string>();
  config.width = WholeNumber(json, "width", config.width);
  config.patch_px = WholeNumber(json, "patch_px", config.patch_px);
  config.image_px = WholeNumber(json, "image_px", config.image_px);
  return config;
}

Json EncoderConfig::ToJson() const {
  Json json = {{"kind", kind}};
  if (kind.starts_with("resnet")) json["width"] = width;
  if (kind.starts_with("vit")) {
    json["patch_px"] = patch_px;
    json["image_px"] = image_px;
  }
  return json;
}

std::vector<std::string> EncoderKinds() {
  return {"resnet18", "resnet50",  "vit-micro",
          "vit-tiny", "vit-small", "trunk"};
}

Encoder MakeEncoder(const EncoderConfig& config, const Rng& rng) {
  const std::vector<std::string> kinds = EncoderKinds();
  if (std::ranges::find(kinds, config.kind) == kinds.end()) {
    throw Error(ErrorCode::kUsage, "unknown encoder \"" + config.kind + "\"",
                fmt::format("use one of {}", fmt::join(kinds, ", ")));
  }
  Encoder encoder;
  if (config.kind == "trunk") {
    const auto network =
        std::make_shared<vis::DenseNetwork>(vis::DenseConfig::Preset("small"));
    nn::InitialiseWeights(network->Module(), rng);
    return std::make_shared<TrunkEncoderImpl>(config, network);
  }
  if (config.kind.starts_with("vit")) {
    encoder = std::make_shared<VitEncoderImpl>(config);
  } else {
    encoder = std::make_shared<ResNetEncoderImpl>(config);
  }
  InitialiseModule(*encoder, rng);
  return encoder;
}

void LoadEncoderWeights(EncoderImpl& encoder, const fs::path& safetensors) {
  const torch::NoGradGuard no_grad;
  const nn::Safetensors content = nn::ReadSafetensors(safetensors);
  for (auto& [name, target] : NamedTensors(encoder)) {
    const auto found = content.tensors.find(name);
    if (found == content.tensors.end() ||
        found->second.sizes() != target.sizes()) {
      throw Error(
          ErrorCode::kDevice,
          fmt::format("{}: has no tensor \"{}\" that fits {}",
                      safetensors.string(), name, encoder.Config().kind),
          "use weights of the same network, with torchvision's names "
          "for a ResNet");
    }
    target.copy_(found->second);
  }
}

void SaveEncoder(const fs::path& path, EncoderImpl& encoder,
                 const Json& training) {
  if (auto* trunk = dynamic_cast<TrunkEncoderImpl*>(&encoder)) {
    vis::Checkpoint checkpoint;
    checkpoint.network = trunk->Network();
    checkpoint.decode = checkpoint.network->CheckDecode(Json::object());
    checkpoint.training = training;
    vis::SaveCheckpoint(path, checkpoint);
    return;
  }
  nn::Safetensors content;
  content.metadata = {{"format", kFormat},
                      {"version", "1"},
                      {"encoder", encoder.Config().ToJson().dump()},
                      {"training", training.dump()}};
  content.tensors = NamedTensors(encoder);
  nn::WriteSafetensors(path, content);
}

SavedEncoder LoadEncoder(const fs::path& path) {
  const auto header = nn::ReadSafetensorsHeader(path).metadata;
  const auto format = header.find("format");
  SavedEncoder saved;
  if (format != header.end() && format->second == kFormat) {
    const auto text = [&](const char* key) {
      const auto found = header.find(key);
      return found == header.end() ? std::string("{}") : found->second;
    };
    try {
      saved.encoder = MakeEncoder(
          EncoderConfig::FromJson(ParseJson(text("encoder"), path.string())),
          Rng(0));
    } catch (const Error& error) {
      throw Error(ErrorCode::kDevice, path.string() + ": " + error.Message());
    }
    saved.training = ParseJson(text("training"), path.string());
    LoadEncoderWeights(*saved.encoder, path);
  } else {
    // Throws for what is neither.
    const vis::Checkpoint checkpoint = vis::LoadCheckpoint(path);
    auto network =
        std::dynamic_pointer_cast<vis::DenseNetwork>(checkpoint.network);
    if (!network) {
      throw Error(ErrorCode::kDevice,
                  path.string() + ": its network has no trunk to probe");
    }
    EncoderConfig config;
    config.kind = "trunk";
    saved.training = checkpoint.training;
    saved.encoder =
        std::make_shared<TrunkEncoderImpl>(config, std::move(network));
  }
  saved.encoder->eval();
  return saved;
}

void CopyWeights(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto source = NamedTensors(from);
  auto target = NamedTensors(to);
  MAPWEAVE_CHECK(source.size() == target.size());
  for (auto& [name, tensor] : target) tensor.copy_(source.at(name));
}

void RequireImages(const torch::Tensor& images, int64_t multiple,
                   const std::string& who) {
  if (images.defined() && images.dim() == 4 && images.size(1) == 3 &&
      images.size(2) >= 1 && images.size(2) % multiple == 0 &&
      images.size(3) % multiple == 0) {
    return;
  }
  throw Error(ErrorCode::kBadInput,
              fmt::format("{}: the images are not [samples, 3, height, width] "
                          "with sides in multiples of {} px",
                          who, multiple));
}

}  // namespace mapweave::ssl
