// SPDX-License-Identifier: MIT
//
// ssl qc-train: trains the probe that `ingest --qc` ranks places with.
#include "cli/command.h"
#include "pipelines/sheet_qc_training.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

void RunQcTrain(const CommonOptions& common,
                pipelines::QcTrainingOptions options, RunContext& context) {
  options.probe.seed = common.seed;
  options.probe.device = common.device;
  const ssl::SheetProbeReport report =
      pipelines::TrainQcProbe(options, common.OverwriteMode(), context);
  if (common.json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  std::string text = fmt::format(
      "{}: {} parameters, {} steps on {} squares, {}\n"
      "held-out windows, area under the ROC curve: {:.3f}\n",
      options.probe.output, report.parameters, report.steps, report.images,
      FormatDuration(report.seconds), report.auroc);
  for (const auto& [kind, auroc] : report.auroc_of) {
    text += fmt::format("  {:<14} {:.3f}\n", kind, auroc);
  }
  PrintText(text +
            fmt::format("one in a hundred sound windows scores above {:.3f}\n",
                        report.score_of_1_percent));
}

}  // namespace

void AddSslQcTrainCommand(CLI::App& ssl, Invocation& invocation) {
  auto options = std::make_shared<pipelines::QcTrainingOptions>();
  ssl::SheetProbeOptions& probe = options->probe;
  CLI::App* command = AddCommand(
      ssl, "qc-train", "Train the probe of 'ingest --qc' on simulated damage",
      invocation);
  command->add_option("-o,--output", probe.output, "PROBE.safetensors")
      ->required();
  command->add_option("--steps", probe.steps, "How many batches")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--sheets", options->sheets,
                   "Simulated sheets to learn from")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command
      ->add_option("--held-out-sheets", options->held_out_sheets,
                   "Simulated sheets to measure on")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--preview", options->preview,
                      "Picture (PNG) of windows as the probe sees them");
  const char* advanced = "Advanced";
  command->add_option("--batch", probe.batch, "Windows of a step")
      ->check(CLI::Range(2, 65536))
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--learning-rate", probe.learning_rate, "Its peak")
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--width", probe.width, "Channels of the first stage")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group(advanced);
  command->footer(
      "Example:\n"
      "  mapweave ssl qc-train -o qc.safetensors\n"
      "  mapweave ingest scans/*.tif -o p.gpkg --qc --qc-probe qc.safetensors");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunQcTrain(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
