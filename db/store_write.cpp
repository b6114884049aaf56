// SPDX-License-Identifier: MIT
//
// The writing half of Store.
#include "core/error.h"
#include "db/gpkg_geometry.h"
#include "db/store.h"
#include "db/store_impl.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>

namespace mapweave::db {
namespace {

// "INSERT INTO t (a, b) VALUES (?1, ?2)".
std::string InsertSql(std::string_view table, std::string_view columns) {
  const auto count = std::count(columns.begin(), columns.end(), ',') + 1;
  std::string parameters = "?1";
  for (int64_t i = 2; i <= count; ++i) {
    parameters += fmt::format(", ?{}", i);
  }
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns,
                     parameters);
}

// InsertSql that, where a row with the same key columns is there, replaces
// each of its values.
std::string UpsertSql(std::string_view table, std::string_view columns,
                      std::string_view key) {
  std::string assignments;
  size_t begin = 0;
  while (begin < columns.size()) {
    const size_t end = std::min(columns.find(", ", begin), columns.size());
    const std::string_view column = columns.substr(begin, end - begin);
    assignments += fmt::format("{0}{1} = excluded.{1}",
                               assignments.empty() ? "" : ", ", column);
    begin = end + 2;
  }
  return fmt::format("{} ON CONFLICT ({}) DO UPDATE SET {}",
                     InsertSql(table, columns), key, assignments);
}

void NoteChange(Connection& connection, std::string_view table) {
  connection.Execute(
      "UPDATE gpkg_contents SET last_change = ?1 WHERE table_name = ?2",
      NowUtc(), table);
}

// Runs `sql` and notes the change of `table`; the new row's fid.
template <typename... Args>
int64_t WriteRow(Connection& connection, std::string_view table,
                 const std::string& sql, const Args&... args) {
  Transaction transaction(connection);
  connection.Execute(sql, args...);
  const int64_t fid = connection.LastInsertId();
  NoteChange(connection, table);
  transaction.Commit();
  return fid;
}

std::string_view StatusName(RunStatus status) {
  return status == RunStatus::kDone ? "done" : "running";
}

// As they lie in memory.
std::string_view BytesOf(const std::vector<double>& values) {
  static_assert(std::endian::native == std::endian::little);
  return {reinterpret_cast<const char*>(values.data()),
          values.size() * sizeof(double)};
}

std::optional<double> XOf(const std::optional<Point2d>& point) {
  if (!point) return std::nullopt;
  return point->x;
}

std::optional<double> YOf(const std::optional<Point2d>& point) {
  if (!point) return std::nullopt;
  return point->y;
}

void WriteBuildings(Connection& connection, const std::string& run_id,
                    const std::vector<BuildingRow>& rows) {
  Statement insert =
      connection.Prepare(InsertSql("building", kBuildingColumns));
  for (const BuildingRow& row : rows) {
    insert.Execute(row.track_id, row.built_after, row.built_by, row.gone_after,
                   row.gone_by, row.start_edtf, row.end_edtf, row.first_edition,
                   row.last_edition, row.confidence, run_id);
  }
}

void WriteObservations(Connection& connection, int srs_id,
                       const std::string& run_id,
                       const std::vector<ObservationRow>& rows) {
  Statement insert =
      connection.Prepare(InsertSql("observation", kObservationColumns));
  for (const ObservationRow& row : rows) {
    const std::string geometry = EncodeGeometry(row.geometry, srs_id);
    insert.Execute(row.track_id, row.edition, row.score, row.presence,
                   row.area_m2, run_id, Blob{geometry});
  }
}

void WriteStates(Connection& connection, int srs_id, const std::string& run_id,
                 const std::vector<BuildingStateRow>& rows) {
  Statement insert =
      connection.Prepare(InsertSql("building_state", kStateColumns));
  for (const BuildingStateRow& row : rows) {
    const std::string geometry = EncodeGeometry(row.geometry, srs_id);
    insert.Execute(row.track_id, row.edition, row.start_date, row.end_date,
                   row.kind, row.area_m2, run_id, Blob{geometry});
  }
}

void WriteLineage(Connection& connection, const std::string& run_id,
                  const std::vector<LineageRow>& rows) {
  Statement insert = connection.Prepare(InsertSql("lineage", kLineageColumns));
  for (const LineageRow& row : rows) {
    insert.Execute(row.from_track, row.to_track, row.from_edition,
                   row.to_edition, row.kind, row.probability, row.evidence,
                   run_id);
  }
}

constexpr std::string_view kResultTables[] = {"lineage", "building_state",
                                              "observation", "building"};

void UpdateResultContents(Connection& connection) {
  UpdateContents(connection, "observation");
  UpdateContents(connection, "building_state");
  NoteChange(connection, "building");
  NoteChange(connection, "lineage");
}

}  // namespace

