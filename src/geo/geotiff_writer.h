// SPDX-License-Identifier: MIT
//
// Writes an image on a grid as a tiled GeoTIFF, whole or not at all.
#pragma once

#include "core/atomic_file.h"
#include "core/image.h"
#include "geo/grid.h"

#include <filesystem>
#include <string>

namespace mapweave::geo {

struct GeoTiffOptions {
  enum class Compression { kDeflate, kJpeg };
  Compression compression = Compression::kDeflate;
  int jpeg_quality = 90;  // 1..100
  // EDTF text kept as the SURVEY_DATE item, which InspectSheet reads; empty for
  // none.
  std::string survey_date;
  Overwrite overwrite = Overwrite::kRefuse;
  // Throws Error{kUsage}.
  void Validate() const;
};

// `image` has 1 or 3 channels and the grid's size. Throws as AtomicFile, and
// Error{kFailure} if GDAL cannot write.
void WriteGeoTiff(const std::filesystem::path& path, const ImageU8& image,
                  const Grid& grid, const GeoTiffOptions& options = {});

}  // namespace mapweave::geo
