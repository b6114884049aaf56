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
  // CRS of the sheets, for those that state none or a wrong one.
  std::string sheet_crs;
  // CRS of the series grid; chosen from the sheets if empty.
  std::string grid_crs;
  // CRS units per pixel; the sheets' own if not set.
  std::optional<double> resolution;
  bool allow_ballpark = false;

  geo::SheetOptions SheetOptions() const;
  Json ToJson() const;
};

// SHA-256 of every sheet's file, beside series.sheets; empty for remote ones.
// Reads all of them: seconds per gigabyte.
std::vector<std::string> HashSheets(const Series& series, RunContext& context);

// Digest of everything that ingestion depends on.
std::string InputsHash(const Series& series, const IngestOptions& options,
                       const std::vector<std::string>& sheet_hashes);

// Makes the project file at `path`. Throws Error{kBadInput} naming the sheet:
// unreadable, not georeferenced, nothing legible on it, or lying apart from
// all other editions. Nothing is left behind on failure. The second form is for
// callers that have the result of HashSheets.
db::Store Ingest(const Series& series, const IngestOptions& options,
                 const std::filesystem::path& path, Overwrite overwrite,
                 RunContext& context);
db::Store Ingest(const Series& series,
                 const std::vector<std::string>& sheet_hashes,
                 const IngestOptions& options,
                 const std::filesystem::path& path, Overwrite overwrite,
                 RunContext& context);

}  // namespace mapweave::pipelines
