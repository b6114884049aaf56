// SPDX-License-Identifier: MIT
//
// The Segmenter of the dense family: network, then decoder.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/vis/dense_decoder.h"
#include "models/vis/dense_net.h"
#include "models/vis/segmenter.h"

#include <torch/torch.h>

#include <memory>

namespace mapweave::vis {

// The network's maps for a clip of any size, in float32. `net` is on `device`
// and in evaluation mode.
// Throws Error{kBadInput} if the clip is empty or its images do not fit
// together.
DenseMaps PredictMaps(DenseNet& net, const tracking::Clip& clip,
                      const torch::Device& device);

class DenseSegmenter : public Segmenter {
 public:
  // Shares `net`, which is on `device` and in evaluation mode.
  DenseSegmenter(DenseNet net, DecodeOptions decode, torch::Device device);

  tracking::TrackSet Segment(const tracking::Clip& clip) override;
  std::unique_ptr<Segmenter> Clone() const override;

 private:
  DenseNet net_;
  DecodeOptions decode_;
  torch::Device device_;
};

}  // namespace mapweave::vis
