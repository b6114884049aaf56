// SPDX-License-Identifier: MIT
#include "pipelines/ingest.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/edition_reader.h"
#include "geo/grid.h"
#include "pipelines/digest.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// Side of the reduced image on which a sheet is searched for legible paper.
constexpr int64_t kLookSidePx = 512;

// Opened by GDAL's virtual file systems, not by this program.
bool IsRemote(const fs::path& path) {
  return path.string().rfind("/vsi", 0) == 0;
}

void RequireLegible(const geo::SheetInfo& sheet, const geo::Grid& grid) {
  geo::EditionReader reader({sheet}, grid);
  const int64_t side = std::max(grid.width, grid.height);
  const int downsample = static_cast<int>(
      std::max<int64_t>(1, (side + kLookSidePx - 1) / kLookSidePx));
  const geo::Pixels pixels = reader.Read(
      {0, 0, static_cast<int>(grid.width), static_cast<int>(grid.height)},
      downsample);
  const auto& coverage = pixels.coverage.data;
  if (std::none_of(coverage.begin(), coverage.end(),
                   [](uint8_t v) { return v != 0; })) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' has no legible pixel: all of it is nodata, "
                            "transparent or blank",
                            sheet.path.string()),
                "Leave the sheet out, or check its nodata value and alpha "
                "band.");
  }
}

struct EditionFootprints {
  std::string label;
  fs::path first_sheet;
  std::vector<MultiPolygon> parts;
};

// Every edition must overlap some other one, else there is nothing to follow.
void RequireOverlap(const std::vector<EditionFootprints>& editions) {
  if (editions.size() < 2) return;
  for (const EditionFootprints& one : editions) {
    const bool overlaps = std::any_of(
        editions.begin(), editions.end(), [&](const EditionFootprints& other) {
          return &one != &other &&
                 geo::OverlapFraction(one.parts, other.parts) > 0.0;
        });
    if (!overlaps) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("edition '{}' ('{}') does not overlap any other "
                              "edition",
                              one.label, one.first_sheet.string()),
                  "Check the georeference and the CRS of these sheets, or "
                  "leave the edition out.");
    }
  }
}

void SaveSeries(db::Store& store, const Series& series,
                const std::vector<std::string>& sheet_hashes,
                const std::vector<geo::SheetInfo>& sheets,
                const geo::Grid& grid) {
  const std::vector<std::string> labels = series.Editions();
  for (size_t i = 0; i < labels.size(); ++i) {
    db::EditionRow row;
    row.edition = labels[i];
    row.ordinal = static_cast<int>(i);
    for (const SeriesSheet& sheet : series.sheets) {
      if (sheet.edition == labels[i]) row.date = sheet.date;
    }
    store.SaveEdition(row);
  }
  for (size_t i = 0; i < sheets.size(); ++i) {
    db::SheetRow row;
    row.path = StoredSheetPath(series.sheets[i].path, store.Path());
    row.sha256 = sheet_hashes[i];
    row.edition = series.sheets[i].edition;
    row.survey_from = series.sheets[i].date.from;
    row.survey_to = series.sheets[i].date.to;
    row.crs = sheets[i].crs.Label();
    row.georef = geo::GeorefName(sheets[i].georef);
    row.rmse_m = sheets[i].rmse_m;
    row.footprint = sheets[i].FootprintIn(grid.crs);
    store.SaveSheet(row);
  }
}

}  // namespace

geo::SheetOptions IngestOptions::SheetOptions() const {
  geo::SheetOptions options;
  options.allow_ballpark = allow_ballpark;
  if (!sheet_crs.empty()) {
    options.crs_override = geo::Crs::FromUserInput(sheet_crs);
  }
  return options;
}

Json IngestOptions::ToJson() const {
  Json document = {{"sheet_crs", sheet_crs},
                   {"grid_crs", grid_crs},
                   {"allow_ballpark", allow_ballpark}};
  document["resolution"] = resolution ? Json(*resolution) : Json(nullptr);
  return document;
}

std::vector<std::string> HashSheets(const Series& series, RunContext& context) {
  std::vector<std::string> hashes;
  for (const SeriesSheet& sheet : series.sheets) {
    context.cancel.ThrowIfCancelled();
    hashes.push_back(IsRemote(sheet.path) ? "" : Sha256OfFile(sheet.path));
  }
  return hashes;
}

std::string InputsHash(const Series& series, const IngestOptions& options,
                       const std::vector<std::string>& sheet_hashes) {
  std::string text = options.ToJson().dump();
  for (size_t i = 0; i < series.sheets.size(); ++i) {
    const SeriesSheet& sheet = series.sheets[i];
    text += "\n" + sheet.edition + " " + sheet.date.edtf + " ";
    text += IsRemote(sheet.path) ? sheet.path.string() : sheet_hashes.at(i);
  }
  return Sha256(text);
}

db::Store Ingest(const Series& series, const IngestOptions& options,
                 const fs::path& path, Overwrite overwrite,
                 RunContext& context) {
  CheckWritable(path, overwrite);
  return Ingest(series, HashSheets(series, context), options, path, overwrite,
                context);
}

db::Store Ingest(const Series& series,
                 const std::vector<std::string>& sheet_hashes,
                 const IngestOptions& options, const fs::path& path,
                 Overwrite overwrite, RunContext& context) {
  for (const SeriesSheet& sheet : series.sheets) {
    RefuseSameFile(path, sheet.path);
  }
  CheckWritable(path, overwrite);
  context.progress.Start("ingest",
                         static_cast<int64_t>(2 * series.sheets.size()));
  std::vector<geo::SheetInfo> sheets;
  for (const SeriesSheet& sheet : series.sheets) {
    context.cancel.ThrowIfCancelled();
    sheets.push_back(geo::InspectSheet(sheet.path, options.SheetOptions()));
    context.progress.Advance();
  }
  geo::GridOptions grid_options;
  grid_options.allow_ballpark = options.allow_ballpark;
  grid_options.resolution = options.resolution;
  if (!options.grid_crs.empty()) {
    grid_options.crs = geo::Crs::FromUserInput(options.grid_crs);
  }
  const geo::Grid grid = geo::ChooseGrid(sheets, grid_options);

  std::vector<EditionFootprints> footprints;
  for (size_t i = 0; i < sheets.size(); ++i) {
    const std::string& label = series.sheets[i].edition;
    if (footprints.empty() || footprints.back().label != label) {
      footprints.push_back({label, sheets[i].path, {}});
    }
    footprints.back().parts.push_back(sheets[i].FootprintIn(grid.crs));
  }
  RequireOverlap(footprints);
  for (const geo::SheetInfo& sheet : sheets) {
    context.cancel.ThrowIfCancelled();
    RequireLegible(sheet, grid);
    context.progress.Advance();
  }

  db::Store store =
      db::Store::Create(path, SpatialReferenceOf(grid.crs), overwrite);
  db::Transaction transaction = store.Begin();
  SaveSeries(store, series, sheet_hashes, sheets, grid);
  SaveIngestRecord(store, {grid, InputsHash(series, options, sheet_hashes),
                           options.sheet_crs, options.allow_ballpark});
  transaction.Commit();
  context.progress.Finish();
  LogInfo(
      "ingest: {} sheets of {} editions on a grid of {} x {} px, {:.3g} m "
      "per px, {}",
      sheets.size(), footprints.size(), grid.width, grid.height,
      grid.PixelMetres(), grid.crs.Label());
  return store;
}

}  // namespace mapweave::pipelines
