// SPDX-License-Identifier: MIT
//
// Whether the distilled set of benchmarks ranks encoders as the whole set does.
// The encoders are small ones that differ in what they were trained for and how
// long: two with random weights, contrastive, masked and supervised ones.
#include "core/error.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace mapweave::ssl {
namespace {

constexpr int64_t kSidePx = 64;

struct Recipe {
  std::string name;
  std::string encoder;
  std::string method;  // empty: random weights
  std::string label;   // factor that supervision is given
  int64_t steps = 0;
};

std::vector<Recipe> Recipes(bool smoke) {
  std::vector<Recipe> recipes = {
      {"resnet, random", "resnet18", "", "", 0},
      {"vit, random", "vit-micro", "", "", 0},
      {"resnet, simclr, short", "resnet18", "simclr", "", 40},
      {"resnet, simclr, long", "resnet18", "simclr", "", 250},
      {"resnet, vicreg", "resnet18", "vicreg", "", 150},
      {"vit, mae", "vit-micro", "mae", "", 250},
      {"resnet, supervised density", "resnet18", "supervised", "density", 200},
      {"resnet, supervised hand", "resnet18", "supervised", "hand", 200}};
  if (smoke) {
    for (Recipe& recipe : recipes) {
      recipe.steps = std::min<int64_t>(recipe.steps, 2);
    }
  }
  return recipes;
}

// Tiles of towns with their factors, in [0, values).
struct Tiles {
  Dataset data;  // without labels
  std::map<std::string, torch::Tensor> label;
};

Tiles DrawTiles(const TileSupply& supply, int64_t count, uint64_t seed,
                RunContext& context) {
  Tiles tiles;
  tiles.data.images = torch::empty({count, 3, kSidePx, kSidePx}, torch::kUInt8);
  tiles.data.label = torch::full({count}, -1, torch::kLong);
  for (int64_t i = 0; i < count; ++i) {
    context.cancel.ThrowIfCancelled();
    const FactorTile tile = supply.Draw({seed, static_cast<int>(kSidePx)}, i);
    const cv::Mat rgb = tile.rgb.isContinuous() ? tile.rgb : tile.rgb.clone();
    tiles.data.images[i].copy_(
        torch::from_blob(rgb.data, {rgb.rows, rgb.cols, 3}, torch::kUInt8)
            .permute({2, 0, 1}));
    for (const auto& [name, value] : tile.factors) {
      torch::Tensor& label = tiles.label[name];
      if (!label.defined()) label = torch::zeros({count}, torch::kLong);
      label[i] = static_cast<int64_t>(value);
    }
  }
  return tiles;
}

Encoder Train(const Recipe& recipe, const Tiles& tiles, uint64_t seed,
              RunContext& context) {
  EncoderConfig config;
  config.kind = recipe.encoder;
  config.width = 16;
  config.image_px = kSidePx;
  const Encoder encoder = MakeEncoder(config, Rng(seed));
  if (!recipe.method.empty()) {
    Dataset data = tiles.data;
    MethodFacts facts{data.Size(), 0};
    if (!recipe.label.empty()) {
      data.label = tiles.label.at(recipe.label);
      facts.classes = data.label.max().item<int64_t>() + 1;
    }
    const MethodPtr method =
        MakeMethod(recipe.method, encoder, facts, Rng(seed).Fork(1));
    TrainerOptions options;
    options.steps = recipe.steps;
    options.batch = 32;
    options.schedule.peak = 2e-3;
    options.measure_every = 0;
    options.seed = seed;
    TrainMethod(*method, data, options, {}, context);
  }
  encoder->eval();
  return encoder;
}

// The first samples of a benchmark, for a form of seconds.
class Reduced : public Benchmark {
 public:
  explicit Reduced(std::shared_ptr<const Benchmark> whole)
      : whole_(std::move(whole)), info_(whole_->Info()) {
    info_.train = std::min(info_.train, 2 * kBenchmarkChunk);
    info_.test = std::min(info_.test, 2 * kBenchmarkChunk);
    info_.distilled = std::min({info_.distilled, info_.test, kBenchmarkChunk});
  }
  const BenchmarkInfo& Info() const override { return info_; }
  BenchmarkSample Get(int64_t index) const override {
    return whole_->Get(index < info_.train
                           ? index
                           : index - info_.train + whole_->Info().train);
  }

