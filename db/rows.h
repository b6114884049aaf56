// SPDX-License-Identifier: MIT
//
// The rows of a project file as values: one struct per table, one member per
// column. A column that may be NULL is a std::optional. Coordinates are ground
// coordinates in the project's CRS; lengths and areas named _m and _m2 are in
// metres on the ground.
#pragma once

#include "core/date.h"
#include "core/geometry.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::db {

// The CRS of a project, as GeoPackage records it.
struct SpatialReference {
  // "EPSG", "ESRI" ... or "NONE" for a CRS that nobody has registered.
  std::string organization = "EPSG";
  // The organization's code. For "NONE" the store chooses one.
  int organization_id = 0;
  std::string name;
  // WKT 1 (OGC 01-009), which every GeoPackage reader understands.
  std::string wkt;

  bool operator==(const SpatialReference&) const = default;
};

// The kinds of lineage links and events, a closed list: persist, appear,
// disappear, enlarge, reduce, reshape, split, merge, recompose, rebuild,
// redrawn, gap.
const std::vector<std::string>& LineageKinds();

// One scanned, georeferenced raster. Key: path.
struct SheetRow {
  int64_t fid = 0;  // set by the store
  std::string path;
  std::string sha256;
  // Of the files that place it, "" where there are none; unset in files made
  // before it was kept.
  std::optional<std::string> aids_sha256;
  std::string edition;
  // The sheet's own, which need not be that of its edition.
  std::optional<Date> survey_from;
  std::optional<Date> survey_to;
  std::optional<std::string> date_edtf;
  // Who said so: "sheet", "edition", "file" or "file name".
  std::optional<std::string> date_source;
  // The sheet's own CRS, e.g. "EPSG:2056" or WKT.
  std::string crs;
  // How pixels are placed: "affine", "gcp-poly1", "tps" ...
  std::string georef;
  std::optional<double> rmse_m;
  std::optional<double> loo_rmse_m;
  // What it was opened with, as JSON.
  std::string options = "{}";
  // PROJ pipeline to the project's CRS, "" where it is the sheet's own, and
  // its stated accuracy.
  std::optional<std::string> crs_pipeline;
  std::optional<double> crs_accuracy_m;
  MultiPolygon footprint;
};

// All sheets of one survey date. Key: edition.
struct EditionRow {
  std::string edition;  // label
  // Columns date_edtf, date_from, date_to.
  DateRange date;
  // Position in the series, 0 = oldest.
  int ordinal = 0;
  // Residual shift that alignment took out, and what remained on points that
  // it had not seen. Unset before alignment.
  std::optional<double> shift_x_m;
  std::optional<double> shift_y_m;
  std::optional<double> residual_m;
  std::optional<double> align_confidence;
  bool aligned = false;
  std::optional<int64_t> held_out_points;
};

// One building on one edition. Key: (track_id, edition).
struct ObservationRow {
  int64_t fid = 0;  // set by the store
  std::string track_id;
  std::string edition;
  double score = 0.0;     // [0, 1]
  double presence = 0.0;  // [0, 1]
  double area_m2 = 0.0;
  std::string run_id;
  MultiPolygon geometry;
};

// A building: built in (built_after, built_by], gone in (gone_after, gone_by].
// An unset bound is unknown: never seen absent before, or never after.
// Key: track_id.
struct BuildingRow {
  std::string track_id;  // UUID
  std::optional<Date> built_after;
  std::optional<Date> built_by;
  std::optional<Date> gone_after;
  std::optional<Date> gone_by;
  std::optional<std::string> start_edtf;
  std::optional<std::string> end_edtf;
  std::string first_edition;
  std::string last_edition;
  double confidence = 0.0;  // [0, 1]
  std::string run_id;
};

// The shape of a building from one change to the next, with dates for the
// QGIS temporal controller (both ends included, unset = unbounded).
// Key: (track_id, edition).
struct BuildingStateRow {
  int64_t fid = 0;  // set by the store
  std::string track_id;
  // The edition on which this shape is first drawn.
  std::string edition;
  std::optional<Date> start_date;
  std::optional<Date> end_date;
  // The kind of lineage event that began this state; unset if unknown, as for
  // what already stands on the first edition.
  std::optional<std::string> kind;
  double area_m2 = 0.0;
  std::string run_id;
  MultiPolygon geometry;
};

