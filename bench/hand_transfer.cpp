// SPDX-License-Identifier: MIT
//
// Do more map hands in training help on a hand that training never saw? Trains
// the same network for the same number of steps on worlds drawn in 3, in 6 and
// in all hands but those held out, and measures it on worlds in each hand held
// out. Which 3 and which 6 is drawn by the seed, the smaller set within the
// larger. Rows go to DIR/results.csv as they are done; what is there is not
// done again, and a training that was cut off goes on from its checkpoint.
#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "models/vis/assess.h"
#include "models/vis/trainer.h"
#include "synth/clip_source.h"
#include "synth/render.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace mapweave {
namespace {

namespace fs = std::filesystem;

// Worlds of these seeds are drawn by nothing else.
constexpr uint64_t kTestSeed = 0x68616e64735f7465ULL;
constexpr uint64_t kValidationSeed = 0x68616e64735f7661ULL;
constexpr const char* kHeader =
    "seed,hands,held_out,steps,clips,ap,ap50,detection_f1,link_f1,track_f1";

struct Options {
  std::string folder;
  std::vector<std::string> held_out = {"insurance", "engraved"};
  std::vector<size_t> sizes = {3, 6, 0};
  std::vector<uint64_t> seeds = {1, 2, 3};
  int64_t steps = 2000;
  int test_clips = 150;
  int threads = 1;
};

struct Row {
  uint64_t seed = 0;
  size_t hands = 0;
  std::string held_out;
  int64_t steps = 0;
  int64_t clips = 0;
  double ap = 0.0, ap50 = 0.0, detection_f1 = 0.0, link_f1 = 0.0,
         track_f1 = 0.0;
};

std::vector<Row> ReadRows(const fs::path& path) {
  std::vector<Row> rows;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  if (file && line != kHeader) {
    throw Error(ErrorCode::kBadInput,
                path.string() + ": is no table of this experiment",
                "name another folder");
  }
  while (std::getline(file, line)) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream in(line);
    Row r;
    if (in >> r.seed >> r.hands >> r.held_out >> r.steps >> r.clips >> r.ap >>
        r.ap50 >> r.detection_f1 >> r.link_f1 >> r.track_f1) {
      rows.push_back(r);
    }
  }
  return rows;
}

void AppendRow(const fs::path& path, const Row& r) {
  const bool fresh = !fs::exists(path);
  std::ofstream file(path, std::ios::app);
  if (fresh) file << kHeader << '\n';
  file << fmt::format("{},{},{},{},{},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f}\n",
                      r.seed, r.hands, r.held_out, r.steps, r.clips, r.ap,
                      r.ap50, r.detection_f1, r.link_f1, r.track_f1);
  if (!file.flush()) {
    throw Error(ErrorCode::kFailure, path.string() + ": cannot be written");
  }
}

synth::WorldClipOptions Clips(uint64_t seed, std::vector<std::string> hands) {
  synth::WorldClipOptions clips;
  clips.seed = seed;
  clips.hands = std::move(hands);
  return clips;
}

// The hands of one training, in a random order fixed by the seed.
std::vector<std::string> TrainingHands(const Options& options, uint64_t seed,
                                       size_t size) {
  std::vector<std::string> hands = synth::HandNames();
  std::erase_if(hands, [&](const std::string& hand) {
    return std::ranges::find(options.held_out, hand) != options.held_out.end();
  });
  Rng rng(seed, kTestSeed);
  rng.Shuffle(hands);
  if (size > 0 && size < hands.size()) hands.resize(size);
  return hands;
}

std::string TrainOne(const Options& options, uint64_t seed,
                     const std::vector<std::string>& hands,
                     RunContext& context) {
  // Named by what must not differ, so that nothing else is gone on with.
  const fs::path output =
      fs::path(options.folder) /
      fmt::format("seed{}-steps{}-without-{}-hands{}.safetensors", seed,
                  options.steps, fmt::join(options.held_out, "-"),
                  hands.size());
  const synth::WorldClipSource train(Clips(seed, hands));
  const synth::WorldClipSource validation(Clips(kValidationSeed, hands));
  vis::TrainOptions training;
  training.steps = options.steps;
  training.seed = seed;
  training.threads = options.threads;
  training.output = output.string();
  training.validate_every = 0;
  training.validation_clips = 48;
  training.checkpoint_every = 250;
  training.resume = fs::exists(output.string() + ".state");
  training.notes["hands"] = hands;
  LogInfo("seed {}: training on {}", seed, fmt::join(hands, ", "));
  vis::Train(train, &validation, training, context);
  return output.string();
}

