// SPDX-License-Identifier: MIT
#include "pipelines/catalogue_writer.h"

#include "core/csv.h"
#include "core/error.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

SheetSettings SettingsBeside(const SeriesSheet& sheet, const fs::path& output) {
  SheetSettings settings = sheet.settings;
  settings.MapPaths(
      [&output](const std::string& path) { return StoredPath(path, output); });
  return settings;
}

// A basic string of TOML 1.0.
std::string TomlText(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += fmt::format("\\{}", c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string TomlSheet(const SeriesSheet& sheet, const SeriesEdition& edition,
                      const fs::path& output) {
  const std::string path = TomlText(StoredPath(sheet.path, output));
  std::string more;
  if (!(sheet.date == edition.date)) {
    more += ", date = " + TomlText(sheet.date.edtf);
  }
  const SheetSettings settings = SettingsBeside(sheet, output);
  for (const std::string_view key : kSettingKeys) {
    const std::string value = settings.Get(key);
    if (value.empty()) continue;
    more += fmt::format(", {} = {}", key,
                        key == "allow_ballpark" ? value : TomlText(value));
  }
  return more.empty() ? path : fmt::format("{{ path = {}{} }}", path, more);
}

}  // namespace

std::string SeriesAsCsv(const Series& series, const fs::path& output) {
  std::vector<std::vector<std::string>> rows;
  for (const SeriesSheet& sheet : series.sheets) {
    const SeriesEdition& edition = series.EditionOf(sheet);
    const SheetSettings settings = SettingsBeside(sheet, output);
    rows.push_back({StoredPath(sheet.path, output), sheet.date.edtf,
                    sheet.edition,
                    sheet.date == edition.date ? "" : edition.date.edtf});
    for (const std::string_view key : kSettingKeys) {
      rows.back().push_back(settings.Get(key));
    }
  }
  std::vector<std::string> header{"path", "date", "edition", "edition_date"};
  header.insert(header.end(), kSettingKeys.begin(), kSettingKeys.end());
  // Columns that nobody needs only make a table hard to read.
  constexpr size_t kAlways = 3;
  for (size_t column = header.size(); column-- > kAlways;) {
    const auto at = static_cast<std::ptrdiff_t>(column);
    if (std::any_of(rows.begin(), rows.end(),
                    [&](const auto& row) { return !row[column].empty(); })) {
      continue;
    }
    header.erase(header.begin() + at);
    for (auto& row : rows) row.erase(row.begin() + at);
  }
  std::string text = CsvLine(header);
  for (const auto& row : rows) text += CsvLine(row);
  return text;
}

std::string SeriesAsToml(const Series& series, const fs::path& output) {
  std::string text;
  for (const SeriesEdition& edition : series.editions) {
    text += text.empty() ? "[[edition]]\n" : "\n[[edition]]\n";
    if (edition.label != edition.date.edtf) {
      text += "label = " + TomlText(edition.label) + "\n";
    }
    text += "date = " + TomlText(edition.date.edtf) + "\nsheets = [\n";
    for (const SeriesSheet& sheet : series.sheets) {
      if (sheet.edition != edition.label) continue;
      text += "  " + TomlSheet(sheet, edition, output) + ",\n";
    }
    text += "]\n";
  }
  return text;
}

std::vector<fs::path> WriteCatalogue(const Series& series,
                                     const fs::path& output,
                                     const CatalogueOptions& options,
                                     RunContext& context) {
  const std::string extension = output.extension().string();
  if (extension.empty()) return WriteStac(series, output, options, context);
  if (options.cogs) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--cogs needs a folder, not '{}'", output.string()),
                "Sheets are written beside the items of a STAC catalogue.");
  }
  if (extension == ".csv") {
    WriteFileAtomically(output, SeriesAsCsv(series, output), options.overwrite);
  } else if (extension == ".toml") {
    WriteFileAtomically(output, SeriesAsToml(series, output),
                        options.overwrite);
  } else {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("'{}' is not a kind of catalogue", output.string()),
        "Give a name that ends in .csv or .toml, or a folder for STAC.");
  }
  return {output};
}

}  // namespace mapweave::pipelines
