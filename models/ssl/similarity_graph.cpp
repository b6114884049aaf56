// SPDX-License-Identifier: MIT
#include "models/ssl/similarity_graph.h"

#include "core/error.h"

#include <utility>

namespace mapweave::ssl {
namespace {

torch::Tensor Distances(const Bag& metadata, const std::string& name) {
  const auto found = metadata.find(name);
  if (found == metadata.end()) {
    throw Error(ErrorCode::kBadInput,
                "similarity graph: the batch has no \"" + name + "\"");
  }
  const torch::Tensor& values = found->second;
  if (values.dim() != 1 && values.dim() != 2) {
    throw Error(ErrorCode::kBadInput, "similarity graph: \"" + name +
                                          "\" is not [samples] or [samples, "
                                          "values]");
  }
  const torch::Tensor x = values.to(torch::kDouble).view({values.size(0), -1});
  if (!torch::isfinite(x).all().item<bool>()) {
    throw Error(ErrorCode::kBadInput, "similarity graph: \"" + name +
                                          "\" holds values that are no "
                                          "numbers");
  }
  // Not cdist: its rounding makes equal rows differ.
  return (x.unsqueeze(0) - x.unsqueeze(1)).square().sum(2).sqrt();
}

torch::Tensor Kernel(const SimilarityEdge& edge, const torch::Tensor& d) {
  switch (edge.kernel) {
    case EdgeKernel::kSame:
      return d.eq(0.0).to(torch::kDouble);
    case EdgeKernel::kLinear:
      return (1.0 - d / edge.scale).clamp_min(0.0);
    case EdgeKernel::kGaussian:
      return (-0.5 * (d / edge.scale).square()).exp();
    case EdgeKernel::kExponential:
      return (-d / edge.scale).exp();
  }
  return {};
}

}  // namespace

torch::Tensor SimilarityOf(const Bag& metadata,
                           const std::vector<SimilarityEdge>& edges) {
  if (edges.empty()) {
    throw Error(ErrorCode::kUsage, "similarity graph: has no edges");
  }
  torch::Tensor sum;
  for (const SimilarityEdge& edge : edges) {
    if (!(edge.scale > 0.0)) {
      throw Error(ErrorCode::kUsage, "similarity graph: the scale of \"" +
                                         edge.metadata + "\" must be positive");
    }
    const torch::Tensor term =
        edge.weight * Kernel(edge, Distances(metadata, edge.metadata));
    if (sum.defined() && sum.sizes() != term.sizes()) {
      throw Error(ErrorCode::kBadInput, "similarity graph: \"" + edge.metadata +
                                            "\" is of another number of "
                                            "samples");
    }
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

SimilarityGraph MakeSimilarityGraph(std::vector<SimilarityEdge> edges) {
  return [edges = std::move(edges)](const Views& views) {
    return SimilarityOf(views.metadata, edges);
  };
}

}  // namespace mapweave::ssl