// A link between buildings or a change within one.
struct LineageRow {
  int64_t fid = 0;  // set by the store
  // Unset: nothing before (appear) or nothing after (disappear).
  std::optional<std::string> from_track;
  std::optional<std::string> to_track;
  std::optional<std::string> from_edition;
  std::optional<std::string> to_edition;
  std::string kind;  // one of LineageKinds()
  std::optional<double> probability;
  // What speaks for it, as JSON or plain text.
  std::optional<std::string> evidence;
  std::string run_id;
};

// The series grid: origin is the upper left corner of the upper left pixel.
struct GridColumns {
  double origin_x = 0.0;
  double origin_y = 0.0;
  double resolution = 0.0;  // CRS units per pixel
  int64_t width = 0;
  int64_t height = 0;

  bool operator==(const GridColumns&) const = default;
};

enum class RunStatus { kRunning, kDone };

// One execution of the flow. Key: run_id. Times are UTC in ISO 8601,
// "YYYY-MM-DDTHH:MM:SS.SSSZ" (NowUtc()).
struct RunRow {
  std::string run_id;
  std::string version;        // of the program
  std::string config = "{}";  // JSON
  std::string config_hash;
  std::string inputs_hash;
  RunStatus status = RunStatus::kRunning;
  // The last stage that was begun.
  std::string stage;
  std::string started_at;
  std::optional<std::string> finished_at;
  std::optional<std::string> checkpoint_sha256;
  std::string device;
  double seconds = 0.0;
  // JSON: per sheet the PROJ pipeline that was used and its accuracy.
  std::optional<std::string> crs_pipelines;
  std::optional<double> crs_accuracy_m;
  std::optional<GridColumns> grid;
};

// One window of one stage. Key: (run_id, stage, window_id). Pixels of the
// series grid.
struct WorkRow {
  std::string run_id;
  std::string stage;
  int64_t window_id = 0;
  int64_t col = 0;
  int64_t row = 0;
  int64_t width = 0;
  int64_t height = 0;
  bool done = false;
  std::optional<double> seconds;
  // What the window gave, as opaque bytes; kept until the run is done.
  std::optional<std::string> tracks;
};

// A checkpoint that was trained or used. Key: sha256.
struct ModelRow {
  std::string sha256;
  std::string name;
  std::string path;
  std::optional<std::string> method;  // of pretraining
  std::string config = "{}";          // JSON
  std::string created_at;             // as in RunRow
};

// One measure at one step of one experiment. Key: (experiment, step, measure).
struct ExperimentRow {
  std::string experiment;
  std::string method;
  std::string hyper_parameters = "{}";  // JSON
  int64_t step = 0;
  std::string measure;  // "loss", "rankme", "probe_accuracy" ...
  double value = 0.0;
  std::optional<std::string> model_sha256;
};

// One number about one sample of a benchmark, as a frozen encoder answered it.
// Key: all but the value. `model_sha256` must have been saved.
struct EvaluationRow {
  std::string model_sha256;
  std::string benchmark;
  int64_t benchmark_version = 1;
  int64_t sample = 0;  // its place in the benchmark's test split
  std::string metric;  // "correct", "predicted" ...
  double value = 0.0;
};

// A person's correction. Anchored by points in ground coordinates besides
// track ids, because a new run may give a building a new id.
struct ReviewRow {
  int64_t fid = 0;      // set by the store
  std::string verdict;  // "same", "not_same", "absent" or "wrong_outline"
  std::optional<std::string> track_id;
  std::optional<std::string> edition;
  std::optional<Point2d> at;
  // The other building of "same" and "not_same".
  std::optional<std::string> other_track;
  std::optional<std::string> other_edition;
  std::optional<Point2d> other_at;
  std::optional<std::string> note;
  std::optional<std::string> reviewer;
  std::string created_at;  // as in RunRow; NowUtc() if empty
};

}  // namespace mapweave::db
