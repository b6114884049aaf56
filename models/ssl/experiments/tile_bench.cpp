// SPDX-License-Identifier: MIT
#include "models/ssl/experiments/tile_bench.h"

#include "core/error.h"
#include "models/ssl/probe.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::ssl {
namespace {

// Sets of these streams share no town.
constexpr uint64_t kTrainStream = 0x7472;
constexpr uint64_t kTestStream = 0x7465;

constexpr int64_t kDirections = 4;  // values of "hatch"

torch::Tensor FactorTargets(const Dataset& tiles, const std::string& factor) {
  const torch::Tensor values = tiles.metadata.at(factor);
  if (factor != "hatch_angle") return values.unsqueeze(1);
  const torch::Tensor angle = values * (2.0 * std::numbers::pi / 180.0);
  return torch::stack({angle.cos(), angle.sin()}, 1);
}

}  // namespace

TileBench DrawTileBench(const ExperimentOptions& options,
                        const TileBenchOptions& bench, RunContext& context) {
  if (options.tiles == nullptr) {
    throw Error(ErrorCode::kUsage, "this experiment needs map tiles",
                "run it by 'mapweave ssl experiment'");
  }
  const auto draw = [&](uint64_t stream, int64_t count) {
    const TileRequest request{Rng(bench.seed, stream).Next(), bench.side_px};
    return DrawTileSet(*options.tiles, request, count, context);
  };
  return {draw(kTrainStream, bench.train), draw(kTestStream, bench.test)};
}

torch::Tensor KindOf(const Dataset& tiles) {
  // One hand's directions lie together.
  return FactorLabels(tiles, "hand") * kDirections +
         FactorLabels(tiles, "hatch");
}

int64_t KindCount(const TileSupply& supply) {
  int64_t kinds = 1;
  for (const TileSupply::Factor& factor : supply.Factors()) {
    if (factor.name == "hatch" || factor.name == "hand") kinds *= factor.values;
  }
  return kinds;
}

ViewRecipe KindViews() {
  ViewRecipe views;
  views.global_area_min = 0.5;
  views.palette = 1.0;
  views.flip = views.quarter_turns = views.blur = views.line_width = 0.0;
  views.colour = views.grey = views.stain = 0.0;
  return views;
}

Encoder SmallEncoder(uint64_t seed) {
  EncoderConfig config;
  config.kind = "resnet18";
  config.width = 8;
  return MakeEncoder(config, Rng(seed));
}

void TrainOnTiles(Method& method, const Dataset& tiles,
                  const TileTraining& training, RunContext& context) {
  TrainerOptions options;
  options.steps = training.steps;
  options.batch = std::min(training.batch, tiles.Size() / method.Shards());
  options.schedule.peak = training.rate;
  options.seed = training.seed;
  options.views = training.views;
  options.measure_every = 0;
  TrainMethod(method, tiles, options, {}, context);
}

double LabelAccuracy(const SeenTiles& train, const SeenTiles& test,
                     torch::Tensor (*label)(const Dataset&)) {
  return LinearProbeAccuracy({train.features, label(train.tiles)},
                             {test.features, label(test.tiles)});
}

double FactorAccuracy(const SeenTiles& train, const SeenTiles& test,
                      const std::string& factor) {
  return LinearProbeAccuracy(
      {train.features, FactorLabels(train.tiles, factor)},
      {test.features, FactorLabels(test.tiles, factor)});
}

double FactorR2(const SeenTiles& train, const SeenTiles& test,
                const std::string& factor) {
  const Regression a{train.features, FactorTargets(train.tiles, factor)};
  const Regression b{test.features, FactorTargets(test.tiles, factor)};
  double best = -1e9;
  for (const double ridge : {1e-3, 1e-2, 1e-1, 1.0, 10.0}) {
    best = std::max(best, LinearR2(a, b, ridge));
  }
  return best;
}

Spread SpreadOf(const std::vector<double>& values) {
  Spread spread;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / n;
  if (values.size() < 2) return spread;
  for (const double value : values) {
    spread.sigma += (value - spread.mean) * (value - spread.mean) / (n - 1.0);
  }
  spread.sigma = std::sqrt(spread.sigma);
  return spread;
}

}  // namespace mapweave::ssl
