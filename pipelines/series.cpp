// SPDX-License-Identifier: MIT
#include "pipelines/series.h"

#include "core/error.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

void RequireFile(const fs::path& path) {
  std::error_code ignored;
  // GDAL's virtual paths are not files of this machine.
  if (path.string().rfind("/vsi", 0) == 0) return;
  if (!fs::exists(path, ignored)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' does not exist", path.string()),
                "Check the path.");
  }
}

Error TomlError(const fs::path& path, const std::string& fault) {
  return Error(ErrorCode::kBadInput,
               fmt::format("'{}': {}", path.string(), fault),
               "A series file has [[edition]] tables with date = \"1882\" and "
               "sheets = [\"a.tif\"].");
}

// A date that a file states: where it is wrong, the file is named.
DateRange DateIn(const fs::path& path, const std::string& text) {
  try {
    return ParseDateRange(text);
  } catch (const Error& error) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}': {}", path.string(), error.Message()),
                error.Hint());
  }
}

Series ReadSeriesToml(const fs::path& path) {
  RequireFile(path);
  toml::table document;
  try {
    document = toml::parse_file(path.string());
  } catch (const toml::parse_error& fault) {
    throw TomlError(path, fmt::format("line {}: {}", fault.source().begin.line,
                                      fault.description()));
  }
  for (const auto& [key, value] : document) {
    if (key.str() != "edition") {
      throw TomlError(path, fmt::format("unknown key '{}'", key.str()));
    }
  }
  const toml::array* editions = document["edition"].as_array();
  if (editions == nullptr || editions->empty()) {
    throw TomlError(path, "no [[edition]]");
  }
  Series series;
  for (const toml::node& node : *editions) {
    const toml::table* table = node.as_table();
    if (table == nullptr) throw TomlError(path, "'edition' is not a table");
    for (const auto& [key, value] : *table) {
      if (key.str() != "label" && key.str() != "date" &&
          key.str() != "sheets") {
        throw TomlError(
            path, fmt::format("unknown key '{}' in [[edition]]", key.str()));
      }
    }
    const auto date = (*table)["date"].value<std::string>();
    if (!date) throw TomlError(path, "an edition without date = \"...\"");
    const DateRange range = DateIn(path, *date);
    const std::string label =
        (*table)["label"].value<std::string>().value_or(range.edtf);
    const toml::array* sheets = (*table)["sheets"].as_array();
    if (sheets == nullptr || sheets->empty()) {
      throw TomlError(path, fmt::format("edition '{}' has no sheets", label));
    }
    for (const toml::node& sheet : *sheets) {
      const auto name = sheet.value<std::string>();
      if (!name) {
        throw TomlError(path, fmt::format("a sheet of '{}' is no path", label));
      }
      const fs::path file =
          fs::path(*name).is_absolute() || name->rfind("/vsi", 0) == 0
              ? fs::path(*name)
              : path.parent_path() / *name;
      RequireFile(file);
      series.sheets.push_back({file, label, range});
    }
  }
  return series;
}

DateRange DateOfSheet(const fs::path& path, const geo::SheetOptions& options) {
  if (auto tag = geo::InspectSheet(path, options).survey_date) {
    return DateIn(path, *tag);
  }
  if (auto year = YearInFileName(path)) return ParseDateRange(*year);
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("the survey date of '{}' is not known", path.string()),
      "Give one date per sheet with --editions 1882,1898, or write a "
      "series file (see the README).");
}

Series SeriesFromSheets(const std::vector<fs::path>& paths,
                        const SeriesOptions& options) {
  if (!options.editions.empty() && options.editions.size() != paths.size()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--editions names {} editions for {} sheets",
                            options.editions.size(), paths.size()),
                "Give one date per sheet, in the order of the sheets.");
  }
  Series series;
  for (size_t i = 0; i < paths.size(); ++i) {
    RequireFile(paths[i]);
    const DateRange date = options.editions.empty()
                               ? DateOfSheet(paths[i], options.sheet)
                               : ParseDateRange(options.editions[i]);
    series.sheets.push_back({paths[i], date.edtf, date});
  }
  return series;
}

void CheckSeries(const Series& series) {
  std::map<std::string, DateRange> dates;
  std::set<fs::path> seen;
  for (const SeriesSheet& sheet : series.sheets) {
    const auto [it, added] = dates.emplace(sheet.edition, sheet.date);
    if (!added && !(it->second == sheet.date)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("edition '{}' has two dates", sheet.edition),
                  "Give each edition a label of its own.");
    }
    std::error_code ignored;
    if (!seen.insert(fs::weakly_canonical(sheet.path, ignored)).second) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("'{}' is given twice", sheet.path.string()));
    }
  }
}

}  // namespace

std::vector<std::string> Series::Editions() const {
  std::vector<std::string> labels;
  for (const SeriesSheet& sheet : sheets) {
    if (labels.empty() || labels.back() != sheet.edition) {
      labels.push_back(sheet.edition);
    }
  }
  return labels;
}

std::optional<std::string> YearInFileName(const fs::path& path) {
  static const std::regex kYear(R"((^|\D)(1[4-9]\d\d|20\d\d)(?=\D|$))");
  const std::string name = path.stem().string();
  std::optional<std::string> found;
  for (std::sregex_iterator it(name.begin(), name.end(), kYear), end; it != end;
       ++it) {
    const std::string year = (*it)[2];
    if (found && *found != year) return std::nullopt;
    found = year;
  }
  return found;
}

Series LoadSeries(const std::vector<fs::path>& inputs,
                  const SeriesOptions& options) {
  if (inputs.empty()) {
    throw Error(ErrorCode::kUsage, "no sheets given",
                "Name the georeferenced maps, or a SERIES.toml.");
  }
  const bool is_toml =
      inputs.size() == 1 && inputs.front().extension() == ".toml";
  if (is_toml && !options.editions.empty()) {
    throw Error(ErrorCode::kUsage,
                "--editions cannot be combined with a series file",
                "The series file dates its sheets itself.");
  }
  Series series = is_toml ? ReadSeriesToml(inputs.front())
                          : SeriesFromSheets(inputs, options);
  CheckSeries(series);
  std::stable_sort(series.sheets.begin(), series.sheets.end(),
                   [](const SeriesSheet& a, const SeriesSheet& b) {
                     if (a.date.from != b.date.from) {
                       return a.date.from < b.date.from;
                     }
                     if (a.date.to != b.date.to) return a.date.to < b.date.to;
                     return a.edition < b.edition;
                   });
  return series;
}

}  // namespace mapweave::pipelines
