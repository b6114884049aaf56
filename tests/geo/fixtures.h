// SPDX-License-Identifier: MIT
//
// Rasters made on the spot for the tests of geo.
#pragma once

#include "core/error.h"
#include "geo/gdal_session.h"
#include "geo/sheet.h"
#include "tests/support/temp_dir.h"

#include <fmt/format.h>
#include <gdal_priv.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace mapweave::geo {

class GeoTest : public ::testing::Test {
 protected:
  GeoTest() { InitGdal({}); }
  std::filesystem::path Path(const std::string& name) const {
    return folder_.Path() / name;
  }
  std::filesystem::path WriteText(const std::string& name,
                                  const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }

 private:
  mapweave::testing::TempDir folder_;
};

// Value of one band at a pixel.
using Paint = std::function<double(int band, int col, int row)>;

struct RasterSpec {
  int width = 32;
  int height = 24;
  int bands = 3;
  GDALDataType type = GDT_Byte;
  std::string crs = "EPSG:2056";  // empty: none
  // Empty: no geotransform.
  std::vector<double> transform{2600000, 1, 0, 1200000, 0, -1};
  std::vector<std::string> creation_options;
  std::vector<ControlPoint> points;  // instead of the transform
  Paint paint = [](int band, int col, int row) {
    return (37 * col + 59 * row + 83 * band) % 251;
  };
  // Before the pixels are written: palettes, no-data values, metadata.
  std::function<void(GDALDataset&)> adjust;
};

inline void PaintBand(GDALRasterBand& band, int index, const RasterSpec& spec) {
  std::vector<double> row_values(static_cast<size_t>(spec.width));
  for (int row = 0; row < spec.height; ++row) {
    for (int col = 0; col < spec.width; ++col) {
      row_values[static_cast<size_t>(col)] = spec.paint(index, col, row);
    }
    ASSERT_EQ(band.RasterIO(GF_Write, 0, row, spec.width, 1, row_values.data(),
                            spec.width, 1, GDT_Float64, 0, 0, nullptr),
              CE_None);
  }
}

inline std::filesystem::path MakeRaster(const std::filesystem::path& path,
                                        const RasterSpec& spec) {
  CPLStringList options;
  for (const std::string& option : spec.creation_options) {
    options.AddString(option.c_str());
  }
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  GDALDataset* dataset = driver->Create(path.c_str(), spec.width, spec.height,
                                        spec.bands, spec.type, options.List());
  MAPWEAVE_CHECK(dataset != nullptr);
  OGRSpatialReference srs;
  if (!spec.crs.empty()) {
    srs.SetFromUserInput(spec.crs.c_str());
    srs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  }
  if (!spec.points.empty()) {
    std::vector<GDAL_GCP> gcps;
    static char empty[] = "";
    for (const ControlPoint& p : spec.points) {
      gcps.push_back(
          {empty, empty, p.pixel.x, p.pixel.y, p.ground.x, p.ground.y, 0});
    }
    dataset->SetGCPs(static_cast<int>(gcps.size()), gcps.data(), &srs);
  } else {
    if (!spec.crs.empty()) dataset->SetSpatialRef(&srs);
    std::vector<double> transform = spec.transform;
    if (!transform.empty()) dataset->SetGeoTransform(transform.data());
  }
  if (spec.adjust) spec.adjust(*dataset);
  for (int band = 1; band <= spec.bands; ++band) {
    PaintBand(*dataset->GetRasterBand(band), band, spec);
  }
  GDALClose(dataset);
  return path;
}

// Runs `action` and returns the error that it must throw.
inline Error ErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::kBug, "no error was thrown");
}

// The folder of real data, or nothing: tests that need it skip.
inline std::filesystem::path DataFolder() {
  const char* named = std::getenv("MAPWEAVE_DATA");
  return named != nullptr ? named : MAPWEAVE_DATA;
}

}  // namespace mapweave::geo
