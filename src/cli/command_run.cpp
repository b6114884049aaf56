// SPDX-License-Identifier: MIT
//
// run, and its stages one by one: ingest, align, segment, lineage.
#include "cli/command.h"
#include "cli/sheet_arguments.h"
#include "core/error.h"
#include "pipelines/align_report.h"
#include "pipelines/project.h"
#include "pipelines/run.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace mapweave::cli {
namespace {

struct Options {
  SheetArguments sheets;
  std::string project;
  std::string output;
  std::vector<int> window_offset;
  double resolution = 0.0;
  std::string report_folder;
  std::string field_folder;
  bool check_quality = false;
  pipelines::QcOptions quality;
  pipelines::RunOptions run;
};

std::string EditionTable(const pipelines::ResultSummary& summary) {
  std::string text;
  for (size_t i = 0; i < summary.editions.size(); ++i) {
    text += fmt::format("  {:<12} {:>7} buildings\n", summary.editions[i],
                        summary.observations_by_edition[i]);
  }
  return text;
}

std::string StepTable(const pipelines::ResultSummary& summary) {
  std::string text;
  for (const pipelines::KindCount& step : summary.steps) {
    text += fmt::format("  {} to {}:", step.from_edition, step.to_edition);
    bool first = true;
    for (const auto& [kind, count] : step.kinds) {
      text += fmt::format("{} {} {}", first ? "" : ",", count, kind);
      first = false;
    }
    text += "\n";
  }
  return text;
}

void PrintSummary(const pipelines::ResultSummary& summary,
                  const std::string& file) {
  PrintText(fmt::format("{} buildings, {} observations in {}\n{}",
                        summary.buildings, summary.observations, file,
                        EditionTable(summary)));
  if (!summary.steps.empty()) {
    PrintText("What happened between the editions:\n" + StepTable(summary));
  }
}

// Moves what CLI11 filled in into the options of the stages.
pipelines::RunOptions StageOptions(const CommonOptions& common,
                                   const Options& options) {
  pipelines::RunOptions run = options.run;
  if (options.resolution > 0.0) run.ingest.resolution = options.resolution;
  run.segment.device = common.device;
  run.align.threads = common.ThreadCount();
  run.segment.threads = common.ThreadCount();
  run.segment.memory_mb = common.memory_mb;
  if (options.check_quality || !options.quality.report.empty()) {
    run.qc = options.quality;
    run.qc->device = common.device;
  }
  if (options.window_offset.size() == 2) {
    run.segment.window_offset = {options.window_offset[0],
                                 options.window_offset[1]};
  }
  return run;
}

void AddSheetOptions(CLI::App* command, Options& options) {
  options.sheets.AddTo(command);
  command->add_option("-o,--output", options.output, "Project file (.gpkg)")
      ->required();
  command->add_option("--grid-crs", options.run.ingest.grid_crs,
                      "CRS of the project; chosen from the sheets if not "
                      "given");
  command
      ->add_option("--resolution", options.resolution,
                   "CRS units per pixel; the sheets' own if not given")
      ->check(CLI::PositiveNumber);
}

void AddQualityOptions(CLI::App* command, Options& options) {
  pipelines::QcOptions& quality = options.quality;
  const char* group = "Quality control";
  command
      ->add_flag("--qc", options.check_quality,
                 "Rank the places of each sheet that look like damage, for you "
                 "to look at; nothing else depends on it")
      ->group(group);
  command
      ->add_option("--qc-report", quality.report,
                   "Folder for a page with pictures of these places, and "
                   "places.geojson; implies --qc")
      ->group(group);
  command->add_option("--qc-places", quality.places, "Places of each sheet")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--qc-probe", quality.probe,
                   "Probe that 'ssl qc-train' wrote; the shipped one if not "
                   "given")
      ->group(group);
}

void AddAlignOptions(CLI::App* command, Options& options) {
  pipelines::AlignOptions& align = options.run.align;
  const char* group = "Alignment";
  command
      ->add_option("--max-shift-m", align.max_shift_m,
                   "Farthest whole-sheet shift that is looked for, in metres")
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--min-confidence", align.min_confidence,
                   "Less certain shifts are refused, 0..1")
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--overview-px", align.overview_px,
                   "Side of the reduced images that are compared")
      ->capture_default_str()
      ->group(group);
  command
      ->add_flag("--coarse", align.coarse,
                 "One shift, rotation and scale per edition instead of a "
                 "smooth field")
      ->group(group);
}

