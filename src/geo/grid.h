// SPDX-License-Identifier: MIT
//
// The one pixel grid that a whole series is warped to.
#pragma once

#include "core/geometry.h"
#include "geo/crs.h"
#include "geo/sheet.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

// North-up with square pixels. Pixel edges lie at integers: (0, 0) is the
// top-left corner of the grid, (0.5, 0.5) the centre of its first pixel.
struct Grid {
  Crs crs;
  double origin_x = 0.0;  // top-left corner, CRS units
  double origin_y = 0.0;
  double resolution = 1.0;  // CRS units per pixel
  int64_t width = 0;        // pixels
  int64_t height = 0;

  Point2d WorldFromPixel(Point2d pixel) const;
  Point2d PixelFromWorld(Point2d world) const;
  // In CRS units.
  Box Extent() const;
  // Ground metres per CRS unit at the grid's centre.
  GroundScale Scale() const;
  // Side of a pixel in ground metres at the grid's centre.
  double PixelMetres() const;
};

struct GridOptions {
  std::optional<Crs> crs;
  std::optional<double> resolution;  // CRS units per pixel
  bool allow_ballpark = false;
  // For pictures only: nothing is measured on such a grid.
  bool allow_degrees = false;
  // Throws Error{kUsage}.
  void Validate() const;
};

struct GridCrs {
  Crs crs;
  std::string reason;  // completes "..., because "
};

// The CRS asked for; else that of all sheets if they share a projected one
// whose axes point east and north (web Mercator, too: pixels stay as they were
// scanned, and metres are measured on the ground, see GroundMeasure); else the
// WGS 84 / UTM zone at the middle of the sheets, or Universal Polar
// Stereographic beyond 84 degrees north and 80 south. Errors as ChooseGrid.
GridCrs ChooseGridCrs(const std::vector<SheetInfo>& sheets,
                      const GridOptions& options = {});

// The grid of a series; a function of its sheets, in whatever order.
// CRS: as ChooseGridCrs says, and logged with its reason. Resolution: the
// median of the sheets' own, rounded to two digits. Extent: all footprints,
// with the origin on a multiple of the resolution. Sheets that lie on one
// north-up lattice already keep exactly that lattice, so that none of their
// pixels is resampled. Throws Error{kUsage} without sheets and Error{kBadInput}
// as Transformer does or if the grid would exceed 2^31 - 1 pixels a side.
Grid ChooseGrid(const std::vector<SheetInfo>& sheets,
                const GridOptions& options = {});

// Area of the intersection of two unions of footprints over the area of the
// smaller one, in [0, 1]; both in one CRS. 0 means that the editions show
// different places.
double OverlapFraction(const std::vector<MultiPolygon>& footprints_a,
                       const std::vector<MultiPolygon>& footprints_b);

}  // namespace mapweave::geo
