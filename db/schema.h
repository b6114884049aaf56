// SPDX-License-Identifier: MIT
//
// The schema of a project file: making it, bringing it up to date, and keeping
// GeoPackage's description of the layers true.
#pragma once

#include "db/resources.h"
#include "db/rows.h"
#include "db/sqlite.h"

#include <array>
#include <span>
#include <string_view>

namespace mapweave::db {

// "GPKG", and GeoPackage 1.3.0 (OGC 12-128r17, Req 2).
inline constexpr int64_t kApplicationId = 0x47504B47;
inline constexpr int64_t kGeoPackageVersion = 10300;

struct LayerInfo {
  std::string_view table;
  std::string_view description;
};

// Tables with a geometry (column geom), and without.
inline constexpr std::array<LayerInfo, 3> kFeatureLayers{{
    {"sheet", "Footprints of the scanned sheets"},
    {"observation", "Buildings as drawn, one polygon per building and edition"},
    {"building_state", "Shapes of buildings with the dates they stood"},
}};
inline constexpr std::array<LayerInfo, 11> kAttributeTables{{
    {"edition", "Editions of the series, one per survey date"},
    {"alignment_field",
     "Smooth displacement of each edition onto the newest one"},
    {"building", "Buildings with intervals of construction and removal"},
    {"lineage", "Links between buildings and changes within one"},
    {"run", "Runs of the program with their settings"},
    {"work", "Windows of a run, done or not"},
    {"model", "Checkpoints that were trained or used"},
    {"experiment", "Measures of training and experiments per step"},
    {"evaluation",
     "Answers of encoders on benchmarks, one row per sample and metric"},
    {"review", "Corrections by people"},
    {"layer_styles", "Styles that QGIS applies"},
}};

int LatestVersion();

// Runs the migrations above `from_version` and records the version; the caller
// holds the transaction.
void ApplyMigrations(Connection& connection,
                     std::span<const Migration> migrations, int from_version);

// The file's schema version. Throws Error{kDatabase} if it is not a project
// file.
int ReadSchemaVersion(Connection& connection);

// A whole new schema with the rows that depend on the CRS.
void CreateSchema(Connection& connection, const SpatialReference& srs);

struct StoredSrs {
  int srs_id = 0;
  SpatialReference srs;
};
StoredSrs ReadSrs(Connection& connection);

// Recomputes the extent of a feature layer and notes the time of change.
void UpdateContents(Connection& connection, std::string_view table);

}  // namespace mapweave::db
