// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "pipelines/info.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

struct InfoOptions {
  std::string file;
  pipelines::SheetSettings settings;
};

void Run(const CommonOptions& common, const InfoOptions& options) {
  const Json info = options.file.empty()
                        ? pipelines::ProgramInfo()
                        : pipelines::FileInfo(options.file, options.settings);
  if (common.json) {
    PrintJson(info);
    return;
  }
  if (info.value("kind", "") == "sheet") {
    PrintText(pipelines::SheetText(info));
    return;
  }
  std::string text;
  for (const auto& [key, value] : info.items()) {
    if (value.is_array()) {
      for (const Json& item : value) {
        text += fmt::format(
            "{:<18} {}\n", key,
            item.is_string() ? item.get<std::string>() : item.dump());
      }
    } else {
      text += fmt::format(
          "{:<18} {}\n", key,
          value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  PrintText(text);
}

}  // namespace

void AddInfoCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App* command = AddCommand(
      app, "info",
      "Versions and devices; or what a map, project or checkpoint is",
      invocation);
  pipelines::SheetSettings& settings = options->settings;
  command->add_option("file", options->file, "Map, project file or checkpoint");
  command->add_option("--crs", settings.crs,
                      "CRS of a map, in place of the one that it states");
  command->add_option(
      "--gcps", settings.gcps,
      "Control points of a map: QGIS .points, IIIF georeference "
      "annotation or CSV");
  command->add_option("--annotation", settings.annotation,
                      "Which annotation of a page: number or id");
  command->add_option("--transformation", settings.transformation,
                      "How to fit control points: gcp-poly1, gcp-poly2, "
                      "gcp-poly3 or tps");
  command->add_option(
      "--cutline", settings.cutline,
      "Vector file with the outline of the legible map, or none");
  command->add_flag_callback(
      "--allow-ballpark", [&settings] { settings.allow_ballpark = true; },
      "Accept transformations that ignore a change of datum");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext&) {
      Run(invocation.common, *options);
    };
  });
}

}  // namespace mapweave::cli