int64_t Store::SaveSheet(const SheetRow& row) {
  Connection& connection = impl_->connection;
  Transaction transaction(connection);
  // Not an upsert: the R-tree triggers of GeoPackage 1.3 fail under one.
  const auto known = connection.QueryValue<int64_t>(
      "SELECT fid FROM sheet WHERE path = ?1", row.path);
  const std::string geometry = EncodeGeometry(row.footprint, impl_->srs_id);
  Statement statement = connection.Prepare(
      known ? std::string("UPDATE sheet SET path = ?1, sha256 = ?2, "
                          "aids_sha256 = ?3, edition = ?4, survey_from = ?5, "
                          "survey_to = ?6, crs = ?7, georef = ?8, rmse_m = ?9, "
                          "date_edtf = ?10, date_source = ?11, options = ?12, "
                          "loo_rmse_m = ?13, crs_pipeline = ?14, "
                          "crs_accuracy_m = ?15, geom = ?16 WHERE fid = ?17")
            : InsertSql("sheet", kSheetColumns));
  if (known) statement.Bind(17, *known);
  statement.Execute(row.path, row.sha256, row.aids_sha256, row.edition,
                    row.survey_from, row.survey_to, row.crs, row.georef,
                    row.rmse_m, row.date_edtf, row.date_source, row.options,
                    row.loo_rmse_m, row.crs_pipeline, row.crs_accuracy_m,
                    Blob{geometry});
  const int64_t fid = known ? *known : connection.LastInsertId();
  UpdateContents(connection, "sheet");
  transaction.Commit();
  return fid;
}

void Store::SaveEdition(const EditionRow& row) {
  WriteRow(impl_->connection, "edition",
           UpsertSql("edition", kEditionColumns, "edition"), row.edition,
           row.date.edtf, row.date.from, row.date.to, row.ordinal,
           row.shift_x_m, row.shift_y_m, row.residual_m, row.align_confidence,
           row.aligned, row.held_out_points);
}

void Store::SaveAlignmentField(const std::string& edition,
                               const DisplacementField& field) {
  Connection& connection = impl_->connection;
  if (field.IsEmpty()) {
    connection.Execute("DELETE FROM alignment_field WHERE edition = ?1",
                       edition);
    return;
  }
  WriteRow(connection, "alignment_field",
           UpsertSql("alignment_field", kAlignmentFieldColumns, "edition"),
           edition, field.cols, field.rows, field.origin.x, field.origin.y,
           field.step.x, field.step.y, Blob{BytesOf(field.dx)},
           Blob{BytesOf(field.dy)}, Blob{BytesOf(field.sigma)});
}

void Store::SaveRun(const RunRow& row) {
  const std::optional<GridColumns>& grid = row.grid;
  const auto real = [&grid](double GridColumns::*member) {
    return grid ? std::optional((*grid).*member) : std::nullopt;
  };
  const auto integer = [&grid](int64_t GridColumns::*member) {
    return grid ? std::optional((*grid).*member) : std::nullopt;
  };
  WriteRow(impl_->connection, "run", UpsertSql("run", kRunColumns, "run_id"),
           row.run_id, row.version, row.config, row.config_hash,
           row.inputs_hash, StatusName(row.status), row.stage,
           row.started_at.empty() ? NowUtc() : row.started_at, row.finished_at,
           row.checkpoint_sha256, row.device, row.seconds, row.crs_pipelines,
           row.crs_accuracy_m, real(&GridColumns::origin_x),
           real(&GridColumns::origin_y), real(&GridColumns::resolution),
           integer(&GridColumns::width), integer(&GridColumns::height));
}

