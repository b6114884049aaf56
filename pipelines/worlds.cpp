// SPDX-License-Identifier: MIT
#include "pipelines/worlds.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/geotiff_writer.h"
#include "geo/polygon_ops.h"
#include "pipelines/image_file.h"
#include "pipelines/project.h"
#include "pipelines/world_errors.h"
#include "pipelines/world_sheets.h"
#include "pipelines/world_truth.h"
#include "synth/clip_source.h"
#include "synth/render.h"
#include "synth/world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr int kJpegQuality = 82;
constexpr double kMaxShiftM = 100.0;
constexpr double kMaxRatio = 0.1;
constexpr double kMaxDistortionM = 8.0;
constexpr int kMaxSheetsPerSide = 20;
constexpr int kMinTilePx = 32;
// A sheet's frame has room in it.
constexpr int kMinMarginPx = 24;

void Require(bool holds, const std::string& message,
             const std::string& hint = "") {
  if (!holds) throw Error(ErrorCode::kUsage, message, hint);
}

void RequireRange(double value, double low, double high, const char* option) {
  Require(value >= low && value <= high, fmt::format("{} is {}", option, value),
          fmt::format("Give a number from {} to {}.", low, high));
}

void ValidateName(const std::string& name) {
  Require(!name.empty() && name.find('/') == std::string::npos,
          fmt::format("--name is '{}'", name),
          "Give the start of a file's name, without folders.");
}

void ValidateEditions(const WorldSeriesOptions& options) {
  Require(!options.editions.empty(), "--editions is empty");
  DateRange before;
  for (size_t t = 0; t < options.editions.size(); ++t) {
    const DateRange date = ParseDateRange(options.editions[t]);
    // Surveys that overlap would let a building go before it was built.
    Require(t == 0 || before.to < date.from,
            "--editions must run from old to new",
            fmt::format("'{}' does not begin after the end of '{}'.",
                        options.editions[t], before.edtf));
    before = date;
  }
  const size_t count = options.editions.size();
  Require(options.hands.empty() || options.hands.size() == count,
          fmt::format("--hands names {} hands for {} editions",
                      options.hands.size(), count),
          "Give one hand per edition, or none.");
  for (const std::string& hand : options.hands) {
    Require(synth::IsHand(hand), fmt::format("unknown hand '{}'", hand),
            fmt::format("Use {}.", fmt::join(MapHands(), ", ")));
  }
  Require(options.resolutions.empty() || options.resolutions.size() == count,
          fmt::format("--resolutions names {} resolutions for {} editions",
                      options.resolutions.size(), count),
          "Give one per edition, or none.");
  for (const double resolution : options.resolutions) {
    RequireRange(resolution, options.metres_per_px / 20,
                 options.metres_per_px * 20, "--resolutions");
  }
}

// Every file that will be written.
std::vector<fs::path> OutputsOf(const WorldSeries& series,
                                const fs::path& folder) {
  std::vector<fs::path> outputs;
  for (const char* name : {"truth.gpkg", "truth.json", "georef_error.json"}) {
    outputs.push_back(folder / name);
  }
  const size_t tiles = TilesOf(series).size();
  for (size_t t = 0; t < series.editions.size(); ++t) {
    const WorldEdition& edition = series.editions[t];
    for (const WorldSheet& sheet : edition.sheets) {
      outputs.push_back(folder / sheet.file_name);
    }
    if (series.options.error_fields) {
      outputs.push_back(folder / ErrorFieldName(edition));
    }
    for (size_t i = 0; series.options.frames && i < tiles; ++i) {
      outputs.push_back(folder / FrameName(series, i, t));
    }
  }
  return outputs;
}

// Sheets of an earlier series that was written over only in part: taken with
// those of this one they would pass for one series.
void WarnOfStrangers(const WorldSeries& series, const fs::path& folder,
                     const std::vector<fs::path>& outputs) {
  const std::string start = series.options.name + "_";
  int strangers = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    strangers += name.starts_with(start) &&
                 entry.path().extension() == ".tif" &&
                 std::find(outputs.begin(), outputs.end(), entry.path()) ==
                     outputs.end();
  }
  if (strangers > 0) {
    LogWarning(
        "synth world: '{}' holds {} other sheets called {}*.tif, which are no "
        "part of this series",
        folder.string(), strangers, start);
  }
}

