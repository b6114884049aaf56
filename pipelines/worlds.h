// SPDX-License-Identifier: MIT
//
// A simulated series on disk: georeferenced sheets as an archive would give
// them, and the truth as a project file and as YouTube-VIS JSON.
//
// Frame of the truth: where the newest edition's georeference puts things. Its
// outlines carry the local distortion of each drawing, but nothing of the
// georeferencing error of any sheet; see docs/worlds.md.
#pragma once

#include "core/atomic_file.h"
#include "core/geometry.h"
#include "core/json.h"
#include "core/progress.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// Real buildings with their life spans, from any polygon layer that OGR reads.
struct FootprintOptions {
  std::string path;
  std::string layer;  // the first one with polygons if empty
  // Fields with the first and the last date of a building's life, both
  // included: years, or dates as in core/date.h. A null start means that the
  // building stands on the oldest edition already, a null end that it stands on
  // the newest still.
  std::string start_field;
  std::string end_field;
  // Part to take, in the layer's CRS (that of the result for a layer in
  // degrees, which is brought to its UTM zone); all if none.
  std::optional<Box> bbox;
  // Free ground around the buildings, in pixels.
  int margin_px = 60;
};

// The error of the georeference of an edition and of its sheets. The newest
// edition as a whole has none, but its sheets may lie against each other.
struct GeoreferenceErrorOptions {
  // Largest shift of an edition, per axis, in metres: 0 to 100.
  double max_shift_m = 25.0;
  // Largest rotation in radians, change of scale and shear of an edition, each
  // drawn for itself: 0 to 0.1.
  double affine = 0.0;
  // Largest part by which a sheet's paper has shrunk, about its middle and
  // unequally along and across: 0 to 0.1.
  double shrinkage = 0.0;
  // Largest shift of one sheet against the others of its edition, per axis, in
  // metres; of no effect on an edition of one sheet.
  double seam_m = 2.0;
};

struct WorldSeriesOptions {
  uint64_t seed = 1;
  // Size of the window; with footprints it follows from the data.
  int width_px = 1500;
  int height_px = 1500;
  // Survey dates, oldest first.
  std::vector<std::string> editions = {"1860", "1880", "1900", "1925"};
  // One hand per edition (see synth::HandNames); drawn at random if empty.
  std::vector<std::string> hands;
  // One of TownPlans(); of no effect with footprints.
  std::string plan = "grid";
  double building_px = 14.0;
  double density = 0.7;
  // Share of the buildings that change from one edition to the next.
  double change = 0.2;
  // Of the window and the truth.
  double metres_per_px = 1.0;
  // Of the sheets of each edition in metres per pixel; metres_per_px if empty.
  std::vector<double> resolutions;
  GeoreferenceErrorOptions error;
  // Largest smooth local displacement of a drawing, in metres.
  double distortion_m = 1.5;
  // Sheets of an edition beside and above each other.
  int sheet_columns = 1;
  int sheet_rows = 1;
  // By which neighbouring sheets overlap; 0: they abut.
  double sheet_overlap_m = 0.0;
  // Chance of a sheet to be lost, in [0, 1). One of each edition is kept.
  double missing_sheets = 0.0;
  // Side of the videos of truth.json in pixels; 0: one video of the window.
  int tile_px = 0;
  // Also writes each edition without georeferencing error, cut into the tiles,
  // as PNG: the frames that truth.json names.
  bool frames = false;
  // Also writes error_EDITION.tif; see WriteWorldSeries.
  bool error_fields = false;
  std::optional<FootprintOptions> footprints;
  // Files are called NAME_DATE.tif.
  std::string name = "town";

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct WorldEditionReport {
  std::string edition;
  std::string hand;
  double metres_per_px = 0.0;
  // What alignment has to find: what the sheets place at p lies at p + shift.
  double shift_x_m = 0.0;
  double shift_y_m = 0.0;
  std::vector<std::string> sheets;   // paths
  std::vector<std::string> missing;  // names of lost sheets
  int64_t observations = 0;
};

// Records of a file of footprints.
struct FootprintCounts {
  int64_t taken = 0;     // all, or those within the bbox
  int64_t standing = 0;  // on some edition
  // Taken to stand before, or after, all editions.
  int64_t unknown_starts = 0;
  int64_t unknown_ends = 0;
};

struct WorldSeriesReport {
  std::vector<std::string> sheets;  // of all editions
  std::vector<WorldEditionReport> editions;
  std::string truth;         // truth.gpkg
  std::string truth_json;    // truth.json
  std::string georef_error;  // georef_error.json
  int64_t buildings = 0;
  int64_t observations = 0;
  int64_t videos = 0;
  std::map<std::string, int64_t> lineage;  // rows by kind
  FootprintCounts footprints;
};

// Writes into `folder`, which is made if needed:
//   NAME_DATE.tif, or NAME_DATE_r1c2.tif for an edition of several sheets;
//   truth.gpkg      a project file with the true buildings, outlines, dates and
//                   lineage; edition.shift_x_m and _y_m are the whole shift;
//   truth.json      the same tracks as masks on the common grid;
//   georef_error.json  per sheet the affine map from where it places a thing to
//                   where the thing lies;
//   error_DATE.tif  (error_fields) two bands of float: what is to be added in x
//                   and y, in units of the CRS, to a place on the sheets for
//                   the place of the same thing on the newest edition, with the
//                   local distortion of both; NaN where no sheet is.
// A simulated town has no true place; it is put into EPSG:25832. Throws
// Error{kBadInput} naming the file of footprints and what is wrong with it.
WorldSeriesReport WriteWorldSeries(const WorldSeriesOptions& options,
                                   const std::filesystem::path& folder,
                                   Overwrite overwrite, RunContext& context);

// A contact sheet of the clips that `train` learns from, as PNG.
void WriteClipPreview(uint64_t seed, int clips,
                      const std::filesystem::path& path, Overwrite overwrite);

// Names for --help.
std::vector<std::string> MapHands();
std::vector<std::string> TownPlans();

}  // namespace mapweave::pipelines
