// SPDX-License-Identifier: MIT
//
// A simulated series on disk: georeferenced sheets as an archive would give
// them, and the truth as a project file.
#pragma once

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/progress.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct WorldSeriesOptions {
  uint64_t seed = 1;
  int width_px = 1500;
  int height_px = 1500;
  // Survey dates, oldest first.
  std::vector<std::string> editions = {"1860", "1880", "1900", "1925"};
  // One hand per edition (see synth::HandNames); drawn at random if empty.
  std::vector<std::string> hands;
  // "grid", "organic", "rural" or "ring-and-grid".
  std::string plan = "grid";
  double building_px = 14.0;
  double density = 0.7;
  double metres_per_px = 1.0;
  // Largest whole-sheet error of the georeference, in pixels; the newest
  // edition has none.
  double max_shift_px = 25.0;
  // Largest smooth local displacement of a drawing, in pixels.
  double distortion_px = 1.5;
  // Files are called NAME_DATE.tif.
  std::string name = "town";

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct WorldSeriesReport {
  std::vector<std::string> sheets;
  std::string truth;
  int64_t buildings = 0;
  int64_t observations = 0;
};

// Writes one GeoTIFF per edition and truth.gpkg into `folder`, which is made if
// needed. The truth's outlines lie where the newest edition's georeference
// puts them: without the sheets' shifts, with the local distortion of each
// drawing. A simulated town has no true place; it is put into EPSG:25832.
WorldSeriesReport WriteWorldSeries(const WorldSeriesOptions& options,
                                   const std::filesystem::path& folder,
                                   Overwrite overwrite, RunContext& context);

// A contact sheet of the clips that `train` learns from, as PNG.
void WriteClipPreview(uint64_t seed, int clips,
                      const std::filesystem::path& path, Overwrite overwrite);

// Names for --help.
std::vector<std::string> MapHands();

}  // namespace mapweave::pipelines
