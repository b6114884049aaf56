// SPDX-License-Identifier: MIT
#include "db/query_sql.h"

#include "core/error.h"
#include "db/gpkg_geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace mapweave::db {
namespace {

// The joined rows under the names that QueryRow and --where use. {0}: the
// layer's table, {1}: the layer's own columns.
constexpr char kRowsSql[] = R"(SELECT s.fid AS fid, s.track_id AS track_id,
    s.edition AS edition, s.area_m2 AS area_m2, {1},
    e.date_edtf AS date_edtf, e.date_from AS date_from, e.date_to AS date_to,
    b.built_after AS built_after, b.built_by AS built_by,
    b.gone_after AS gone_after, b.gone_by AS gone_by,
    b.start_edtf AS start_edtf, b.end_edtf AS end_edtf,
    b.first_edition AS first_edition, b.last_edition AS last_edition,
    b.confidence AS confidence, s.run_id AS run_id, e.ordinal AS ordinal,
    s.geom AS geom
  FROM {0} AS s
  JOIN building AS b ON b.track_id = s.track_id
  JOIN edition AS e ON e.edition = s.edition)";

constexpr char kStateColumnsSql[] =
    "s.start_date AS start_date, s.end_date AS end_date, s.kind AS kind,\n"
    "    NULL AS score, NULL AS presence";
constexpr char kObservationColumnsSql[] =
    "NULL AS start_date, NULL AS end_date, NULL AS kind,\n"
    "    s.score AS score, s.presence AS presence";

std::string_view TableOf(QueryLayer layer) {
  return layer == QueryLayer::kObservation ? "observation" : "building_state";
}

// Position in the series of the edition on which a building's shape at date
// {1} is drawn: its latest one up to the date, or else its first.
constexpr char kCurrentOrdinalSql[] =
    R"(coalesce((SELECT max(e2.ordinal) FROM {0} AS s2
      JOIN edition AS e2 ON e2.edition = s2.edition
      WHERE s2.track_id = r.track_id AND e2.date_from <= {1}),
    (SELECT min(e2.ordinal) FROM {0} AS s2
      JOIN edition AS e2 ON e2.edition = s2.edition
      WHERE s2.track_id = r.track_id)))";

class Builder {
 public:
  explicit Builder(const QueryFilter& filter)
      : filter_(filter), table_(TableOf(filter.layer)) {}

  QuerySql Build() {
    AddPlainFilters();
    AddTimeFilters();
    AddPlaceFilters();
    if (filter_.where) {
      CheckWhereExpression(*filter_.where);
      // On lines of its own: nothing can comment out the parenthesis.
      conditions_.push_back(fmt::format("(\n{}\n)", *filter_.where));
    }
    const bool observation = filter_.layer == QueryLayer::kObservation;
    sql_.text = fmt::format(
        "SELECT * FROM (\n  {}\n) AS r\n",
        fmt::format(kRowsSql, table_,
                    observation ? kObservationColumnsSql : kStateColumnsSql));
    const char* keyword = "WHERE ";
    for (const std::string& condition : conditions_) {
      sql_.text += keyword + condition + "\n";
      keyword = "  AND ";
    }
    sql_.text += "ORDER BY track_id, ordinal, fid";
    return std::move(sql_);
  }

 private:
  template <typename T>
  std::string Bind(T value) {
    sql_.values.emplace_back(std::move(value));
    return fmt::format("?{}", sql_.values.size());
  }
  void Add(std::string condition) {
    conditions_.push_back(std::move(condition));
  }

  void AddPlainFilters() {
    if (filter_.track) Add("r.track_id = " + Bind(*filter_.track));
    if (filter_.edition) Add("r.edition = " + Bind(*filter_.edition));
    if (filter_.min_area_m2) {
      Add("r.area_m2 >= " + Bind(*filter_.min_area_m2));
    }
  }

