// SPDX-License-Identifier: MIT
//
// The table of sheets.
#include "core/csv.h"
#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "geo/file_access.h"
#include "pipelines/catalogue.h"

#include <fmt/format.h>

#include <map>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

[[noreturn]] void Refuse(const fs::path& path, int line,
                         const std::string& fault) {
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("'{}', line {}: {}", path.string(), line, fault),
      fmt::format("The columns are path, date, edition, edition_date, {}; "
                  "only path is needed.",
                  fmt::join(kSettingKeys, ", ")));
}

bool IsColumn(const std::string& name) {
  return name == "path" || name == "date" || name == "edition" ||
         name == "edition_date" || IsSettingKey(name);
}

// Column name to its position. People keep notes in tables: columns that are
// not ours stay where they are, but are named, in case one is misspelt.
std::map<std::string, size_t> ColumnsOf(const fs::path& path,
                                        const CsvRow& header) {
  std::map<std::string, size_t> columns;
  std::vector<std::string> others;
  for (size_t i = 0; i < header.fields.size(); ++i) {
    const std::string name = ToLower(Trimmed(header.fields[i]));
    if (!IsColumn(name)) {
      others.push_back(Trimmed(header.fields[i]));
    } else if (!columns.emplace(name, i).second) {
      Refuse(path, header.line, fmt::format("two columns '{}'", name));
    }
  }
  if (!columns.contains("path")) {
    Refuse(path, header.line, "no column 'path'");
  }
  if (!others.empty()) {
    LogWarning("'{}': columns that are not used: {}", path.string(),
               fmt::join(others, ", "));
  }
  return columns;
}

CatalogueEntry EntryOf(const fs::path& path, const CsvRow& row,
                       const std::map<std::string, size_t>& columns) {
  CatalogueEntry entry;
  for (const auto& [name, position] : columns) {
    if (position >= row.fields.size()) continue;
    const std::string value = Trimmed(row.fields[position]);
    if (value.empty()) continue;
    try {
      if (name == "path") {
        entry.path = geo::PathBeside(path, value);
      } else if (name == "edition") {
        entry.edition = value;
      } else if (name == "date") {
        entry.date = ParseDateRange(value);
      } else if (name == "edition_date") {
        entry.edition_date = ParseDateRange(value);
      } else {
        entry.settings.Set(name, value);
      }
    } catch (const Error& error) {
      Refuse(path, row.line, error.Message());
    }
  }
  if (entry.path.empty()) Refuse(path, row.line, "no path");
  entry.settings.MapPaths([&path](const std::string& name) {
    return geo::PathBeside(path, name).string();
  });
  return entry;
}

}  // namespace

std::vector<CatalogueEntry> ReadSeriesCsv(const fs::path& path) {
  const std::vector<CsvRow> rows = ParseCsv(geo::ReadText(path), path.string());
  if (rows.empty()) Refuse(path, 1, "the table is empty");
  const std::map<std::string, size_t> columns = ColumnsOf(path, rows.front());
  std::vector<CatalogueEntry> entries;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].fields.size() > rows.front().fields.size()) {
      Refuse(path, rows[i].line,
             fmt::format("{} fields under {} columns", rows[i].fields.size(),
                         rows.front().fields.size()));
    }
    entries.push_back(EntryOf(path, rows[i], columns));
  }
  return entries;
}

}  // namespace mapweave::pipelines