void Run(const Options& options, RunContext& context) {
  std::error_code failure;
  fs::create_directories(options.folder, failure);
  if (failure) {
    throw Error(ErrorCode::kFailure,
                options.folder + ": cannot be made: " + failure.message());
  }
  const fs::path table = fs::path(options.folder) / "results.csv";
  const std::vector<Row> done = ReadRows(table);
  for (const uint64_t seed : options.seeds) {
    for (const size_t size : options.sizes) {
      const auto hands = TrainingHands(options, seed, size);
      const auto missing = [&](const std::string& held_out) {
        return std::ranges::none_of(done, [&](const Row& r) {
          return r.seed == seed && r.hands == hands.size() &&
                 r.held_out == held_out && r.steps == options.steps;
        });
      };
      if (std::ranges::none_of(options.held_out, missing)) continue;
      const std::string checkpoint = TrainOne(options, seed, hands, context);
      for (const std::string& held_out : options.held_out) {
        if (!missing(held_out)) continue;
        context.cancel.ThrowIfCancelled();
        vis::AssessOptions assess;
        assess.clips = options.test_clips;
        const vis::Assessment a = vis::Assess(
            checkpoint, synth::WorldClipSource(Clips(kTestSeed, {held_out})),
            assess);
        AppendRow(table,
                  {seed, hands.size(), held_out, options.steps,
                   options.test_clips, a.measures.ap, a.measures.ap50,
                   a.detections.F1(), a.measures.link_f1, a.measures.track_f1});
      }
    }
  }
}

struct Moments {
  std::vector<double> values;
  std::string Text() const {
    double mean = 0.0;
    for (const double v : values) mean += v;
    mean /= static_cast<double>(values.size());
    double sum = 0.0;
    for (const double v : values) sum += (v - mean) * (v - mean);
    if (values.size() < 2) return fmt::format("{:.3f}", mean);
    return fmt::format("{:.3f} ± {:.3f}", mean,
                       std::sqrt(sum / static_cast<double>(values.size() - 1)));
  }
};

void PrintTable(const Options& options) {
  std::map<std::pair<std::string, size_t>, std::array<Moments, 5>> cells;
  for (const Row& r : ReadRows(fs::path(options.folder) / "results.csv")) {
    if (r.steps != options.steps) continue;
    auto& cell = cells[{r.held_out, r.hands}];
    const std::array<double, 5> values = {r.ap, r.ap50, r.detection_f1,
                                          r.link_f1, r.track_f1};
    for (size_t i = 0; i < values.size(); ++i)
      cell[i].values.push_back(values[i]);
  }
  fmt::print(
      "| hand held out | hands in training | AP | AP50 | detection F1 | link "
      "F1 | track F1 |\n|---|---|---|---|---|---|---|\n");
  for (const auto& [key, cell] : cells) {
    fmt::print("| {} | {} |", key.first, key.second);
    for (const Moments& m : cell) fmt::print(" {} |", m.Text());
    fmt::print("\n");
  }
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app{"Trains on 3, 6 and all map hands, tests on hands held out"};
  app.add_option("-o,--output", options.folder, "Folder for the results")
      ->required();
  app.add_option("--held-out", options.held_out)
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--sizes", options.sizes, "Hands in training; 0 = all")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--seeds", options.seeds)
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--steps", options.steps)->capture_default_str();
  app.add_option("--test-clips", options.test_clips)->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  CancelToken cancel;
  CancelOnSignals(cancel);
  Progress progress;
  RunContext context{progress, cancel};
  try {
    Run(options, context);
    PrintTable(options);
  } catch (const Error& error) {
    LogError("{}", error.what());
    return static_cast<int>(error.Code());
  }
  return 0;
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) { return mapweave::Main(argc, argv); }
