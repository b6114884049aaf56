// SPDX-License-Identifier: MIT
//
// Reading and writing safetensors files: eight bytes of header length, a JSON
// header, raw little-endian tensors
// (https://github.com/huggingface/safetensors, "Format"). Reading runs no code
// from the file and trusts none of its numbers.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mapweave::nn {

struct Safetensors {
  // The header's "__metadata__": text by name.
  std::map<std::string, std::string> metadata;
  // Contiguous, on the CPU; float32, float64, float16, bfloat16, int64, int32
  // or uint8.
  std::map<std::string, torch::Tensor> tensors;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::vector<int64_t>> shapes;
};

// All three name the file in their errors. Readers throw Error{kDevice} if the
// file is missing, cut short, not a safetensors file, or holds sizes, offsets
// or types that do not fit together.
SafetensorsHeader ReadSafetensorsHeader(const std::filesystem::path& path);
Safetensors ReadSafetensors(const std::filesystem::path& path);
// Replaces the file whole or not at all. Throws Error{kFailure}.
void WriteSafetensors(const std::filesystem::path& path,
                      const Safetensors& content);

}  // namespace mapweave::nn
