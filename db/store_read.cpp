// SPDX-License-Identifier: MIT
//
// The reading half of Store.
#include "core/error.h"
#include "db/gpkg_geometry.h"
#include "db/store.h"
#include "db/store_impl.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

namespace mapweave::db {
namespace {

// Every row that `sql` finds, made by `read` from the columns.
template <typename Row, typename... Args>
std::vector<Row> ReadAll(Connection& connection, std::string_view sql,
                         Row (*read)(ColumnReader), const Args&... args) {
  Statement statement = connection.Prepare(sql);
  statement.BindAll(args...);
  std::vector<Row> rows;
  while (statement.Step()) rows.push_back(read(ColumnReader(statement)));
  return rows;
}

template <typename Row>
std::optional<Row> FirstOf(std::vector<Row> rows) {
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

SheetRow ReadSheet(ColumnReader in) {
  SheetRow row;
  in >> row.fid >> row.path >> row.sha256 >> row.aids_sha256 >> row.edition >>
      row.survey_from >> row.survey_to >> row.crs >> row.georef >> row.rmse_m >>
      row.date_edtf >> row.date_source >> row.options >> row.loo_rmse_m >>
      row.crs_pipeline >> row.crs_accuracy_m;
  const std::string_view geometry = in.NextBlob();
  if (!geometry.empty()) row.footprint = DecodeGeometry(geometry);
  return row;
}

EditionRow ReadEdition(ColumnReader in) {
  EditionRow row;
  in >> row.edition >> row.date.edtf >> row.date.from >> row.date.to >>
      row.ordinal >> row.shift_x_m >> row.shift_y_m >> row.residual_m >>
      row.align_confidence >> row.aligned >> row.held_out_points;
  return row;
}

std::vector<double> NextDoubles(ColumnReader& in) {
  const std::string_view bytes = in.NextBlob();
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

DisplacementField ReadAlignmentField(ColumnReader in) {
  DisplacementField field;
  std::string edition;
  in >> edition >> field.cols >> field.rows >> field.origin.x >>
      field.origin.y >> field.step.x >> field.step.y;
  field.dx = NextDoubles(in);
  field.dy = NextDoubles(in);
  field.sigma = NextDoubles(in);
  return field;
}

ObservationRow ReadObservation(ColumnReader in) {
  ObservationRow row;
  in >> row.fid >> row.track_id >> row.edition >> row.score >> row.presence >>
      row.area_m2 >> row.run_id;
  row.geometry = DecodeGeometry(in.NextBlob());
  return row;
}

BuildingRow ReadBuilding(ColumnReader in) {
  BuildingRow row;
  in >> row.track_id >> row.built_after >> row.built_by >> row.gone_after >>
      row.gone_by >> row.start_edtf >> row.end_edtf >> row.first_edition >>
      row.last_edition >> row.confidence >> row.run_id;
  return row;
}

BuildingStateRow ReadState(ColumnReader in) {
  BuildingStateRow row;
  in >> row.fid >> row.track_id >> row.edition >> row.start_date >>
      row.end_date >> row.kind >> row.area_m2 >> row.run_id;
  row.geometry = DecodeGeometry(in.NextBlob());
  return row;
}

LineageRow ReadLineage(ColumnReader in) {
  LineageRow row;
  in >> row.fid >> row.from_track >> row.to_track >> row.from_edition >>
      row.to_edition >> row.kind >> row.probability >> row.evidence >>
      row.run_id;
  return row;
}

RunRow ReadRun(ColumnReader in) {
  RunRow row;
  std::string status;
  in >> row.run_id >> row.version >> row.config >> row.config_hash >>
      row.inputs_hash >> status >> row.stage >> row.started_at >>
      row.finished_at >> row.checkpoint_sha256 >> row.device >> row.seconds >>
      row.crs_pipelines >> row.crs_accuracy_m;
  row.status = status == "done" ? RunStatus::kDone : RunStatus::kRunning;
  std::optional<double> origin_x;
  std::optional<double> origin_y;
  std::optional<double> resolution;
  std::optional<int64_t> width;
  std::optional<int64_t> height;
  in >> origin_x >> origin_y >> resolution >> width >> height;
  if (origin_x && origin_y && resolution && width && height) {
    row.grid = GridColumns{*origin_x, *origin_y, *resolution, *width, *height};
  }
  return row;
}

WorkRow ReadWork(ColumnReader in) {
  WorkRow row;
  in >> row.run_id >> row.stage >> row.window_id >> row.col >> row.row >>
      row.width >> row.height >> row.done >> row.seconds;
  return row;
}

ModelRow ReadModel(ColumnReader in) {
  ModelRow row;
  in >> row.sha256 >> row.name >> row.path >> row.method >> row.config >>
      row.created_at;
  return row;
}

ExperimentRow ReadExperiment(ColumnReader in) {
  ExperimentRow row;
  in >> row.experiment >> row.method >> row.hyper_parameters >> row.step >>
      row.measure >> row.value >> row.model_sha256;
  return row;
}

std::optional<Point2d> PointOf(const std::optional<double>& x,
                               const std::optional<double>& y) {
  if (!x || !y) return std::nullopt;
  return Point2d{*x, *y};
}

EvaluationRow ReadEvaluation(ColumnReader in) {
  EvaluationRow row;
  in >> row.model_sha256 >> row.benchmark >> row.benchmark_version >>
      row.sample >> row.metric >> row.value;
  return row;
}

ReviewRow ReadReview(ColumnReader in) {
  ReviewRow row;
  std::optional<double> x;
  std::optional<double> y;
  std::optional<double> other_x;
  std::optional<double> other_y;
  in >> row.fid >> row.verdict >> row.track_id >> row.edition >> x >> y >>
      row.other_track >> row.other_edition >> other_x >> other_y >> row.note >>
      row.reviewer >> row.created_at;
  row.at = PointOf(x, y);
  row.other_at = PointOf(other_x, other_y);
  return row;
}

std::string SelectSql(std::string_view table, std::string_view columns,
                      std::string_view rest) {
  return fmt::format("SELECT {} FROM {} {}", columns, table, rest);
}

std::string WithFid(std::string_view columns) {
  return fmt::format("fid, {}", columns);
}

// The order of editions, for a table with a column `edition`.
constexpr char kByTrackAndEdition[] =
    "ORDER BY track_id, (SELECT ordinal FROM edition AS e "
    "WHERE e.edition = t.edition), fid";

}  // namespace

std::vector<SheetRow> Store::Sheets() const {
  return ReadAll(impl_->connection,
                 SelectSql("sheet", WithFid(kSheetColumns), "ORDER BY path"),
                 &ReadSheet);
}

std::vector<EditionRow> Store::Editions() const {
  return ReadAll(
      impl_->connection,
      SelectSql("edition", kEditionColumns, "ORDER BY ordinal, date_from, fid"),
      &ReadEdition);
}

std::optional<DisplacementField> Store::AlignmentField(
    const std::string& edition) const {
  std::optional<DisplacementField> field =
      FirstOf(ReadAll(impl_->connection,
                      SelectSql("alignment_field", kAlignmentFieldColumns,
                                "WHERE edition = ?1"),
                      &ReadAlignmentField, edition));
  try {
    if (field) field->Validate();
  } catch (const Error& error) {
    throw Error(ErrorCode::kDatabase,
                fmt::format("'{}': edition {}: {}", Path().string(), edition,
                            error.Message()),
                error.Hint());
  }
  return field;
}

std::vector<RunRow> Store::Runs() const {
  return ReadAll(impl_->connection,
                 SelectSql("run", kRunColumns, "ORDER BY started_at, fid"),
                 &ReadRun);
}

std::optional<RunRow> Store::FindRun(const std::string& run_id) const {
  return FirstOf(ReadAll(impl_->connection,
                         SelectSql("run", kRunColumns, "WHERE run_id = ?1"),
                         &ReadRun, run_id));
}

std::vector<WorkRow> Store::Work(const std::string& run_id,
                                 const std::string& stage) const {
  return ReadAll(impl_->connection,
                 SelectSql("work", kWorkColumns,
                           "WHERE run_id = ?1 AND stage = ?2 "
                           "ORDER BY window_id"),
                 &ReadWork, run_id, stage);
}

std::optional<std::string> Store::WorkTracks(const std::string& run_id,
                                             const std::string& stage,
                                             int64_t window_id) const {
  Statement statement = impl_->connection.Prepare(
      "SELECT tracks FROM work "
      "WHERE run_id = ?1 AND stage = ?2 AND window_id = ?3");
  statement.BindAll(run_id, stage, window_id);
  if (!statement.Step() || statement.IsNull(0)) return std::nullopt;
  return std::string(statement.BlobAt(0));
}

std::vector<ModelRow> Store::Models() const {
  return ReadAll(impl_->connection,
                 SelectSql("model", kModelColumns, "ORDER BY sha256"),
                 &ReadModel);
}

std::vector<ExperimentRow> Store::Experiments() const {
  return ReadAll(impl_->connection,
                 SelectSql("experiment", kExperimentColumns,
                           "ORDER BY experiment, step, measure"),
                 &ReadExperiment);
}

std::optional<ModelRow> Store::FindModel(const std::string& sha256) const {
  return FirstOf(ReadAll(impl_->connection,
                         SelectSql("model", kModelColumns, "WHERE sha256 = ?1"),
                         &ReadModel, sha256));
}

std::vector<EvaluationRow> Store::Evaluations(const std::string& model_sha256,
                                              const std::string& benchmark,
                                              int64_t version) const {
  return ReadAll(impl_->connection,
                 SelectSql("evaluation", kEvaluationColumns,
                           "WHERE model_sha256 = ?1 AND benchmark = ?2 "
                           "AND benchmark_version = ?3 "
                           "ORDER BY sample, metric"),
                 &ReadEvaluation, model_sha256, benchmark, version);
}

std::vector<EvaluationRow> Store::Evaluations() const {
  return ReadAll(impl_->connection,
                 SelectSql("evaluation", kEvaluationColumns,
                           "ORDER BY model_sha256, benchmark, "
                           "benchmark_version, sample, metric"),
                 &ReadEvaluation);
}

std::vector<ReviewRow> Store::Reviews() const {
  return ReadAll(impl_->connection,
                 SelectSql("review", WithFid(kReviewColumns), "ORDER BY fid"),
                 &ReadReview);
}

std::vector<BuildingRow> Store::Buildings() const {
  return ReadAll(impl_->connection,
                 SelectSql("building", kBuildingColumns, "ORDER BY track_id"),
                 &ReadBuilding);
}

std::vector<ObservationRow> Store::Observations() const {
  return ReadAll(impl_->connection,
                 SelectSql("observation AS t", WithFid(kObservationColumns),
                           kByTrackAndEdition),
                 &ReadObservation);
}

std::vector<BuildingStateRow> Store::BuildingStates() const {
  return ReadAll(impl_->connection,
                 SelectSql("building_state AS t", WithFid(kStateColumns),
                           kByTrackAndEdition),
                 &ReadState);
}

std::vector<LineageRow> Store::Lineage() const {
  return ReadAll(impl_->connection,
                 SelectSql("lineage", WithFid(kLineageColumns), "ORDER BY fid"),
                 &ReadLineage);
}

std::optional<BuildingRow> Store::FindBuilding(
    const std::string& track_id) const {
  return FirstOf(
      ReadAll(impl_->connection,
              SelectSql("building", kBuildingColumns, "WHERE track_id = ?1"),
              &ReadBuilding, track_id));
}

std::vector<ObservationRow> Store::ObservationsOf(
    const std::string& track_id) const {
  return ReadAll(
      impl_->connection,
      SelectSql("observation AS t", WithFid(kObservationColumns),
                fmt::format("WHERE track_id = ?1 {}", kByTrackAndEdition)),
      &ReadObservation, track_id);
}

std::vector<BuildingStateRow> Store::StatesOf(
    const std::string& track_id) const {
  return ReadAll(
      impl_->connection,
      SelectSql("building_state AS t", WithFid(kStateColumns),
                fmt::format("WHERE track_id = ?1 {}", kByTrackAndEdition)),
      &ReadState, track_id);
}

std::vector<LineageRow> Store::LineageOf(const std::string& track_id) const {
  return ReadAll(impl_->connection,
                 SelectSql("lineage", WithFid(kLineageColumns),
                           "WHERE from_track = ?1 OR to_track = ?1 "
                           "ORDER BY fid"),
                 &ReadLineage, track_id);
}

}  // namespace mapweave::db
