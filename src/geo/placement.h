// SPDX-License-Identifier: MIT
//
// Private to src/geo: what says where a sheet lies, found in the raster itself
// or beside it.
#pragma once

#include "geo/control_points.h"
#include "geo/gdal_handles.h"
#include "geo/geo_transform.h"
#include "geo/sheet.h"

#include <optional>
#include <string>

namespace mapweave::geo {

struct Placement {
  std::optional<GeoTransform> affine;  // else by `points`
  // Its CRS holds for `affine`, too; undefined or none if nothing says it.
  ControlPointFile points;
  // Name of the file beside the sheet that says so; empty if it is in the
  // sheet.
  std::string origin;
};

// The file's affine map or that of its world file, if it has one.
std::optional<GeoTransform> AffineOf(GDALDataset& dataset);

// Looks, in this order, at the points that the options name, the file's affine
// map or world file, the file's own points, a .points file beside it. Uses the
// sheet's path, size and options. Throws Error{kBadInput} naming the sheet and
// what was looked for.
Placement FindPlacement(GDALDataset& dataset, const SheetInfo& sheet);

}  // namespace mapweave::geo
