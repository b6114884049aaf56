// SPDX-License-Identifier: MIT
#include "db/check.h"

#include "core/error.h"
#include "db/gpkg_geometry.h"
#include "db/schema.h"
#include "db/sqlite.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

namespace mapweave::db {
namespace {

constexpr int64_t kMaxProblemsPerCheck = 20;
// SQLite's R-tree keeps 32-bit floats, rounded outwards by one part in 2^23.
constexpr double kRtreeSlack = 3e-7;

// Collects the problems of one test after the other.
class Checker {
 public:
  explicit Checker(Connection& connection) : connection_(connection) {}

  // Runs one test. What it throws is a problem, too: a damaged file may fail
  // at any read, and the other tests shall still be made.
  void Test(const std::string& name, const std::function<void()>& test) {
    report_.checks.push_back(name);
    found_ = 0;
    try {
      test();
    } catch (const Error& error) {
      Problem(fmt::format("{}: {}", name, error.Message()));
    }
    if (found_ > kMaxProblemsPerCheck) {
      report_.problems.push_back(
          fmt::format("{}: {} more", name, found_ - kMaxProblemsPerCheck));
    }
  }

  void Problem(std::string text) {
    if (++found_ <= kMaxProblemsPerCheck) {
      report_.problems.push_back(std::move(text));
    }
  }

  // Each row that `sql` finds is a problem, described by `format` with the
  // row's columns as text, joined by commas, in the place of {}.
  template <typename... Args>
  void RowsAreProblems(std::string_view format, std::string_view sql,
                       const Args&... args) {
    Statement statement = connection_.Prepare(sql);
    statement.BindAll(args...);
    while (statement.Step()) {
      std::string row;
      for (int column = 0; column < statement.ColumnCount(); ++column) {
        row += fmt::format("{}{}", column == 0 ? "" : ", ",
                           statement.IsNull(column)
                               ? std::string("none")
                               : statement.Get<std::string>(column));
      }
      Problem(fmt::format(fmt::runtime(format), row));
    }
  }

  Connection& Database() { return connection_; }
  CheckReport TakeReport() { return std::move(report_); }

