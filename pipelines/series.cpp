// SPDX-License-Identifier: MIT
#include "pipelines/series.h"

#include "core/error.h"
#include "geo/file_access.h"
#include "pipelines/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

void RequireFile(const fs::path& path) {
  if (geo::IsVirtual(path) || geo::Exists(path)) return;
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}' does not exist", path.string()),
              "Check the path.");
}

// The entries of all inputs, in the order in which they were named.
std::vector<CatalogueEntry> ReadInputs(const std::vector<fs::path>& inputs,
                                       const SeriesOptions& options) {
  std::vector<CatalogueEntry> entries;
  for (const fs::path& input : inputs) {
    const fs::path path = geo::PathFromAddress(input.string());
    RequireFile(path);
    if (!options.editions.empty() &&
        CatalogueKindOf(path) != CatalogueKind::kSheet) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("--editions cannot be combined with '{}'", path.string()),
          "It dates the sheets that are named one by one.");
    }
    for (CatalogueEntry& entry : ReadCatalogue(path)) {
      RequireFile(entry.path);
      entries.push_back(std::move(entry));
    }
  }
  if (options.editions.empty()) return entries;
  if (options.editions.size() != entries.size()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--editions names {} editions for {} sheets",
                            options.editions.size(), entries.size()),
                "Give one date per sheet, in the order of the sheets.");
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].date = ParseDateRange(options.editions[i]);
  }
  return entries;
}

// Those of the entries that `name` means: by path, else by file name.
std::vector<CatalogueEntry*> SheetsNamed(const std::string& name,
                                         std::vector<CatalogueEntry>& entries) {
  std::vector<CatalogueEntry*> by_path;
  std::vector<CatalogueEntry*> by_name;
  for (CatalogueEntry& entry : entries) {
    if (entry.path == geo::PathFromAddress(name)) by_path.push_back(&entry);
    if (entry.path.filename() == name) by_name.push_back(&entry);
  }
  return by_path.empty() ? by_name : by_path;
}

[[noreturn]] void ThrowBadSetting(const SettingArgument& argument,
                                  const std::string& fault) {
  throw Error(ErrorCode::kUsage,
              fmt::format("--{} {}: {}", argument.key, argument.text, fault),
              fmt::format("Write --{} SHEET=VALUE, once for each sheet.",
                          argument.key));
}

void ApplySettings(const std::vector<SettingArgument>& arguments,
                   std::vector<CatalogueEntry>& entries) {
  SheetSettings defaults;
  for (const SettingArgument& argument : arguments) {
    const size_t sign = argument.text.find('=');
    const std::string name = argument.text.substr(0, sign);
    const auto named = sign == std::string::npos
                           ? std::vector<CatalogueEntry*>()
                           : SheetsNamed(name, entries);
    const bool is_of_one_scan = argument.key == "gcps" ||
                                argument.key == "annotation" ||
                                argument.key == "cutline";
    if (is_of_one_scan && named.size() > 1 &&
        argument.text.substr(sign + 1) != kNoCutline) {
      ThrowBadSetting(
          argument,
          fmt::format("'{}' and '{}' have that name; give the path",
                      named[0]->path.string(), named[1]->path.string()));
    }
    for (CatalogueEntry* entry : named) {
      entry->settings.Set(argument.key, argument.text.substr(sign + 1));
    }
    if (!named.empty()) continue;
    const bool is_path = argument.key == "gcps" || argument.key == "cutline";
    if (is_path && sign != std::string::npos && !geo::Exists(argument.text)) {
      ThrowBadSetting(argument,
                      fmt::format("'{}' is none of the sheets", name));
    }
    // One scan's control points are never those of another.
    if (argument.key == "gcps" && entries.size() > 1) {
      ThrowBadSetting(argument, fmt::format("which of the {} sheets is it of?",
                                            entries.size()));
    }
    if (!defaults.Get(argument.key).empty()) {
      ThrowBadSetting(argument, "there is another one for all sheets");
    }
    defaults.Set(argument.key, argument.text);
  }
  for (CatalogueEntry& entry : entries) {
    entry.settings.FillFrom(defaults);
    entry.settings.MapPaths([](const std::string& path) {
      return geo::PathFromAddress(path).string();
    });
    entry.settings.Options();  // refuses what cannot be meant
  }
}

// A scanner whose clock is wrong writes any date into the file.
void RefuseDoubtfulTag(const CatalogueEntry& entry, const DateRange& tag) {
  const auto year = YearInFileName(entry.path);
  if (!year || !ParseDateRange(*year).IsApartFrom(tag)) return;
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}' is of {} by its TIFF DateTime, but of {} by "
                          "its name",
                          entry.path.string(), tag.edtf, *year),
              "Say which it is: one date per sheet with --editions 1882,1898, "
              "or in a series file (see docs/series.md).");
}

