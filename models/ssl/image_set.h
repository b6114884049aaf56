// SPDX-License-Identifier: MIT
//
// From images of any source to a data set in memory.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/batch.h"
#include "models/ssl/pretrain.h"
#include "models/ssl/tile_supply.h"

#include <cstdint>

namespace mapweave::ssl {

// Throws Error{kBadInput} for images of unequal sizes and where there are none.
Dataset ReadImages(const ImageSource& source);

// Tiles 0 .. count - 1 of a supply. Factors with steps are in `metadata` by
// their names, [count] int64 each; there is no label.
Dataset ReadTiles(const TileSupply& supply, const TileRequest& request,
                  int64_t count);

}  // namespace mapweave::ssl
