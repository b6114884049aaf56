// SPDX-License-Identifier: MIT
//
// Local complexity of a network at a point (Humayun, Balestriero & Baraniuk,
// 2024, arXiv:2402.15555): how many neurons change sign among the vertices
// x +- r v_p of a cross-polytope around x, that is, how many of the creases of
// a piecewise affine network come near x. Free functions on tensors: the
// network is run by the caller, who hands over what its non-linearities took
// in.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::nn {

// Orthonormal rows v_p by QR of normal numbers, a frame of its own for every
// sample: [samples, directions, dims] float64. Sample n's depends on `rng` and
// n alone. Throws Error{kBadInput} unless 1 <= directions <= dims.
torch::Tensor OrthonormalFrames(int64_t samples, int64_t directions,
                                int64_t dims, const Rng& rng);

// The 2 P vertices of each point, one point's below each other: [N * 2 P, ...]
// of the points' dtype and device. points: [N, ...] of D numbers each; frames:
// [N, P, D]; radius > 0, in units of the points. Throws Error{kBadInput}.
torch::Tensor CrossPolytopeVertices(const torch::Tensor& points,
                                    const torch::Tensor& frames, double radius);

struct LayerComplexity {
  std::string name;
  torch::Tensor crossings;  // [N] int64: neurons that change sign
};

// Layer by layer. activations: what non-linearities took in at the vertices,
// [N * vertices, ...] each, vertices = 2 P; every place of a feature map is a
// neuron. A pre-activation of 0 counts as negative. Throws Error{kBadInput}
// for rows that are no multiple of `vertices`, and values that are no numbers.
std::vector<LayerComplexity> CountCrossings(
    const std::vector<std::pair<std::string, torch::Tensor>>& activations,
    int64_t vertices);

// Mean over points of the sum over layers.
double MeanComplexity(const std::vector<LayerComplexity>& layers);

}  // namespace mapweave::nn