void WriteSheets(const WorldSeries& series, size_t t, const fs::path& folder,
                 Overwrite overwrite) {
  const WorldEdition& edition = series.editions[t];
  geo::GeoTiffOptions tiff;
  tiff.compression = geo::GeoTiffOptions::Compression::kJpeg;
  tiff.jpeg_quality = kJpegQuality;
  tiff.survey_date = edition.label;
  tiff.overwrite = overwrite;
  for (const WorldSheet& sheet : edition.sheets) {
    const synth::EditionImage image = synth::RenderWindow(
        series.world, static_cast<int>(t), edition.Drawing(series.world, sheet),
        cv::Rect({0, 0}, sheet.size));
    geo::WriteGeoTiff(folder / sheet.file_name, ImageFromMat(image.rgb),
                      sheet.GridIn(series.grid), tiff);
  }
}

// Each tile as it would be if every sheet lay where it should; white where no
// sheet is.
void WriteFrames(const WorldSeries& series, size_t t, const WorldTruth& truth,
                 const fs::path& folder, Overwrite overwrite) {
  synth::EditionImage image =
      synth::RenderEdition(series.world, static_cast<int>(t),
                           series.editions[t].Drawing(series.world));
  cv::Mat covered(image.rgb.size(), CV_8UC1, cv::Scalar(0));
  tracking::Mask::FromPolygons(
      geo::PixelsFromGround(truth.covered[t], series.grid))
      .Paint(covered, 1);
  image.rgb.setTo(cv::Scalar(255, 255, 255), covered == 0);
  const std::vector<cv::Rect> tiles = TilesOf(series);
  for (size_t i = 0; i < tiles.size(); ++i) {
    WriteImage(folder / FrameName(series, i, t), image.rgb(tiles[i]),
               overwrite);
  }
}

WorldEditionReport ReportOf(const WorldSeries& series, size_t t,
                            const WorldTruth& truth, const fs::path& folder) {
  const WorldEdition& edition = series.editions[t];
  WorldEditionReport report;
  report.edition = edition.label;
  report.hand = edition.hand;
  report.metres_per_px =
      series.options.metres_per_px / edition.sheets.front().scale;
  const Point2d correction = edition.Correction(series.options.metres_per_px);
  report.shift_x_m = correction.x;
  report.shift_y_m = correction.y;
  for (const WorldSheet& sheet : edition.sheets) {
    report.sheets.push_back((folder / sheet.file_name).string());
  }
  report.missing = edition.missing;
  for (const SeenBuilding& building : truth.buildings) {
    report.observations += building.shapes[t].empty() ? 0 : 1;
  }
  return report;
}

WorldSeriesReport WriteFiles(const WorldSeries& series, const fs::path& folder,
                             Overwrite overwrite, RunContext& context) {
  const WorldTruth truth = TruthOf(series);
  WorldSeriesReport report;
  context.progress.Start("draw", static_cast<int64_t>(series.editions.size()));
  for (size_t t = 0; t < series.editions.size(); ++t) {
    context.cancel.ThrowIfCancelled();
    WriteSheets(series, t, folder, overwrite);
    if (series.options.frames) {
      WriteFrames(series, t, truth, folder, overwrite);
    }
    if (series.options.error_fields) {
      const ErrorField field = ErrorFieldOf(series, t);
      geo::WriteFloatGeoTiff(folder / ErrorFieldName(series.editions[t]),
                             field.bands, field.grid, overwrite);
    }
    const WorldEditionReport& edition =
        report.editions.emplace_back(ReportOf(series, t, truth, folder));
    report.sheets.insert(report.sheets.end(), edition.sheets.begin(),
                         edition.sheets.end());
    context.progress.Advance();
  }
  const db::RunResult rows = TruthRows(series, truth);
  WriteTruthProject(series, rows, folder, overwrite);
  const tracking::VisDocument videos = TruthVideos(series, truth);
  WriteFileAtomically(folder / "truth.json",
                      tracking::ToYoutubeVis(videos).dump() + "\n", overwrite);
  WriteFileAtomically(folder / "georef_error.json",
                      GeoreferenceErrors(series).dump(1) + "\n", overwrite);
  report.truth = (folder / "truth.gpkg").string();
  report.truth_json = (folder / "truth.json").string();
  report.georef_error = (folder / "georef_error.json").string();
  report.buildings = static_cast<int64_t>(rows.buildings.size());
  report.observations = static_cast<int64_t>(rows.observations.size());
  report.videos = static_cast<int64_t>(videos.videos.size());
  for (const db::LineageRow& row : rows.lineage) ++report.lineage[row.kind];
  report.footprints = series.footprints;
  context.progress.Finish();
  return report;
}

