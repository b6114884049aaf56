// SPDX-License-Identifier: MIT
//
// What experiments on map tiles share: a set to train on and one of other towns
// to test on, a small encoder, and how well factors are read off features.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/experiments/experiment.h"
#include "models/ssl/tile_set.h"
#include "models/ssl/trainer.h"

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::ssl {

struct TileBenchOptions {
  uint64_t seed = 1;
  int64_t train = 500;
  int64_t test = 500;
  int side_px = 32;
};

struct TileBench {
  Dataset train;
  Dataset test;
};

// Throws Error{kUsage} if the caller gave no tiles.
TileBench DrawTileBench(const ExperimentOptions& options,
                        const TileBenchOptions& bench, RunContext& context);

// What experiments with labels ask for: which way a tile is hatched, and by
// which hand. [N] int64, the product of the factors "hatch" and "hand"; the
// number of kinds is that of the tiles' supply. Throws Error{kBadInput} for
// tiles without these factors.
torch::Tensor KindOf(const Dataset& tiles);
int64_t KindCount(const TileSupply& supply);

// Views that leave the kind as it is: no turns and no flips, which change the
// direction of a hatch, and neither blur nor other line widths, which change
// the hand. Every view has an ink and a paper of its own, since by their
// colours alone two views would know each other.
ViewRecipe KindViews();

// A ResNet-18 an eighth as wide as published: 64 dimensions.
Encoder SmallEncoder(uint64_t seed);

// AdamW along a cosine, without keeping anything.
struct TileTraining {
  int64_t steps = 400;
  int64_t batch = 50;
  double rate = 2e-3;
  uint64_t seed = 1;
  ViewRecipe views;
};
void TrainOnTiles(Method& method, const Dataset& tiles,
                  const TileTraining& training, RunContext& context);

// A set's features beside its tiles.
struct SeenTiles {
  torch::Tensor features;  // [N, D]
  const Dataset& tiles;
};

// Held-out share of tiles whose label is read off by a linear probe. `label`
// makes [N] int64 of a set.
double LabelAccuracy(const SeenTiles& train, const SeenTiles& test,
                     torch::Tensor (*label)(const Dataset&));
double FactorAccuracy(const SeenTiles& train, const SeenTiles& test,
                      const std::string& factor);

// Held-out R2 of a factor as a number under the affine map of the best of five
// ridges; of "hatch_angle", of the cosine and sine of twice the angle, since
// lines have no arrow. The ridge is chosen on the test set, for
// every kind of feature alike, so that none suffers from a bad one.
double FactorR2(const SeenTiles& train, const SeenTiles& test,
                const std::string& factor);

// Mean and standard deviation (of a sample, 0 for one value).
struct Spread {
  double mean = 0.0;
  double sigma = 0.0;
};
Spread SpreadOf(const std::vector<double>& values);

}  // namespace mapweave::ssl
