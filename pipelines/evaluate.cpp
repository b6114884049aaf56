// SPDX-License-Identifier: MIT
#include "pipelines/evaluate.h"

#include "core/error.h"
#include "pipelines/comparison.h"
#include "tracking/link.h"

#include <fmt/format.h>

#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

tracking::TrackSet BaselineTracks(const tracking::TrackSet& predicted) {
  if (predicted.empty()) return {};
  std::vector<std::vector<tracking::Instance>> instances(
      predicted.front().masks.size());
  for (const tracking::Track& track : predicted) {
    for (size_t t = 0; t < instances.size(); ++t) {
      if (!track.masks[t].IsEmpty()) {
        instances[t].push_back({track.masks[t], track.score});
      }
    }
  }
  return tracking::LinkByIoU(instances);
}

Json FaultsToJson(const tracking::FaultCounts& f) {
  return {{"missed", f.missed},
          {"merged", f.merged},
          {"split", f.split},
          {"badly_outlined", f.badly_outlined},
          {"spurious", f.spurious},
          {"merging", f.merging},
          {"fragments", f.fragments},
          {"bad_outlines", f.bad_outlines},
          {"identity_lost", f.identity_lost},
          {"identity_switched", f.identity_switched},
          {"link_unseen", f.link_unseen},
          {"link_groundless", f.link_groundless}};
}

Json MeasuresToJson(const tracking::Measures& m, const tracking::Faults& faults,
                    const std::vector<std::string>& editions) {
  Json document = {{"ap", m.ap},
                   {"ap50", m.ap50},
                   {"ap75", m.ap75},
                   {"ar100", m.ar100},
                   {"ap_unlimited", m.ap_unlimited},
                   {"ap50_unlimited", m.ap50_unlimited},
                   {"hota", m.hota},
                   {"deta", m.deta},
                   {"assa", m.assa},
                   {"idf1", m.idf1},
                   {"scot", m.scot},
                   {"track_f1", m.track_f1},
                   {"track_precision", m.track_precision},
                   {"track_recall", m.track_recall},
                   {"link_f1", m.link_f1},
                   {"link_precision", m.link_precision},
                   {"link_recall", m.link_recall}};
  document["editions"] = Json::object();
  for (size_t t = 0; t < m.editions.size() && t < editions.size(); ++t) {
    document["editions"][editions[t]] = {{"precision", m.editions[t].precision},
                                         {"recall", m.editions[t].recall},
                                         {"f1", m.editions[t].f1},
                                         {"pq", m.editions[t].pq}};
    document["editions"][editions[t]]["faults"] =
        FaultsToJson(faults.editions[t]);
  }
  document["faults"] = FaultsToJson(faults.total);
  return document;
}

Json IntervalsToJson(const tracking::PairedIntervals& figure) {
  return {
      {"low", figure.first.low},
      {"high", figure.first.high},
      {"baseline", {{"low", figure.second.low}, {"high", figure.second.high}}},
      {"difference",
       {{"value", figure.difference.value},
        {"low", figure.difference.low},
        {"high", figure.difference.high}}}};
}

Json BootstrapToJson(const EvaluateReport& report) {
  const tracking::BootstrapReport& intervals = report.intervals;
  return {{"replicates", report.bootstrap.replicates},
          {"seed", report.bootstrap.seed},
          {"level", report.bootstrap.level},
          {"places", intervals.places},
          {"track_f1", IntervalsToJson(intervals.track_f1)},
          {"link_f1", IntervalsToJson(intervals.link_f1)},
          {"ap_unlimited", IntervalsToJson(intervals.ap_unlimited)}};
}

}  // namespace

EvaluateReport Evaluate(const fs::path& predicted, const fs::path& truth,
                        const EvaluateOptions& options, RunContext& context) {
  Comparison comparison = Compare(predicted, truth, options);
  context.cancel.ThrowIfCancelled();
  EvaluateReport report;
  report.on_videos = comparison.on_videos;
  report.crs = comparison.crs;
  report.resolution = comparison.resolution;
  report.editions = comparison.editions;
  report.lineage = std::move(comparison.lineage);
  report.series = static_cast<int64_t>(comparison.series.size());
  std::vector<tracking::SeriesTracks> baseline;
  for (const tracking::SeriesTracks& one : comparison.series) {
    report.predicted_tracks += static_cast<int64_t>(one.predicted.size());
    report.true_tracks += static_cast<int64_t>(one.truth.size());
    baseline.push_back({BaselineTracks(one.predicted), one.truth});
  }
  report.measures = tracking::Evaluate(comparison.series, options.measures);
  context.cancel.ThrowIfCancelled();
  report.baseline = tracking::Evaluate(baseline, options.measures);
  report.faults = tracking::CountFaults(comparison.series, options.measures);
  report.baseline_faults = tracking::CountFaults(baseline, options.measures);
  report.bootstrap = options.bootstrap;
  if (options.bootstrap.replicates > 0) {
    context.cancel.ThrowIfCancelled();
    report.intervals = tracking::Bootstrap(comparison.series, baseline,
                                           options.measures, options.bootstrap);
  }
  return report;
}

Json ToJson(const EvaluateReport& report) {
  Json document =
      MeasuresToJson(report.measures, report.faults, report.editions);
  document["baseline"] =
      MeasuresToJson(report.baseline, report.baseline_faults, report.editions);
  if (report.bootstrap.replicates > 0)
    document["bootstrap"] = BootstrapToJson(report);
  document["lineage"] = Json::object();
  for (const auto& [kind, score] : report.lineage) {
    document["lineage"][tracking::LineageKindName(kind)] = {
        {"precision", score.Precision()},
        {"recall", score.Recall()},
        {"f1", score.F1()},
        {"predicted", score.true_positives + score.false_positives},
        {"true", score.true_positives + score.false_negatives}};
  }
  document["predicted_tracks"] = report.predicted_tracks;
  document["true_tracks"] = report.true_tracks;
  document["series"] = report.series;
  document["resolution"] = report.resolution;
  document["crs"] = report.crs;
  return document;
}

double FigureOf(const Json& report, const std::string& key) {
  const Json* node = &report;
  std::string rest = key;
  while (true) {
    const size_t dot = rest.find('.');
    const std::string name = rest.substr(0, dot);
    if (!node->is_object() || !node->contains(name)) break;
    node = &node->at(name);
    if (dot == std::string::npos) {
      if (node->is_number()) return node->get<double>();
      break;
    }
    rest = rest.substr(dot + 1);
  }
  throw Error(ErrorCode::kUsage, fmt::format("no measure '{}'", key),
              "Use a key of 'mapweave eval --json', such as link_f1 or "
              "baseline.track_f1.");
}

}  // namespace mapweave::pipelines
