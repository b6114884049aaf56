// SPDX-License-Identifier: MIT
#include "models/ssl/footprints.h"

#include "core/error.h"

#include <algorithm>
#include <utility>

namespace mapweave::ssl {
namespace {

struct CellBox {
  int row = 0;
  int col = 0;
  int rows = 0;
  int cols = 0;
};

void FillBox(Footprint& footprint, const CellBox& box, uint8_t value) {
  for (int r = box.row; r < box.row + box.rows; ++r) {
    for (int c = box.col; c < box.col + box.cols; ++c) {
      footprint.cells[static_cast<size_t>(r * footprint.side + c)] = value;
    }
  }
}

// Number of pieces of `value` in the grid with a free margin of one cell
// around it. Built cells meet along edges; free ones at corners as well.
int CountPieces(const Footprint& footprint, uint8_t value) {
  const int side = footprint.side + 2;
  std::vector<uint8_t> seen(static_cast<size_t>(side * side), 0);
  int pieces = 0;
  for (int start = 0; start < side * side; ++start) {
    if (seen[static_cast<size_t>(start)] != 0 ||
        footprint.At(start / side - 1, start % side - 1) != value) {
      continue;
    }
    ++pieces;
    std::vector<int> open = {start};
    seen[static_cast<size_t>(start)] = 1;
    while (!open.empty()) {
      const int place = open.back();
      open.pop_back();
      for (int dr = -1; dr <= 1; ++dr) {
        for (int dc = -1; dc <= 1; ++dc) {
          if (value != 0 && dr != 0 && dc != 0) continue;
          const int r = place / side + dr;
          const int c = place % side + dc;
          if (r < 0 || c < 0 || r >= side || c >= side) continue;
          const auto next = static_cast<size_t>(r * side + c);
          if (seen[next] != 0 || footprint.At(r - 1, c - 1) != value) continue;
          seen[next] = 1;
          open.push_back(static_cast<int>(next));
        }
      }
    }
  }
  return pieces;
}

Footprint Turned(const Footprint& in) {
  Footprint out = in;
  for (int r = 0; r < in.side; ++r) {
    for (int c = 0; c < in.side; ++c) {
      out.cells[static_cast<size_t>(r * in.side + c)] =
          in.At(in.side - 1 - c, r);
    }
  }
  return out;
}

Footprint Mirrored(const Footprint& in) {
  Footprint out = in;
  for (int r = 0; r < in.side; ++r) {
    const auto row = out.cells.begin() + r * in.side;
    std::reverse(row, row + in.side);
  }
  return out;
}

}  // namespace

Footprint DrawFootprint(int side, Rng& rng) {
  MAPWEAVE_CHECK(side >= 4);
  const auto between = [&](int low, int high) {
    return static_cast<int>(rng.Int(low, std::max(low, high)));
  };
  Footprint f{side, std::vector<uint8_t>(static_cast<size_t>(side * side), 0)};
  const int rows = between(std::min(4, side), side);
  const int cols = between(std::min(4, side), side);
  const CellBox box{between(0, side - rows), between(0, side - cols), rows,
                    cols};
  FillBox(f, box, 1);
  // What is cut from the block leaves wings of two cells or more.
  const int deep = between(1, rows - 2);
  switch (rng.Int(0, 3)) {
    case 0:  // a bar or a block
      if (rng.Chance(0.5)) {
        const int thick = between(2, rows);
        FillBox(f, {box.row + thick, box.col, rows - thick, cols}, 0);
      }
      break;
    case 1: {  // an L, or a corner bitten off
      const int wide = between(1, cols - 2);
      FillBox(f, {box.row, box.col, deep, wide}, 0);
      break;
    }
    case 2: {  // a U; of narrow blocks, what is left is a block
      if (cols < 5) break;
      const int left = between(2, cols - 3);
      const int wide = between(1, cols - left - 2);
      FillBox(f, {box.row, box.col + left, deep, wide}, 0);
      break;
    }
    default: {  // a T
      if (cols < 4) break;
      const int left = between(1, cols - 3);
      const int stem = between(2, cols - left - 1);
      FillBox(f, {box.row, box.col, deep, left}, 0);
      FillBox(f, {box.row, box.col + left + stem, deep, cols - left - stem}, 0);
    }
  }
  for (int64_t turns = rng.Int(0, 3); turns > 0; --turns) {
    f = Turned(f);
  }
  return rng.Chance(0.5) ? Mirrored(f) : f;
}

bool IsPlausible(const Footprint& footprint) {
  if (CountPieces(footprint, 1) != 1 || CountPieces(footprint, 0) != 1) {
    return false;
  }
  const auto square = [&](int r, int c) {
    return footprint.At(r, c) != 0 && footprint.At(r + 1, c) != 0 &&
           footprint.At(r, c + 1) != 0 && footprint.At(r + 1, c + 1) != 0;
  };
  for (int r = 0; r < footprint.side; ++r) {
    for (int c = 0; c < footprint.side; ++c) {
      if (footprint.At(r, c) != 0 && !square(r, c) && !square(r - 1, c) &&
          !square(r, c - 1) && !square(r - 1, c - 1)) {
        return false;
      }
    }
  }
  return true;
}

int Perimeter(const Footprint& footprint) {
  int sides = 0;
  for (int r = 0; r <= footprint.side; ++r) {
    for (int c = 0; c <= footprint.side; ++c) {
      const uint8_t here = footprint.At(r, c);
      sides += here != footprint.At(r - 1, c) ? 1 : 0;
      sides += here != footprint.At(r, c - 1) ? 1 : 0;
    }
  }
  return sides;
}

}  // namespace mapweave::ssl
