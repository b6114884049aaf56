// SPDX-License-Identifier: MIT
#include "geo/raster_file.h"

#include "geo/file_access.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace mapweave::geo {
namespace {

void CheckReadable(const std::filesystem::path& path) {
  // GDAL's virtual file systems (/vsis3/, /vsizip/ ...) are no files of ours.
  if (IsVirtual(path)) return;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{}: no such file", path.string()),
                "Check the path.");
  }
  if (std::filesystem::is_directory(path, ignored)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{} is a folder, not a sheet", path.string()),
                "Name the raster files in it.");
  }
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("{} is not a file but a pipe or device", path.string()),
        "Save the sheet to a file first.");
  }
}

// A picture whose blocks are all declared and none stored would take days to
// read at billions of pixels. The search ends at the first block that is there.
void CheckHoldsData(GDALDataset& dataset, const std::string& name) {
  const int width = dataset.GetRasterXSize();
  const int height = dataset.GetRasterYSize();
  constexpr int64_t kQuickToRead = int64_t{1} << 28;
  if (static_cast<int64_t>(width) * height < kQuickToRead) return;
  const int status = dataset.GetRasterBand(1)->GetDataCoverageStatus(
      0, 0, width, height, GDAL_DATA_COVERAGE_STATUS_DATA, nullptr);
  if (status == GDAL_DATA_COVERAGE_STATUS_EMPTY) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{} holds no data: its {} x {} pixels are declared "
                            "but not stored",
                            name, width, height),
                "Copy or convert the sheet again from its source.");
  }
}

void CheckPixelType(GDALDataset& dataset, const std::string& name) {
  if (dataset.GetRasterCount() == 0) {
    const bool container = dataset.GetMetadata("SUBDATASETS") != nullptr;
    throw Error(ErrorCode::kBadInput,
                fmt::format("{} has no bands of its own", name),
                container ? "It holds several rasters: give the name of one, "
                            "which gdalinfo lists as SUBDATASET_1_NAME."
                          : "Convert the sheet to GeoTIFF.");
  }
  for (int band = 1; band <= dataset.GetRasterCount(); ++band) {
    const GDALDataType type = dataset.GetRasterBand(band)->GetRasterDataType();
    if (GDALDataTypeIsComplex(type)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("{}: pixels of type {} are not supported", name,
                              GDALGetDataTypeName(type)),
                  "A map has shades or colours: convert the sheet with "
                  "gdal_translate -ot Byte.");
    }
  }
}

[[noreturn]] void RefuseNetwork(const std::string& name,
                                const std::string& what) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("{} refers to the network: {}", name, what),
              "The network is not used unless you name it: download what the "
              "file refers to.");
}

// A VRT on this machine may have sources elsewhere.
void CheckStaysHere(GDALDataset& dataset, const std::string& name) {
  if (IsNetworkPath(name)) return;
  const CPLStringList files(dataset.GetFileList());
  for (int i = 0; i < files.size(); ++i) {
    if (IsNetworkPath(files[i])) RefuseNetwork(name, files[i]);
  }
}

}  // namespace

DatasetPtr OpenRaster(const std::filesystem::path& path) {
  const PathScope scope(path);
  CheckReadable(path);
  CplErrorScope errors;
  const std::string name = path.string();
  DatasetPtr dataset(GDALDataset::Open(
      name.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (!dataset) {
    // Of a VRT that opens its sources at once.
    if (!IsNetworkPath(path) && NamesNetwork(errors.Text())) {
      RefuseNetwork(name, errors.Text());
    }
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("{} cannot be opened as a raster: {}", name, errors.Text()),
        "Give a GeoTIFF or another raster that gdalinfo can read.");
  }
  CheckStaysHere(*dataset, name);
  CheckPixelType(*dataset, name);
  CheckHoldsData(*dataset, name);
  return dataset;
}

}  // namespace mapweave::geo
