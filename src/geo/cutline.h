// SPDX-License-Identifier: MIT
//
// Private to src/geo: the outline of a sheet's legible map from a vector file.
#pragma once

#include "core/geometry.h"
#include "geo/sheet.h"

#include <filesystem>

namespace mapweave::geo {

// Every polygon of the file's first polygon layer, brought from its CRS to the
// sheet's pixels: valid, joined where they overlap, cut at the raster's edge.
// Edges get points inserted so that a line that is straight in the file's CRS
// is met to a quarter of a pixel. Uses the sheet's size, CRS, georeference and
// allow_ballpark. Throws Error{kBadInput} naming the file: as ReadPolygons and
// Transformer do, no polygon, or none that touches the sheet.
MultiPolygon ReadCutline(const std::filesystem::path& path,
                         const SheetInfo& sheet);

// An outline that is given in pixels, made valid and cut at the raster's edge;
// empty if nothing of it lies on the raster.
MultiPolygon CutAtRaster(const MultiPolygon& pixels, int width, int height);

}  // namespace mapweave::geo
