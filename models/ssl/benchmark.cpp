// SPDX-License-Identifier: MIT
#include "models/ssl/benchmark.h"

#include "core/error.h"
#include "models/ssl/encoder.h"
#include "models/ssl/probe.h"
#include "models/vis/device.h"
#include "models/vis/segmenter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mapweave::ssl {
namespace {

[[noreturn]] void FailBenchmark(const BenchmarkInfo& info, const char* what) {
  throw Error(ErrorCode::kUsage,
              fmt::format("benchmark \"{}\": {}", info.name, what));
}

// Images of samples [begin, end) one after the other, with their targets;
// Dataset::label has one row per sample, not per image.
Dataset DrawSamples(const Benchmark& benchmark, int64_t begin, int64_t end,
                    RunContext& context) {
  const BenchmarkInfo& info = benchmark.Info();
  Dataset data;
  data.label = torch::empty({end - begin}, torch::kLong);
  int64_t row = 0;
  for (int64_t i = begin; i < end; ++i) {
    context.cancel.ThrowIfCancelled();
    const BenchmarkSample sample = benchmark.Get(i);
    if (std::ssize(sample.images) != info.images || sample.target < 0 ||
        sample.target >= info.classes) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("benchmark \"{}\": sample {} has another number "
                              "of images or a target beyond its classes",
                              info.name, i));
    }
    data.label[i - begin] = sample.target;
    for (const cv::Mat& image : sample.images) {
      const cv::Mat rgb = image.isContinuous() ? image : image.clone();
      if (!data.images.defined()) {
        data.images =
            torch::empty({(end - begin) * info.images, 3, rgb.rows, rgb.cols},
                         torch::kUInt8);
      }
      if (rgb.type() != CV_8UC3 || rgb.rows != data.images.size(2) ||
          rgb.cols != data.images.size(3)) {
        throw Error(ErrorCode::kBadInput,
                    fmt::format("benchmark \"{}\": an image of sample {} is no "
                                "colour image of the first one's size",
                                info.name, i));
      }
      // Copied before the pixels go.
      data.images[row++].copy_(
          torch::from_blob(rgb.data, {rgb.rows, rgb.cols, 3}, torch::kUInt8)
              .permute({2, 0, 1}));
    }
  }
  return data;
}

// What the probe reads of each sample: [N, D], of pairs [N, 2 D].
torch::Tensor ReadSamples(EncoderImpl& encoder, const Dataset& data,
                          int64_t images) {
  Dataset flat = data;
  flat.label = torch::full({data.Size()}, -1, torch::kLong);
  const torch::Tensor z = EmbedDataset(encoder, flat);
  if (images == 1) return z;
  const torch::Tensor pairs = z.view({-1, 2, z.size(1)});
  const torch::Tensor a = pairs.select(1, 0);
  const torch::Tensor b = pairs.select(1, 1);
  return torch::cat({(a - b).abs(), a * b}, 1);
}

}  // namespace

void BenchmarkInfo::Validate() const {
  if (name.empty() || group.empty()) FailBenchmark(*this, "has no name");
  if (version < 1) FailBenchmark(*this, "versions begin at 1");
  if (classes < 2) FailBenchmark(*this, "needs two classes");
  if (images != 1 && images != 2) {
    FailBenchmark(*this, "a sample has one image or two");
  }
  if (train < 2 || test < 1) FailBenchmark(*this, "has too few samples");
  const bool whole = distilled % kBenchmarkChunk == 0 || distilled == test;
  if (distilled < 0 || distilled > test || !whole) {
    FailBenchmark(*this,
                  "its distilled samples are no whole chunks of its "
                  "test split");
  }
}

int64_t AskedSamples(const BenchmarkInfo& info, bool distilled) {
  return distilled ? info.distilled : info.test;
}

struct BenchmarkSession::Impl {
  explicit Impl(const Benchmark& source) : benchmark(source) {
    benchmark.Info().Validate();
  }

