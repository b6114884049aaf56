// SPDX-License-Identifier: MIT
#include "geo/geotiff_writer.h"

#include "core/error.h"
#include "geo/gdal_handles.h"

#include <fmt/format.h>

#include <array>
#include <limits>

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

struct RasterLayout {
  GDALDataType type = GDT_Byte;
  int bands = 1;
  CPLStringList creation;
};

// `fill` writes metadata and pixels and returns a CPLErr.
template <typename Fill>
void WriteRaster(const std::filesystem::path& path, const Grid& grid,
                 const RasterLayout& layout, Overwrite overwrite, Fill fill) {
  EnsureGdal();
  AtomicFile file(path, overwrite);
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
    DatasetPtr dataset(
        driver->Create(file.TempPath().c_str(), static_cast<int>(grid.width),
                       static_cast<int>(grid.height), layout.bands, layout.type,
                       const_cast<CPLStringList&>(layout.creation).List()));
    if (!dataset) fail();
    Georeference(*dataset, grid);
    if (fill(*dataset) != CE_None) fail();
    // Closing writes the rest, and may find the disk full.
    dataset->FlushCache(true);
  }
  if (errors.HasError()) fail();
  file.Commit();
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
  RasterLayout layout;
  layout.type = GDT_Byte;
  layout.bands = image.channels;
  layout.creation = CreationOptions(image, options);
  WriteRaster(path, grid, layout, options.overwrite, [&](GDALDataset& dataset) {
    if (!options.survey_date.empty()) {
      dataset.SetMetadataItem("SURVEY_DATE", options.survey_date.c_str());
    }
    // GDAL's interface takes no const buffer, but only reads when it writes.
    auto* pixels = const_cast<uint8_t*>(image.data.data());
    return dataset.RasterIO(
        GF_Write, 0, 0, image.width, image.height, pixels, image.width,
        image.height, GDT_Byte, image.channels, nullptr, image.channels,
        static_cast<GSpacing>(image.channels) * image.width, 1, nullptr);
  });
}

void WriteFloatGeoTiff(const std::filesystem::path& path,
                       const FloatBands& field, const Grid& grid,
                       Overwrite overwrite) {
  MAPWEAVE_CHECK(!field.bands.empty() &&
                 field.names.size() == field.bands.size());
  RasterLayout layout;
  layout.type = GDT_Float32;
  layout.bands = static_cast<int>(field.bands.size());
  layout.creation.SetNameValue("COMPRESS", "DEFLATE");
  const int width = static_cast<int>(grid.width);
  const int height = static_cast<int>(grid.height);
  WriteRaster(path, grid, layout, overwrite, [&](GDALDataset& dataset) {
    for (int i = 0; i < layout.bands; ++i) {
      const auto position = static_cast<size_t>(i);
      const std::vector<float>& values = field.bands[position];
      MAPWEAVE_CHECK(static_cast<int64_t>(values.size()) ==
                     grid.width * grid.height);
      GDALRasterBand& band = *dataset.GetRasterBand(i + 1);
      band.SetDescription(field.names[position].c_str());
      band.SetNoDataValue(std::numeric_limits<double>::quiet_NaN());
      auto* pixels = const_cast<float*>(values.data());
      if (band.RasterIO(GF_Write, 0, 0, width, height, pixels, width, height,
                        GDT_Float32, 0, 0, nullptr) != CE_None) {
        return CE_Failure;
      }
    }
    return CE_None;
  });
}

}  // namespace mapweave::geo
