// SPDX-License-Identifier: MIT
//
// Benchmarks that frozen encoders answer: each asks for one capability, on
// images whose truth is known, through a small probe that is trained on the
// benchmark's own training split. The answers are kept sample by sample, so
// that nothing is asked twice. Who draws the images and who keeps the answers
// is the caller's affair. No Torch here.
#pragma once

#include "core/progress.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mapweave::ssl {

class EncoderImpl;

// Test samples that are answered and kept together. Chunks are always embedded
// whole, so that an answer does not depend on where a run was interrupted.
inline constexpr int64_t kBenchmarkChunk = 32;

struct BenchmarkInfo {
  std::string name;     // unique in its set
  std::string group;    // the capability
  std::string summary;  // what is asked
  // Raised whenever a sample, its target or the sizes change: answers to older
  // versions do not count any more.
  int64_t version = 1;
  int64_t classes = 2;
  int64_t images = 1;  // of a sample: one, or a pair to be compared
  int64_t train = 0;
  int64_t test = 0;
  // How many of the first test samples belong to the distilled set: whole
  // chunks; 0 = the benchmark does not.
  int64_t distilled = 0;

  // Throws Error{kUsage} naming the benchmark and the field.
  void Validate() const;
};

struct BenchmarkSample {
  std::vector<cv::Mat> images;  // CV_8UC3, R, G, B; all of a set of one size
  int64_t target = 0;           // in [0, classes)
};

class Benchmark {
 public:
  virtual ~Benchmark() = default;
  virtual const BenchmarkInfo& Info() const = 0;
  // A pure function of the index: the training split lies in [0, train), the
  // test split behind it.
  virtual BenchmarkSample Get(int64_t index) const = 0;
};
using BenchmarkSet = std::vector<std::shared_ptr<const Benchmark>>;

// Test samples of a benchmark that are asked for.
int64_t AskedSamples(const BenchmarkInfo& info, bool distilled);

struct BenchmarkAnswer {
  int64_t sample = 0;  // in [0, test)
  int64_t target = 0;
  int64_t predicted = 0;
};
using SaveAnswers = std::function<void(const std::vector<BenchmarkAnswer>&)>;

// One benchmark, whose images are drawn once and answered by any number of
// encoders. Embeddings of a pair, a and b, are read as |a - b| beside a * b;
// the probe is LinearProbe. The answers depend on the weights and the benchmark
// alone.
class BenchmarkSession {
 public:
  // Borrows the benchmark. Throws what Validate throws.
  explicit BenchmarkSession(const Benchmark& benchmark);
  ~BenchmarkSession();
  BenchmarkSession(const BenchmarkSession&) = delete;
  BenchmarkSession& operator=(const BenchmarkSession&) = delete;

  // Calls `save` after each of `chunks` (chunk c begins at test sample
  // c * kBenchmarkChunk). Throws Error{kInterrupted} between chunks and between
  // drawn images once context.cancel is set, Error{kBadInput} for images that
  // are not as they must be.
  void Answer(EncoderImpl& encoder, const std::vector<int64_t>& chunks,
              const SaveAnswers& save, RunContext& context);
  // The same by an encoder's file, on `device` (see vis::ResolveDevice). Throws
  // Error{kDevice} naming the file.
  struct Checkpoint {
    std::string path;
    std::string device = "cpu";
  };
  void Answer(const Checkpoint& checkpoint, const std::vector<int64_t>& chunks,
              const SaveAnswers& save, RunContext& context);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Share of right answers by benchmark, and means of them by group; `all` is the
// mean over groups.
struct BenchmarkScores {
  std::map<std::string, double> benchmarks;
  std::map<std::string, double> groups;
  double all = 0.0;
};
// `right` by benchmark; benchmarks of `set` without an entry are left out.
BenchmarkScores ScoreBenchmarks(const BenchmarkSet& set,
                                const std::map<std::string, double>& right);

// Spearman's rank correlation; ties share the mean of their ranks, and a list
// of equal values correlates with nothing: 0. Throws Error{kBadInput} for lists
// of unequal length or of fewer than two.
double RankCorrelation(const std::vector<double>& a,
                       const std::vector<double>& b);

}  // namespace mapweave::ssl
