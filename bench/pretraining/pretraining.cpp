// SPDX-License-Identifier: MIT
//
// Does pretraining help when labels are few? The same network, fine-tuned with
// the same steps on 5, 20, 100 or all labelled clips of maps in hands and on a
// street plan that nothing was tuned to, from random weights, from synthetic
// videos cut from the unlabelled halves of these maps, from the published
// two-frame recipe, and from simulated worlds in other hands; beside them, from
// random weights with the steps of pretraining added, and two baselines that
// look at the editions one by one.
//
// Every cell is a file in the folder. What is there is not done again, so that
// a killed run goes on, and several processes with different --seeds may share
// one folder.
#include "bench/pretraining/experiment.h"
#include "bench/pretraining/report.h"
#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pretraining {
namespace {

struct Arguments {
  ExperimentOptions experiment;
  std::vector<std::string> labels = {"5", "20", "100", "all"};
  std::vector<std::string> checkpoints;
  bool smoke = false;
  bool report_only = false;
};

// One or two minutes, to see that all parts work together.
void MakeSmall(Arguments& arguments) {
  ExperimentOptions& options = arguments.experiment;
  options.target.towns = options.target.test_towns = 1;
  options.target.town_px = 512;
  options.target.editions = 3;
  options.target.test_clips = 6;
  options.pretraining_steps = 40;
  options.steps = 20;
  options.seeds = {1};
  arguments.labels = {"5"};
}

void AddOptions(CLI::App& app, Arguments& arguments) {
  ExperimentOptions& options = arguments.experiment;
  app.add_option("-o,--output", options.folder, "Folder for the results")
      ->required();
  app.add_option("--labels", arguments.labels,
                 "Numbers of labelled clips, or all")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--seeds", options.seeds)
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--pretrainings", options.pretrainings,
                 "Of each kind, shared by the seeds; 0: one per seed")
      ->capture_default_str();
  app.add_option("--starts", options.starts)
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--two-step", options.two_step,
                 "Starts to train edition by edition, too, or none")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--checkpoint", arguments.checkpoints,
                 "NAME=FILE: weights made elsewhere, as one more start");
  app.add_option("--preset", options.preset, "Of the network")
      ->capture_default_str();
  app.add_option("--hands", options.target.hands, "Of the target")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--towns", options.target.seed,
                 "Seed of the target's towns: another one is another place")
      ->capture_default_str();
  app.add_option("--pretraining-steps", options.pretraining_steps)
      ->capture_default_str();
  app.add_option("--steps", options.steps, "Of fine-tuning")
      ->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate)
      ->capture_default_str();
  app.add_flag("--learn-norm", options.learn_norm,
               "Let batch norms follow the labelled clips");
  app.add_option("--threads", options.threads)->capture_default_str();
  app.add_flag("--smoke", arguments.smoke, "A small run, to see that it works");
  app.add_flag("--report", arguments.report_only,
               "Only tell what has been done already");
}

void TakeLabels(Arguments& arguments) {
  arguments.experiment.labels.clear();
  for (const std::string& text : arguments.labels) {
    int labels = kAllLabels;
    if (text != "all" && !CLI::detail::lexical_cast(text, labels)) {
      throw Error(ErrorCode::kUsage, "--labels " + text + " is no number",
                  "give numbers, or all");
    }
    arguments.experiment.labels.push_back(labels);
  }
}

void TakeCheckpoints(Arguments& arguments) {
  for (const std::string& text : arguments.checkpoints) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw Error(ErrorCode::kUsage, "--checkpoint " + text + " has no name",
                  "give NAME=FILE");
    }
    arguments.experiment.checkpoints[text.substr(0, equals)] =
        text.substr(equals + 1);
  }
}

void Report(const std::vector<Finding>& findings, const std::string& folder,
            int all_labels) {
  const std::filesystem::path path(folder);
  const std::string markdown = ToMarkdown(findings);
  WriteFileAtomically(path / "results.csv", ToCsv(findings), Overwrite::kAllow);
  WriteFileAtomically(path / "results.md", markdown, Overwrite::kAllow);
  WriteFileAtomically(path / "results.svg",
                      ToSvg(ToChart(findings, all_labels)), Overwrite::kAllow);
  fmt::print("{}", markdown);
}

void Run(Arguments& arguments) {
  if (arguments.smoke) MakeSmall(arguments);
  TakeLabels(arguments);
  TakeCheckpoints(arguments);
  std::erase(arguments.experiment.two_step, "none");
  CancelToken cancel;
  CancelOnSignals(cancel);
  Progress progress;
  RunContext context{progress, cancel};
  // Waiting for helpers costs more than small images gain from them.
  cv::setNumThreads(arguments.experiment.threads);
  Experiment experiment(arguments.experiment);
  std::vector<Finding> findings;
  for (const Cell& cell : PlanCells(arguments.experiment)) {
    if (arguments.report_only) {
      const std::optional<Json> found = experiment.Find(cell);
      if (found) findings.push_back({cell, found->at("measures")});
    } else {
      findings.push_back({cell, experiment.Do(cell, context).at("measures")});
    }
  }
  Report(findings, arguments.experiment.folder,
         static_cast<int>(experiment.Maps().labelled.size()));
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Does pretraining help when labels are few?"};
  AddOptions(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    Run(arguments);
  } catch (const Error& error) {
    LogError("{}", error.what());
    return static_cast<int>(error.Code());
  }
  return 0;
}

}  // namespace
}  // namespace mapweave::pretraining

int main(int argc, char** argv) {
  return mapweave::pretraining::Main(argc, argv);
}
