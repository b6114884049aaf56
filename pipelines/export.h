// SPDX-License-Identifier: MIT
//
// Buildings out of a project file: as features for GIS and the web, as a
// table, as a picture.
#pragma once

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/progress.h"
#include "db/query.h"
#include "db/store.h"
#include "geo/crs.h"

#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// The CRS that the project's coordinates are in.
geo::Crs ProjectCrs(const db::Store& store);

// RFC 7946 features of the rows; the id is TRACK/EDITION.
Json RowsAsGeoJson(const std::vector<db::QueryRow>& rows,
                   const db::Store& store);
// The same as text, one feature per line.
std::string RowsAsGeoJsonText(const std::vector<db::QueryRow>& rows,
                              const db::Store& store);
// Comma-separated (RFC 4180) with a header, without geometry.
std::string RowsAsCsv(const std::vector<db::QueryRow>& rows);
// For people: aligned columns.
std::string RowsAsTable(const std::vector<db::QueryRow>& rows);

// Writes by the extension of `path`: .geojson, .geojsons, .csv, .gpkg, .fgb,
// or .png (the editions side by side with all outlines; takes no filter).
// Throws Error{kUsage} for any other, and if `path` is the project itself.
void Export(const db::Store& store, const db::QueryFilter& filter,
            const std::filesystem::path& path, Overwrite overwrite,
            RunContext& context);

}  // namespace mapweave::pipelines
