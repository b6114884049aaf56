// SPDX-License-Identifier: MIT
#include "models/ssl/batch.h"

namespace mapweave::ssl {

Batch Dataset::Gather(const torch::Tensor& index,
                      const torch::Device& device) const {
  const auto take = [&](const torch::Tensor& whole) {
    return whole.index_select(0, index).to(device);
  };
  Batch batch;
  batch.images = take(images).to(torch::kFloat).div_(255.0);
  batch.sample_index = index.to(device);
  batch.label = take(label);
  if (mask.defined()) batch.mask = take(mask).to(torch::kFloat);
  for (const auto& [name, tensor] : metadata) {
    batch.metadata[name] = take(tensor);
  }
  return batch;
}

}  // namespace mapweave::ssl
