// SPDX-License-Identifier: MIT
//
// How alike the samples of a batch are, said by what is known of them beside
// their pictures: the graph that X-Sample learns from.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/methods.h"

#include <torch/torch.h>

#include <string>
#include <vector>

namespace mapweave::ssl {

// From the distance d of two samples, all 1 at d = 0.
enum class EdgeKernel {
  kSame,         // 1 where d = 0, else 0
  kLinear,       // max(0, 1 - d / scale)
  kGaussian,     // exp(-d^2 / (2 scale^2))
  kExponential,  // exp(-d / scale)
};

// One reason to be alike.
struct SimilarityEdge {
  std::string metadata;  // name in Batch::metadata, [N] or [N, K]; L2 distance
  EdgeKernel kernel = EdgeKernel::kSame;
  double scale = 1.0;
  double weight = 1.0;
};

// Weighted sum over the edges: [N, N] float64, symmetric. Throws
// Error{kBadInput} for metadata that is missing, of another shape or holds
// values that are no numbers, and Error{kUsage} without edges and for a scale
// that is not positive.
torch::Tensor SimilarityOf(const Bag& metadata,
                           const std::vector<SimilarityEdge>& edges);

// The same as XSampleOptions::graph.
SimilarityGraph MakeSimilarityGraph(std::vector<SimilarityEdge> edges);

}  // namespace mapweave::ssl
