// SPDX-License-Identifier: MIT
#include "db/schema.h"

#include "core/error.h"
#include "db/store.h"

#include <fmt/format.h>

#include <string>

namespace mapweave::db {
namespace {

constexpr int kFirstCustomSrsId = 100000;
constexpr int kWgs84 = 4326;

constexpr char kWgs84Wkt[] =
    "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,"
    "298.257223563,AUTHORITY[\"EPSG\",\"7030\"]],AUTHORITY[\"EPSG\","
    "\"6326\"]],PRIMEM[\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],"
    "UNIT[\"degree\",0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],"
    "AXIS[\"Latitude\",NORTH],AXIS[\"Longitude\",EAST],"
    "AUTHORITY[\"EPSG\",\"4326\"]]";

void InsertSrs(Connection& connection, int srs_id,
               const SpatialReference& srs) {
  connection.Execute(
      "INSERT INTO gpkg_spatial_ref_sys (srs_name, srs_id, organization, "
      "organization_coordsys_id, definition) VALUES (?1, ?2, ?3, ?4, ?5)",
      srs.name, srs_id, srs.organization, srs.organization_id, srs.wkt);
}

// Req 11: these three are always there.
void InsertRequiredSrs(Connection& connection) {
  InsertSrs(connection, -1,
            {"NONE", -1, "Undefined Cartesian SRS", "undefined"});
  InsertSrs(connection, 0,
            {"NONE", 0, "Undefined geographic SRS", "undefined"});
  InsertSrs(connection, kWgs84, {"EPSG", kWgs84, "WGS 84 geodetic", kWgs84Wkt});
}

int InsertProjectSrs(Connection& connection, SpatialReference srs) {
  const bool epsg = srs.organization == "EPSG" && srs.organization_id > 0;
  const int srs_id = epsg ? srs.organization_id : kFirstCustomSrsId;
  if (srs_id == kWgs84) return srs_id;
  if (srs.organization == "NONE") srs.organization_id = srs_id;
  InsertSrs(connection, srs_id, srs);
  return srs_id;
}

void RegisterLayers(Connection& connection, int srs_id) {
  constexpr char kContents[] =
      "INSERT INTO gpkg_contents (table_name, data_type, identifier, "
      "description, srs_id) VALUES (?1, ?2, ?1, ?3, ?4)";
  for (const LayerInfo& layer : kFeatureLayers) {
    connection.Execute(kContents, layer.table, "features", layer.description,
                       srs_id);
    connection.Execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?1, 'geom', "
        "'MULTIPOLYGON', ?2, 0, 0)",
        layer.table, srs_id);
    connection.Execute(
        "INSERT INTO gpkg_extensions VALUES (?1, 'geom', "
        "'gpkg_rtree_index', "
        "'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
        layer.table);
  }
  for (const LayerInfo& table : kAttributeTables) {
    connection.Execute(kContents, table.table, "attributes", table.description,
                       0);
  }
}

void InsertStyle(Connection& connection) {
  connection.Execute(
      "INSERT INTO layer_styles (f_table_catalog, f_table_schema, "
      "f_table_name, f_geometry_column, styleName, styleQML, useAsDefault, "
      "description) VALUES ('', '', 'building_state', 'geom', "
      "'building_state', ?1, 1, 'Buildings through time')",
      BuildingStateQml());
}

}  // namespace

const std::vector<std::string>& LineageKinds() {
  static const std::vector<std::string> kKinds{
      "persist", "appear", "disappear", "enlarge", "reduce",  "reshape",
      "split",   "merge",  "recompose", "rebuild", "redrawn", "gap"};
  return kKinds;
}

int LatestVersion() { return Migrations().back().version; }

void ApplyMigrations(Connection& connection,
                     std::span<const Migration> migrations, int from_version) {
  for (const Migration& migration : migrations) {
    if (migration.version <= from_version) continue;
    connection.ExecuteScript(std::string(migration.sql));
    connection.Execute(
        "INSERT INTO mapweave_meta (key, value) VALUES ('schema_version', ?1) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        std::to_string(migration.version));
  }
}

int ReadSchemaVersion(Connection& connection) {
  if (!connection.HasTable("mapweave_meta")) {
    const bool geopackage = connection.HasTable("gpkg_contents");
    throw Error(ErrorCode::kDatabase,
                fmt::format("'{}' is {}, not a project of mapweave",
                            connection.Path().string(),
                            geopackage ? "a GeoPackage of another program"
                                       : "some other database"),
                "Give the file that 'mapweave run -o FILE.gpkg' made.");
  }
  const auto text = connection.QueryValue<std::string>(
      "SELECT value FROM mapweave_meta WHERE key = 'schema_version'");
  int version = 0;
  try {
    if (text) version = std::stoi(*text);
  } catch (const std::exception&) {
    version = 0;
  }
  if (version < 1) {
    throw Error(ErrorCode::kDatabase,
                fmt::format("'{}' does not say which version of a project it "
                            "is",
                            connection.Path().string()),
                "The file is damaged; go back to a copy.");
  }
  return version;
}

void CreateSchema(Connection& connection, const SpatialReference& srs) {
  connection.Execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
  connection.Execute(
      fmt::format("PRAGMA user_version = {}", kGeoPackageVersion));
  Transaction transaction(connection);
  ApplyMigrations(connection, Migrations(), 0);
  InsertRequiredSrs(connection);
  const int srs_id = InsertProjectSrs(connection, srs);
  RegisterLayers(connection, srs_id);
  InsertStyle(connection);
  connection.Execute(
      "INSERT INTO mapweave_meta (key, value) VALUES ('created_by', ?1)",
      "mapweave " MAPWEAVE_VERSION);
  transaction.Commit();
}

StoredSrs ReadSrs(Connection& connection) {
  Statement statement = connection.Prepare(
      "SELECT s.srs_id, s.organization, s.organization_coordsys_id, "
      "s.srs_name, s.definition FROM gpkg_geometry_columns AS g "
      "JOIN gpkg_spatial_ref_sys AS s USING (srs_id) "
      "WHERE g.table_name = 'observation'");
  if (!statement.Step()) {
    throw Error(ErrorCode::kDatabase,
                fmt::format("'{}' does not say what its CRS is",
                            connection.Path().string()),
                "The file is damaged; go back to a copy.");
  }
  StoredSrs stored;
  ColumnReader(statement) >> stored.srs_id >> stored.srs.organization >>
      stored.srs.organization_id >> stored.srs.name >> stored.srs.wkt;
  return stored;
}

void UpdateContents(Connection& connection, std::string_view table) {
  // The name is one of kFeatureLayers, never a user's word.
  connection.Execute(
      fmt::format("UPDATE gpkg_contents SET (min_x, min_y, max_x, max_y) = "
                  "(SELECT min(ST_MinX(geom)), min(ST_MinY(geom)), "
                  "max(ST_MaxX(geom)), max(ST_MaxY(geom)) FROM {0}), "
                  "last_change = ?1 WHERE table_name = '{0}'",
                  table),
      NowUtc());
}

}  // namespace mapweave::db
