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

// A georeferenced sheet of 32 x 32 px; dated only if `survey_date` says so.
inline void WriteSheet(const std::filesystem::path& path,
                       const std::string& survey_date = "") {
  geo::Grid grid;
  grid.crs = geo::Crs::FromUserInput("EPSG:25832");
  grid.origin_x = 500000.0;
  grid.origin_y = 5400000.0;
  grid.width = 32;
  grid.height = 32;
  geo::GeoTiffOptions options;
  options.survey_date = survey_date;
  geo::WriteGeoTiff(path, ImageU8(32, 32, 3, 200), grid, options);
}

}  // namespace mapweave::pipelines
