// SPDX-License-Identifier: MIT
//
// Writes a sheet as a Cloud Optimized GeoTIFF in its own CRS: what its control
// points and cutline say is done once and for all.
#pragma once

#include "core/atomic_file.h"
#include "geo/grid.h"
#include "geo/sheet.h"

#include <filesystem>
#include <string>

namespace mapweave::geo {

struct CogOptions {
  // As GeoTiffOptions::survey_date.
  std::string survey_date;
  Overwrite overwrite = Overwrite::kRefuse;
};

// Red, green, blue and alpha, compressed without loss, with overviews. Alpha is
// 0 where the sheet does not count as legible: outside its cutline or neatline.
// Returns the grid of its pixels, which is north-up and, as the sheet, may be
// in degrees. Memory is bounded by a strip of rows. Throws as EditionReader and
// AtomicFile, and Error{kFailure} if GDAL cannot write.
Grid WriteCog(const std::filesystem::path& path, const SheetInfo& sheet,
              const CogOptions& options = {});

}  // namespace mapweave::geo
