// SPDX-License-Identifier: MIT
//
// Local complexity of whole networks by their taps, and as a monitor. The
// measure itself is in models/nn/cross_polytope.h. It tells where a network's
// creases lie: in three-phase training they leave the training points late and
// gather at the decision boundary. It is no reason to stop a training.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/nn/cross_polytope.h"
#include "models/ssl/monitor.h"

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace mapweave::ssl {

struct LocalComplexityOptions {
  double radius = 0.05;     // in units of the points
  int64_t directions = 25;  // half the vertices; at most the points' dimensions
  int64_t chunk = 64;       // points that are run at once
};

// Runs a network on [M, ...] and fills the taps' activations.
using TappedForward = std::function<void(const torch::Tensor& x, Taps& taps)>;

// points: [N, ...]. Throws what nn::CrossPolytopeVertices and
// nn::CountCrossings throw. The network should be in evaluation mode: batch
// statistics would tie the vertices together.
std::vector<nn::LayerComplexity> LocalComplexity(
    const TappedForward& forward, const torch::Tensor& points,
    const LocalComplexityOptions& options, const Rng& rng);

// "local_complexity" of the method's encoder around images, [N, 3, H, W] in
// [0, 1], in the phase of evaluation; the frames are the same every time.
// Encoders without taps have nothing to say.
std::unique_ptr<Monitor> MakeLocalComplexityMonitor(
    const torch::Tensor& images, const LocalComplexityOptions& options,
    const Rng& rng);

}  // namespace mapweave::ssl
