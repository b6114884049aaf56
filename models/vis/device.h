// SPDX-License-Identifier: MIT
//
// From device names to Torch's devices, and what the CPU can do.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/error.h"

#include <torch/torch.h>

#include <string>

namespace mapweave::vis {

// `requested` as ResolveDevice takes it; same errors.
torch::Device ToTorchDevice(const std::string& requested);

// Runs `work`; what Torch throws in it (a device out of memory, above all)
// becomes Error{kDevice} that begins with `doing`.
template <typename Work>
auto WithTorchErrors(const char* doing, Work&& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    throw Error(ErrorCode::kDevice,
                std::string(doing) + ": " + error.what_without_backtrace(),
                "if memory ran out, use smaller windows or batches");
  }
}

// Whether the CPU multiplies bfloat16 in hardware; without, convolutions in
// that type are slower than in float32 or not there at all.
bool CpuHasBf16();

// Where a network computes, and in which type its convolutions do; norms,
// losses and answers are in float32 whatever it is.
struct Compute {
  torch::Device device = torch::kCPU;
  torch::ScalarType dtype = torch::kFloat;
  // In how many of the eight symmetries of the square a clip is looked at; the
  // answers are averaged. 1, 2, 4 or 8; the dense family alone has more than 1.
  int looks = 1;
  // Above 1, each look is taken at this magnification, too.
  double zoom = 1.0;
};

// As ResolveDevice and ResolvePrecision take them; same errors.
Compute ToCompute(const std::string& device, const std::string& precision);

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
