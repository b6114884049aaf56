// SPDX-License-Identifier: MIT
//
// Soft targets from a graph of similar tiles (X-Sample) against hard ones from
// the same knowledge (SupCon) and none (SimCLR), on few tiles and many seeds.
#include "models/ssl/experiments/registry.h"
#include "models/ssl/experiments/tile_bench.h"
#include "models/ssl/probe.h"
#include "models/ssl/similarity_graph.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numbers>

namespace mapweave::ssl {
namespace {

// What the graph knows beside the hand: "direction", [N, 2] float64, where the
// named direction of a tile's lines lies on a circle that closes after half a
// turn, so that its neighbours are those of 45 degrees to either side.
void AddDirection(Dataset& tiles) {
  const torch::Tensor turn = FactorLabels(tiles, "hatch").to(torch::kDouble) *
                             (std::numbers::pi / 2.0);
  tiles.metadata["direction"] = torch::stack({turn.cos(), turn.sin()}, 1);
}

// 1 for tiles of one kind; 0 for opposite directions by different hands.
std::vector<SimilarityEdge> Edges() {
  return {{"direction", EdgeKernel::kLinear, 2.0, 0.5},
          {"hand", EdgeKernel::kSame, 1.0, 0.5}};
}

// The temperature at which the two views of a batch have `positives` effective
// positives, by the first batch of the set.
double CalibratedTemperature(const Dataset& tiles, int64_t batch,
                             double positives) {
  Bag metadata;
  for (const auto& [name, values] : tiles.metadata) {
    metadata[name] = values.slice(0, 0, batch);
  }
  const torch::Tensor graph = SimilarityOf(metadata, Edges()).repeat({2, 2});
  return TemperatureForPositives(graph, positives);
}

struct Scores {
  double kind = 0.0;
  double hatch = 0.0;
  double hand = 0.0;
};

Scores TrainAndProbe(Method& method, const TileBench& bench,
                     const TileTraining& training, RunContext& context) {
  TrainOnTiles(method, bench.train, training, context);
  const SeenTiles train{EmbedDataset(method.Online(), bench.train),
                        bench.train};
  const SeenTiles test{EmbedDataset(method.Online(), bench.test), bench.test};
  return {LabelAccuracy(train, test, KindOf),
          FactorAccuracy(train, test, "hatch"),
          FactorAccuracy(train, test, "hand")};
}

MethodPtr MakeOf(const std::string& name, double graph_temperature,
                 uint64_t seed) {
  const Encoder encoder = SmallEncoder(seed);
  const Rng rng(seed, 1);
  if (name == "SimCLR") {
    SimClrOptions simclr;
    simclr.temperature = 0.2;
    return MakeSimClr(encoder, simclr, rng);
  }
  if (name == "SupCon") return MakeSupCon(encoder, {}, rng);
  XSampleOptions options;
  options.graph = MakeSimilarityGraph(Edges());
  options.graph_temperature = graph_temperature;
  return MakeXSample(encoder, options, rng);
}

std::string MeanAndSigma(const std::vector<double>& values) {
  const Spread spread = SpreadOf(values);
  return fmt::format("{:.3f} +- {:.3f}", spread.mean, spread.sigma);
}

}  // namespace

ExperimentReport XSampleExperiment(const ExperimentOptions& options,
                                   RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 5;
  TileTraining training;
  training.steps = options.smoke ? 2 : 400;
  training.views = KindViews();
  TileBenchOptions sizes;
  sizes.train = options.smoke ? 60 : 500;
  sizes.test = options.smoke ? 20 : 500;
  const double positives = 16.0;
  ExperimentReport report;
  report.settings = {{"seeds", seeds},
                     {"steps", training.steps},
                     {"effective_positives", positives}};
  report.table.columns = {"method", "seed", "accuracy of the kind",
                          "hatch",  "hand", "graph temperature"};
  std::map<std::string, std::vector<double>> accuracy;
  for (int s = 0; s < seeds; ++s) {
    sizes.seed = training.seed = options.seed + static_cast<uint64_t>(s);
    TileBench bench = DrawTileBench(options, sizes, context);
    bench.train.label = KindOf(bench.train);
    AddDirection(bench.train);
    const double temperature =
        CalibratedTemperature(bench.train, training.batch, positives);
    for (const char* name : {"SimCLR", "SupCon", "X-Sample"}) {
      const MethodPtr method = MakeOf(name, temperature, sizes.seed);
      const Scores scores = TrainAndProbe(*method, bench, training, context);
      accuracy[name].push_back(scores.kind);
      report.table.rows.push_back({name, fmt::format("{}", sizes.seed),
                                   fmt::format("{:.3f}", scores.kind),
                                   fmt::format("{:.3f}", scores.hatch),
                                   fmt::format("{:.3f}", scores.hand),
                                   name == std::string("X-Sample")
                                       ? fmt::format("{:.3f}", temperature)
                                       : ""});
    }
  }
  for (const char* rival : {"SimCLR", "SupCon"}) {
    for (size_t i = 0; i < accuracy[rival].size(); ++i) {
      accuracy[std::string("X-Sample - ") + rival].push_back(
          accuracy["X-Sample"][i] - accuracy[rival][i]);
    }
  }
  for (const auto& [name, values] : accuracy) {
    report.table.rows.push_back(
        {name, "all", MeanAndSigma(values), "", "", ""});
    report.measures.push_back({0, name, SpreadOf(values).mean});
  }
  const Spread soft = SpreadOf(accuracy["X-Sample - SupCon"]);
  using Sense = Criterion::Sense;
  report.criteria = {
      {"accuracy gained over SimCLR (mean over seeds)",
       SpreadOf(accuracy["X-Sample - SimCLR"]).mean, Sense::kAtLeast, 0.08},
      {"accuracy gained over SupCon, mean minus two standard errors",
       soft.mean - 2.0 * soft.sigma / std::sqrt(seeds), Sense::kAtLeast, 0.0}};
  return report;
}

}  // namespace mapweave::ssl