void Store::SaveWork(const WorkRow& row) {
  std::optional<Blob> tracks;
  if (row.tracks) tracks = Blob{*row.tracks};
  WriteRow(impl_->connection, "work",
           UpsertSql("work", std::string(kWorkColumns) + ", tracks",
                     "run_id, stage, window_id"),
           row.run_id, row.stage, row.window_id, row.col, row.row, row.width,
           row.height, row.done, row.seconds, tracks);
}

void Store::SaveModel(const ModelRow& row) {
  WriteRow(impl_->connection, "model",
           UpsertSql("model", kModelColumns, "sha256"), row.sha256, row.name,
           row.path, row.method, row.config,
           row.created_at.empty() ? NowUtc() : row.created_at);
}

void Store::SaveExperiment(const ExperimentRow& row) {
  WriteRow(
      impl_->connection, "experiment",
      UpsertSql("experiment", kExperimentColumns, "experiment, step, measure"),
      row.experiment, row.method, row.hyper_parameters, row.step, row.measure,
      row.value, row.model_sha256);
}

void Store::SaveEvaluations(const std::vector<EvaluationRow>& rows) {
  Connection& connection = impl_->connection;
  Transaction transaction(connection);
  Statement insert = connection.Prepare(
      UpsertSql("evaluation", kEvaluationColumns,
                "model_sha256, benchmark, benchmark_version, sample, metric"));
  for (const EvaluationRow& row : rows) {
    insert.Execute(row.model_sha256, row.benchmark, row.benchmark_version,
                   row.sample, row.metric, row.value);
  }
  NoteChange(connection, "evaluation");
  transaction.Commit();
}

int64_t Store::AddReview(const ReviewRow& row) {
  return WriteRow(impl_->connection, "review",
                  InsertSql("review", kReviewColumns), row.verdict,
                  row.track_id, row.edition, XOf(row.at), YOf(row.at),
                  row.other_track, row.other_edition, XOf(row.other_at),
                  YOf(row.other_at), row.note, row.reviewer,
                  row.created_at.empty() ? NowUtc() : row.created_at);
}

void Store::WriteResult(const std::string& run_id, const RunResult& result) {
  Connection& connection = impl_->connection;
  Transaction transaction(connection);
  DeleteResult(run_id);
  WriteBuildings(connection, run_id, result.buildings);
  WriteObservations(connection, impl_->srs_id, run_id, result.observations);
  WriteStates(connection, impl_->srs_id, run_id, result.states);
  WriteLineage(connection, run_id, result.lineage);
  UpdateResultContents(connection);
  transaction.Commit();
}

void Store::DeleteResult(const std::string& run_id) {
  Connection& connection = impl_->connection;
  Transaction transaction(connection);
  for (const std::string_view table : kResultTables) {
    connection.Execute(fmt::format("DELETE FROM {} WHERE run_id = ?1", table),
                       run_id);
  }
  UpdateResultContents(connection);
  transaction.Commit();
}

void Store::DeleteOtherResults(const std::string& run_id) {
  Connection& connection = impl_->connection;
  Transaction transaction(connection);
  for (const std::string_view table : kResultTables) {
    connection.Execute(fmt::format("DELETE FROM {} WHERE run_id != ?1", table),
                       run_id);
  }
  UpdateResultContents(connection);
  transaction.Commit();
}

void Store::DeleteWork(const std::string& run_id) {
  impl_->connection.Execute("DELETE FROM work WHERE run_id = ?1", run_id);
}

void Store::DeleteRun(const std::string& run_id) {
  Connection& connection = impl_->connection;
  Transaction transaction(connection);
  connection.Execute("DELETE FROM run WHERE run_id = ?1", run_id);
  UpdateResultContents(connection);
  transaction.Commit();
}

}  // namespace mapweave::db
