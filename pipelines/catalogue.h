// SPDX-License-Identifier: MIT
//
// Lists of sheets as people keep them: a folder of rasters, a series file
// (TOML), a table (CSV), a STAC catalogue, another project. This is the
// reading half; catalogue_writer.h writes them. docs/series.md describes the
// formats.
#pragma once

#include "core/date.h"
#include "pipelines/sheet_settings.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// One sheet as a catalogue lists it.
struct CatalogueEntry {
  std::filesystem::path path;
  // Label of its edition; empty where its date makes it.
  std::string edition;
  // Of the sheet itself and of its edition, as far as they are stated.
  std::optional<DateRange> date;
  std::optional<DateRange> edition_date;
  // Paths are ready to be opened.
  SheetSettings settings;
};

enum class CatalogueKind { kSheet, kFolder, kToml, kCsv, kStac, kProject };

// What an input is: a folder is a STAC catalogue if a collection.json or
// catalog.json lies in it; a file goes by its extension (.toml, .csv, .json,
// .geojson, .gpkg that is a project), else it is a sheet.
CatalogueKind CatalogueKindOf(const std::filesystem::path& input);

// The sheets that `input` lists, in its order; for a sheet, itself. Paths are
// relative to the catalogue. Throws Error{kBadInput} naming the file, the place
// in it and what is wrong: unreadable, unknown keys, bad dates, no sheets.
std::vector<CatalogueEntry> ReadCatalogue(const std::filesystem::path& input);

// The formats, each for an input of its kind.
// All rasters of a folder, but not of the folders within; what else lies there
// is named in the log.
std::vector<CatalogueEntry> ReadFolder(const std::filesystem::path& folder);
std::vector<CatalogueEntry> ReadSeriesToml(const std::filesystem::path& path);
std::vector<CatalogueEntry> ReadSeriesCsv(const std::filesystem::path& path);
// An Item, a FeatureCollection of Items, a Collection or a Catalog (STAC 1.0,
// static). Links, assets and settings that lead to the network, in whatever way
// of writing, are refused unless `path` itself lies there.
std::vector<CatalogueEntry> ReadStac(const std::filesystem::path& path);
std::vector<CatalogueEntry> ReadProjectSheets(
    const std::filesystem::path& path);

// ParseDateRange for a date that a file states: a wrong one is
// Error{kBadInput} and names the file.
DateRange DateIn(const std::filesystem::path& path, const std::string& text);

}  // namespace mapweave::pipelines
