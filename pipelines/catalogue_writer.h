// SPDX-License-Identifier: MIT
//
// Writes a series as a catalogue that ReadCatalogue reads back to the same
// series: the writing half of catalogue.h.
#pragma once

#include "core/atomic_file.h"
#include "core/progress.h"
#include "pipelines/series.h"

#include <filesystem>
#include <vector>

namespace mapweave::pipelines {

struct CatalogueOptions {
  // For STAC: write each sheet, with its control points and cutline applied, as
  // a Cloud Optimized GeoTIFF beside its item. Else the items refer to the
  // sheets as they are.
  bool cogs = false;
  Overwrite overwrite = Overwrite::kRefuse;
};

// Writes a series file (.toml), a table (.csv), or a STAC catalogue into a
// folder (any other name without an extension): collection.json and
// SHEET/SHEET.json. Paths in it are relative to it. Returns the files that were
// written. Throws Error{kUsage} for another extension, for `cogs` without a
// folder and for existing files that must not be replaced; as InspectSheet for
// STAC, which tells where each sheet lies.
std::vector<std::filesystem::path> WriteCatalogue(
    const Series& series, const std::filesystem::path& output,
    const CatalogueOptions& options, RunContext& context);

// The formats.
std::string SeriesAsCsv(const Series& series,
                        const std::filesystem::path& output);
std::string SeriesAsToml(const Series& series,
                         const std::filesystem::path& output);
std::vector<std::filesystem::path> WriteStac(
    const Series& series, const std::filesystem::path& folder,
    const CatalogueOptions& options, RunContext& context);

}  // namespace mapweave::pipelines
