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

// A weighted sum of colours; weight in [0, 1] is the part of an output pixel
// that the sheets so far have covered.
struct Sample {
  std::array<double, 3> rgb{};
  double weight = 0.0;
};

// A rectangle of output pixels, each `downsample` grid pixels wide.
struct OutputTile {
  int64_t col = 0;  // output pixels
  int64_t row = 0;
  int width = 0;
  int height = 0;
  int downsample = 1;
};

// One per thread.
class WarpedSheet {
 public:
  // `displacement` in coordinates of the grid's CRS; never null. Throws
  // Error{kBadInput} as InspectSheet and Transformer do.
  WarpedSheet(const SheetInfo& sheet, const Grid& grid,
              std::shared_ptr<const SheetLook> look,
              std::shared_ptr<const DisplacementField> displacement);

  // Adds this sheet to one sample per pixel of `tile`, row by row, as far as
  // the sheets before it have left them open. Throws Error{kBadInput} if the
  // sheet cannot be read.
  void Add(const OutputTile& tile, std::vector<Sample>& samples);

 private:
  // Exactly computed positions at multiples of `step` output pixels, whatever
  // the tile, interpolated between.
  struct Lattice {
    int step = 1;
    double scale = 1.0;  // sheet pixels per output pixel
  };

  // Position in sheet pixels of a position in grid pixels. Infinite where it
  // is not defined.
  Point2d SheetFromGrid(Point2d grid_pixel) const;
  double LatticeError(double side) const;
  const Lattice& LatticeFor(int downsample);
  // Sheet positions of the output pixels' centres; infinite where undefined.
  std::vector<Point2d> Positions(const Lattice& lattice,
                                 const OutputTile& tile) const;
  // What of the sheet is needed to sample at `positions`; may be empty.
  Block ReadAround(const Level& level, const std::vector<Point2d>& positions);
  bool IsNear(const OutputTile& tile) const;

  SheetInfo sheet_;
  Grid grid_;
  std::shared_ptr<const SheetLook> look_;
  SheetSource source_;
  Georeference sheet_georeference_;
  Transformer grid_from_sheet_;
  std::shared_ptr<const DisplacementField> displacement_;
  Box bounds_;  // in the grid's CRS, where its content may be moved to
  std::map<int, Lattice> lattices_;
};

}  // namespace mapweave::geo
