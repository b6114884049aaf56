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

std::string Table(const pipelines::EvaluateReport& report) {
  const tracking::Measures& net = report.measures;
  const tracking::Measures& base = report.baseline;
  const std::string pixels =
      report.on_videos ? fmt::format("the pixels of {} videos", report.series)
                       : fmt::format("pixels of {:.4g} units in {}",
                                     report.resolution, report.crs);
  std::string text = fmt::format(
      "{} predicted and {} true tracks, compared on {}\n\n"
      "{:<16} {:>10} {:>10}\n",
      report.predicted_tracks, report.true_tracks, pixels, "", "mapweave",
      "two-step");
  const auto row = [&text](const std::string& name, double a, double b) {
    text += fmt::format("{:<16} {:>10.3f} {:>10.3f}\n", name, a, b);
  };
  row("AP", net.ap, base.ap);
  row("AP50", net.ap50, base.ap50);
  row("AP75", net.ap75, base.ap75);
  row("AP unlimited", net.ap_unlimited, base.ap_unlimited);
  row("HOTA", net.hota, base.hota);
  row("IDF1", net.idf1, base.idf1);
  row("track F1", net.track_f1, base.track_f1);
  row("link F1", net.link_f1, base.link_f1);
  text += fmt::format("\n{:<16} {:>10} {:>10} {:>10} {:>10}\n", "edition",
                      "precision", "recall", "F1", "PQ");
  for (size_t t = 0; t < net.editions.size(); ++t) {
    const tracking::EditionMeasures& m = net.editions[t];
    text += fmt::format("{:<16} {:>10.3f} {:>10.3f} {:>10.3f} {:>10.3f}\n",
                        report.editions[t], m.precision, m.recall, m.f1, m.pq);
  }
  if (report.lineage.empty()) return text;
  text += fmt::format("\n{:<16} {:>10} {:>10} {:>10} {:>10}\n", "lineage",
                      "precision", "recall", "F1", "true");
  for (const auto& [kind, score] : report.lineage) {
    text += fmt::format("{:<16} {:>10.3f} {:>10.3f} {:>10.3f} {:>10}\n",
                        tracking::LineageKindName(kind), score.Precision(),
                        score.Recall(), score.F1(),
                        score.true_positives + score.false_negatives);
  }
  return text;
}

// Returns the exit code: 0, or that of a gate that was not met.
int Run(const CommonOptions& common, const Options& options,
        RunContext& context) {
  const std::vector<Gate> gates = ParseGates(options.fail_under);
  pipelines::EvaluateOptions evaluate;
  if (options.resolution > 0.0) evaluate.resolution = options.resolution;
  evaluate.measures.min_score = options.min_score;
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
