// SPDX-License-Identifier: MIT
#include "models/ssl/local_complexity.h"

#include "core/error.h"

#include <algorithm>

namespace mapweave::ssl {
namespace {

class LocalComplexityMonitor : public Monitor {
 public:
  LocalComplexityMonitor(const torch::Tensor& images,
                         const LocalComplexityOptions& options, const Rng& rng)
      : images_(images), options_(options), rng_(rng) {}
  Phase When() const override { return Phase::kEvaluation; }
  std::vector<std::string> Keys() const override { return {}; }

  std::map<std::string, double> Measure(const Observation& seen) override {
    EncoderImpl& encoder = seen.method.Online();
    const torch::Device device = encoder.parameters().at(0).device();
    const auto layers = LocalComplexity(
        [&](const torch::Tensor& x, Taps& taps) {
          encoder.Encode(x.to(device), &taps);
        },
        images_, options_, rng_);
    if (layers.empty()) return {};
    return {{"local_complexity", nn::MeanComplexity(layers)}};
  }

 private:
  torch::Tensor images_;
  LocalComplexityOptions options_;
  Rng rng_;
};

}  // namespace

std::vector<nn::LayerComplexity> LocalComplexity(
    const TappedForward& forward, const torch::Tensor& points,
    const LocalComplexityOptions& options, const Rng& rng) {
  const torch::NoGradGuard no_grad;
  if (!points.defined() || points.dim() < 2 || points.size(0) < 1 ||
      options.chunk < 1) {
    throw Error(ErrorCode::kBadInput,
                "local complexity: the points are not [N, ...]");
  }
  const int64_t count = points.size(0);
  const torch::Tensor frames = nn::OrthonormalFrames(
      count, options.directions, points.numel() / count, rng);
  std::vector<nn::LayerComplexity> layers;
  for (int64_t begin = 0; begin < count; begin += options.chunk) {
    const int64_t end = std::min(begin + options.chunk, count);
    Taps taps;
    taps.wants_activations = true;
    forward(
        nn::CrossPolytopeVertices(points.slice(0, begin, end),
                                  frames.slice(0, begin, end), options.radius),
        taps);
    const auto part =
        nn::CountCrossings(taps.activations, 2 * options.directions);
    if (layers.empty()) {
      layers = part;
      continue;
    }
    for (size_t i = 0; i < part.size(); ++i) {
      layers.at(i).crossings =
          torch::cat({layers[i].crossings, part[i].crossings});
    }
  }
  return layers;
}

std::unique_ptr<Monitor> MakeLocalComplexityMonitor(
    const torch::Tensor& images, const LocalComplexityOptions& options,
    const Rng& rng) {
  RequireImages(images, 1, "local complexity");
  return std::make_unique<LocalComplexityMonitor>(images, options, rng);
}

}  // namespace mapweave::ssl
