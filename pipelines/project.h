// SPDX-License-Identifier: MIT
//
// The ingested series as the stages see it: the grid and the editions with
// their sheets, read back from the project file. What a stage needs from the
// stages before it is in the file alone, so each stage can run by itself.
#pragma once

#include "core/date.h"
#include "core/displacement_field.h"
#include "core/image.h"
#include "core/json.h"
#include "db/store.h"
#include "geo/edition_reader.h"
#include "geo/grid.h"
#include "geo/sheet.h"
#include "pipelines/sheet_settings.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct ProjectEdition {
  std::string label;
  DateRange date;
  std::vector<geo::SheetInfo> sheets;
  // Beside `sheets`: when each was surveyed.
  std::vector<DateRange> sheet_dates;
  // What alignment found, in coordinates of the grid's CRS: what the sheets
  // place at p truly lies at displacement.Apply(p), in the newest edition's
  // frame. ApplyInverse puts an outline back on the sheets.
  DisplacementField displacement;
  bool aligned = false;
};

struct Project {
  geo::Grid grid;
  std::vector<ProjectEdition> editions;  // oldest first
  // Digest of the sheets' bytes and dates and of the options of ingestion.
  std::string inputs_hash;

  // Digest of all displacements; what was cut out of the editions with other
  // ones does not fit any more.
  std::string AlignmentHash() const;
  double Megapixels() const;  // of the grid, times editions
};

// Throws Error{kBadInput} if the file was not ingested or a sheet is gone.
Project LoadProject(const db::Store& store);

// Digest of the files that place a sheet: control points and cutline that its
// settings name, and geo::FilesBeside; "" if there are none. Of remote ones
// (/vsicurl/ ...) the path counts. Throws Error{kBadInput} if one cannot be
// read.
std::string AidsDigest(const std::filesystem::path& sheet,
                       const SheetSettings& settings);

// Reads every sheet's file through, and the files that place it, and holds them
// against the digests that were taken on ingestion; remote ones have none.
// Throws Error{kBadInput} naming the first sheet that is another one now or is
// placed otherwise.
void RequireUnchangedSheets(const db::Store& store);

// With the displacement that alignment found.
geo::EditionReader OpenEdition(const Project& project, size_t edition);

// What ingestion keeps of itself in the project file.
struct IngestRecord {
  geo::Grid grid;
  std::string inputs_hash;
};
void SaveIngestRecord(db::Store& store, const IngestRecord& record);
// Unset if the file was made but not ingested.
std::optional<IngestRecord> FindIngestRecord(const db::Store& store);

// Throws Error{kUsage} if `output` is the file `input`, which writing would
// destroy.
void RefuseSameFile(const std::filesystem::path& output,
                    const std::filesystem::path& input);

// Sheets and the files that they were opened with are stored relative to the
// project file's folder, so that all can be moved together.
std::string StoredPath(const std::filesystem::path& path,
                       const std::filesystem::path& project_file);
// The path that StoredPath made into `stored`.
std::filesystem::path PathFromStored(const std::string& stored,
                                     const std::filesystem::path& project_file);

// What a sheet was opened with, its paths ready to be opened. Throws
// Error{kBadInput} if the row is damaged.
SheetSettings StoredSettings(const db::SheetRow& row,
                             const std::filesystem::path& project_file);

// Throws Error{kBadInput} if the project's run has not come to its result:
// without buildings nothing can be told of what stood where.
void RequireResult(const db::Store& store);

// GDAL's cache of raster blocks, as a part of what the program may use.
void LimitRasterCache(int memory_mb);

// For results on their way to another CRS: never a ballpark transformation; one
// without the grid of the best, if it is accurate to ten metres, with a warning
// that says how accurate.
geo::TransformOptions ResultTransform();

db::SpatialReference SpatialReferenceOf(const geo::Crs& crs);

// Borrows the image's bytes: the image must outlive the Mat.
cv::Mat BorrowMat(ImageU8& image);
ImageU8 ImageFromMat(const cv::Mat& mat);

}  // namespace mapweave::pipelines