  const Dataset& Training(RunContext& context) {
    if (train.Size() == 0) {
      train = DrawSamples(benchmark, 0, benchmark.Info().train, context);
    }
    return train;
  }
  const Dataset& Chunk(int64_t chunk, RunContext& context) {
    const BenchmarkInfo& info = benchmark.Info();
    const int64_t begin = chunk * kBenchmarkChunk;
    MAPWEAVE_CHECK(begin >= 0 && begin < info.test);
    Dataset& data = chunks[chunk];
    if (data.Size() == 0) {
      data = DrawSamples(
          benchmark, info.train + begin,
          info.train + std::min(begin + kBenchmarkChunk, info.test), context);
    }
    return data;
  }

  const Benchmark& benchmark;
  Dataset train;
  std::map<int64_t, Dataset> chunks;
};

BenchmarkSession::BenchmarkSession(const Benchmark& benchmark)
    : impl_(std::make_unique<Impl>(benchmark)) {}
BenchmarkSession::~BenchmarkSession() = default;

void BenchmarkSession::Answer(EncoderImpl& encoder,
                              const std::vector<int64_t>& chunks,
                              const SaveAnswers& save, RunContext& context) {
  if (chunks.empty()) return;
  // Sums are split by the number of threads, and answers must not depend on it.
  const vis::OneThreadScope one_thread;
  const int64_t images = impl_->benchmark.Info().images;
  const Dataset& train = impl_->Training(context);
  const LinearProbe probe({ReadSamples(encoder, train, images), train.label});
  for (const int64_t chunk : chunks) {
    context.cancel.ThrowIfCancelled();
    const Dataset& data = impl_->Chunk(chunk, context);
    const torch::Tensor predicted =
        probe.Predict(ReadSamples(encoder, data, images));
    std::vector<BenchmarkAnswer> answers;
    for (int64_t i = 0; i < data.label.size(0); ++i) {
      answers.push_back({chunk * kBenchmarkChunk + i,
                         data.label[i].item<int64_t>(),
                         predicted[i].item<int64_t>()});
    }
    save(answers);
  }
}

void BenchmarkSession::Answer(const Checkpoint& checkpoint,
                              const std::vector<int64_t>& chunks,
                              const SaveAnswers& save, RunContext& context) {
  if (chunks.empty()) return;
  vis::WithTorchErrors("answering a benchmark", [&] {
    const SavedEncoder saved = LoadEncoder(checkpoint.path);
    saved.encoder->to(
        vis::ToTorchDevice(vis::ResolveDevice(checkpoint.device)));
    Answer(*saved.encoder, chunks, save, context);
  });
}

BenchmarkScores ScoreBenchmarks(const BenchmarkSet& set,
                                const std::map<std::string, double>& right) {
  BenchmarkScores scores;
  std::map<std::string, int64_t> count;
  for (const auto& benchmark : set) {
    const BenchmarkInfo& info = benchmark->Info();
    const auto found = right.find(info.name);
    if (found == right.end()) continue;
    scores.benchmarks[info.name] = found->second;
    scores.groups[info.group] += found->second;
    ++count[info.group];
  }
  for (auto& [group, sum] : scores.groups) {
    sum /= static_cast<double>(count.at(group));
    scores.all += sum / static_cast<double>(scores.groups.size());
  }
  return scores;
}

double RankCorrelation(const std::vector<double>& a,
                       const std::vector<double>& b) {
  if (a.size() != b.size() || a.size() < 2) {
    throw Error(ErrorCode::kBadInput,
                "rank correlation: needs two lists of one length, 2 or more");
  }
  const auto ranks = [](const std::vector<double>& values) {
    std::vector<double> rank(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      for (const double other : values) {
        if (other < values[i]) rank[i] += 1.0;
        if (other == values[i]) rank[i] += 0.5;
      }
    }
    return rank;  // all have the mean n / 2
  };
  const std::vector<double> x = ranks(a);
  const std::vector<double> y = ranks(b);
  const double mean = static_cast<double>(a.size()) / 2.0;
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
    xy += (x[i] - mean) * (y[i] - mean);
  }
  return xx > 0.0 && yy > 0.0 ? xy / std::sqrt(xx * yy) : 0.0;
}

}  // namespace mapweave::ssl
