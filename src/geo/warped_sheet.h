// SPDX-License-Identifier: MIT
//
// Private to src/geo: one sheet, warped to the series grid.
#pragma once

#include "core/displacement_field.h"
#include "core/geometry.h"
#include "geo/crs.h"
#include "geo/georeference.h"
#include "geo/grid.h"
#include "geo/sheet_look.h"
#include "geo/sheet_source.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace mapweave::geo {

// A rectangle of output pixels, each `downsample` grid pixels wide.
struct OutputTile {
  int64_t col = 0;  // output pixels
  int64_t row = 0;
  int width = 0;
  int height = 0;
  int downsample = 1;
};

// What one sheet shows of a tile, row by row.
struct Layer {
  // Weight of a pixel that the sheet covers wholly.
  static constexpr int32_t kFull = 1 << 20;
  // Where a pixel lies that is less than its own width beyond the raster.
  enum Side : uint8_t { kLeft = 1, kRight = 2, kAbove = 4, kBelow = 8 };

  // Per pixel red, green and blue times their weights, and the weight: how much
  // of the pixel the sheet covers.
  std::vector<std::array<int32_t, 4>> sums;
  // For seams; empty if they were not asked for. The depth of each pixel that
  // has a weight, and the side on which it lies of the sheet, or 0.
  std::vector<float> depth;
  std::vector<uint8_t> side;
  // Output pixels that a depth of 1 stands for.
  double reach = 1.0;
};

// One per thread.
class WarpedSheet {
 public:
  // `displacement` in coordinates of the grid's CRS; never null. Throws
  // Error{kBadInput} as InspectSheet and Transformer do.
  WarpedSheet(const SheetInfo& sheet, const Grid& grid,
              std::shared_ptr<const SheetLook> look,
              std::shared_ptr<const DisplacementField> displacement);

  // False if the sheet surely shows nothing of the tile.
  bool IsNear(const OutputTile& tile) const;

  // The sheet's part of a tile; null if there is none. It is kept until the
  // next call. `for_seam`: with what seams between sheets need; the look must
  // have a depth then. Throws Error{kBadInput} if the sheet cannot be read.
  enum class Purpose { kAlone, kSeam };
  const Layer* Warp(const OutputTile& tile, Purpose purpose);

 private:
  // Exactly computed positions at multiples of `step` output pixels, whatever
  // the tile, interpolated between.
  struct Lattice {
    int step = 1;
    double scale = 1.0;  // sheet pixels per output pixel
    Point2d along;       // sheet pixels per grid pixel along a row
    Point2d down;        // and down a column, at the sheet's middle
  };
  // Positions of the tile's pixels in fixed point, from the centre of the
  // level's first pixel. One number for each place, whatever the tile.
  struct Positions {
    std::vector<int32_t> x;
    std::vector<int32_t> y;
    // Enclosing those that are defined; empty (min > max) if none is.
    int32_t min_x = INT32_MAX;
    int32_t min_y = INT32_MAX;
    int32_t max_x = INT32_MIN;
    int32_t max_y = INT32_MIN;
    void Include(int32_t px, int32_t py);
  };

  // Position in sheet pixels of a position in grid pixels. Infinite where it
  // is not defined.
  Point2d SheetFromGrid(Point2d grid_pixel) const;
  double LatticeError(double side) const;
  const Lattice& LatticeFor(int downsample);
  // Sets positions_.
  void Locate(const Lattice& lattice, const OutputTile& tile,
              const Level& level);
  // What of the sheet is needed to sample at positions_; may be empty.
  Block ReadAround(const Level& level);
  void AddSeam(const Lattice& lattice, const Level& level);

  SheetInfo sheet_;
  Grid grid_;
  std::shared_ptr<const SheetLook> look_;
  SheetSource source_;
  Georeference sheet_georeference_;
  Transformer grid_from_sheet_;
  std::shared_ptr<const DisplacementField> displacement_;
  Box bounds_;  // in the grid's CRS, where its content may be moved to
  std::map<int, Lattice> lattices_;
  // Kept from tile to tile for their memory.
  Positions positions_;
  Layer layer_;
};

}  // namespace mapweave::geo
