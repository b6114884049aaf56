// SPDX-License-Identifier: MIT
//
// Drawn pieces of town plans for experiments that ask what an encoder has
// learned: every factor is visible on every tile, which it is not on most
// windows of this size of a simulated or a real sheet. They have the elements
// of a plan (plots along streets, hatched buildings, lettering, aged paper) but
// are no map of anything: towns that hang together are `synth`'s affair.
//
// No Torch here.
#pragma once

#include "models/ssl/tile_supply.h"

#include <cstdint>
#include <vector>

namespace mapweave::ssl {

// Factors, all independent of each other and of everything named below:
//   "hatch"        which way the buildings are hatched, 0 to 3: along the x
//                  axis, falling, along y, rising; each within 12 degrees
//   "hand"         who hatches, 0 or 1: fine lines, 4 px apart, within an
//                  outline; bold ones, 7 px apart, without one
//   "density"      share of the plots that are built on, 0 to 3: 50 to 95 %;
//                  the plot in the middle always is
//   "scale"        size of a plot, 0 to 3: 11 to 20 px
//   "year"         what the streets have become, 0 to 3: nothing drawn, one
//                  line, two, two with a tramway's ties between them
//   "hatch_angle"  continuous: direction of the lines in degrees from 0 to 180,
//                  from the x axis (right) to the y axis (down)
// What else differs between tiles tells nothing of the factors: direction and
// place of the streets, shapes of the buildings, colours of ink, paper and
// buildings, a tenth of the lines' distance and weight, letters, stains, grain
// and sharpness.
class PlanTiles : public TileSupply {
 public:
  std::vector<Factor> Factors() const override;
  // Throws Error{kUsage} unless side_px is 24 to 512. Sizes are in pixels: a
  // larger tile shows more buildings, not larger ones.
  FactorTile Draw(const TileRequest& request, int64_t index) const override;
};

}  // namespace mapweave::ssl
