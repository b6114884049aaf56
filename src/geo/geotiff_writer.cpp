// SPDX-License-Identifier: MIT
#include "geo/geotiff_writer.h"

#include "core/error.h"
#include "geo/gdal_handles.h"

#include <fmt/format.h>

#include <array>

namespace mapweave::geo {
namespace {

CPLStringList CreationOptions(const ImageU8& image,
                              const GeoTiffOptions& options) {
  CPLStringList list;
  list.SetNameValue("TILED", "YES");
  list.SetNameValue("BLOCKXSIZE", "256");
  list.SetNameValue("BLOCKYSIZE", "256");
  list.SetNameValue("BIGTIFF", "IF_SAFER");
  if (options.compression == GeoTiffOptions::Compression::kJpeg) {
    list.SetNameValue("COMPRESS", "JPEG");
    list.SetNameValue("JPEG_QUALITY",
                      std::to_string(options.jpeg_quality).c_str());
    if (image.channels == 3) list.SetNameValue("PHOTOMETRIC", "YCBCR");
  } else {
    list.SetNameValue("COMPRESS", "DEFLATE");
    list.SetNameValue("PREDICTOR", "2");
    if (image.channels == 3) list.SetNameValue("PHOTOMETRIC", "RGB");
  }
  return list;
}

void Georeference(GDALDataset& dataset, const Grid& grid) {
  std::array<double, 6> c{grid.origin_x, grid.resolution, 0.0, grid.origin_y,
                          0.0,           -grid.resolution};
  dataset.SetGeoTransform(c.data());
  const OGRSpatialReference srs = CrsFactory::ToSrs(grid.crs);
  dataset.SetSpatialRef(&srs);
}

}  // namespace

void GeoTiffOptions::Validate() const {
  if (jpeg_quality < 1 || jpeg_quality > 100) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("a JPEG quality of {} is not in 1..100", jpeg_quality), "");
  }
}

void WriteGeoTiff(const std::filesystem::path& path, const ImageU8& image,
                  const Grid& grid, const GeoTiffOptions& options) {
  options.Validate();
  MAPWEAVE_CHECK(image.channels == 1 || image.channels == 3);
  MAPWEAVE_CHECK(image.width == grid.width && image.height == grid.height);
  EnsureGdal();
  AtomicFile file(path, options.overwrite);
  CplErrorScope errors;
  const auto fail = [&path, &errors] {
    throw Error(
        ErrorCode::kFailure,
        fmt::format("{} cannot be written: {}", path.string(), errors.Text()),
        "Check that the disk has room.");
  };
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  MAPWEAVE_CHECK(driver != nullptr);
  {
    DatasetPtr dataset(driver->Create(file.TempPath().c_str(), image.width,
                                      image.height, image.channels, GDT_Byte,
                                      CreationOptions(image, options).List()));
    if (!dataset) fail();
    Georeference(*dataset, grid);
    if (!options.survey_date.empty()) {
      dataset->SetMetadataItem("SURVEY_DATE", options.survey_date.c_str());
    }
    // GDAL's interface takes no const buffer, but only reads when it writes.
    auto* pixels = const_cast<uint8_t*>(image.data.data());
    if (dataset->RasterIO(GF_Write, 0, 0, image.width, image.height, pixels,
                          image.width, image.height, GDT_Byte, image.channels,
                          nullptr, image.channels,
                          static_cast<GSpacing>(image.channels) * image.width,
                          1, nullptr) != CE_None) {
      fail();
    }
    // Closing writes the rest, and may find the disk full.
    dataset->FlushCache(true);
  }
  if (errors.HasError()) fail();
  file.Commit();
}

}  // namespace mapweave::geo
