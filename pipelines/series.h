// SPDX-License-Identifier: MIT
//
// Which sheets make up a series, of which survey date each is, and how each is
// to be opened.
#pragma once

#include "core/date.h"
#include "pipelines/sheet_settings.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// Who states a sheet's date, the most trusted first: the user or a catalogue
// for the sheet itself, or for its edition, the raster file, its name.
enum class DateSource { kSheet, kEdition, kFile, kFileName };

// "sheet", "edition", "file", "file name".
const char* DateSourceName(DateSource source);

struct SeriesSheet {
  std::filesystem::path path;
  std::string edition;  // label of one of the series' editions
  DateRange date;       // its own, which need not be that of the edition
  DateSource date_source = DateSource::kSheet;
  SheetSettings settings;
};

struct SeriesEdition {
  std::string label;  // unique
  // As stated, else from the first to the last day of its sheets.
  DateRange date;
};

struct Series {
  std::vector<SeriesEdition> editions;  // oldest first
  std::vector<SeriesSheet> sheets;      // in the order of their editions

  std::vector<std::string> Labels() const;
  // That of one of `sheets`.
  const SeriesEdition& EditionOf(const SeriesSheet& sheet) const;
};

// "VALUE" for all sheets that do not say otherwise, or "SHEET=VALUE" for the
// one of that path or file name, which it overrules.
struct SettingArgument {
  std::string key;  // one of kSettingKeys
  std::string text;
};

struct SeriesOptions {
  // One label per sheet; a label that is a date dates the sheet. Empty: as the
  // catalogue says, else from the raster file or from a year in its name.
  std::vector<std::string> editions;
  std::vector<SettingArgument> settings;
};

// Reads sheets and catalogues (see catalogue.h) into one series. The path of a
// sheet may be an http address.
// Throws Error{kBadInput} for a missing file, for a sheet whose date is not
// known (a date is never guessed from anything else) and as ReadCatalogue;
// Error{kUsage} for options that do not fit the sheets.
Series LoadSeries(const std::vector<std::filesystem::path>& inputs,
                  const SeriesOptions& options);

// The one four-digit year 1400..2099 in a file's name that stands apart from
// other digits; none if there is no such year or more than one.
std::optional<std::string> YearInFileName(const std::filesystem::path& path);

}  // namespace mapweave::pipelines
