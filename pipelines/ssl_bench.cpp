// SPDX-License-Identifier: MIT
#include "pipelines/ssl_bench.h"

#include "core/error.h"
#include "db/store.h"
#include "models/ssl/pretrain.h"
#include "pipelines/digest.h"
#include "pipelines/ssl_records.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace mapweave::pipelines {
namespace {

constexpr char kCorrect[] = "correct";
constexpr char kPredicted[] = "predicted";

class BenchRun {
 public:
  BenchRun(const ssl::BenchmarkSet& set, const SslBenchOptions& options,
           RunContext& context)
      : options_(options),
        context_(context),
        store_(OpenResults(options.project)) {
    for (const auto& benchmark : set) {
      if (ssl::AskedSamples(benchmark->Info(), options.distilled) > 0) {
        asked_.push_back(benchmark);
      }
    }
    if (asked_.empty() || options.checkpoints.empty()) {
      throw Error(ErrorCode::kUsage, "there is nothing to evaluate",
                  "Name a checkpoint, and a benchmark of the distilled set or "
                  "leave --distilled out.");
    }
  }

  SslBenchReport Run() {
    const auto start = std::chrono::steady_clock::now();
    SslBenchReport report;
    for (const std::string& path : options_.checkpoints) {
      report.rows.push_back({path, Register(path), {}});
    }
    Plan(report.rows);
    int64_t missing = 0;
    for (const auto& [key, chunks] : missing_) missing += std::ssize(chunks);
    context_.progress.Start("bench", missing);
    for (const auto& benchmark : asked_) {
      ssl::BenchmarkSession session(*benchmark);
      for (const SslBenchReport::Row& row : report.rows) {
        Answer(session, benchmark->Info(), row);
      }
    }
    context_.progress.Finish();
    for (const auto& benchmark : asked_) {
      const ssl::BenchmarkInfo& info = benchmark->Info();
      report.samples += ssl::AskedSamples(info, options_.distilled);
      report.benchmarks.push_back(info.name);
      if (std::ranges::find(report.groups, info.group) == report.groups.end()) {
        report.groups.push_back(info.group);
      }
    }
    for (SslBenchReport::Row& row : report.rows)
      row.scores = Scores(row.sha256);
    store_.Close();
    report.evaluated = evaluated_;
    report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    return report;
  }

 private:
  // The file as a row of `model`; its digest.
  std::string Register(const std::string& path) {
    db::ModelRow model;
    model.sha256 = Sha256OfFile(path);
    // Throws before anything is drawn if it is no encoder.
    const ssl::EncoderFacts facts = ssl::DescribeEncoder(path);
    model.name = facts.kind;
    model.path = path;
    model.config = facts.training.dump();
    if (facts.training.is_object() && facts.training.contains("method") &&
        facts.training["method"].is_string()) {
      model.method = facts.training["method"].get<std::string>();
    }
    SaveModelOnce(store_, model);
    return model.sha256;
  }

  // Whether each asked sample was right; unset where nothing is known.
  std::vector<std::optional<bool>> Known(const ssl::BenchmarkInfo& info,
                                         const std::string& sha256) const {
    std::vector<std::optional<bool>> known(
        static_cast<size_t>(ssl::AskedSamples(info, options_.distilled)));
    for (const db::EvaluationRow& row :
         store_.Evaluations(sha256, info.name, info.version)) {
      if (row.metric != kCorrect) continue;
      const auto sample = static_cast<size_t>(row.sample);
      if (sample < known.size()) known[sample] = row.value > 0.5;
    }
    return known;
  }

  void Plan(const std::vector<SslBenchReport::Row>& rows) {
    for (const auto& benchmark : asked_) {
      for (const SslBenchReport::Row& row : rows) {
        std::set<int64_t> chunks;
        const auto known = Known(benchmark->Info(), row.sha256);
        for (size_t i = 0; i < known.size(); ++i) {
          if (!known[i]) {
            chunks.insert(static_cast<int64_t>(i) / ssl::kBenchmarkChunk);
          }
        }
        missing_[{benchmark->Info().name, row.sha256}] = {chunks.begin(),
                                                          chunks.end()};
      }
    }
  }

  void Answer(ssl::BenchmarkSession& session, const ssl::BenchmarkInfo& info,
              const SslBenchReport::Row& row) {
    std::vector<int64_t>& chunks = missing_.at({info.name, row.sha256});
    const auto save = [&](const std::vector<ssl::BenchmarkAnswer>& answers) {
      std::vector<db::EvaluationRow> rows;
      for (const ssl::BenchmarkAnswer& answer : answers) {
        db::EvaluationRow evaluation{row.sha256,    info.name, info.version,
                                     answer.sample, kCorrect,  0.0};
        evaluation.value = answer.predicted == answer.target ? 1.0 : 0.0;
        rows.push_back(evaluation);
        evaluation.metric = kPredicted;
        evaluation.value = static_cast<double>(answer.predicted);
        rows.push_back(evaluation);
      }
      store_.SaveEvaluations(rows);
      evaluated_ += std::ssize(answers);
      context_.progress.Advance();
    };
    session.Answer(
        ssl::BenchmarkSession::Checkpoint{row.checkpoint, options_.device},
        chunks, save, context_);
    chunks.clear();  // the same weights may come again under another name
  }

  ssl::BenchmarkScores Scores(const std::string& sha256) const {
    std::map<std::string, double> right;
    for (const auto& benchmark : asked_) {
      const auto known = Known(benchmark->Info(), sha256);
      int64_t count = 0;
      for (const std::optional<bool>& correct : known) {
        MAPWEAVE_CHECK(correct.has_value());
        if (*correct) ++count;
      }
      right[benchmark->Info().name] =
          static_cast<double>(count) / static_cast<double>(known.size());
    }
    return ssl::ScoreBenchmarks(asked_, right);
  }

  const SslBenchOptions& options_;
  RunContext& context_;
  db::Store store_;
  ssl::BenchmarkSet asked_;
  // Chunks to answer, by benchmark and weights.
  std::map<std::pair<std::string, std::string>, std::vector<int64_t>> missing_;
  int64_t evaluated_ = 0;
};

}  // namespace

SslBenchReport RunBenchmarks(const ssl::BenchmarkSet& set,
                             const SslBenchOptions& options,
                             RunContext& context) {
  return BenchRun(set, options, context).Run();
}

Json ToJson(const SslBenchReport& report) {
  Json document = {
      {"samples", report.samples},       {"evaluated", report.evaluated},
      {"seconds", report.seconds},       {"groups", report.groups},
      {"benchmarks", report.benchmarks}, {"checkpoints", Json::array()}};
  for (const SslBenchReport::Row& row : report.rows) {
    document["checkpoints"].push_back({{"checkpoint", row.checkpoint},
                                       {"sha256", row.sha256},
                                       {"groups", row.scores.groups},
                                       {"benchmarks", row.scores.benchmarks},
                                       {"mean", row.scores.all}});
  }
  return document;
}

}  // namespace mapweave::pipelines
