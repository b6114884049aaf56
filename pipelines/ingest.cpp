// SPDX-License-Identifier: MIT
#include "pipelines/ingest.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/edition_reader.h"
#include "geo/file_access.h"
#include "geo/grid.h"
#include "geo/polygon_ops.h"
#include "pipelines/digest.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// Side of the reduced image on which a sheet is searched for legible paper.
constexpr int64_t kLookSidePx = 512;

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

// Where sheets of two editions show one place, the edition that comes first
// must not have been surveyed last. Less than this part of the smaller sheet
// may be its margin.
constexpr double kLeastCommonPlace = 0.1;

void RequireOrder(const Series& series,
                  const std::vector<MultiPolygon>& footprints) {
  for (size_t i = 0; i < series.sheets.size(); ++i) {
    for (size_t j = i + 1; j < series.sheets.size(); ++j) {
      const SeriesSheet& first = series.sheets[i];
      const SeriesSheet& later = series.sheets[j];
      if (first.edition == later.edition ||
          !(later.date.to < first.date.StatedFrom()) ||
          geo::OverlapFraction({footprints[i]}, {footprints[j]}) <
              kLeastCommonPlace) {
        continue;
      }
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("'{}' of {} belongs to edition '{}', which comes "
                      "after edition '{}', but '{}' there is of {}",
                      later.path.string(), later.date.edtf, later.edition,
                      first.edition, first.path.string(), first.date.edtf),
          "Put sheets of one place into editions in the order of their "
          "dates.");
    }
  }
}

const char* StatedWhere(DateSource source) {
  switch (source) {
    case DateSource::kSheet:
      return "as stated for the sheet";
    case DateSource::kEdition:
      return "as stated for its edition";
    case DateSource::kFile:
      return "as the file itself says";
    case DateSource::kFileName:
      return "as its name says";
  }
  return "";
}

// What else tells a date of the sheet must not contradict it in silence.
void WarnOfOtherDates(const SeriesSheet& sheet, const geo::SheetInfo& info) {
  const auto warn_if_apart = [&sheet](const std::string& text,
                                      const char* where) {
    try {
      if (!ParseDateRange(text).IsApartFrom(sheet.date)) return;
    } catch (const Error&) {
      return;  // no date
    }
    LogWarning("'{}' is dated {}, {}, but {} {}", sheet.path.string(),
               sheet.date.edtf, StatedWhere(sheet.date_source), where, text);
  };
  if (sheet.date_source == DateSource::kFileName) return;
  if (const auto year = YearInFileName(sheet.path)) {
    warn_if_apart(*year, "its name says");
  }
  if (info.survey_date && sheet.date_source != DateSource::kFile) {
    warn_if_apart(*info.survey_date, "the file itself says");
  }
}

void LogUnderstood(const SeriesSheet& sheet, const geo::SheetInfo& info) {
  const auto metres = [](const char* name, std::optional<double> value) {
    return value ? fmt::format(", {} {:.3g} m", name, *value) : "";
  };
  LogInfo("'{}': edition '{}', {} ({}), {}, {}{}{}{}", sheet.path.string(),
          sheet.edition, sheet.date.edtf, StatedWhere(sheet.date_source),
          info.crs.Label(), geo::GeorefName(info.georef),
          info.control_points.empty()
              ? ""
              : fmt::format(" through {} points", info.control_points.size()),
          metres("RMSE", info.rmse_m),
          metres("leave-one-out RMSE", info.loo_rmse_m));
}

db::SheetRow SheetRowOf(const SeriesSheet& sheet, const geo::SheetInfo& info,
                        const geo::Crs& grid_crs,
                        const fs::path& project_file) {
  db::SheetRow row;
  row.path = StoredPath(sheet.path, project_file);
  row.edition = sheet.edition;
  row.survey_from = sheet.date.from;
  row.survey_to = sheet.date.to;
  row.date_edtf = sheet.date.edtf;
  row.date_source = DateSourceName(sheet.date_source);
  SheetSettings settings = sheet.settings;
  settings.MapPaths([&project_file](const std::string& path) {
    return StoredPath(path, project_file);
  });
  row.options = settings.ToJson().dump();
  row.crs = info.crs.Label();
  row.georef = geo::GeorefName(info.georef);
  row.rmse_m = info.rmse_m;
  row.loo_rmse_m = info.loo_rmse_m;
  geo::TransformOptions options;
  options.allow_ballpark = info.options.allow_ballpark;
  options.area = geo::Bounds(info.footprint);
  const geo::Transformer grid_from_sheet(info.crs, grid_crs, options);
  row.crs_pipeline = grid_from_sheet.Pipeline();
  row.crs_accuracy_m = grid_from_sheet.AccuracyMetres();
  row.footprint = info.FootprintIn(grid_crs);
  return row;
}

void SaveSeries(db::Store& store, const Series& series,
                const std::vector<SheetDigest>& digests,
                const std::vector<geo::SheetInfo>& sheets,
                const geo::Grid& grid) {
  for (size_t i = 0; i < series.editions.size(); ++i) {
    db::EditionRow row;
    row.edition = series.editions[i].label;
    row.ordinal = static_cast<int>(i);
    row.date = series.editions[i].date;
    store.SaveEdition(row);
  }
  for (size_t i = 0; i < sheets.size(); ++i) {
    db::SheetRow row =
        SheetRowOf(series.sheets[i], sheets[i], grid.crs, store.Path());
    row.sha256 = digests[i].file;
    row.aids_sha256 = digests[i].aids;
    store.SaveSheet(row);
  }
}

}  // namespace