void AddSegmentOptions(CLI::App* command, Options& options) {
  pipelines::SegmentOptions& segment = options.run.segment;
  const char* group = "Segmentation";
  command
      ->add_option("--checkpoint", segment.checkpoint,
                   "Network weights (.safetensors); the shipped ones if not "
                   "given")
      ->group(group);
  command
      ->add_option("--precision", segment.precision,
                   "Of the network: auto, bf16 or fp32; auto is bf16 where the "
                   "processor has it, twice as fast")
      ->check(CLI::IsMember({"auto", "bf16", "fp32"}))
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--looks", segment.looks,
                   "Turn and mirror every window so many times and average "
                   "what the network says: finds more, takes longer")
      ->check(CLI::IsMember({1, 2, 4, 8}))
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--zoom", segment.zoom,
                   "Look at every window magnified so many times, too, and "
                   "average: finds smaller buildings, takes longer")
      ->check(CLI::Range(1.0, 3.0))
      ->capture_default_str()
      ->group(group);
  command->add_option("--window-px", segment.window_px)
      ->capture_default_str()
      ->group(group);
  command->add_option("--overlap-px", segment.overlap_px)
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--window-offset-px", options.window_offset,
                   "Moves the grid of windows: X,Y")
      ->delimiter(',')
      ->expected(2)
      ->group(group);
}

void RunAll(const CommonOptions& common, const Options& options,
            RunContext& context) {
  pipelines::LimitRasterCache(common.memory_mb);
  const pipelines::RunReport report =
      pipelines::Run(options.sheets.Load(), StageOptions(common, options),
                     options.output, common.OverwriteMode(), context);
  if (common.json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  PrintSummary(report.summary, options.output);
  if (report.qc) PrintText(pipelines::QcText(*report.qc));
}

void RunIngest(const CommonOptions& common, const Options& options,
               RunContext& context) {
  pipelines::LimitRasterCache(common.memory_mb);
  const pipelines::RunOptions stages = StageOptions(common, options);
  if (stages.qc) {
    pipelines::CheckQcOptions(*stages.qc, common.OverwriteMode());
  }
  db::Store store =
      pipelines::Ingest(options.sheets.Load(), stages.ingest, options.output,
                        common.OverwriteMode(), context);
  const pipelines::Project project = pipelines::LoadProject(store);
  std::vector<pipelines::SheetQuality> quality;
  if (stages.qc) {
    quality = pipelines::CheckSheetQuality(project, *stages.qc,
                                           common.OverwriteMode(), context);
  }
  if (common.json) {
    Json document = {{"editions", Json::array()},
                     {"crs", project.grid.crs.Label()},
                     {"resolution", project.grid.resolution},
                     {"width", project.grid.width},
                     {"height", project.grid.height},
                     {"megapixels", project.Megapixels()},
                     {"sheets", pipelines::SheetDocuments(store)}};
    for (const pipelines::ProjectEdition& edition : project.editions) {
      document["editions"].push_back(
          {{"edition", edition.label}, {"sheets", edition.sheets.size()}});
    }
    if (stages.qc) document["qc"] = pipelines::ToJson(quality);
    PrintJson(document);
    return;
  }
  PrintText(fmt::format("{}: {} editions, {} x {} px of {:.4g} in {}\n",
                        options.output, project.editions.size(),
                        project.grid.width, project.grid.height,
                        project.grid.resolution, project.grid.crs.Label()));
  if (stages.qc) PrintText(pipelines::QcText(quality));
}

db::Store OpenProject(const Options& options) {
  return db::Store::Open(options.project, db::OpenMode::kReadWrite);
}

void RunAlign(const CommonOptions& common, const Options& options,
              RunContext& context) {
  pipelines::LimitRasterCache(common.memory_mb);
  db::Store store = OpenProject(options);
  pipelines::RequireUnchangedSheets(store);
  if (!options.report_folder.empty()) {
    pipelines::CheckAlignmentReport(store, options.report_folder,
                                    common.OverwriteMode());
  }
  if (!options.field_folder.empty()) {
    pipelines::CheckAlignmentFields(store, options.field_folder,
                                    common.OverwriteMode());
  }
  pipelines::AlignOptions align = StageOptions(common, options).align;
  align.replace_result = common.overwrite;
  const auto found = pipelines::Align(store, align, context);
  if (!options.report_folder.empty()) {
    pipelines::WriteAlignmentReport(store, found, options.report_folder,
                                    common.OverwriteMode(), context);
  }
  if (!options.field_folder.empty()) {
    pipelines::WriteAlignmentFields(store, options.field_folder,
                                    common.OverwriteMode());
  }
  if (common.json) {
    PrintJson({{"editions", pipelines::ToJson(found)}});
    return;
  }
  for (const pipelines::EditionAlignment& edition : found) {
    PrintText(fmt::format(
        "{:<12} {:+8.2f} m east {:+8.2f} m north  confidence {:.2f}  {}\n",
        edition.edition, edition.shift_x_m, edition.shift_y_m,
        edition.confidence,
        !edition.aligned            ? "refused"
        : &edition == &found.back() ? "the newest, stands still"
        : edition.residual_m
            ? fmt::format("{:.2f} m left at {} places", *edition.residual_m,
                          edition.held_out_points)
            : "no place to check"));
  }
}

void RunSegment(const CommonOptions& common, const Options& options,
                RunContext& context) {
  db::Store store = OpenProject(options);
  pipelines::RequireUnchangedSheets(store);
  const pipelines::SegmentReport report =
      pipelines::Segment(store, StageOptions(common, options).segment, context);
  if (common.json) {
    PrintJson({{"run_id", report.run_id},
               {"windows", report.windows},
               {"windows_done_before", report.windows_done_before},
               {"device", report.device},
               {"network_share", report.network_share}});
    return;
  }
  PrintText(fmt::format("{} windows, {} of them done before\n", report.windows,
                        report.windows_done_before));
}

void RunLineage(const CommonOptions& common, const Options& options,
                RunContext& context) {
  db::Store store = OpenProject(options);
  pipelines::RequireUnchangedSheets(store);
  pipelines::RunReport report;
  report.summary = pipelines::DeriveLineage(
      store, StageOptions(common, options).lineage, context);
  if (common.json) {
    PrintJson({{"buildings", report.summary.buildings},
               {"observations", report.summary.observations},
               {"lineage", report.summary.kinds}});
    return;
  }
  PrintSummary(report.summary, options.project);
}

using Action = void (*)(const CommonOptions&, const Options&, RunContext&);

void Bind(CLI::App* command, std::shared_ptr<Options> options, Action action,
          Invocation& invocation) {
  command->callback([options, action, &invocation] {
    invocation.action = [options, action, &invocation](RunContext& context) {
      action(invocation.common, *options, context);
    };
  });
}

void AddProjectArgument(CLI::App* command, Options& options) {
  command->add_option("project", options.project, "Project file (.gpkg)")
      ->required();
}

}  // namespace

