// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "core/error.h"
#include "core/log.h"
#include "pipelines/evaluate.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

struct Options {
  std::string predicted;
  std::string truth;
  double resolution = 0.0;
  double min_score = 0.0;
  int bootstrap = 1000;
  std::vector<std::string> fail_under;
};

struct Gate {
  std::string key;
  double minimum = 0.0;
};

std::vector<Gate> ParseGates(const std::vector<std::string>& texts) {
  std::vector<Gate> gates;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    try {
      size_t used = 0;
      const std::string number = text.substr(equals + 1);
      const double minimum = std::stod(number, &used);
      if (equals == std::string::npos || used != number.size()) throw 0;
      gates.push_back({text.substr(0, equals), minimum});
    } catch (...) {
      throw Error(ErrorCode::kUsage, fmt::format("'{}' is no gate", text),
                  "Write --fail-under link_f1=0.85.");
    }
  }
  return gates;
}

// Figures of both with what separates them, and how far chance goes.
std::string MeasuresTable(const pipelines::EvaluateReport& report) {
  const tracking::Measures& net = report.measures;
  const tracking::Measures& base = report.baseline;
  const bool intervals = report.bootstrap.replicates > 0;
  std::string text =
      fmt::format("{:<16} {:>10} {:>10}", "", "mapweave", "two-step");
  if (intervals) text += fmt::format("   {:<17} difference", "");
  text += '\n';
  const auto row = [&](const char* name, double a, double b,
                       const tracking::PairedIntervals* chance = nullptr) {
    text += fmt::format("{:<16} {:>10.3f} {:>10.3f}", name, a, b);
    if (chance != nullptr && intervals) {
      text += fmt::format("   [{:.3f}, {:.3f}]    {:+.3f} [{:+.3f}, {:+.3f}]",
                          chance->first.low, chance->first.high,
                          chance->difference.value, chance->difference.low,
                          chance->difference.high);
    }
    text += '\n';
  };
  row("AP", net.ap, base.ap);
  row("AP50", net.ap50, base.ap50);
  row("AP75", net.ap75, base.ap75);
  row("AP unlimited", net.ap_unlimited, base.ap_unlimited,
      &report.intervals.ap_unlimited);
  row("HOTA", net.hota, base.hota);
  row("IDF1", net.idf1, base.idf1);
  row("track F1", net.track_f1, base.track_f1, &report.intervals.track_f1);
  row("link F1", net.link_f1, base.link_f1, &report.intervals.link_f1);
  if (intervals) {
    text += fmt::format(
        "in brackets: {:.0f} % of {} draws of {} places, with replacement\n",
        100.0 * report.bootstrap.level, report.bootstrap.replicates,
        report.intervals.places);
  }
  return text;
}

std::string EditionsTable(const pipelines::EvaluateReport& report) {
  std::string text = fmt::format("\n{:<16} {:>10} {:>10} {:>10} {:>10}\n",
                                 "edition", "precision", "recall", "F1", "PQ");
  for (size_t t = 0; t < report.measures.editions.size(); ++t) {
    const tracking::EditionMeasures& m = report.measures.editions[t];
    text += fmt::format("{:<16} {:>10.3f} {:>10.3f} {:>10.3f} {:>10.3f}\n",
                        report.editions[t], m.precision, m.recall, m.f1, m.pq);
  }
  return text;
}

// True outlines that were not found, predicted ones that are not right, and
// broken identities; one column per edition.
std::string FaultsTable(const pipelines::EvaluateReport& report) {
  std::string text = fmt::format("\n{:<34}", "what went wrong");
  for (size_t t = 0; t < report.faults.editions.size(); ++t)
    text += fmt::format(" {:>9}", report.editions[t]);
  text += fmt::format(" {:>9}\n", "total");
  using Counts = tracking::FaultCounts;
  const auto row = [&](const char* name, int64_t Counts::*count) {
    text += fmt::format("{:<34}", name);
    for (const Counts& edition : report.faults.editions)
      text += fmt::format(" {:>9}", edition.*count);
    text += fmt::format(" {:>9}\n", report.faults.total.*count);
  };
  row("missed", &Counts::missed);
  row("merged with a neighbour", &Counts::merged);
  row("split", &Counts::split);
  row("badly outlined", &Counts::badly_outlined);
  row("spurious", &Counts::spurious);
  row("outline over several", &Counts::merging);
  row("outline of a part", &Counts::fragments);
  row("outline with too little in common", &Counts::bad_outlines);
  row("identity lost", &Counts::identity_lost);
  row("identity switched", &Counts::identity_switched);
  return text;
}