  void AddTimeFilters() {
    std::optional<std::string> from;
    std::optional<std::string> to;
    if (filter_.at) {
      from = Bind(filter_.at->from.ToString());
      to = Bind(filter_.at->to.ToString());
    } else if (filter_.between) {
      from = Bind(filter_.between->first.from.ToString());
      to = Bind(filter_.between->second.to.ToString());
    }
    if (filter_.kind) {
      AddLineageFilter(from, to);
    } else if (from) {
      AddStandingFilter(*from, *to);
      AddShapeFilter(*from, *to);
    }
  }

  void AddStandingFilter(const std::string& from, const std::string& to) {
    if (filter_.standing == Standing::kCertain) {
      Add(fmt::format("r.built_by <= {}", to));
      Add(fmt::format("(r.gone_after ISNULL OR r.gone_after >= {})", from));
    } else {
      Add(fmt::format("(r.built_after ISNULL OR r.built_after <= {})", to));
      Add(fmt::format("(r.gone_by ISNULL OR r.gone_by >= {})", from));
    }
  }

  void AddShapeFilter(const std::string& from, const std::string& to) {
    const std::string last = fmt::format(kCurrentOrdinalSql, table_, to);
    if (filter_.at) {
      Add("r.ordinal = " + last);
    } else {
      Add("r.ordinal BETWEEN " + fmt::format(kCurrentOrdinalSql, table_, from) +
          "\n    AND " + last);
    }
  }

  void AddLineageFilter(const std::optional<std::string>& from,
                        const std::optional<std::string>& to) {
    std::string links =
        "FROM lineage AS l\n"
        "      LEFT JOIN edition AS f ON f.edition = l.from_edition\n"
        "      LEFT JOIN edition AS t ON t.edition = l.to_edition\n"
        "      WHERE l.kind = " +
        Bind(*filter_.kind);
    if (from) {
      links += fmt::format(
          "\n      AND coalesce(f.date_from, t.date_from) <= {}"
          "\n      AND coalesce(t.date_to, f.date_to) >= {}",
          *to, *from);
    }
    Add(
        fmt::format("r.track_id IN (\n    SELECT l.from_track {0}\n"
                    "    UNION ALL\n    SELECT l.to_track {0})",
                    links));
  }

  void AddEnvelopeFilter(const Box& box) {
    // The R-tree rounds outwards to 32-bit floats: it never misses a row.
    Add(
        fmt::format("r.fid IN (SELECT id FROM rtree_{}_geom WHERE minx <= {} "
                    "AND maxx >= {} AND miny <= {} AND maxy >= {})",
                    table_, Bind(box.max_x), Bind(box.min_x), Bind(box.max_y),
                    Bind(box.min_y)));
  }

  void AddPlaceFilters() {
    if (filter_.bbox) {
      AddEnvelopeFilter(*filter_.bbox);
      sql_.exact_tests.emplace_back("the polygon intersects the box");
    }
    if (filter_.within) {
      // Validate() has seen to it that there are vertices.
      if (const auto bounds = Bounds(*filter_.within)) {
        AddEnvelopeFilter(*bounds);
      }
      sql_.exact_tests.emplace_back(
          "a representative point lies inside the given polygon");
    }
    if (filter_.near && filter_.near->radius) {
      const Point2d& point = filter_.near->point;
      const double radius = *filter_.near->radius;
      AddEnvelopeFilter({point.x - radius, point.y - radius, point.x + radius,
                         point.y + radius});
      sql_.exact_tests.push_back(
          fmt::format("the polygon is within {} of the point", radius));
    }
    if (filter_.near && filter_.near->nearest) {
      sql_.exact_tests.push_back(
          fmt::format("the {} nearest rows are kept", *filter_.near->nearest));
    }
  }

  const QueryFilter& filter_;
  std::string_view table_;
  QuerySql sql_;
  std::vector<std::string> conditions_;
};

[[noreturn]] void ThrowBadWhere(std::string_view expression,
                                std::string_view reason) {
  throw Error(
      ErrorCode::kUsage, fmt::format("--where '{}': {}", expression, reason),
      fmt::format("Give one condition over the columns {}.", WhereColumns()));
}

