// SPDX-License-Identifier: MIT
//
// Which mask a masked autoencoder should be trained with, before any training:
// for a linear autoencoder the closed form of denoising.h says how far a mask
// turns what is learned away from the directions of most variance, and, where
// there are labels, how much of them the learned code keeps. No Torch here.
#pragma once

#include "core/progress.h"
#include "models/ssl/pretrain.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace mapweave::ssl {

struct MaskShape {
  int64_t patch_px = 4;  // side of the squares that are hidden together
  double ratio = 0.75;   // share of them that is
};

struct MaskAdviceOptions {
  // Every size with every ratio. Sizes divide the tile's side.
  std::vector<int64_t> patch_px = {1, 2, 4, 8};
  std::vector<double> ratios = {0.5, 0.75, 0.9};
  // Dimensions of the code; fewer than the tile has pixels.
  int64_t code_width = 64;
};

struct RankedMask {
  MaskShape mask;
  // SubspaceChange against the code without noise: 0 = the mask is useless, it
  // learns what no mask would.
  double change = 0.0;
  // SupervisedAlignment of the code with the labels.
  std::optional<double> alignment;
};

struct MaskAdvice {
  int64_t tiles = 0;
  int64_t tile_px = 0;
  std::optional<double> alignment_without;  // of the code without noise
  // Best first: by alignment where there are labels, else by change.
  std::vector<RankedMask> ranked;
};

// Of the tiles' brightness. Labels count if all tiles have one. Costs two
// eigendecompositions of tile_px^2 dimensions for each mask. Throws
// Error{kUsage} for impossible options and tiles of more than 64 px, and
// Error{kBadInput} for fewer tiles than code dimensions.
MaskAdvice AdviseMask(const ImageSource& tiles,
                      const MaskAdviceOptions& options, RunContext& context);

}  // namespace mapweave::ssl
