// SPDX-License-Identifier: MIT
//
// Stage 1: checks the sheets, chooses the series grid, and makes the project
// file.
#pragma once

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/progress.h"
#include "db/store.h"
#include "pipelines/series.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct IngestOptions {
  // CRS of the series grid; chosen from the sheets if empty.
  std::string grid_crs;
  // CRS units per pixel; the sheets' own if not set.
  std::optional<double> resolution;

  Json ToJson() const;
};

struct SheetDigest {
  // SHA-256 of the sheet's file; empty for virtual paths (/vsizip/, /vsicurl/).
  std::string file;
  // AidsDigest of it.
  std::string aids;
};

// One beside each of series.sheets. Reads all of them: seconds per gigabyte.
std::vector<SheetDigest> HashSheets(const Series& series, RunContext& context);

// Digest of everything that ingestion depends on.
std::string InputsHash(const Series& series, const IngestOptions& options,
                       const std::vector<SheetDigest>& digests);

// Makes the project file at `path`. Throws Error{kBadInput} naming the sheet:
// unreadable, not georeferenced, nothing legible on it, lying apart from all
// other editions, or dated against the order of the editions where they
// overlap. Says in the log what was understood of each sheet. Nothing is left
// behind on failure. The second form is for callers that have the result of
// HashSheets.
db::Store Ingest(const Series& series, const IngestOptions& options,
                 const std::filesystem::path& path, Overwrite overwrite,
                 RunContext& context);
db::Store Ingest(const Series& series, const std::vector<SheetDigest>& digests,
                 const IngestOptions& options,
                 const std::filesystem::path& path, Overwrite overwrite,
                 RunContext& context);

// What is known of each sheet of an ingested project, as `ingest --json` says
// it: path, edition, date and who stated it, CRS, georeference, residuals.
Json SheetDocuments(const db::Store& store);

}  // namespace mapweave::pipelines
