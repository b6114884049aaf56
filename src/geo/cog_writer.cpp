// SPDX-License-Identifier: MIT
#include "geo/cog_writer.h"

#include "geo/edition_reader.h"
#include "geo/gdal_handles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mapweave::geo {
namespace {

constexpr int kStripRows = 256;

[[noreturn]] void ThrowUnwritten(const std::filesystem::path& path,
                                 const CplErrorScope& errors) {
  throw Error(
      ErrorCode::kFailure,
      fmt::format("{} cannot be written: {}", path.string(), errors.Text()),
      "Check that the disk has room.");
}

GDALDriver& DriverNamed(const char* name) {
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName(name);
  if (driver == nullptr) {
    throw Error(ErrorCode::kFailure,
                fmt::format("this GDAL has no {} driver", name),
                "Install GDAL 3.1 or later.");
  }
  return *driver;
}

bool WriteStrip(GDALDataset& dataset, Pixels& pixels, int row) {
  const int width = pixels.rgb.width;
  const int rows = pixels.rgb.height;
  for (uint8_t& value : pixels.coverage.data) value = value != 0 ? 255 : 0;
  return dataset.RasterIO(GF_Write, 0, row, width, rows, pixels.rgb.data.data(),
                          width, rows, GDT_Byte, 3, nullptr, 3,
                          GSpacing{3} * width, 1, nullptr) == CE_None &&
         dataset.GetRasterBand(4)->RasterIO(
             GF_Write, 0, row, width, rows, pixels.coverage.data.data(), width,
             rows, GDT_Byte, 0, 0, nullptr) == CE_None;
}

// The pixels as a plain GeoTIFF, from which the COG driver makes its own.
DatasetPtr WritePlain(const std::filesystem::path& path, EditionReader& reader,
                      const CogOptions& options) {
  const Grid& grid = reader.GetGrid();
  const int width = static_cast<int>(grid.width);
  const int height = static_cast<int>(grid.height);
  CplErrorScope errors;
  CPLStringList creation;
  creation.SetNameValue("TILED", "YES");
  creation.SetNameValue("PHOTOMETRIC", "RGB");
  creation.SetNameValue("ALPHA", "YES");
  creation.SetNameValue("COMPRESS", "LZW");
  creation.SetNameValue("BIGTIFF", "IF_SAFER");
  DatasetPtr dataset(DriverNamed("GTiff").Create(path.c_str(), width, height, 4,
                                                 GDT_Byte, creation.List()));
  if (!dataset) ThrowUnwritten(path, errors);
  std::array<double, 6> c{grid.origin_x, grid.resolution, 0.0, grid.origin_y,
                          0.0,           -grid.resolution};
  dataset->SetGeoTransform(c.data());
  const OGRSpatialReference srs = CrsFactory::ToSrs(grid.crs);
  dataset->SetSpatialRef(&srs);
  if (!options.survey_date.empty()) {
    dataset->SetMetadataItem("SURVEY_DATE", options.survey_date.c_str());
  }
  for (int row = 0; row < height; row += kStripRows) {
    Pixels pixels =
        reader.Read({0, row, width, std::min(kStripRows, height - row)});
    if (!WriteStrip(*dataset, pixels, row)) ThrowUnwritten(path, errors);
  }
  dataset->FlushCache(false);
  if (errors.HasError()) ThrowUnwritten(path, errors);
  return dataset;
}

Grid GridOf(const SheetInfo& sheet) {
  GridOptions options;
  options.crs = sheet.crs;
  options.allow_degrees = true;
  try {
    return ChooseGrid({sheet}, options);
  } catch (const Error& error) {
    throw Error(error.Code(),
                fmt::format("{}: {}", sheet.path.string(), error.Message()),
                error.Hint());
  }
}

}  // namespace

Grid WriteCog(const std::filesystem::path& path, const SheetInfo& sheet,
              const CogOptions& options) {
  EnsureGdal();
  AtomicFile file(path, options.overwrite);
  std::filesystem::path plain_path = path;
  plain_path += ".plain";
  const AtomicFile plain_file(plain_path, Overwrite::kAllow);
  EditionReader reader({sheet}, GridOf(sheet));
  const DatasetPtr plain = WritePlain(plain_file.TempPath(), reader, options);
  CplErrorScope errors;
  CPLStringList creation;
  creation.SetNameValue("COMPRESS", "DEFLATE");
  creation.SetNameValue("PREDICTOR", "YES");
  creation.SetNameValue("OVERVIEW_RESAMPLING", "AVERAGE");
  creation.SetNameValue("BIGTIFF", "IF_SAFER");
  {
    const DatasetPtr cog(DriverNamed("COG").CreateCopy(
        file.TempPath().c_str(), plain.get(), false, creation.List(), nullptr,
        nullptr));
    if (!cog) ThrowUnwritten(path, errors);
  }
  if (errors.HasError()) ThrowUnwritten(path, errors);
  file.Commit();
  return reader.GetGrid();
}

}  // namespace mapweave::geo
