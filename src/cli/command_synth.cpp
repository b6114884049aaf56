// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "core/error.h"
#include "pipelines/worlds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mapweave::cli {
namespace {

struct Options {
  pipelines::WorldSeriesOptions world;
  std::string output;
  std::string preview;
  int preview_clips = 64;
};

void RunWorld(const CommonOptions& common, Options options,
              RunContext& context) {
  if (options.output.empty() && options.preview.empty()) {
    throw Error(ErrorCode::kUsage, "nothing to write",
                "Give a folder with -o, or a picture with --preview.");
  }
  options.world.seed = common.seed;
  Json document = Json::object();
  if (!options.preview.empty()) {
    pipelines::WriteClipPreview(common.seed, options.preview_clips,
                                options.preview, common.OverwriteMode());
    document["preview"] = options.preview;
  }
  if (!options.output.empty()) {
    const pipelines::WorldSeriesReport report = pipelines::WriteWorldSeries(
        options.world, options.output, common.OverwriteMode(), context);
    document["sheets"] = report.sheets;
    document["truth"] = report.truth;
    document["buildings"] = report.buildings;
    document["observations"] = report.observations;
  }
  if (common.json) {
    PrintJson(document);
    return;
  }
  for (const auto& [key, value] : document.items()) {
    PrintText(fmt::format("{}: {}\n", key, value.dump()));
  }
}

}  // namespace

void AddSynthCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* synth = app.add_subcommand("synth", "Make simulated map series");
  synth->require_subcommand(1);
  synth->fallthrough();
  auto options = std::make_shared<Options>();
  pipelines::WorldSeriesOptions& world = options->world;
  CLI::App* command = AddCommand(
      *synth, "world", "Draw a simulated town through time, with its truth",
      invocation);
  command->add_option("-o,--output", options->output,
                      "Folder for the GeoTIFFs and truth.gpkg");
  command->add_option("--name", world.name, "Start of the files' names")
      ->capture_default_str();
  command
      ->add_option("--editions", world.editions, "Survey dates, oldest first")
      ->delimiter(',')
      ->capture_default_str();
  command
      ->add_option("--hands", world.hands,
                   fmt::format("One map hand per edition, at random if not "
                               "given: {}",
                               fmt::join(pipelines::MapHands(), ", ")))
      ->delimiter(',');
  command->add_option("--width-px", world.width_px)->capture_default_str();
  command->add_option("--height-px", world.height_px)->capture_default_str();
  command
      ->add_option("--plan", world.plan,
                   "Street plan: grid, organic, rural or ring-and-grid")
      ->capture_default_str();
  command
      ->add_option("--building-px", world.building_px,
                   "Side of a typical house in pixels")
      ->capture_default_str();
  command
      ->add_option("--density", world.density,
                   "Share of the plots that are built on, 0..1")
      ->capture_default_str();
  command->add_option("--metres-per-px", world.metres_per_px)
      ->capture_default_str();
  command
      ->add_option("--max-shift-px", world.max_shift_px,
                   "Largest whole-sheet error of the georeference")
      ->capture_default_str();
  command
      ->add_option("--distortion-px", world.distortion_px,
                   "Largest local displacement of a drawing")
      ->capture_default_str();
  command->add_option("--preview", options->preview,
                      "PNG with clips as the training sees them");
  command->add_option("--preview-clips", options->preview_clips)
      ->check(CLI::Range(1, 400))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  mapweave synth world --seed 7 -o my_town");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunWorld(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
