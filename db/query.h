// SPDX-License-Identifier: MIT
//
// Questions to a project file: which buildings stood there then, which of them
// were split, what lies near. Filters are joined by AND, values are bound, and
// places are looked up in the R-tree first and then tested exactly.
#pragma once

#include "core/date.h"
#include "core/geometry.h"
#include "db/store.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::db {

enum class QueryLayer { kBuildingState, kObservation };

// How sure a building must be to stand at the dates asked for.
//   kCertain:  certainly built by then (built_by <= to) and not known to be
//              possibly gone (gone_after >= from, or unknown).
//   kPossible: not certainly absent: built_after <= to or unknown, and
//              gone_by >= from or unknown.
// from and to are the first and last day of the date or interval asked for, so
// "1890" means: at some moment of 1890. Bounds are included, because the order
// of events within a day (or a survey year) is unknown.
enum class Standing { kCertain, kPossible };

struct NearFilter {
  Point2d point;  // project CRS
  // Rows whose polygon is at most this far away, in CRS units.
  std::optional<double> radius;
  // At most so many rows, nearest first (ties by fid). One of the two at
  // least must be set.
  std::optional<int> nearest;
};

// An unset member does not filter.
struct QueryFilter {
  QueryLayer layer = QueryLayer::kBuildingState;
  Standing standing = Standing::kCertain;
  // Buildings standing at the date, one row each: as drawn on the latest
  // edition up to it, or else on their first one.
  std::optional<DateRange> at;
  // Buildings standing at some moment from the first day of `first` to the
  // last day of `second`, with every shape that they had in that time.
  std::optional<std::pair<DateRange, DateRange>> between;
  // Rows whose polygon intersects the box (project CRS), edges included.
  std::optional<Box> bbox;
  // Rows with a representative point inside the polygon (project CRS): a
  // building on the border belongs to one side only. The point lies in the
  // row's largest polygon, in the middle of its widest part on the horizontal
  // through the middle of its bounds.
  std::optional<MultiPolygon> within;
  // Buildings that take part, as before or after, in a lineage link of this
  // kind. `at` and `between` then ask when that happened (from the survey of
  // from_edition to that of to_edition) instead of who was standing.
  std::optional<std::string> kind;
  std::optional<std::string> track;
  std::optional<NearFilter> near;
  std::optional<double> min_area_m2;
  std::optional<std::string> edition;
  // An SQL expression over the columns of QueryRow, by their names. It can
  // read the tables of the project and call plain functions, nothing else. It
  // runs on a connection of its own, which does not see what an open
  // transaction has written.
  std::optional<std::string> where;
  std::optional<int64_t> limit;

  // Throws Error{kUsage}.
  void Validate() const;
};

// A row of the layer, joined with its building and its edition.
struct QueryRow {
  int64_t fid = 0;
  std::string track_id;
  std::string edition;
  double area_m2 = 0.0;
  // building_state only.
  std::optional<Date> start_date;
  std::optional<Date> end_date;
  std::optional<std::string> kind;
  // observation only.
  std::optional<double> score;
  std::optional<double> presence;
  // Of the edition.
  std::string date_edtf;
  Date date_from;
  Date date_to;
  // Of the building.
  std::optional<Date> built_after;
  std::optional<Date> built_by;
  std::optional<Date> gone_after;
  std::optional<Date> gone_by;
  std::optional<std::string> start_edtf;
  std::optional<std::string> end_edtf;
  std::string first_edition;
  std::string last_edition;
  double confidence = 0.0;
  std::string run_id;
  // CRS units from near.point; set if `near` was asked for.
  std::optional<double> distance;
  MultiPolygon geometry;
};

// Calls `sink` for each row, ordered by (track_id, edition's date, fid), or by
// distance if `near` asks for the nearest. Throws Error{kUsage} for a filter
// that makes no sense and Error{kDatabase}.
void Query(const Store& store, const QueryFilter& filter,
           const std::function<void(QueryRow)>& sink);
std::vector<QueryRow> Query(const Store& store, const QueryFilter& filter);

// The SQL with its bound values, SQLite's plan, and what is tested after SQL.
std::string ExplainQuery(const Store& store, const QueryFilter& filter);

}  // namespace mapweave::db
