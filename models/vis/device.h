// SPDX-License-Identifier: MIT
//
// From device names to Torch's devices, and what the CPU can do.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <string>

namespace mapweave::vis {

// `requested` as ResolveDevice takes it; same errors.
torch::Device ToTorchDevice(const std::string& requested);

// Whether the CPU multiplies bfloat16 in hardware; without, convolutions in
// that type are slower than in float32 or not there at all.
bool CpuHasBf16();

// While it lives, Torch computes in the calling thread alone. Convolutions
// split their sums by the number of threads, so that results would depend on
// it.
class OneThreadScope {
 public:
  OneThreadScope();
  ~OneThreadScope();
  OneThreadScope(const OneThreadScope&) = delete;
  OneThreadScope& operator=(const OneThreadScope&) = delete;

 private:
  int before_;
};

}  // namespace mapweave::vis
