// SPDX-License-Identifier: MIT
#include "db/query.h"

#include "core/error.h"
#include "db/gpkg_geometry.h"
#include "db/predicates.h"
#include "db/query_sql.h"
#include "db/sqlite.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

namespace mapweave::db {
namespace {

// The tables whose content a --where expression may read.
const std::set<std::string>& ReadableTables() {
  static const std::set<std::string> kTables{"sheet",
                                             "edition",
                                             "observation",
                                             "building",
                                             "building_state",
                                             "lineage",
                                             "review",
                                             "run",
                                             "model",
                                             "experiment",
                                             "rtree_sheet_geom",
                                             "rtree_observation_geom",
                                             "rtree_building_state_geom"};
  return kTables;
}

// The connection to ask: the store's own, or, for an expression that a user
// typed, a read-only one that can do nothing else.
class QueryConnection {
 public:
  QueryConnection(const Store& store, const QueryFilter& filter)
      : connection_(&store.InnerConnection()) {
    if (!filter.where) return;
    restricted_ = std::make_unique<Connection>(store.Path(), Access::kReadOnly);
    connection_ = restricted_.get();
    // An R-tree prepares statements of its own when first used, among them
    // ones that write; that must be over before writing is forbidden.
    for (const char* table : {"observation", "building_state"}) {
      connection_->QueryValue<int64_t>(
          fmt::format("SELECT id FROM rtree_{}_geom LIMIT 1", table));
    }
    connection_->RestrictToReading(ReadableTables());
  }

  Statement Prepare(const QueryFilter& filter, const std::string& sql) {
    try {
      return connection_->Prepare(sql);
    } catch (const Error& error) {
      if (!filter.where) throw;
      // The rest of the text is ours and sound: the expression is at fault.
      const std::string message = error.Message();
      const size_t reason = message.rfind("': ");
      throw Error(
          ErrorCode::kUsage,
          fmt::format("--where '{}': {}", *filter.where,
                      reason == std::string::npos ? message
                                                  : message.substr(reason + 3)),
          fmt::format("Give one condition over the columns {}.",
                      WhereColumns()));
    }
  }

 private:
  Connection* connection_;
  std::unique_ptr<Connection> restricted_;
};

void BindValues(Statement& statement, const QuerySql& sql) {
  int index = 0;
  for (const auto& value : sql.values) {
    ++index;
    std::visit([&](const auto& v) { statement.Bind(index, v); }, value);
  }
}

QueryRow ReadRow(const Statement& statement) {
  QueryRow row;
  ColumnReader in(statement);
  in >> row.fid >> row.track_id >> row.edition >> row.area_m2 >>
      row.start_date >> row.end_date >> row.kind >> row.score >> row.presence >>
      row.date_edtf >> row.date_from >> row.date_to >> row.built_after >>
      row.built_by >> row.gone_after >> row.gone_by >> row.start_edtf >>
      row.end_edtf >> row.first_edition >> row.last_edition >> row.confidence >>
      row.run_id;
  int ordinal = 0;
  in >> ordinal;
  row.geometry = DecodeGeometry(in.NextBlob());
  return row;
}

// What SQL could not test. Fills in the distance.
bool PassesExactTests(const QueryFilter& filter, QueryRow& row) {
  if (filter.bbox && !Intersects(row.geometry, *filter.bbox)) return false;
  if (filter.within) {
    const auto point = RepresentativePoint(row.geometry);
    if (!point || !Contains(*filter.within, *point)) return false;
  }
  if (filter.near) {
    row.distance = Distance(row.geometry, filter.near->point);
    if (filter.near->radius && *row.distance > *filter.near->radius) {
      return false;
    }
  }
  return true;
}

bool IsNearer(const QueryRow& a, const QueryRow& b) {
  return std::tie(*a.distance, a.fid) < std::tie(*b.distance, b.fid);
}

// Holds the n nearest rows of those that were added.
class NearestRows {
 public:
  explicit NearestRows(int count) : count_(static_cast<size_t>(count)) {}

  void Add(QueryRow row) {
    if (heap_.size() == count_) {
      if (!IsNearer(row, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), IsNearer);
      heap_.pop_back();
    }
    heap_.push_back(std::move(row));
    std::push_heap(heap_.begin(), heap_.end(), IsNearer);
  }

  std::vector<QueryRow> TakeSorted() {
    std::sort_heap(heap_.begin(), heap_.end(), IsNearer);
    return std::move(heap_);
  }

 private:
  size_t count_;
  std::vector<QueryRow> heap_;  // farthest on top
};

std::string PlanOf(Statement& plan) {
  std::string text;
  while (plan.Step()) {
    // Columns: id, parent, unused, detail.
    text += fmt::format("  {}\n", plan.Get<std::string>(3));
  }
  return text;
}

}  // namespace

void Query(const Store& store, const QueryFilter& filter,
           const std::function<void(QueryRow)>& sink) {
  filter.Validate();
  const QuerySql sql = BuildQuerySql(filter);
  QueryConnection connection(store, filter);
  Statement statement = connection.Prepare(filter, sql.text);
  BindValues(statement, sql);

  const bool nearest = filter.near && filter.near->nearest;
  NearestRows nearest_rows(nearest ? *filter.near->nearest : 0);
  int64_t left = filter.limit.value_or(INT64_MAX);
  while (left > 0 && statement.Step()) {
    QueryRow row = ReadRow(statement);
    if (!PassesExactTests(filter, row)) continue;
    if (nearest) {
      nearest_rows.Add(std::move(row));
    } else {
      sink(std::move(row));
      --left;
    }
  }
  if (!nearest) return;
  for (QueryRow& row : nearest_rows.TakeSorted()) {
    if (left-- <= 0) break;
    sink(std::move(row));
  }
}

std::vector<QueryRow> Query(const Store& store, const QueryFilter& filter) {
  std::vector<QueryRow> rows;
  Query(store, filter,
        [&rows](QueryRow row) { rows.push_back(std::move(row)); });
  return rows;
}

std::string ExplainQuery(const Store& store, const QueryFilter& filter) {
  filter.Validate();
  const QuerySql sql = BuildQuerySql(filter);
  std::string text = sql.text + "\n";
  for (size_t i = 0; i < sql.values.size(); ++i) {
    text += std::visit(
        [i](const auto& value) {
          return fmt::format("?{} = {}\n", i + 1, value);
        },
        sql.values[i]);
  }
  if (filter.where) {
    // EXPLAIN is more than the fence allows: look whether the expression
    // passes it first.
    QueryConnection fenced(store, filter);
    fenced.Prepare(filter, sql.text);
  }
  Statement plan =
      store.InnerConnection().Prepare("EXPLAIN QUERY PLAN " + sql.text);
  BindValues(plan, sql);
  text += "plan:\n" + PlanOf(plan);
  for (const std::string& test : sql.exact_tests) {
    text += fmt::format("then, for each row: {}\n", test);
  }
  return text;
}

}  // namespace mapweave::db
