// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "pipelines/info.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

void Run(const CommonOptions& common, const std::string& file) {
  const Json info =
      file.empty() ? pipelines::ProgramInfo() : pipelines::FileInfo(file);
  if (common.json) {
    PrintJson(info);
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
  auto file = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      app, "info",
      "Versions and devices; or what a map, project or checkpoint is",
      invocation);
  command->add_option("file", *file, "Map, project file or checkpoint");
  command->callback([file, &invocation] {
    invocation.action = [file, &invocation](RunContext&) {
      Run(invocation.common, *file);
    };
  });
}

}  // namespace mapweave::cli
