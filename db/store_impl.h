// SPDX-License-Identifier: MIT
//
// What a Store holds, and the lists of columns that its reading and writing
// halves share.
#pragma once

#include "db/schema.h"
#include "db/sqlite.h"
#include "db/store.h"

#include <filesystem>

namespace mapweave::db {

struct Store::Impl {
  Impl(const std::filesystem::path& path, Access access);

  Connection connection;
  int schema_version = 0;
  int srs_id = 0;
  SpatialReference srs;
};

// In the order of the row structs' members; what a row struct lacks (fid in
// tables with a key of their own) is left out.
inline constexpr char kSheetColumns[] =
    "path, sha256, aids_sha256, edition, survey_from, survey_to, crs, georef, "
    "rmse_m, "
    "date_edtf, date_source, options, loo_rmse_m, crs_pipeline, "
    "crs_accuracy_m, geom";
inline constexpr char kEditionColumns[] =
    "edition, date_edtf, date_from, date_to, ordinal, shift_x_m, shift_y_m, "
    "residual_m, align_confidence, aligned, held_out_points";
inline constexpr char kAlignmentFieldColumns[] =
    "edition, cols, rows, origin_x, origin_y, step_x, step_y, dx, dy, sigma";
inline constexpr char kObservationColumns[] =
    "track_id, edition, score, presence, area_m2, run_id, geom";
inline constexpr char kBuildingColumns[] =
    "track_id, built_after, built_by, gone_after, gone_by, start_edtf, "
    "end_edtf, first_edition, last_edition, confidence, run_id";
inline constexpr char kStateColumns[] =
    "track_id, edition, start_date, end_date, kind, area_m2, run_id, geom";
inline constexpr char kLineageColumns[] =
    "from_track, to_track, from_edition, to_edition, kind, probability, "
    "evidence, run_id";
inline constexpr char kRunColumns[] =
    "run_id, version, config, config_hash, inputs_hash, status, stage, "
    "started_at, finished_at, checkpoint_sha256, device, seconds, "
    "crs_pipelines, crs_accuracy_m, grid_origin_x, grid_origin_y, "
    "grid_resolution, grid_width, grid_height";
inline constexpr char kWorkColumns[] =
    "run_id, stage, window_id, \"col\", \"row\", width, height, done, seconds";
inline constexpr char kModelColumns[] =
    "sha256, name, path, method, config, created_at";
inline constexpr char kExperimentColumns[] =
    "experiment, method, hyper_parameters, step, measure, value, model_sha256";
inline constexpr char kEvaluationColumns[] =
    "model_sha256, benchmark, benchmark_version, sample, metric, value";
inline constexpr char kReviewColumns[] =
    "verdict, track_id, edition, x, y, other_track, other_edition, other_x, "
    "other_y, note, reviewer, created_at";

}  // namespace mapweave::db
