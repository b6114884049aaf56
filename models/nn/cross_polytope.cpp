// SPDX-License-Identifier: MIT
#include "models/nn/cross_polytope.h"

#include "core/error.h"

#include <fmt/format.h>

namespace mapweave::nn {

torch::Tensor OrthonormalFrames(int64_t samples, int64_t directions,
                                int64_t dims, const Rng& rng) {
  if (samples < 1 || directions < 1 || directions > dims) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("local complexity: no {} frames of {} directions "
                            "in {} dimensions",
                            samples, directions, dims));
  }
  torch::Tensor normal =
      torch::empty({samples, directions, dims}, torch::kDouble);
  auto* value = normal.data_ptr<double>();
  for (int64_t n = 0; n < samples; ++n) {
    Rng stream = rng.Fork(static_cast<uint64_t>(n));
    for (int64_t i = 0; i < directions * dims; ++i) *value++ = stream.Normal();
  }
  return std::get<0>(torch::linalg_qr(normal.transpose(1, 2)))
      .transpose(1, 2)
      .contiguous();
}

torch::Tensor CrossPolytopeVertices(const torch::Tensor& points,
                                    const torch::Tensor& frames,
                                    double radius) {
  const bool fits = points.defined() && points.dim() >= 2 && frames.defined() &&
                    frames.dim() == 3 && frames.size(0) == points.size(0) &&
                    points.size(0) > 0 &&
                    frames.size(2) == points.numel() / points.size(0);
  if (!fits || !(radius > 0.0)) {
    throw Error(ErrorCode::kBadInput,
                "local complexity: needs points [N, ...], a frame for each of "
                "them and a positive radius");
  }
  const torch::Tensor step = frames.to(points.options()) * radius;
  const torch::Tensor vertices = points.flatten(1).unsqueeze(1) +
                                 torch::cat({step, -step}, 1);  // [N, 2P, D]
  std::vector<int64_t> shape = points.sizes().vec();
  shape[0] = vertices.size(0) * vertices.size(1);
  return vertices.reshape(shape);
}

std::vector<LayerComplexity> CountCrossings(
    const std::vector<std::pair<std::string, torch::Tensor>>& activations,
    int64_t vertices) {
  const torch::NoGradGuard no_grad;
  std::vector<LayerComplexity> layers;
  for (const auto& [name, value] : activations) {
    if (!value.defined() || value.dim() < 2 || vertices < 2 ||
        value.size(0) < 1 || value.size(0) % vertices != 0) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("local complexity: {} has no rows for {} "
                              "vertices of every point",
                              name, vertices));
    }
    if (!torch::isfinite(value).all().item<bool>()) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("local complexity: {} holds values that are no numbers",
                      name));
    }
    // [N, vertices, neurons]
    const torch::Tensor positive =
        value.gt(0.0).reshape({value.size(0) / vertices, vertices, -1});
    const torch::Tensor crosses =
        positive.any(1).logical_and(positive.all(1).logical_not());
    layers.push_back({name, crosses.sum(1)});
  }
  return layers;
}

double MeanComplexity(const std::vector<LayerComplexity>& layers) {
  double sum = 0.0;
  for (const LayerComplexity& layer : layers) {
    sum += layer.crossings.to(torch::kDouble).mean().item<double>();
  }
  return sum;
}

}  // namespace mapweave::nn
