// SPDX-License-Identifier: MIT
//
// The SQL functions that GeoPackage's R-tree triggers call (OGC 12-128r17,
// F.3): without them a plain SQLite connection could not write a feature.
#pragma once

struct sqlite3;

namespace mapweave::db {

// ST_IsEmpty, ST_MinX, ST_MaxX, ST_MinY, ST_MaxY; NULL for bytes that are no
// geometry.
void RegisterGeometryFunctions(sqlite3* handle);

}  // namespace mapweave::db
