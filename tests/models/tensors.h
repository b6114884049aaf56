// SPDX-License-Identifier: MIT
//
// Small helpers for tests on tensors.
#pragma once

#include <torch/torch.h>

namespace mapweave::testing {

inline double LargestDifference(const torch::Tensor& a,
                                const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace mapweave::testing
