// SPDX-License-Identifier: MIT
#include "db/authorizer.h"

#include <sqlite3.h>

#include <string_view>

namespace mapweave::db {
namespace {

// Functions that read their arguments and no more. Left out on purpose: those
// that load code, make large values out of nothing, or tell about the host.
const std::set<std::string, std::less<>>& PlainFunctions() {
  static const std::set<std::string, std::less<>> kFunctions{
      "->",           "->>",
      "abs",          "avg",
      "coalesce",     "count",
      "date",         "datetime",
      "exists",       "glob",
      "ifnull",       "iif",
      "instr",        "json_array_length",
      "json_extract", "json_type",
      "json_valid",   "julianday",
      "length",       "like",
      "likelihood",   "likely",
      "lower",        "ltrim",
      "max",          "min",
      "nullif",       "round",
      "rtrim",        "sign",
      "st_isempty",   "st_maxx",
      "st_maxy",      "st_minx",
      "st_miny",      "strftime",
      "substr",       "substring",
      "sum",          "total",
      "trim",         "typeof",
      "unlikely",     "upper"};
  return kFunctions;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + 32);
  }
  return lower;
}

int Authorize(void* context, int action, const char* first, const char* second,
              const char* /*database*/, const char* /*trigger*/) noexcept {
  const auto& tables = *static_cast<const std::set<std::string>*>(context);
  switch (action) {
    case SQLITE_SELECT:
      return SQLITE_OK;
    case SQLITE_READ:
      // An empty name: the query itself, as in count(*) over a subquery.
      return first == nullptr || *first == '\0' || tables.contains(first)
                 ? SQLITE_OK
                 : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return second != nullptr && PlainFunctions().contains(LowerCase(second))
                 ? SQLITE_OK
                 : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

}  // namespace

void InstallReadAuthorizer(sqlite3* handle,
                           const std::set<std::string>& tables) {
  // A "name" that is no column is an error here, not a string.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_set_authorizer(handle, Authorize,
                         const_cast<std::set<std::string>*>(&tables));
}

}  // namespace mapweave::db
