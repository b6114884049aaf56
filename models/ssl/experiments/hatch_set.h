// SPDX-License-Identifier: MIT
//
// Images whose label has little of their variance: slow paper tone, and a fine
// hatch in one of eight directions.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

#include <cstdint>

namespace mapweave::ssl {

inline constexpr int64_t kHatchSide = 16;
inline constexpr int64_t kHatchClasses = 8;

struct HatchOptions {
  // The tone's amplitude falls with this power of the frequency.
  double tone_exponent = 1.5;
  double hatch = 0.15;  // amplitude; the tone's deviation is 1
  double grain = 0.02;  // deviation of the white noise
};

struct HatchSet {
  torch::Tensor images;   // [N, side, side] float64, mean 0
  torch::Tensor label;    // [N] int64
  torch::Tensor targets;  // [N, classes], one-hot
};

HatchSet MakeHatchSet(int64_t count, const HatchOptions& options,
                      const Rng& rng);

}  // namespace mapweave::ssl
