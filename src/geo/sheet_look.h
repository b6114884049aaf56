// SPDX-License-Identifier: MIT
//
// Private to src/geo: what is found out about a sheet once, at reduced
// resolution, and shared by all readers of it.
#pragma once

#include "core/geometry.h"
#include "core/image.h"
#include "geo/sheet.h"
#include "geo/sheet_source.h"

#include <vector>

namespace mapweave::geo {

// How deep places lie within the legible part of a sheet: 0 at its edge and
// beyond, 1 at the place furthest from any edge, on a coarse lattice.
struct SheetDepth {
  int cols = 0;
  int rows = 0;
  double cell_x = 1.0;  // sheet pixels
  double cell_y = 1.0;
  // Distance to the edge at the place furthest from it, in sheet pixels.
  double deepest = 1.0;
  std::vector<float> values;  // at the cells' centres, row-major

  // Bilinear; `x` and `y` in sheet pixels.
  float At(double x, double y) const;
};

struct SheetLook {
  bool needs_range = false;
  ValueRange range;
  // 1 = paper, at reduced resolution; empty if all of it is.
  ImageU8 paper;
  // Sheet pixels per pixel of `paper`.
  double scale_x = 1.0;
  double scale_y = 1.0;
  // Outline of the legible map in sheet pixels: the sheet's cutline, else the
  // neatline that was found, else empty.
  MultiPolygon legible;
  // Needed where sheets overlap only: what DepthOf returns, or without values.
  SheetDepth depth;
};

// Finds the paper and, unless the sheet has a cutline, the frame around the
// map, if `find_collars` and the sheet's options say so; the latter is logged.
// Throws Error{kBadInput} if the sheet cannot be read.
SheetLook LookAt(const SheetInfo& sheet, bool find_collars);

// Clears in `block` what is not paper or lies outside the legible map; pixels
// belong to the side that their centre lies on.
void MaskCollar(const SheetLook& look, const Level& level, Block& block);

SheetDepth DepthOf(const SheetInfo& sheet, const SheetLook& look);

}  // namespace mapweave::geo