 private:
  Connection& connection_;
  CheckReport report_;
  int64_t found_ = 0;
};

void CheckSqlite(Checker& checker) {
  Connection& connection = checker.Database();
  checker.Test("SQLite integrity", [&] {
    Statement statement = connection.Prepare("PRAGMA integrity_check");
    while (statement.Step()) {
      const auto line = statement.Get<std::string>(0);
      if (line != "ok") checker.Problem("SQLite integrity: " + line);
    }
  });
  checker.Test("foreign keys", [&] {
    // Columns: table, row, the table that it refers to, number of the key.
    checker.RowsAreProblems(
        "foreign keys: dangling reference (table, row, parent): {}",
        "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check");
  });
}

void CheckTables(Checker& checker) {
  Connection& connection = checker.Database();
  checker.Test("GeoPackage identity", [&] {
    const auto id = connection.QueryValue<int64_t>("PRAGMA application_id");
    if (id != kApplicationId) {
      checker.Problem(fmt::format(
          "GeoPackage identity: application_id is {:#x}, not 'GPKG'",
          id.value_or(0)));
    }
    const auto version = connection.QueryValue<int64_t>("PRAGMA user_version");
    if (version.value_or(0) < 10200) {
      checker.Problem(
          fmt::format("GeoPackage identity: user_version is {}, below 10200",
                      version.value_or(0)));
    }
  });
  checker.Test("tables", [&] {
    const auto require = [&](std::string_view table) {
      if (!connection.HasTable(table)) {
        checker.Problem(fmt::format("tables: '{}' is missing", table));
      }
    };
    for (const char* table :
         {"gpkg_spatial_ref_sys", "gpkg_contents", "gpkg_geometry_columns",
          "gpkg_extensions", "mapweave_meta"}) {
      require(table);
    }
    for (const LayerInfo& layer : kFeatureLayers) {
      require(layer.table);
      require(fmt::format("rtree_{}_geom", layer.table));
    }
    for (const LayerInfo& table : kAttributeTables) require(table.table);
  });
  checker.Test("schema version", [&] {
    const int version = ReadSchemaVersion(connection);
    if (version != LatestVersion()) {
      checker.Problem(fmt::format("schema version: {}, this program knows {}",
                                  version, LatestVersion()));
    }
  });
  checker.Test("contents", [&] {
    checker.RowsAreProblems(
        "contents: listed, but no such table: {}",
        "SELECT table_name FROM gpkg_contents WHERE table_name NOT IN "
        "(SELECT name FROM sqlite_master WHERE type IN ('table', 'view'))");
    checker.RowsAreProblems(
        "contents: layer and geometry column have different CRS: {}",
        "SELECT c.table_name FROM gpkg_contents AS c "
        "JOIN gpkg_geometry_columns AS g USING (table_name) "
        "WHERE c.srs_id IS NOT g.srs_id");
    for (const LayerInfo& layer : kFeatureLayers) {
      checker.RowsAreProblems(
          "contents: layer is not registered: {}",
          "SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM gpkg_contents "
          "WHERE table_name = ?1 AND data_type = 'features')",
          layer.table);
    }
  });
}

void CheckExtent(Checker& checker, std::string_view table) {
  checker.Test(fmt::format("extent of {}", table), [&] {
    checker.RowsAreProblems(
        fmt::format("extent of {}: gpkg_contents says otherwise than the data "
                    "(min x, min y, max x, max y): {{}}",
                    table),
        fmt::format(
            "SELECT c.min_x, c.min_y, c.max_x, c.max_y FROM gpkg_contents AS "
            "c, (SELECT min(ST_MinX(geom)) AS min_x, min(ST_MinY(geom)) AS "
            "min_y, max(ST_MaxX(geom)) AS max_x, max(ST_MaxY(geom)) AS max_y "
            "FROM {0}) AS d WHERE c.table_name = '{0}' AND (c.min_x IS NOT "
            "d.min_x OR c.min_y IS NOT d.min_y OR c.max_x IS NOT d.max_x OR "
            "c.max_y IS NOT d.max_y)",
            table));
  });
}

void CheckRtree(Checker& checker, std::string_view table) {
  checker.Test(fmt::format("R-tree of {}", table), [&] {
    const std::string result =
        checker.Database()
            .QueryValue<std::string>(fmt::format(
                "SELECT rtreecheck('main', 'rtree_{}_geom')", table))
            .value_or("no answer");
    if (result != "ok") {
      checker.Problem(fmt::format("R-tree of {}: {}", table, result));
    }
    checker.RowsAreProblems(
        fmt::format("R-tree of {}: an entry without a feature, fid {{}}",
                    table),
        fmt::format("SELECT id FROM rtree_{0}_geom WHERE id NOT IN (SELECT fid "
                    "FROM {0} WHERE geom NOTNULL AND NOT ST_IsEmpty(geom))",
                    table));
    checker.RowsAreProblems(
        fmt::format("R-tree of {}: a feature without an entry, or with a wrong "
                    "one, fid {{}}",
                    table),
        fmt::format(
            "SELECT t.fid FROM {0} AS t LEFT JOIN rtree_{0}_geom AS r "
            "ON r.id = t.fid WHERE t.geom NOTNULL AND NOT ST_IsEmpty(t.geom) "
            "AND (r.id ISNULL "
            "OR r.minx > ST_MinX(t.geom) OR r.maxx < ST_MaxX(t.geom) "
            "OR r.miny > ST_MinY(t.geom) OR r.maxy < ST_MaxY(t.geom) "
            "OR r.minx < ST_MinX(t.geom) - ?1 * abs(ST_MinX(t.geom)) - ?1 "
            "OR r.maxx > ST_MaxX(t.geom) + ?1 * abs(ST_MaxX(t.geom)) + ?1 "
            "OR r.miny < ST_MinY(t.geom) - ?1 * abs(ST_MinY(t.geom)) - ?1 "
            "OR r.maxy > ST_MaxY(t.geom) + ?1 * abs(ST_MaxY(t.geom)) + ?1)",
            table),
        kRtreeSlack);
  });
}

bool IsSame(const std::optional<Box>& a, const std::optional<Box>& b) {
  if (!a || !b) return !a && !b;
  return a->min_x == b->min_x && a->min_y == b->min_y && a->max_x == b->max_x &&
         a->max_y == b->max_y;
}

void CheckGeometries(Checker& checker, std::string_view table, int srs_id) {
  checker.Test(fmt::format("geometries of {}", table), [&] {
    Statement statement = checker.Database().Prepare(
        fmt::format("SELECT fid, geom FROM {} WHERE geom NOTNULL", table));
    while (statement.Step()) {
      const std::string where = fmt::format("geometries of {}: fid {}", table,
                                            statement.Get<int64_t>(0));
      const std::string_view bytes = statement.BlobAt(1);
      try {
        const MultiPolygon polygons = DecodeGeometry(bytes);
        const auto header = ReadGeometryHeader(bytes);
        if (header->srs_id != srs_id) {
          checker.Problem(fmt::format("{}: srs_id is {}, the layer's is {}",
                                      where, header->srs_id, srs_id));
        }
        // The envelope may be left out, but not be wrong.
        if (header->envelope && !IsSame(header->envelope, Bounds(polygons))) {
          checker.Problem(where + ": the envelope is wrong");
        }
      } catch (const Error& error) {
        checker.Problem(fmt::format("{}: {}", where, error.Message()));
      }
    }
  });
}

void CheckProject(Checker& checker) {
  checker.Test("editions", [&] {
    checker.RowsAreProblems(
        "editions: two editions out of order, or in one place: {}",
        "SELECT a.edition, b.edition FROM edition AS a JOIN edition AS b "
        "ON a.fid < b.fid WHERE a.ordinal = b.ordinal "
        "OR (a.ordinal < b.ordinal AND a.date_from > b.date_from) "
        "OR (a.ordinal > b.ordinal AND a.date_from < b.date_from)");
    checker.RowsAreProblems(
        "editions: a building without an observation on its first edition or "
        "its last: {}",
        "SELECT track_id FROM building AS b WHERE NOT EXISTS (SELECT 1 FROM "
        "observation AS o WHERE o.track_id = b.track_id AND o.edition = "
        "b.first_edition) OR NOT EXISTS (SELECT 1 FROM observation AS o "
        "WHERE o.track_id = b.track_id AND o.edition = b.last_edition)");
    checker.RowsAreProblems(
        "editions: a building's last edition is before its first: {}",
        "SELECT track_id FROM building AS b "
        "JOIN edition AS f ON f.edition = b.first_edition "
        "JOIN edition AS l ON l.edition = b.last_edition "
        "WHERE l.ordinal < f.ordinal");
  });
  checker.Test("order of dates", [&] {
    checker.RowsAreProblems(
        "order of dates: building (track, built after, built by, gone after, "
        "gone by): {}",
        // A survey may take a year: then a building is built by the last day
        // of the first one that shows it, and gone after the first day of the
        // last one, which may well be earlier.
        "SELECT track_id, built_after, built_by, gone_after, gone_by "
        "FROM building AS b WHERE built_after > built_by "
        "OR gone_after > gone_by OR built_after > gone_after "
        "OR built_by > gone_by "
        "OR (built_by > gone_after AND NOT EXISTS (SELECT 1 "
        "FROM edition AS f, edition AS l WHERE f.edition = b.first_edition "
        // A sheet may have been drawn apart from the rest of its edition.
        "AND l.edition = b.last_edition AND built_by <= max(f.date_to, "
        "coalesce((SELECT max(survey_to) FROM sheet "
        "WHERE edition = f.edition), f.date_to)) "
        "AND gone_after >= min(l.date_from, "
        "coalesce((SELECT min(survey_from) FROM sheet "
        "WHERE edition = l.edition), l.date_from))))");
    checker.RowsAreProblems(
        "order of dates: building_state ends before it starts (fid, track): "
        "{}",
        "SELECT fid, track_id FROM building_state WHERE start_date > end_date");
    checker.RowsAreProblems(
        "order of dates: sheet's survey ends before it starts (fid, path): {}",
        "SELECT fid, path FROM sheet WHERE survey_from > survey_to");
  });
}

}  // namespace

CheckReport CheckStore(const std::filesystem::path& path) {
  Connection connection(path, Access::kReadOnly);
  Checker checker(connection);
  CheckSqlite(checker);
  CheckTables(checker);
  if (!connection.HasTable("mapweave_meta")) {
    return checker.TakeReport();  // nothing else would be there
  }
  int srs_id = 0;
  checker.Test("CRS", [&] { srs_id = ReadSrs(connection).srs_id; });
  for (const LayerInfo& layer : kFeatureLayers) {
    CheckExtent(checker, layer.table);
    CheckRtree(checker, layer.table);
    CheckGeometries(checker, layer.table, srs_id);
  }
  CheckProject(checker);
  return checker.TakeReport();
}

StoreStats ReadStats(const Store& store) {
  Connection& connection = store.InnerConnection();
  const auto count = [&](std::string_view table) {
    return connection
        .QueryValue<int64_t>(fmt::format("SELECT count(*) FROM {}", table))
        .value_or(0);
  };
  StoreStats stats;
  stats.sheets = count("sheet");
  stats.editions = count("edition");
  stats.buildings = count("building");
  stats.observations = count("observation");
  stats.states = count("building_state");
  stats.runs = count("run");
  stats.reviews = count("review");
  Statement editions = connection.Prepare(
      "SELECT e.edition, count(o.fid), total(o.area_m2) FROM edition AS e "
      "LEFT JOIN observation AS o ON o.edition = e.edition "
      "GROUP BY e.edition ORDER BY e.ordinal");
  while (editions.Step()) {
    StoreStats::PerEdition row;
    ColumnReader(editions) >> row.edition >> row.observations >> row.area_m2;
    stats.area_m2 += row.area_m2;
    stats.per_edition.push_back(std::move(row));
  }
  Statement kinds =
      connection.Prepare("SELECT kind, count(*) FROM lineage GROUP BY kind");
  while (kinds.Step()) {
    stats.lineage[kinds.Get<std::string>(0)] = kinds.Get<int64_t>(1);
  }
  std::error_code failure;
  const uintmax_t bytes = std::filesystem::file_size(store.Path(), failure);
  if (!failure) stats.file_bytes = static_cast<int64_t>(bytes);
  return stats;
}

}  // namespace mapweave::db
