// SPDX-License-Identifier: MIT
//
// What self-supervision trains: from images to one embedding per image and one
// token per place. An encoder takes colours in [0, 1] and normalises them
// itself, as its weights expect it.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "core/random.h"
#include "models/ssl/batch.h"

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace mapweave::ssl {

struct EncoderConfig {
  // "resnet18", "resnet50", "vit-tiny", "vit-small", "vit-micro" (64 channels,
  // four blocks: for experiments in minutes) or "trunk" (of the network that
  // finds buildings).
  std::string kind = "resnet18";
  // Of the first ResNet stage; 64 as published.
  int64_t width = 64;
  // ViT: side of a patch, and of the images that its positions are made for.
  int64_t patch_px = 8;
  int64_t image_px = 64;

  // Throws Error{kBadInput} naming the field that is missing or impossible.
  static EncoderConfig FromJson(const Json& json);
  Json ToJson() const;
};

std::vector<std::string> EncoderKinds();

struct EncoderOutput {
  torch::Tensor embedding;  // [N, Width()]
  // [N, T, Width()], places in row-major order, without [cls].
  torch::Tensor tokens;
};

class EncoderImpl : public torch::nn::Module {
 public:
  explicit EncoderImpl(EncoderConfig config) : config_(std::move(config)) {}
  // images: [N, 3, H, W] in [0, 1]. `taps` may be null. Throws
  // Error{kBadInput} for images of another shape than the encoder takes.
  virtual EncoderOutput Encode(const torch::Tensor& images,
                               Taps* taps = nullptr) = 0;
  virtual int64_t Width() const = 0;
  const EncoderConfig& Config() const { return config_; }

 private:
  EncoderConfig config_;
};
using Encoder = std::shared_ptr<EncoderImpl>;

// With fresh weights from `rng`. Throws Error{kUsage} for an unknown kind.
Encoder MakeEncoder(const EncoderConfig& config, const Rng& rng);

// Loads torchvision's ResNet weights (its key names, without or with the
// classifier, which is left out) or what SaveEncoder wrote without its header.
// Throws Error{kDevice} naming the file and the first tensor that is missing or
// does not fit.
void LoadEncoderWeights(EncoderImpl& encoder,
                        const std::filesystem::path& safetensors);

// A safetensors file with the encoder's weights, and in its header the
// configuration and how it was trained. A trunk is written as a checkpoint that
// `mapweave train --init` starts from, with fresh heads.
void SaveEncoder(const std::filesystem::path& path, EncoderImpl& encoder,
                 const Json& training);
struct SavedEncoder {
  Encoder encoder;  // on the CPU, in evaluation mode
  Json training = Json::object();
};
// Throws Error{kDevice} naming the file.
SavedEncoder LoadEncoder(const std::filesystem::path& path);

// Copies parameters and buffers between modules of the same build.
void CopyWeights(const torch::nn::Module& from, torch::nn::Module& to);

// Throws Error{kBadInput} unless images are [N, 3, H, W] with H and W multiples
// of `multiple`.
void RequireImages(const torch::Tensor& images, int64_t multiple,
                   const std::string& who);

}  // namespace mapweave::ssl
