// SPDX-License-Identifier: MIT
//
// Private to src/geo: opening a raster, with errors a user can act on.
#pragma once

#include "geo/gdal_handles.h"

#include <filesystem>

namespace mapweave::geo {

// Throws Error{kBadInput} if the file is missing, is no raster that GDAL can
// read, or has pixels that are not shades or colours.
DatasetPtr OpenRaster(const std::filesystem::path& path);

}  // namespace mapweave::geo
