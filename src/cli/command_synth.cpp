// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "core/error.h"
#include "pipelines/worlds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>

namespace mapweave::cli {
namespace {

struct Options {
  pipelines::WorldSeriesOptions world;
  // In pixels of the window, as an alternative to metres.
  std::optional<double> max_shift_px;
  std::optional<double> distortion_px;
  pipelines::FootprintOptions footprints;
  std::vector<double> bbox;
  std::string sheets = "1x1";
  std::string output;
  std::string preview;
  int preview_clips = 64;
};

// "3x2": three columns, two rows.
void ParseSheets(const std::string& text,
                 pipelines::WorldSeriesOptions& world) {
  const char* end = text.data() + text.size();
  const auto columns = std::from_chars(text.data(), end, world.sheet_columns);
  if (columns.ec == std::errc() && columns.ptr != end && *columns.ptr == 'x') {
    const auto rows = std::from_chars(columns.ptr + 1, end, world.sheet_rows);
    if (rows.ec == std::errc() && rows.ptr == end) return;
  }
  throw Error(ErrorCode::kUsage, fmt::format("'{}' is no --sheets", text),
              "Write columns x rows: --sheets 3x2.");
}

pipelines::WorldSeriesOptions Complete(const CommonOptions& common,
                                       const Options& options) {
  pipelines::WorldSeriesOptions world = options.world;
  world.seed = common.seed;
  if (options.max_shift_px) {
    world.error.max_shift_m = *options.max_shift_px * world.metres_per_px;
  }
  if (options.distortion_px) {
    world.distortion_m = *options.distortion_px * world.metres_per_px;
  }
  ParseSheets(options.sheets, world);
  if (!options.footprints.path.empty()) {
    world.footprints = options.footprints;
    if (options.bbox.size() == 4) {
      world.footprints->bbox = Box{options.bbox[0], options.bbox[1],
                                   options.bbox[2], options.bbox[3]};
    }
  }
  return world;
}

Json ToJson(const pipelines::WorldSeriesReport& report) {
  Json editions = Json::array();
  for (const pipelines::WorldEditionReport& edition : report.editions) {
    editions.push_back({{"edition", edition.edition},
                        {"hand", edition.hand},
                        {"metres_per_px", edition.metres_per_px},
                        {"shift_m", {edition.shift_x_m, edition.shift_y_m}},
                        {"sheets", edition.sheets},
                        {"missing", edition.missing},
                        {"observations", edition.observations}});
  }
  Json document;
  document["sheets"] = report.sheets;
  document["truth"] = report.truth;
  document["truth_json"] = report.truth_json;
  document["georef_error"] = report.georef_error;
  document["buildings"] = report.buildings;
  document["observations"] = report.observations;
  document["videos"] = report.videos;
  document["lineage"] = report.lineage;
  document["editions"] = std::move(editions);
  if (report.footprints.taken > 0) {
    document["footprints"] = {
        {"taken", report.footprints.taken},
        {"standing", report.footprints.standing},
        {"unknown_starts", report.footprints.unknown_starts},
        {"unknown_ends", report.footprints.unknown_ends}};
  }
  return document;
}

std::string Table(const pipelines::WorldSeriesReport& report) {
  std::string text = fmt::format(
      "{:<12} {:<14} {:>8} {:>8} {:>8} {:>7} {:>8} {:>10}\n", "edition", "hand",
      "m/px", "shift x", "shift y", "sheets", "missing", "buildings");
  for (const pipelines::WorldEditionReport& edition : report.editions) {
    text += fmt::format(
        "{:<12} {:<14} {:>8.3g} {:>8.2f} {:>8.2f} {:>7} {:>8} {:>10}\n",
        edition.edition, edition.hand, edition.metres_per_px, edition.shift_x_m,
        edition.shift_y_m, edition.sheets.size(), edition.missing.size(),
        edition.observations);
  }
  text += fmt::format("\n{} buildings, {} outlines\n", report.buildings,
                      report.observations);
  for (const auto& [kind, count] : report.lineage) {
    text += fmt::format("  {:<10} {:>6}\n", kind, count);
  }
  return text + fmt::format("\n{}\n{}\n{}\n", report.truth, report.truth_json,
                            report.georef_error);
}

void RunWorld(const CommonOptions& common, const Options& options,
              RunContext& context) {
  if (options.output.empty() && options.preview.empty()) {
    throw Error(ErrorCode::kUsage, "nothing to write",
                "Give a folder with -o, or a picture with --preview.");
  }
  Json document = Json::object();
  std::string text;
  if (!options.preview.empty()) {
    pipelines::WriteClipPreview(common.seed, options.preview_clips,
                                options.preview, common.OverwriteMode());
    document["preview"] = options.preview;
    text += options.preview + "\n";
  }
  if (!options.output.empty()) {
    const pipelines::WorldSeriesReport report =
        pipelines::WriteWorldSeries(Complete(common, options), options.output,
                                    common.OverwriteMode(), context);
    document.update(ToJson(report));
    text += Table(report);
  }
  if (common.json) {
    PrintJson(document);
  } else {
    PrintText(text);
  }
}

void AddTownOptions(CLI::App& command, pipelines::WorldSeriesOptions& world) {
  command
      .add_option("--editions", world.editions, "Survey dates, oldest first")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--width-px", world.width_px)->capture_default_str();
  command.add_option("--height-px", world.height_px)->capture_default_str();
  command
      .add_option("--metres-per-px", world.metres_per_px,
                  "Of the window and the truth")
      ->capture_default_str();
  command
      .add_option("--plan", world.plan,
                  fmt::format("Street plan: {}",
                              fmt::join(pipelines::TownPlans(), ", ")))
      ->capture_default_str();
  command
      .add_option("--building-px", world.building_px,
                  "Side of a typical house in pixels")
      ->capture_default_str();
  command
      .add_option("--density", world.density,
                  "Share of the plots that are built on, 0..1")
      ->capture_default_str();
  command
      .add_option("--change", world.change,
                  "Share of the buildings that change from one edition to the "
                  "next, 0..1")
      ->capture_default_str();
}

void AddFootprintOptions(CLI::App& command, Options& options) {
  pipelines::FootprintOptions& footprints = options.footprints;
  CLI::Option* file = command.add_option(
      "--footprints", footprints.path,
      "Vector file with real buildings in place of a simulated town; the "
      "window follows from it");
  command
      .add_option("--start", footprints.start_field,
                  "Its field with the year or date since when a building "
                  "stands; null: before the oldest edition")
      ->needs(file);
  command
      .add_option("--end", footprints.end_field,
                  "Its field with the last year or date of a building; null: "
                  "after the newest edition")
      ->needs(file);
  command
      .add_option("--layer", footprints.layer, "Its layer, if not the first")
      ->needs(file);
  command
      .add_option("--bbox", options.bbox,
                  "Take only buildings with their middle in "
                  "xmin,ymin,xmax,ymax, in the file's CRS")
      ->delimiter(',')
      ->expected(4)
      ->needs(file);
}

void AddSheetOptions(CLI::App& command, Options& options) {
  pipelines::WorldSeriesOptions& world = options.world;
  command
      .add_option("--hands", world.hands,
                  fmt::format("One map hand per edition, at random if not "
                              "given: {}",
                              fmt::join(pipelines::MapHands(), ", ")))
      ->delimiter(',');
  command
      .add_option("--resolutions", world.resolutions,
                  "Metres per pixel of the sheets of each edition; as the "
                  "window if not given")
      ->delimiter(',');
  command
      .add_option("--sheets", options.sheets,
                  "Cut every edition into columns x rows of sheets")
      ->capture_default_str();
  command
      .add_option("--sheet-overlap-m", world.sheet_overlap_m,
                  "By which neighbouring sheets overlap; 0: they abut")
      ->capture_default_str();
  command
      .add_option("--missing-sheets", world.missing_sheets,
                  "Chance of a sheet to be lost; one of each edition stays")
      ->capture_default_str();
}

void AddErrorOptions(CLI::App& command, Options& options) {
  pipelines::WorldSeriesOptions& world = options.world;
  CLI::Option* shift_m =
      command
          .add_option("--max-shift-m", world.error.max_shift_m,
                      "Largest shift of an edition by its georeference, per "
                      "axis, 0..100; the newest edition has none")
          ->capture_default_str();
  command
      .add_option("--max-shift-px", options.max_shift_px,
                  "The same in pixels of the window")
      ->excludes(shift_m);
  command
      .add_option("--affine-error", world.error.affine,
                  "Largest rotation (radians), change of scale and shear of "
                  "an edition, 0..0.1; 0.003 is 3 m per km")
      ->capture_default_str();
  command
      .add_option("--shrinkage", world.error.shrinkage,
                  "Largest part by which the paper has shrunk, unequally along "
                  "and across, 0..0.1")
      ->capture_default_str();
  command
      .add_option("--seam-m", world.error.seam_m,
                  "Largest shift of a sheet against the others of its edition")
      ->capture_default_str();
  CLI::Option* distortion_m =
      command
          .add_option("--distortion-m", world.distortion_m,
                      "Largest smooth local displacement of a drawing, 0..8")
          ->capture_default_str();
  command
      .add_option("--distortion-px", options.distortion_px,
                  "The same in pixels of the window")
      ->excludes(distortion_m);
}

void AddOutputOptions(CLI::App& command, Options& options) {
  pipelines::WorldSeriesOptions& world = options.world;
  command.add_option("-o,--output", options.output,
                     "Folder for the GeoTIFFs, truth.gpkg, truth.json and "
                     "georef_error.json");
  command.add_option("--name", world.name, "Start of the files' names")
      ->capture_default_str();
  command
      .add_option("--tile-px", world.tile_px,
                  "Side of the videos of truth.json; 0: one of the whole "
                  "window")
      ->capture_default_str();
  command.add_flag("--frames", world.frames,
                   "Also write the frames of these videos as PNG, free of "
                   "georeferencing errors");
  command.add_flag("--error-fields", world.error_fields,
                   "Also write each edition's true displacement as GeoTIFF");
  command.add_option("--preview", options.preview,
                     "PNG with clips as the training sees them");
  command.add_option("--preview-clips", options.preview_clips)
      ->check(CLI::Range(1, 400))
      ->capture_default_str();
}

}  // namespace

void AddSynthCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* synth = app.add_subcommand(
      "synth", "Make map series and videos with known truth");
  synth->require_subcommand(1);
  synth->fallthrough();
  auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      *synth, "world", "Draw a simulated town through time, with its truth",
      invocation);
  AddOutputOptions(*command, *options);
  AddTownOptions(*command, options->world);
  AddFootprintOptions(*command, *options);
  AddSheetOptions(*command, *options);
  AddErrorOptions(*command, *options);
  command->footer(
      "Examples:\n"
      "  mapweave synth world --seed 7 -o my_town\n"
      "  mapweave synth world --seed 7 -o atlas --sheets 3x2 \\\n"
      "    --missing-sheets 0.2 --max-shift-m 60 --affine-error 0.003 \\\n"
      "    --resolutions 2,1.5,1,1 --error-fields\n"
      "  mapweave synth world --footprints houses.gpkg --start built \\\n"
      "    --end gone --editions 1850,1880,1910 -o real_town");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunWorld(invocation.common, *options, context);
    };
  });
  AddSynthVideosCommand(*synth, invocation);
}

}  // namespace mapweave::cli
