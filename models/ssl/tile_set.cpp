// SPDX-License-Identifier: MIT
#include "models/ssl/tile_set.h"

#include "core/error.h"

namespace mapweave::ssl {

Dataset DrawTileSet(const TileSupply& supply, const TileRequest& request,
                    int64_t count, RunContext& context) {
  const int64_t side = request.side_px;
  Dataset set;
  set.images = torch::empty({count, 3, side, side}, torch::kUInt8);
  set.label = torch::full({count}, -1, torch::kLong);
  for (const TileSupply::Factor& factor : supply.Factors()) {
    set.metadata[factor.name] = torch::empty({count}, torch::kDouble);
  }
  context.progress.Start("tiles", count);
  for (int64_t i = 0; i < count; ++i) {
    context.cancel.ThrowIfCancelled();
    FactorTile tile = supply.Draw(request, i);
    if (!tile.rgb.isContinuous()) tile.rgb = tile.rgb.clone();
    MAPWEAVE_CHECK(tile.rgb.type() == CV_8UC3 && tile.rgb.rows == side &&
                   tile.rgb.cols == side);
    // Copied before the pixels go.
    set.images[i].copy_(
        torch::from_blob(tile.rgb.data, {side, side, 3}, torch::kUInt8)
            .permute({2, 0, 1}));
    for (auto& [name, values] : set.metadata) {
      values[i] = tile.factors.at(name);
    }
    context.progress.Advance();
  }
  context.progress.Finish();
  return set;
}

torch::Tensor FactorLabels(const Dataset& tiles, const std::string& factor) {
  const auto found = tiles.metadata.find(factor);
  if (found == tiles.metadata.end()) {
    throw Error(ErrorCode::kBadInput,
                "tiles: have no factor \"" + factor + "\"");
  }
  return found->second.to(torch::kLong);
}

}  // namespace mapweave::ssl