void CheckBox(const Box& box) {
  const bool finite = std::isfinite(box.min_x) && std::isfinite(box.min_y) &&
                      std::isfinite(box.max_x) && std::isfinite(box.max_y);
  if (!finite || box.min_x > box.max_x || box.min_y > box.max_y) {
    throw Error(ErrorCode::kUsage, "the box is empty",
                "Give it as MINX,MINY,MAXX,MAXY.");
  }
}

void CheckNear(const NearFilter& near) {
  if (!near.radius && !near.nearest) {
    throw Error(ErrorCode::kUsage, "how near is not said",
                "Give a radius, a number of buildings, or both.");
  }
  if (near.radius && !(std::isfinite(*near.radius) && *near.radius >= 0.0)) {
    throw Error(ErrorCode::kUsage, "the radius must be a number from 0");
  }
  if (near.nearest && *near.nearest < 1) {
    throw Error(ErrorCode::kUsage, "at least one building must be asked for");
  }
}

}  // namespace

void QueryFilter::Validate() const {
  if (at && between) {
    throw Error(ErrorCode::kUsage, "a date and an interval exclude each other",
                "Use --at or --between.");
  }
  if (between && between->second.to < between->first.from) {
    throw Error(ErrorCode::kUsage, "the interval ends before it begins",
                "Give the earlier date first.");
  }
  if (kind && std::find(LineageKinds().begin(), LineageKinds().end(), *kind) ==
                  LineageKinds().end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' is no kind of lineage", *kind),
                fmt::format("Use one of {}.", fmt::join(LineageKinds(), ", ")));
  }
  if (bbox) CheckBox(*bbox);
  if (within && !Bounds(*within)) {
    throw Error(ErrorCode::kUsage, "the polygon to search within is empty");
  }
  if (near) CheckNear(*near);
  if (limit && *limit < 1) {
    throw Error(ErrorCode::kUsage, "the limit must be at least 1");
  }
  if (where) CheckWhereExpression(*where);
}

QuerySql BuildQuerySql(const QueryFilter& filter) {
  return Builder(filter).Build();
}

std::string_view WhereColumns() {
  return "fid, track_id, edition, area_m2, start_date, end_date, kind, score, "
         "presence, date_edtf, date_from, date_to, built_after, built_by, "
         "gone_after, gone_by, start_edtf, end_edtf, first_edition, "
         "last_edition, confidence, run_id";
}

void CheckWhereExpression(std::string_view expression) {
  if (expression.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    ThrowBadWhere(expression, "the condition is empty");
  }
  int depth = 0;
  char quote = '\0';  // the character that ends the quoted part, or none
  for (size_t i = 0; i < expression.size(); ++i) {
    const char letter = expression[i];
    const char next = i + 1 < expression.size() ? expression[i + 1] : '\0';
    if (letter == '\0') ThrowBadWhere(expression, "a NUL byte");
    if (quote != '\0') {
      // A doubled quote ends and begins again, which comes to the same.
      if (letter == quote) quote = '\0';
      continue;
    }
    switch (letter) {
      case '\'':
      case '"':
      case '`':
        quote = letter;
        break;
      case '[':
        quote = ']';
        break;
      case '(':
        ++depth;
        break;
      case ')':
        if (--depth < 0) ThrowBadWhere(expression, "a ')' too many");
        break;
      case ';':
        ThrowBadWhere(expression, "';' is not allowed");
      case '?':
      case '@':
      case '$':
      case ':':
      case '#':
        ThrowBadWhere(expression, "parameters are not allowed");
      case '-':
        // "->" is fine, "--" begins a comment.
        if (next == '-') ThrowBadWhere(expression, "comments are not allowed");
        break;
      case '/':
        if (next == '*') ThrowBadWhere(expression, "comments are not allowed");
        break;
      default:
        break;
    }
  }
  if (quote != '\0') ThrowBadWhere(expression, "a quote is not closed");
  if (depth != 0) ThrowBadWhere(expression, "a '(' is not closed");
}

}  // namespace mapweave::db