 private:
  std::shared_ptr<const Benchmark> whole_;
  BenchmarkInfo info_;
};

BenchmarkSet ReducedSet(const BenchmarkSet& whole) {
  constexpr size_t kKept = 4;
  BenchmarkSet set;
  for (const auto& benchmark : whole) {
    if (set.size() < kKept) set.push_back(std::make_shared<Reduced>(benchmark));
  }
  return set;
}

// Shares of right answers by benchmark, of all samples and of the distilled.
struct Result {
  std::map<std::string, double> full;
  std::map<std::string, double> distilled;
};

void AnswerChunks(BenchmarkSession& session, const BenchmarkInfo& info,
                  EncoderImpl& encoder, const std::vector<int64_t>& chunks,
                  Result& result, RunContext& context) {
  session.Answer(
      encoder, chunks,
      [&](const std::vector<BenchmarkAnswer>& answers) {
        for (const BenchmarkAnswer& answer : answers) {
          const double right = answer.predicted == answer.target ? 1.0 : 0.0;
          result.full[info.name] += right / static_cast<double>(info.test);
          if (answer.sample < info.distilled) {
            result.distilled[info.name] +=
                right / static_cast<double>(info.distilled);
          }
        }
      },
      context);
}

std::vector<int64_t> Chunks(int64_t begin, int64_t end) {
  std::vector<int64_t> chunks;
  for (int64_t c = begin; c < end; ++c) chunks.push_back(c);
  return chunks;
}

int64_t ChunkCount(int64_t samples) {
  return (samples + kBenchmarkChunk - 1) / kBenchmarkChunk;
}

// What every encoder answered; and how long the first one took over the
// distilled set, drawing included.
struct Answers {
  std::vector<Result> results;
  double distilled_seconds = 0.0;
};

Answers AnswerAll(const BenchmarkSet& set, const std::vector<Encoder>& encoders,
                  RunContext& context) {
  Answers answers;
  answers.results.resize(encoders.size());
  for (const auto& benchmark : set) {
    const BenchmarkInfo& info = benchmark->Info();
    BenchmarkSession session(*benchmark);
    const int64_t few = ChunkCount(info.distilled);
    const auto start = std::chrono::steady_clock::now();
    AnswerChunks(session, info, *encoders[0], Chunks(0, few),
                 answers.results[0], context);
    if (few > 0) {
      answers.distilled_seconds += std::chrono::duration<double>(
                                       std::chrono::steady_clock::now() - start)
                                       .count();
    }
    for (size_t i = 0; i < encoders.size(); ++i) {
      AnswerChunks(session, info, *encoders[i],
                   Chunks(i == 0 ? few : 0, ChunkCount(info.test)),
                   answers.results[i], context);
    }
  }
  return answers;
}

// One row per encoder; the rank correlation of each seed by the way.
double Tabulate(const BenchmarkSet& set, const std::vector<Recipe>& recipes,
                uint64_t seed, const Result* results,
                ExperimentReport& report) {
  std::vector<double> full;
  std::vector<double> distilled;
  for (size_t i = 0; i < recipes.size(); ++i) {
    const BenchmarkScores scores = ScoreBenchmarks(set, results[i].full);
    full.push_back(scores.all);
    distilled.push_back(ScoreBenchmarks(set, results[i].distilled).all);
    std::vector<std::string> row = {fmt::format("{}", seed), recipes[i].name};
    for (size_t c = 2; c + 2 < report.table.columns.size(); ++c) {
      row.push_back(
          fmt::format("{:.3f}", scores.groups.at(report.table.columns[c])));
    }
    row.push_back(fmt::format("{:.3f}", full.back()));
    row.push_back(fmt::format("{:.3f}", distilled.back()));
    report.table.rows.push_back(std::move(row));
    report.measures.push_back(
        {0, fmt::format("mean, seed {}, {}", seed, recipes[i].name),
         full.back()});
  }
  return RankCorrelation(full, distilled);
}

}  // namespace

ExperimentReport UniBenchExperiment(const ExperimentOptions& options,
                                    RunContext& context) {
  if (options.tiles == nullptr || options.benchmarks == nullptr) {
    throw Error(ErrorCode::kUsage, "unibench: needs map tiles and benchmarks");
  }
  const int seeds = options.seeds > 0 ? options.seeds : 2;
  const int64_t tiles = options.smoke ? 48 : 512;
  const BenchmarkSet set =
      options.smoke ? ReducedSet(*options.benchmarks) : *options.benchmarks;
  const std::vector<Recipe> recipes = Recipes(options.smoke);
  ExperimentReport report;
  report.settings = {{"seeds", seeds},
                     {"tiles", tiles},
                     {"encoders", recipes.size()},
                     {"benchmarks", set.size()}};
  report.table.columns = {"seed", "encoder"};
  for (const auto& benchmark : set) {
    const std::string& group = benchmark->Info().group;
    if (report.table.columns.back() != group) {
      report.table.columns.push_back(group);
    }
  }
  report.table.columns.insert(report.table.columns.end(), {"all", "distilled"});

  std::vector<Encoder> encoders;  // seed by seed
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const Tiles drawn = DrawTiles(*options.tiles, tiles, seed, context);
    for (const Recipe& recipe : recipes) {
      encoders.push_back(Train(recipe, drawn, seed, context));
    }
  }
  const Answers answers = AnswerAll(set, encoders, context);
  double correlation = 1.0;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const double of_seed = Tabulate(
        set, recipes, seed,
        &answers.results[static_cast<size_t>(s) * recipes.size()], report);
    report.measures.push_back(
        {0, fmt::format("rank_correlation, seed {}", seed), of_seed});
    correlation = std::min(correlation, of_seed);
  }
  using Sense = Criterion::Sense;
  report.criteria = {
      {"rank correlation of the distilled set with all (worst seed)",
       correlation, Sense::kAtLeast, 0.8},
      {"seconds of one encoder over the distilled set",
       answers.distilled_seconds, Sense::kAtMost, 300.0}};
  return report;
}

}  // namespace mapweave::ssl
