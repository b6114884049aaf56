// SPDX-License-Identifier: MIT
//
// A filter as SQL. Values are bound, never written into the text; the one text
// that comes from outside is the --where expression, which is fenced in here
// and read under an authorizer by whoever runs it.
#pragma once

#include "db/query.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mapweave::db {

struct QuerySql {
  std::string text;
  // Value i is bound to ?(i + 1).
  std::vector<std::variant<int64_t, double, std::string>> values;
  // What SQL cannot test and is tested on each row that it finds.
  std::vector<std::string> exact_tests;
};

// Columns: those of QueryRow by their names, then ordinal and geom.
QuerySql BuildQuerySql(const QueryFilter& filter);

// The names of the columns that --where may use, separated by commas.
std::string_view WhereColumns();

// Throws Error{kUsage} unless `expression` stays within the parentheses that
// are put around it: balanced, no statement end, comment or parameter outside
// of quotes.
void CheckWhereExpression(std::string_view expression);

}  // namespace mapweave::db
