// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "cli/text_table.h"
#include "pipelines/map_benchmarks.h"
#include "pipelines/ssl_bench.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

struct BenchChoice {
  pipelines::SslBenchOptions options;
  std::vector<std::string> benchmarks;
};

void RunBench(const CommonOptions& common, const BenchChoice& choice,
              RunContext& context) {
  pipelines::SslBenchOptions options = choice.options;
  options.device = common.device;
  const pipelines::SslBenchReport report = pipelines::RunBenchmarks(
      pipelines::ChooseBenchmarks(choice.benchmarks), options, context);
  if (common.json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  TextTable table;
  table.columns = {"checkpoint"};
  table.columns.insert(table.columns.end(), report.groups.begin(),
                       report.groups.end());
  table.columns.push_back("mean");
  for (const pipelines::SslBenchReport::Row& row : report.rows) {
    std::vector<std::string> cells = {row.checkpoint};
    for (const std::string& group : report.groups) {
      cells.push_back(fmt::format("{:.3f}", row.scores.groups.at(group)));
    }
    cells.push_back(fmt::format("{:.3f}", row.scores.all));
    table.rows.push_back(std::move(cells));
  }
  PrintText(ToText(table));
  PrintText(fmt::format(
      "evaluated {} samples in {}; {} of each checkpoint "
      "make the table\n",
      report.evaluated, FormatDuration(report.seconds), report.samples));
}

std::vector<std::string> BenchmarkNames() {
  std::vector<std::string> names;
  for (const auto& benchmark : pipelines::MapBenchmarks()) {
    names.push_back(benchmark->Info().name);
  }
  return names;
}

}  // namespace

void AddSslBenchCommand(CLI::App& ssl_command, Invocation& invocation) {
  auto choice = std::make_shared<BenchChoice>();
  CLI::App* command = AddCommand(
      ssl_command, "bench",
      "Ask frozen encoders what they know of maps, capability by capability",
      invocation);
  command
      ->add_option("checkpoints", choice->options.checkpoints,
                   "Encoders or networks (safetensors)")
      ->required();
  command
      ->add_option("--project", choice->options.project,
                   "Project file that keeps every answer in its table "
                   "evaluation; what is there is not asked again")
      ->required();
  command->add_flag("--distilled", choice->options.distilled,
                    "A part of the samples that ranks encoders nearly as all "
                    "of them do");
  command
      ->add_option("--benchmark", choice->benchmarks,
                   "These alone; see 'ssl list'")
      ->check(CLI::IsMember(BenchmarkNames()));
  command->footer(
      "Example:\n"
      "  mapweave ssl bench a.safetensors b.safetensors --project runs.gpkg");
  command->callback([choice, &invocation] {
    invocation.action = [choice, &invocation](RunContext& context) {
      RunBench(invocation.common, *choice, context);
    };
  });
}

}  // namespace mapweave::cli