WorldSeriesReport WriteAll(const WorldSeries& series, const fs::path& folder,
                           Overwrite overwrite, RunContext& context) {
  MakeFolder(series.options.frames ? folder / "frames" : folder);
  const std::vector<fs::path> outputs = OutputsOf(series, folder);
  for (const fs::path& output : outputs) CheckWritable(output, overwrite);
  WarnOfStrangers(series, folder, outputs);
  try {
    return WriteFiles(series, folder, overwrite, context);
  } catch (...) {
    // Half a series would stand in the way of the same command.
    for (const fs::path& output : outputs) {
      std::error_code ignored;
      fs::remove(output, ignored);
    }
    throw;
  }
}

}  // namespace

void WorldSeriesOptions::Validate() const {
  Require(metres_per_px > 0.0 && std::isfinite(metres_per_px),
          "--metres-per-px must be positive");
  ValidateName(name);
  ValidateEditions(*this);
  Require(StreetPlans().count(plan) > 0, fmt::format("unknown plan '{}'", plan),
          fmt::format("Use {}.", fmt::join(TownPlans(), ", ")));
  RequireRange(error.max_shift_m, 0.0, kMaxShiftM, "--max-shift-m");
  RequireRange(error.affine, 0.0, kMaxRatio, "--affine-error");
  RequireRange(error.shrinkage, 0.0, kMaxRatio, "--shrinkage");
  RequireRange(error.seam_m, 0.0, kMaxShiftM, "--seam-m");
  RequireRange(distortion_m, 0.0, kMaxDistortionM, "--distortion-m");
  RequireRange(sheet_columns, 1, kMaxSheetsPerSide, "--sheets (columns)");
  RequireRange(sheet_rows, 1, kMaxSheetsPerSide, "--sheets (rows)");
  RequireRange(sheet_overlap_m, 0.0, kMaxShiftM, "--sheet-overlap-m");
  Require(missing_sheets >= 0.0 && missing_sheets < 1.0,
          fmt::format("--missing-sheets is {}", missing_sheets),
          "Give a chance from 0 to below 1; one sheet of each edition stays.");
  Require(missing_sheets == 0.0 || sheet_columns * sheet_rows > 1,
          "--missing-sheets needs editions of several sheets",
          "Cut them with --sheets 2x2.");
  if (footprints) {
    Require(!footprints->start_field.empty() && !footprints->end_field.empty(),
            "--footprints needs --start and --end",
            "Name the fields with the first and the last year of a building.");
    Require(footprints->margin_px >= kMinMarginPx,
            fmt::format("the margin of the footprints is {} pixels",
                        footprints->margin_px));
    const std::optional<Box>& bbox = footprints->bbox;
    Require(!bbox || (bbox->min_x < bbox->max_x && bbox->min_y < bbox->max_y),
            "--bbox is empty", "Give xmin,ymin,xmax,ymax.");
  }
  Require(tile_px == 0 || tile_px >= kMinTilePx,
          fmt::format("--tile-px is {}", tile_px),
          fmt::format("Give 0 for one video, or {} or more.", kMinTilePx));
}

WorldSeriesReport WriteWorldSeries(const WorldSeriesOptions& options,
                                   const fs::path& folder, Overwrite overwrite,
                                   RunContext& context) {
  return WriteAll(PlanSeries(options), folder, overwrite, context);
}

void WriteClipPreview(uint64_t seed, int clips, const fs::path& path,
                      Overwrite overwrite) {
  synth::WorldClipOptions options;
  options.seed = seed;
  WriteContactSheet(synth::WorldClipSource(options), clips,
                    options.max_editions, path, overwrite);
}

std::vector<std::string> MapHands() {
  std::vector<std::string> names = synth::HandNames();
  for (std::string& name : synth::HeldOutHandNames()) {
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> TownPlans() {
  std::vector<std::string> names;
  for (const auto& [name, plan] : StreetPlans()) names.push_back(name);
  return names;
}

}  // namespace mapweave::pipelines
