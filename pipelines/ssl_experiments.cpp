// SPDX-License-Identifier: MIT
#include "pipelines/ssl_experiments.h"

#include "models/ssl/plan_tiles.h"
#include "models/vis/segmenter.h"
#include "pipelines/map_benchmarks.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace mapweave::pipelines {
namespace {

class Queue {
 public:
  Queue(const SslExperimentRun& run,
        const std::function<void(const ssl::ExperimentReport&)>& on_report,
        RunContext& context)
      : run_(run),
        options_(run.options),
        on_report_(on_report),
        context_(context),
        reports_(run.names.size()),
        failures_(run.names.size()) {
    if (options_.tiles == nullptr) options_.tiles = &tiles_;
    if (options_.benchmarks == nullptr) options_.benchmarks = &benchmarks_;
  }

  void Run() {
    context_.progress.Start("experiments", std::ssize(run_.names));
    const size_t jobs =
        std::clamp<size_t>(static_cast<size_t>(std::max(1, run_.jobs)), 1,
                           std::max<size_t>(1, run_.names.size()));
    std::vector<std::thread> workers;
    for (size_t j = 1; j < jobs; ++j) {
      workers.emplace_back([this] { Work(); });
    }
    Work();
    for (std::thread& worker : workers) worker.join();
    for (const std::exception_ptr& failure : failures_) {
      if (failure) std::rethrow_exception(failure);
    }
    context_.progress.Finish();
  }

 private:
  void Work() {
    // Of the calling thread.
    vis::SetTorchThreads(1);
    for (std::optional<size_t> i = Take(); i; i = Take()) {
      try {
        // Experiments at once would draw over each other's progress.
        Progress silent;
        RunContext context{silent, context_.cancel};
        Finish(*i, ssl::RunExperiment(run_.names[*i], options_, context));
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        failures_[*i] = std::current_exception();
        next_ = run_.names.size();
      }
    }
  }

  std::optional<size_t> Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (next_ >= run_.names.size()) return std::nullopt;
    return next_++;
  }

  void Finish(size_t index, ssl::ExperimentReport report) {
    const std::lock_guard<std::mutex> lock(mutex_);
    reports_[index] = std::move(report);
    context_.progress.Advance();
    for (; told_ < reports_.size() && reports_[told_]; ++told_) {
      on_report_(*reports_[told_]);
    }
  }

  const SslExperimentRun& run_;
  const ssl::PlanTiles tiles_;
  const ssl::BenchmarkSet benchmarks_ = MapBenchmarks();
  ssl::ExperimentOptions options_;
  const std::function<void(const ssl::ExperimentReport&)>& on_report_;
  RunContext& context_;
  std::mutex mutex_;  // of all below
  size_t next_ = 0;
  size_t told_ = 0;
  std::vector<std::optional<ssl::ExperimentReport>> reports_;
  std::vector<std::exception_ptr> failures_;
};

}  // namespace

void RunExperiments(
    const SslExperimentRun& run,
    const std::function<void(const ssl::ExperimentReport&)>& on_report,
    RunContext& context) {
  Queue(run, on_report, context).Run();
}

}  // namespace mapweave::pipelines
