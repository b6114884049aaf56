// SPDX-License-Identifier: MIT
//
// Building footprints on a small square grid: a generator, and what makes one
// plausible. No Torch here.
#pragma once

#include "core/random.h"

#include <cstdint>
#include <vector>

namespace mapweave::ssl {

// side x side cells in row-major order, 1 = built on. side >= 4.
struct Footprint {
  int side = 0;
  std::vector<uint8_t> cells;
  uint8_t At(int row, int col) const {  // 0 beyond the edge
    const bool inside = row >= 0 && col >= 0 && row < side && col < side;
    return inside ? cells[static_cast<size_t>(row * side + col)] : 0;
  }
};

// A bar, an L, a T, a U or a block with a bite, in any of the four turns and
// mirrored; valid as below.
Footprint DrawFootprint(int side, Rng& rng);

// One piece whose cells meet along edges, without a hole (free cells that meet
// the edge of the grid neither along edges nor at corners), nowhere thinner
// than two cells (every cell is part of a square of 2 x 2), and not empty.
bool IsPlausible(const Footprint& footprint);

// Length of the outline in cell sides.
int Perimeter(const Footprint& footprint);

}  // namespace mapweave::ssl
