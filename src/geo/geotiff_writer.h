// SPDX-License-Identifier: MIT
//
// Writes an image on a grid as a tiled GeoTIFF, whole or not at all.
#pragma once

#include "core/atomic_file.h"
#include "core/image.h"
#include "geo/grid.h"

#include <filesystem>
#include <string>
#include <vector>

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

// Bands of one value per pixel of a grid, row by row; NaN = no value.
struct FloatBands {
  std::vector<std::string> names;
  std::vector<std::vector<float>> bands;  // as many as names
};

// Throws as WriteGeoTiff.
void WriteFloatGeoTiff(const std::filesystem::path& path,
                       const FloatBands& field, const Grid& grid,
                       Overwrite overwrite = Overwrite::kRefuse);

}  // namespace mapweave::geo
