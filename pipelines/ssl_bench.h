// SPDX-License-Identifier: MIT
//
// Checkpoints against benchmarks: what is not in the project file yet is
// answered and kept there, sample by sample; the table is read off the file. A
// run that was killed goes on where it was, and other weights or a newer
// version of a benchmark are asked anew.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/ssl/benchmark.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct SslBenchOptions {
  std::vector<std::string> checkpoints;
  std::string project;  // made if it is not there
  // Only the first samples of some benchmarks: a part of the whole, so that a
  // later run of the whole goes on from there.
  bool distilled = false;
  std::string device = "cpu";
};

struct SslBenchReport {
  struct Row {
    std::string checkpoint;
    std::string sha256;
    ssl::BenchmarkScores scores;
  };
  std::vector<std::string> groups;      // in the set's order
  std::vector<std::string> benchmarks;  // that were asked
  std::vector<Row> rows;                // one per checkpoint, as given
  int64_t samples = 0;                  // per checkpoint
  int64_t evaluated = 0;                // in this run, over all checkpoints
  double seconds = 0.0;
};

// Throws Error{kUsage} if no benchmark of the set is asked, Error{kDevice}
// naming the checkpoint that is none, Error{kInterrupted} with all finished
// chunks kept, and as db::Store.
SslBenchReport RunBenchmarks(const ssl::BenchmarkSet& set,
                             const SslBenchOptions& options,
                             RunContext& context);

Json ToJson(const SslBenchReport& report);

}  // namespace mapweave::pipelines
