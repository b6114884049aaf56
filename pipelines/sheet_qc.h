// SPDX-License-Identifier: MIT
//
// Quality control of sheets: a trained probe ranks the places of each sheet by
// how much they look like damage, for a person to look at. It changes nothing
// of the project and is no verdict.
#pragma once

#include "core/geometry.h"
#include "core/json.h"
#include "core/progress.h"
#include "pipelines/project.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct QcOptions {
  // What TrainSheetProbe wrote; the shipped one if empty.
  std::string probe;
  std::string device = "auto";
  int places = 12;     // that are told of each sheet, at most
  int stride_px = 32;  // between windows, in pixels of the grid
  std::string report;  // folder for WriteQcReport; none if empty

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct SuspectPlace {
  double score = 0.0;  // see ssl::WindowScore
  std::string kind;    // the likeliest defect
  cv::Rect window;     // pixels of the grid
  Box bounds;          // in the grid's CRS, as the sheet states it

  Point2d Centre() const;
};

struct SheetQuality {
  std::filesystem::path path;
  std::string edition;
  // Windows of legible paper that were looked at; those that the sheet's edge
  // cuts are left out.
  int64_t windows = 0;
  double median_score = 0.0;
  // Worst first; no two overlap.
  std::vector<SuspectPlace> places;
};

// One for each sheet, in the order of editions. Sheets are read one by one, on
// the grid, where they state that they lie: alignment plays no part. The same
// whatever the number of threads. Throws Error{kDevice} for a missing probe or
// device.
std::vector<SheetQuality> InspectSheets(const Project& project,
                                        const QcOptions& options,
                                        RunContext& context);

// InspectSheets, and the report if one is asked for.
std::vector<SheetQuality> CheckSheetQuality(const Project& project,
                                            const QcOptions& options,
                                            Overwrite overwrite,
                                            RunContext& context);

// The probe that is used when none is named. Throws Error{kDevice} if there is
// none.
std::string DefaultSheetProbe();

Json ToJson(const std::vector<SheetQuality>& sheets);
// For people, with the warning that it is a ranking.
std::string QcText(const std::vector<SheetQuality>& sheets);

// Makes `folder` if needed and writes index.html, places.geojson, and per sheet
// NAME_places.png (its places in the order of their rank, with their
// surroundings) and NAME_overview.png (where they lie).
void WriteQcReport(const Project& project,
                   const std::vector<SheetQuality>& sheets,
                   const std::filesystem::path& folder, Overwrite overwrite,
                   RunContext& context);

// What a long job would find out too late: throws Error{kDevice} if the probe
// cannot be loaded, makes the report's folder, and throws Error{kUsage} if a
// report stands there that must not be replaced.
void CheckQcOptions(const QcOptions& options, Overwrite overwrite);

}  // namespace mapweave::pipelines