// The date that the raster states about itself.
std::optional<DateRange> DateInFile(const CatalogueEntry& entry) {
  const geo::SheetInfo info =
      geo::InspectSheet(entry.path, entry.settings.Options());
  if (!info.survey_date) return std::nullopt;
  DateRange date = DateIn(entry.path, *info.survey_date);
  if (info.survey_date_is_tag) RefuseDoubtfulTag(entry, date);
  return date;
}

SeriesSheet DatedSheet(const CatalogueEntry& entry) {
  SeriesSheet sheet;
  sheet.path = entry.path;
  sheet.settings = entry.settings;
  if (entry.date) {
    sheet.date = *entry.date;
    sheet.date_source = DateSource::kSheet;
  } else if (entry.edition_date) {
    sheet.date = *entry.edition_date;
    sheet.date_source = DateSource::kEdition;
  } else if (auto date = DateInFile(entry)) {
    sheet.date = *std::move(date);
    sheet.date_source = DateSource::kFile;
  } else if (const auto year = YearInFileName(entry.path)) {
    sheet.date = ParseDateRange(*year);
    sheet.date_source = DateSource::kFileName;
  } else {
    throw Error(ErrorCode::kBadInput,
                fmt::format("the survey date of '{}' is not known",
                            entry.path.string()),
                "Give one date per sheet with --editions 1882,1898, or list "
                "the sheets in a series file (see docs/series.md).");
  }
  sheet.edition = !entry.edition.empty() ? entry.edition
                  : entry.edition_date   ? entry.edition_date->edtf
                                         : sheet.date.edtf;
  return sheet;
}

// The editions that `sheets` name; `entries` are those of the sheets.
std::vector<SeriesEdition> EditionsOf(
    const std::vector<SeriesSheet>& sheets,
    const std::vector<CatalogueEntry>& entries) {
  std::map<std::string, DateRange> stated;
  std::map<std::string, DateRange> spanned;
  for (size_t i = 0; i < sheets.size(); ++i) {
    const std::string& label = sheets[i].edition;
    const auto [span, is_first] = spanned.emplace(label, sheets[i].date);
    if (!is_first) span->second = Hull(span->second, sheets[i].date);
    if (!entries[i].edition_date) continue;
    const auto [it, added] = stated.emplace(label, *entries[i].edition_date);
    if (!added && !(it->second == *entries[i].edition_date)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("edition '{}' has two dates, {} and {}", label,
                              it->second.edtf, entries[i].edition_date->edtf),
                  "Give each edition a label of its own.");
    }
  }
  std::vector<SeriesEdition> editions;
  for (const auto& [label, span] : spanned) {
    const auto found = stated.find(label);
    editions.push_back({label, found == stated.end() ? span : found->second});
  }
  // Editions of one date by their label, as the map has them.
  std::stable_sort(editions.begin(), editions.end(),
                   [](const SeriesEdition& a, const SeriesEdition& b) {
                     return SurveyedBefore(a.date, b.date);
                   });
  return editions;
}

void RefuseRepeatedSheets(const std::vector<SeriesSheet>& sheets) {
  std::set<fs::path> seen;
  for (const SeriesSheet& sheet : sheets) {
    std::error_code ignored;
    const fs::path key = geo::IsVirtual(sheet.path)
                             ? sheet.path
                             : fs::weakly_canonical(sheet.path, ignored);
    if (!seen.insert(key).second) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("'{}' is given twice", sheet.path.string()));
    }
  }
}

}  // namespace

const char* DateSourceName(DateSource source) {
  switch (source) {
    case DateSource::kSheet:
      return "sheet";
    case DateSource::kEdition:
      return "edition";
    case DateSource::kFile:
      return "file";
    case DateSource::kFileName:
      return "file name";
  }
  return "sheet";
}

const SeriesEdition& Series::EditionOf(const SeriesSheet& sheet) const {
  const auto found = std::find_if(
      editions.begin(), editions.end(),
      [&sheet](const SeriesEdition& e) { return e.label == sheet.edition; });
  MAPWEAVE_CHECK(found != editions.end());
  return *found;
}

std::vector<std::string> Series::Labels() const {
  std::vector<std::string> labels;
  for (const SeriesEdition& edition : editions) labels.push_back(edition.label);
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
                "Name the georeferenced maps, or a catalogue of them.");
  }
  std::vector<CatalogueEntry> entries = ReadInputs(inputs, options);
  ApplySettings(options.settings, entries);
  Series series;
  for (const CatalogueEntry& entry : entries) {
    series.sheets.push_back(DatedSheet(entry));
  }
  RefuseRepeatedSheets(series.sheets);
  series.editions = EditionsOf(series.sheets, entries);
  std::map<std::string, size_t> position;
  for (const SeriesEdition& edition : series.editions) {
    position.emplace(edition.label, position.size());
  }
  std::stable_sort(series.sheets.begin(), series.sheets.end(),
                   [&](const SeriesSheet& a, const SeriesSheet& b) {
                     return position.at(a.edition) < position.at(b.edition);
                   });
  return series;
}

}  // namespace mapweave::pipelines