std::string LineageTable(const pipelines::EvaluateReport& report) {
  std::string text =
      fmt::format("\n{:<16} {:>10} {:>10} {:>10} {:>10}\n", "lineage",
                  "precision", "recall", "F1", "true");
  for (const auto& [kind, score] : report.lineage) {
    text += fmt::format("{:<16} {:>10.3f} {:>10.3f} {:>10.3f} {:>10}\n",
                        tracking::LineageKindName(kind), score.Precision(),
                        score.Recall(), score.F1(),
                        score.true_positives + score.false_negatives);
  }
  return text;
}

std::string Table(const pipelines::EvaluateReport& report) {
  const std::string pixels =
      report.on_videos ? fmt::format("the pixels of {} videos", report.series)
                       : fmt::format("pixels of {:.4g} units in {}",
                                     report.resolution, report.crs);
  return fmt::format("{} predicted and {} true tracks, compared on {}\n\n",
                     report.predicted_tracks, report.true_tracks, pixels) +
         MeasuresTable(report) + EditionsTable(report) + FaultsTable(report) +
         (report.lineage.empty() ? "" : LineageTable(report));
}

// Returns the exit code: 0, or that of a gate that was not met.
int Run(const CommonOptions& common, const Options& options,
        RunContext& context) {
  const std::vector<Gate> gates = ParseGates(options.fail_under);
  pipelines::EvaluateOptions evaluate;
  if (options.resolution > 0.0) evaluate.resolution = options.resolution;
  evaluate.measures.min_score = options.min_score;
  evaluate.bootstrap.replicates = options.bootstrap;
  evaluate.bootstrap.seed = common.seed;
  const pipelines::EvaluateReport report =
      pipelines::Evaluate(options.predicted, options.truth, evaluate, context);
  Json document = pipelines::ToJson(report);
  std::string missed;
  for (const Gate& gate : gates) {
    const double value = pipelines::FigureOf(document, gate.key);
    if (!(value >= gate.minimum)) {
      missed +=
          fmt::format("{}{} is {:.4f}, below {}", missed.empty() ? "" : "; ",
                      gate.key, value, gate.minimum);
    }
  }
  if (common.json) {
    // The figures stand beside the error, so that they are not lost.
    if (!missed.empty()) {
      document["error"] = {{"code", ErrorCodeName(ErrorCode::kGateNotMet)},
                           {"message", missed},
                           {"hint", ""}};
    }
    PrintJson(document);
  } else {
    PrintText(Table(report));
    if (!missed.empty()) LogError("gate not met: {}", missed);
  }
  return missed.empty() ? 0 : static_cast<int>(ErrorCode::kGateNotMet);
}

}  // namespace

void AddEvalCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      AddCommand(app, "eval",
                 "Compare a result with the truth, beside the two-step "
                 "baseline",
                 invocation);
  command
      ->add_option("predicted", options->predicted,
                   "Project file, GeoPackage, GeoJSON, or YouTube-VIS "
                   "JSON (a document or a list of results)")
      ->required();
  command
      ->add_option("truth", options->truth,
                   "The same kinds of file; polygons have track_id and "
                   "edition")
      ->required();
  command
      ->add_option("--resolution", options->resolution,
                   "CRS units per pixel of the comparison of polygons")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--min-score", options->min_score,
                   "Leave out predictions with a lower score")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      ->add_option("--bootstrap", options->bootstrap,
                   "Draws of places for confidence intervals; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--fail-under", options->fail_under,
                   "End with code 6 if a measure is lower: link_f1=0.85")
      ->delimiter(',');
  command->footer(
      "Example:\n"
      "  mapweave eval town.gpkg samples/truth.gpkg");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      invocation.exit_code = Run(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
