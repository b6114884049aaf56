// SPDX-License-Identifier: MIT
//
// Small sheets and series for the tests of pipelines.
#pragma once

#include "core/error.h"
#include "core/progress.h"
#include "geo/geotiff_writer.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace mapweave::pipelines {

// Runs `action` and returns the error that it must throw.
inline Error ErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::kBug, "no error was thrown");
}

// A silent context that nobody cancels.
struct QuietContext {
  Progress progress{ProgressMode::kNone};
  CancelToken cancel;
  RunContext context{progress, cancel};
};

inline void WriteText(const std::filesystem::path& path,
                      const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// What every sheet of the fixture shows at a pixel, in all bands: no collar is
// found in it.
inline uint8_t SheetValue(int col, int row) {
  return static_cast<uint8_t>((37 * col + 59 * row) % 251);
}

// A georeferenced sheet of 32 x 32 px of 1 m, its west edge `east_m` east of
// 500000; dated only if `survey_date` says so.
inline void WriteSheet(const std::filesystem::path& path,
                       const std::string& survey_date = "",
                       double east_m = 0.0) {
  geo::Grid grid;
  grid.crs = geo::Crs::FromUserInput("EPSG:25832");
  grid.origin_x = 500000.0 + east_m;
  grid.origin_y = 5400000.0;
  grid.width = 32;
  grid.height = 32;
  geo::GeoTiffOptions options;
  options.survey_date = survey_date;
  ImageU8 image(32, 32, 3);
  for (int row = 0; row < image.height; ++row) {
    for (int col = 0; col < image.width; ++col) {
      std::fill_n(image.At(col, row), 3, SheetValue(col, row));
    }
  }
  geo::WriteGeoTiff(path, image, grid, options);
}

}  // namespace mapweave::pipelines
