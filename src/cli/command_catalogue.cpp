// SPDX-License-Identifier: MIT
//
// catalogue: lists of sheets from one format to another.
#include "cli/command.h"
#include "cli/sheet_arguments.h"
#include "pipelines/catalogue_writer.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::cli {
namespace {

struct Options {
  SheetArguments sheets;
  std::string output;
  bool cogs = false;
};

void WriteIt(const CommonOptions& common, const Options& options,
             RunContext& context) {
  const pipelines::Series series = options.sheets.Load();
  const auto written = pipelines::WriteCatalogue(
      series, options.output, {options.cogs, common.OverwriteMode()}, context);
  if (common.json) {
    Json files = Json::array();
    for (const std::filesystem::path& path : written) {
      files.push_back(path.string());
    }
    PrintJson({{"sheets", series.sheets.size()},
               {"editions", series.Labels()},
               {"files", files}});
    return;
  }
  PrintText(fmt::format("{} sheets of {} editions in {}\n",
                        series.sheets.size(), series.editions.size(),
                        options.output));
}

}  // namespace

void AddCatalogueCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, "catalogue", "List maps with their dates, for use here or elsewhere",
      invocation);
  options->sheets.AddTo(command);
  command
      ->add_option("-o,--output", options->output,
                   "Series file (.toml), table (.csv), or a folder for a STAC "
                   "catalogue")
      ->required();
  command->add_flag("--cogs", options->cogs,
                    "With a folder: write each sheet, rectified and cut out, "
                    "as Cloud Optimized GeoTIFF");
  command->footer(
      "Examples:\n"
      "  mapweave catalogue maps/ -o maps.csv\n"
      "  mapweave catalogue town.gpkg -o stac --cogs");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      WriteIt(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
