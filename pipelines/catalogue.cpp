// SPDX-License-Identifier: MIT
#include "pipelines/catalogue.h"

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "db/store.h"
#include "geo/file_access.h"
#include "geo/vector_io.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

std::string LowerExtension(const fs::path& path) {
  return ToLower(path.extension().string());
}

// What a folder of scans holds beside scans. GDAL would take some of it for
// rasters: .ovr and .msk are TIFFs, a .csv or .txt may be a grid of points.
bool IsNoSheet(const fs::path& path) {
  static const std::set<std::string> kExtensions{
      ".csv", ".toml", ".json", ".geojson", ".geojsons", ".gpkg", ".txt",
      ".md",  ".xml",  ".html", ".qgz",     ".qgs",      ".qml",  ".zip",
      ".pdf", ".shp",  ".dbf",  ".shx",     ".cpg",      ".fgb",  ".kml"};
  return kExtensions.contains(LowerExtension(path));
}

// Files that belong to a scan: its georeference, mask, overviews, statistics.
bool IsSidecar(const fs::path& path) {
  static const std::set<std::string> kExtensions{
      ".points", ".prj",  ".wkt", ".ovr",  ".msk", ".tab",  ".rrd",
      ".aux",    ".wld",  ".tfw", ".tifw", ".pgw", ".pngw", ".jgw",
      ".jpw",    ".jpgw", ".j2w", ".gfw",  ".bpw", ".tiffw"};
  const std::string name = path.filename().string();
  return kExtensions.contains(LowerExtension(path)) ||
         name.ends_with(".aux.xml");
}

std::optional<fs::path> StacRootIn(const fs::path& folder) {
  for (const char* name : {"collection.json", "catalog.json"}) {
    if (geo::Exists(folder / name)) return folder / name;
  }
  return std::nullopt;
}

// A GeoPackage of another program may hold a raster.
bool IsProjectFile(const fs::path& path) {
  if (LowerExtension(path) != ".gpkg") return false;
  const std::vector<std::string> layers = geo::ListLayers(path);
  return std::find(layers.begin(), layers.end(), "building_state") !=
         layers.end();
}

std::vector<CatalogueEntry> ReadByKind(const fs::path& input) {
  switch (CatalogueKindOf(input)) {
    case CatalogueKind::kSheet: {
      CatalogueEntry entry;
      entry.path = input;
      return {entry};
    }
    case CatalogueKind::kFolder:
      return ReadFolder(input);
    case CatalogueKind::kToml:
      return ReadSeriesToml(input);
    case CatalogueKind::kCsv:
      return ReadSeriesCsv(input);
    case CatalogueKind::kStac:
      return ReadStac(StacRootIn(input).value_or(input));
    case CatalogueKind::kProject:
      return ReadProjectSheets(input);
  }
  return {};
}

}  // namespace

DateRange DateIn(const fs::path& path, const std::string& text) {
  try {
    return ParseDateRange(text);
  } catch (const Error& error) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}': {}", path.string(), error.Message()),
                error.Hint());
  }
}

CatalogueKind CatalogueKindOf(const fs::path& input) {
  if (geo::IsFolder(input) && !geo::LooksLikeRaster(input)) {
    return StacRootIn(input) ? CatalogueKind::kStac : CatalogueKind::kFolder;
  }
  const std::string extension = LowerExtension(input);
  if (extension == ".toml") return CatalogueKind::kToml;
  if (extension == ".csv") return CatalogueKind::kCsv;
  if (extension == ".json" || extension == ".geojson") {
    return CatalogueKind::kStac;
  }
  return IsProjectFile(input) ? CatalogueKind::kProject : CatalogueKind::kSheet;
}

std::vector<CatalogueEntry> ReadCatalogue(const fs::path& input) {
  std::vector<CatalogueEntry> entries = ReadByKind(input);
  if (entries.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' lists no sheets", input.string()),
                "Name the georeferenced maps, or a catalogue of them.");
  }
  for (const CatalogueEntry& entry : entries) {
    try {
      entry.settings.Options();
    } catch (const Error& error) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("'{}', sheet '{}': {}", input.string(),
                              entry.path.string(), error.Message()),
                  error.Hint());
    }
  }
  return entries;
}

std::vector<CatalogueEntry> ReadFolder(const fs::path& folder) {
  std::vector<CatalogueEntry> entries;
  std::vector<std::string> left_out;
  for (const std::string& name : geo::NamesIn(folder)) {
    const fs::path path = folder / name;
    if (name.front() == '.' || IsSidecar(name)) continue;
    if (IsNoSheet(name) || geo::IsFolder(path) || !geo::LooksLikeRaster(path)) {
      left_out.push_back(name);
      continue;
    }
    CatalogueEntry entry;
    entry.path = path;
    entries.push_back(std::move(entry));
  }
  LogInfo("'{}': {} raster{}{}", folder.string(), entries.size(),
          entries.size() == 1 ? "" : "s",
          left_out.empty()
              ? ""
              : fmt::format("; left out: {}", fmt::join(left_out, ", ")));
  return entries;
}

std::vector<CatalogueEntry> ReadProjectSheets(const fs::path& path) {
  const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
  std::map<std::string, DateRange> dates;
  for (const db::EditionRow& row : store.Editions()) {
    dates[row.edition] = row.date;
  }
  std::vector<CatalogueEntry> entries;
  for (const db::SheetRow& row : store.Sheets()) {
    CatalogueEntry entry;
    entry.path = PathFromStored(row.path, path);
    entry.edition = row.edition;
    entry.edition_date = dates.at(row.edition);
    if (row.date_edtf && *row.date_edtf != entry.edition_date->edtf) {
      entry.date = DateIn(path, *row.date_edtf);
    }
    entry.settings = StoredSettings(row, path);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace mapweave::pipelines
