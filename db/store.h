// SPDX-License-Identifier: MIT
//
// The project file: one GeoPackage per series, which QGIS, GDAL and SQLite
// open. This is the only place that writes it. README.md tells what the tables
// are for, db/rows.h their columns.
#pragma once

#include "core/atomic_file.h"
#include "core/displacement_field.h"
#include "db/rows.h"
#include "db/transaction.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::db {

enum class OpenMode { kReadOnly, kReadWrite };

// Current time as "YYYY-MM-DDTHH:MM:SS.SSSZ".
std::string NowUtc();

// What one run found.
struct RunResult {
  std::vector<BuildingRow> buildings;
  std::vector<ObservationRow> observations;
  std::vector<BuildingStateRow> states;
  std::vector<LineageRow> lineage;
};

// One open project file. Not thread-safe: one per thread. Every writing
// function is atomic by itself; Begin() groups several. Every function throws
// Error{kDatabase}, naming the file, when SQLite refuses (locked, disk full,
// read-only, damaged, constraint violated).
class Store {
 public:
  // Makes an empty project, complete under its name or not at all. Throws
  // Error{kUsage} if the file exists and `overwrite` is kRefuse, and
  // Error{kBadInput} if `srs` lacks its WKT.
  static Store Create(const std::filesystem::path& path,
                      const SpatialReference& srs, Overwrite overwrite);
  // Rolls back what a killed process left behind. Throws Error{kDatabase} if
  // the file is missing, no database, a GeoPackage of another program, or has
  // a newer or an older schema (see MigrateStore).
  static Store Open(const std::filesystem::path& path, OpenMode mode);

  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  // Closes the file in journal mode DELETE with no side files; other calls are
  // invalid afterwards. The destructor does the same but swallows errors.
  void Close();

  const std::filesystem::path& Path() const;
  const SpatialReference& Srs() const;
  // Schema version of the file, which is the program's.
  int SchemaVersion() const;

  // Groups writes; roll back is the default.
  Transaction Begin();

  // Writing. Save* inserts, or updates the row with the same key.
  int64_t SaveSheet(const SheetRow& row);
  void SaveEdition(const EditionRow& row);
  // Replaces the displacement of an edition, in coordinates of the project's
  // CRS; an empty field removes it.
  void SaveAlignmentField(const std::string& edition,
                          const DisplacementField& field);
  void SaveRun(const RunRow& row);
  void SaveWork(const WorkRow& row);
  void SaveModel(const ModelRow& row);
  void SaveExperiment(const ExperimentRow& row);
  // All or none.
  void SaveEvaluations(const std::vector<EvaluationRow>& rows);
  int64_t AddReview(const ReviewRow& row);
  // Replaces what this run had written before (buildings, observations,
  // states, lineage) in one transaction. `run_id` must have been saved; the
  // rows' own run_id is not looked at. Other runs' results stay.
  void WriteResult(const std::string& run_id, const RunResult& result);
  // Removes the result of a run, or of all runs but one; the runs stay.
  void DeleteResult(const std::string& run_id);
  void DeleteOtherResults(const std::string& run_id);
  // Removes the windows of a finished run, which only resuming needs.
  void DeleteWork(const std::string& run_id);
  // Removes a run with its result and its work.
  void DeleteRun(const std::string& run_id);

  // Reading; order is that of the key.
  std::vector<SheetRow> Sheets() const;
  std::vector<EditionRow> Editions() const;  // oldest first
  // Unset where none was saved. Throws Error{kDatabase} if it is damaged.
  std::optional<DisplacementField> AlignmentField(
      const std::string& edition) const;
  std::vector<RunRow> Runs() const;  // in order of their start
  std::optional<RunRow> FindRun(const std::string& run_id) const;
  // Without the `tracks`, which can be large.
  std::vector<WorkRow> Work(const std::string& run_id,
                            const std::string& stage) const;
  std::optional<std::string> WorkTracks(const std::string& run_id,
                                        const std::string& stage,
                                        int64_t window_id) const;
  std::vector<ModelRow> Models() const;
  std::vector<ExperimentRow> Experiments() const;
  std::optional<ModelRow> FindModel(const std::string& sha256) const;
  // Of one version of one benchmark.
  std::vector<EvaluationRow> Evaluations(const std::string& model_sha256,
                                         const std::string& benchmark,
                                         int64_t version) const;
  std::vector<EvaluationRow> Evaluations() const;
  std::vector<ReviewRow> Reviews() const;

  std::vector<BuildingRow> Buildings() const;
  std::vector<ObservationRow> Observations() const;
  std::vector<BuildingStateRow> BuildingStates() const;
  std::vector<LineageRow> Lineage() const;
  std::optional<BuildingRow> FindBuilding(const std::string& track_id) const;
  // Of one building, oldest edition first.
  std::vector<ObservationRow> ObservationsOf(const std::string& track_id) const;
  std::vector<BuildingStateRow> StatesOf(const std::string& track_id) const;
  std::vector<LineageRow> LineageOf(const std::string& track_id) const;

  // Free key-value text of the project (table mapweave_meta).
  void SetMeta(const std::string& key, const std::string& value);
  std::optional<std::string> Meta(const std::string& key) const;

  // For the rest of db/; not for callers.
  Connection& InnerConnection() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What MigrateStore did.
struct MigrationReport {
  int from_version = 0;
  int to_version = 0;
};

// Brings a project file of an older program up to date, in one transaction.
// Throws like Store::Open, but not for an older schema.
MigrationReport MigrateStore(const std::filesystem::path& path);

}  // namespace mapweave::db
