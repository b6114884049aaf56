// SPDX-License-Identifier: MIT
//
// What the program and its files say of themselves.
#pragma once

#include "core/json.h"
#include "pipelines/sheet_settings.h"

#include <filesystem>
#include <string>

namespace mapweave::pipelines {

// Versions of the program and its libraries, usable devices, the default
// checkpoint.
Json ProgramInfo();

// A project file, a checkpoint or a map sheet, told by its content. Throws
// Error{kBadInput} naming the file if it is none of them. `settings` are for
// sheets.
//
// Of a sheet: "georef" and "georef_reason", "rmse_m" and "loo_rmse_m",
// "control_points" (the worst first; pixels as [column, row], ground in the
// CRS, residuals in metres), "footprint" in the CRS and "footprint_wgs84" in
// longitude and latitude (GeoJSON MultiPolygons; null with a warning where only
// a ballpark transformation leads there), "cutline" in pixels.
Json FileInfo(const std::filesystem::path& file,
              const SheetSettings& settings = {});

// A sheet's document as text for people.
std::string SheetText(const Json& document);

}  // namespace mapweave::pipelines