void AddRunCommands(CLI::App& app, Invocation& invocation) {
  auto run = std::make_shared<Options>();
  CLI::App* command =
      AddCommand(app, "run", "Do the whole job: from maps to linked buildings",
                 invocation);
  AddSheetOptions(command, *run);
  AddAlignOptions(command, *run);
  command
      ->add_flag("--accept-unaligned", run->run.accept_unaligned,
                 "Go on where an edition fits no other one, with that edition "
                 "as it lies")
      ->group("Alignment");
  AddSegmentOptions(command, *run);
  AddQualityOptions(command, *run);
  command->footer(
      "An interrupted run goes on when the same command is given again.\n"
      "Example:\n"
      "  mapweave run town_1860.tif town_1880.tif -o town.gpkg");
  Bind(command, run, RunAll, invocation);

  auto ingest = std::make_shared<Options>();
  command = AddCommand(app, "ingest",
                       "Check the maps and make the project file", invocation);
  AddSheetOptions(command, *ingest);
  AddQualityOptions(command, *ingest);
  Bind(command, ingest, RunIngest, invocation);

  auto align = std::make_shared<Options>();
  command =
      AddCommand(app, "align",
                 "Bring the editions of a project onto each other", invocation);
  AddProjectArgument(command, *align);
  AddAlignOptions(command, *align);
  command->add_option("--report", align->report_folder,
                      "Folder for a page with pictures of the editions against "
                      "each other before and after");
  command->add_option("--export-field", align->field_folder,
                      "Folder for the displacements as GeoTIFF: metres east, "
                      "metres north, standard deviation");
  Bind(command, align, RunAlign, invocation);

  auto segment = std::make_shared<Options>();
  command = AddCommand(app, "segment",
                       "Find the buildings of a project, window by window",
                       invocation);
  AddProjectArgument(command, *segment);
  AddSegmentOptions(command, *segment);
  Bind(command, segment, RunSegment, invocation);

  auto lineage = std::make_shared<Options>();
  command = AddCommand(
      app, "lineage",
      "Join the windows' tracks to buildings and derive what happened to them",
      invocation);
  AddProjectArgument(command, *lineage);
  Bind(command, lineage, RunLineage, invocation);
}

}  // namespace mapweave::cli
