// SPDX-License-Identifier: MIT
//
// Drawn tiles as a data set in memory: the pictures, and every factor as
// metadata.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/progress.h"
#include "models/ssl/batch.h"
#include "models/ssl/tile_supply.h"

#include <cstdint>
#include <string>

namespace mapweave::ssl {

// Tiles 0 .. count - 1 of the request. Every factor is in `metadata` by its
// name, [count] float64; all labels are -1. Throws Error{kInterrupted} when
// context.cancel is set and what the supply throws.
Dataset DrawTileSet(const TileSupply& supply, const TileRequest& request,
                    int64_t count, RunContext& context);

// A factor of a drawn set as labels, [N] int64. Throws Error{kBadInput} if the
// set has no such factor.
torch::Tensor FactorLabels(const Dataset& tiles, const std::string& factor);

}  // namespace mapweave::ssl
