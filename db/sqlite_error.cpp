// SPDX-License-Identifier: MIT
#include "db/sqlite_error.h"

#include "core/error.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <string>

namespace mapweave::db {
namespace {

struct Explanation {
  std::string reason;
  std::string hint;
};

Explanation ExplainConstraint(int extended, std::string_view detail) {
  switch (extended) {
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return {"a row refers to an edition, building or run that is not there",
              "Write editions and runs before what refers to them."};
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
      return {fmt::format("there are two rows of one key ({})", detail),
              "Give each row a key of its own."};
    default:
      return {fmt::format("a value is not allowed ({})", detail),
              "Correct the value."};
  }
}

Explanation Explain(int result_code, std::string_view detail) {
  switch (result_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {"another program is using it",
              "Close it there (QGIS keeps layers locked while they are "
              "edited), or wait for the other run, and try again."};
    case SQLITE_NOTADB:
      return {"it is not a SQLite database",
              "Give a project file (.gpkg) that mapweave made."};
    case SQLITE_FULL:
      return {"the disk is full",
              "Free some space and run the same command again; nothing "
              "that was saved before is lost."};
    case SQLITE_READONLY:
      return {"it may not be written",
              "Check the permissions of the file and of its folder, or "
              "copy it to a folder of yours."};
    case SQLITE_CORRUPT:
      return {fmt::format("the file is damaged ({})", detail),
              "Look with 'mapweave db check'; go back to a copy, or save "
              "what is left with 'sqlite3 FILE .recover'."};
    case SQLITE_CANTOPEN:
      return {"it cannot be opened",
              "Check that the file exists and that you may read it and "
              "write in its folder."};
    case SQLITE_IOERR:
      return {fmt::format("reading or writing the disk failed ({})", detail),
              "Check the disk; keep project files on a local disk, not on a "
              "network share."};
    case SQLITE_TOOBIG:
      return {"a value is too large", "Use smaller windows."};
    case SQLITE_AUTH:
      return {fmt::format("the expression does what it must not ({})", detail),
              "Use the columns of the result and plain functions only."};
    case SQLITE_CONSTRAINT:
      return ExplainConstraint(result_code, detail);
    default:
      return {std::string(detail), ""};
  }
}

}  // namespace

void ThrowSqliteError(int result_code, const std::filesystem::path& path,
                      std::string_view action, std::string_view detail) {
  const Explanation explanation = Explain(result_code, detail);
  throw Error(
      ErrorCode::kDatabase,
      fmt::format("{} '{}': {}", action, path.string(), explanation.reason),
      explanation.hint);
}

}  // namespace mapweave::db