Json IngestOptions::ToJson() const {
  Json document = {{"grid_crs", grid_crs}};
  document["resolution"] = resolution ? Json(*resolution) : Json(nullptr);
  return document;
}

std::vector<SheetDigest> HashSheets(const Series& series, RunContext& context) {
  std::vector<SheetDigest> digests;
  for (const SeriesSheet& sheet : series.sheets) {
    context.cancel.ThrowIfCancelled();
    SheetDigest digest;
    if (!geo::IsVirtual(sheet.path)) digest.file = Sha256OfFile(sheet.path);
    digest.aids = AidsDigest(sheet.path, sheet.settings);
    digests.push_back(std::move(digest));
  }
  return digests;
}

std::string InputsHash(const Series& series, const IngestOptions& options,
                       const std::vector<SheetDigest>& digests) {
  std::string text = options.ToJson().dump();
  for (const SeriesEdition& edition : series.editions) {
    text += "\n" + edition.label + " " + edition.date.edtf;
  }
  for (size_t i = 0; i < series.sheets.size(); ++i) {
    const SeriesSheet& sheet = series.sheets[i];
    text += "\n" + sheet.edition + " " + sheet.date.edtf + " ";
    text +=
        geo::IsVirtual(sheet.path) ? sheet.path.string() : digests.at(i).file;
    // Of the files that settings name, the content counts, not the place.
    SheetSettings settings = sheet.settings;
    settings.MapPaths([](const std::string&) { return "file"; });
    text += " " + settings.ToJson().dump() + " " + digests[i].aids;
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

db::Store Ingest(const Series& series, const std::vector<SheetDigest>& digests,
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
    sheets.push_back(geo::InspectSheet(sheet.path, sheet.settings.Options()));
    LogUnderstood(sheet, sheets.back());
    WarnOfOtherDates(sheet, sheets.back());
    context.progress.Advance();
  }
  geo::GridOptions grid_options;
  grid_options.resolution = options.resolution;
  if (!options.grid_crs.empty()) {
    grid_options.crs = geo::Crs::FromUserInput(options.grid_crs);
  }
  const geo::Grid grid = geo::ChooseGrid(sheets, grid_options);

  std::vector<EditionFootprints> footprints;
  std::vector<MultiPolygon> outlines;
  for (size_t i = 0; i < sheets.size(); ++i) {
    const std::string& label = series.sheets[i].edition;
    if (footprints.empty() || footprints.back().label != label) {
      footprints.push_back({label, sheets[i].path, {}});
    }
    outlines.push_back(sheets[i].FootprintIn(grid.crs));
    footprints.back().parts.push_back(outlines.back());
  }
  RequireOverlap(footprints);
  RequireOrder(series, outlines);
  for (const geo::SheetInfo& sheet : sheets) {
    context.cancel.ThrowIfCancelled();
    RequireLegible(sheet, grid);
    context.progress.Advance();
  }

  db::Store store =
      db::Store::Create(path, SpatialReferenceOf(grid.crs), overwrite);
  db::Transaction transaction = store.Begin();
  SaveSeries(store, series, digests, sheets, grid);
  SaveIngestRecord(store, {grid, InputsHash(series, options, digests)});
  transaction.Commit();
  context.progress.Finish();
  LogInfo(
      "ingest: {} sheets of {} editions on a grid of {} x {} px, {:.3g} m "
      "per px, {}",
      sheets.size(), footprints.size(), grid.width, grid.height,
      grid.PixelMetres(), grid.crs.Label());
  return store;
}

Json SheetDocuments(const db::Store& store) {
  const auto or_null = [](const auto& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  const Project project = LoadProject(store);
  std::map<fs::path, const geo::SheetInfo*> by_path;
  for (const ProjectEdition& edition : project.editions) {
    for (const geo::SheetInfo& sheet : edition.sheets) {
      by_path[sheet.path] = &sheet;
    }
  }
  Json documents = Json::array();
  for (const db::SheetRow& row : store.Sheets()) {
    const fs::path path = PathFromStored(row.path, store.Path());
    const geo::SheetInfo& info = *by_path.at(path);
    documents.push_back(
        {{"path", row.path},
         {"edition", row.edition},
         {"date", or_null(row.date_edtf)},
         {"date_source", or_null(row.date_source)},
         {"crs", row.crs},
         {"georef", row.georef},
         {"georef_reason", info.georef_reason},
         {"control_points", info.control_points.size()},
         {"rmse_m", or_null(row.rmse_m)},
         {"loo_rmse_m", or_null(row.loo_rmse_m)},
         {"crs_pipeline", or_null(row.crs_pipeline)},
         {"crs_accuracy_m", or_null(row.crs_accuracy_m)},
         {"warnings", info.warnings},
         {"options", ParseJson(row.options, store.Path().string())}});
  }
  return documents;
}

}  // namespace mapweave::pipelines
