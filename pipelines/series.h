// SPDX-License-Identifier: MIT
//
// Which sheets make up a series, and of which survey date each is.
#pragma once

#include "core/date.h"
#include "geo/sheet.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct SeriesSheet {
  std::filesystem::path path;
  std::string edition;  // label, unique per edition
  DateRange date;
};

// Sheets in the order of their editions, oldest first.
struct Series {
  std::vector<SeriesSheet> sheets;

  // Edition labels, oldest first.
  std::vector<std::string> Editions() const;
};

struct SeriesOptions {
  // One label per sheet; a label that is a date dates the sheet. Empty: the
  // date comes from the TIFF's tag or from a year in the file's name.
  std::vector<std::string> editions;
  // How sheets are opened to look for a date.
  geo::SheetOptions sheet;
};

// Reads SERIES.toml if `inputs` is one such file, else takes them as sheets.
//
//   [[edition]]
//   label = "1882"            # optional, the date by default
//   date = "1882"             # YYYY, YYYY-MM, YYYY-MM-DD or first/last
//   sheets = ["north.tif", "south.tif"]   # relative to the TOML file
//
// Throws Error{kBadInput} for a missing file and for a sheet whose date is not
// known (a date is never guessed from anything else), Error{kUsage} for
// options that do not fit the sheets.
Series LoadSeries(const std::vector<std::filesystem::path>& inputs,
                  const SeriesOptions& options);

// The one four-digit year 1400..2099 in a file's name that stands apart from
// other digits; none if there is no such year or more than one.
std::optional<std::string> YearInFileName(const std::filesystem::path& path);

}  // namespace mapweave::pipelines
