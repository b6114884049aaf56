// SPDX-License-Identifier: MIT
//
// Damaged map tiles that are rare in training: which encoder, trained without
// labels, lets a weighted linear probe tell them best, and whether RankMe would
// have said so.
#include "core/error.h"
#include "models/ssl/defects.h"
#include "models/ssl/detection.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/masked_pixels.h"
#include "models/ssl/methods.h"
#include "models/ssl/probe.h"
#include "models/ssl/trainer.h"
#include "models/vis/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace mapweave::ssl {
namespace {

constexpr int64_t kSide = 32;
// Of damaged tiles in training.
constexpr std::array<double, 4> kShares = {0.01, 0.02, 0.05, 0.15};
// Of damaged tiles among those that the encoders are trained on, without
// labels: the scarcest setting, for all.
constexpr double kUnlabelledShare = 0.01;
constexpr std::array<const char*, 2> kEncoders = {"vit", "resnet"};
constexpr std::array<const char*, 5> kMethods = {
    "random", "mae", "barlow-twins", "byol", "simclr"};
// Keeps the tiles of the balanced set apart.
constexpr uint64_t kHeldOutSeed = 0x616e6f6dULL;
constexpr uint64_t kDefectStream = 0x646566656374ULL;

struct AnomalySize {
  int64_t train = 2000;
  int64_t held_out = 500;  // of each kind
  int64_t steps = 250;
  int64_t batch = 64;
};

struct AnomalyTiles {
  Dataset sound;
  Dataset damaged;
  Dataset held_out;  // label 1 = damaged; as many of either
};

torch::Tensor DrawTiles(const TileSupply& supply, uint64_t seed, int64_t first,
                        int64_t count) {
  torch::Tensor images = torch::empty({count, 3, kSide, kSide}, torch::kUInt8);
  for (int64_t i = 0; i < count; ++i) {
    const cv::Mat rgb =
        supply.Draw(TileRequest{seed, static_cast<int>(kSide)}, first + i)
            .rgb.clone();
    images[i].copy_(torch::from_blob(rgb.data, {kSide, kSide, 3}, torch::kUInt8)
                        .permute({2, 0, 1}));
  }
  return images;
}

// Tiles, and the same with a defect: those alone on which it can be seen. So
// sound tiles are chosen as damaged ones are, and being bare tells nothing.
struct TilePairs {
  torch::Tensor sound;    // [N, 3, side, side] uint8
  torch::Tensor damaged;  // the same shape
};

TilePairs DrawPairs(const TileSupply& supply, uint64_t seed, int64_t wanted,
                    RunContext& context) {
  constexpr int64_t kBlock = 256;
  constexpr int64_t kMostBlocks = 400;
  DefectOptions options;
  options.kinds = {Defect::kTear, Defect::kStain, Defect::kDoublePrint,
                   Defect::kShiftedPatch};
  options.least_seen = 0.3;
  std::vector<torch::Tensor> sound;
  std::vector<torch::Tensor> damaged;
  int64_t found = 0;
  for (int64_t block = 0; found < wanted; ++block) {
    context.cancel.ThrowIfCancelled();
    if (block == kMostBlocks) {
      throw Error(ErrorCode::kBadInput,
                  "anomaly: defects cannot be seen on these tiles");
    }
    const torch::Tensor tiles = DrawTiles(supply, seed, block * kBlock, kBlock);
    const DefectedImages defected = ApplyDefects(
        tiles.to(torch::kFloat) / 255.0, torch::ones({kBlock}, torch::kBool),
        options, Rng(seed, kDefectStream).Fork(static_cast<uint64_t>(block)));
    const torch::Tensor seen = defected.kind.ge(0).nonzero().view({-1});
    sound.push_back(tiles.index_select(0, seen));
    damaged.push_back((defected.images.index_select(0, seen) * 255.0)
                          .round()
                          .to(torch::kUInt8));
    found += seen.numel();
  }
  return {torch::cat(sound).slice(0, 0, wanted),
          torch::cat(damaged).slice(0, 0, wanted)};
}

Dataset Labelled01(const torch::Tensor& images, int64_t label) {
  Dataset data;
  data.images = images;
  data.label = torch::full({images.size(0)}, label, torch::kLong);
  return data;
}

Dataset Joined(const Dataset& a, const Dataset& b) {
  Dataset data;
  data.images = torch::cat({a.images, b.images});
  data.label = torch::cat({a.label, b.label});
  return data;
}

// No tile is there both sound and damaged.
AnomalyTiles MakeAnomalyTiles(const TileSupply& supply, uint64_t seed,
                              const AnomalySize& size, RunContext& context) {
  const auto rarest = static_cast<int64_t>(
      std::lround(kShares.back() * static_cast<double>(size.train)));
  const TilePairs train = DrawPairs(supply, seed, size.train + rarest, context);
  const TilePairs other =
      DrawPairs(supply, seed ^ kHeldOutSeed, 2 * size.held_out, context);
  AnomalyTiles tiles;
  tiles.sound = Labelled01(train.sound.slice(0, 0, size.train), 0);
  tiles.damaged = Labelled01(train.damaged.slice(0, size.train), 1);
  tiles.held_out = Joined(Labelled01(other.sound.slice(0, 0, size.held_out), 0),
                          Labelled01(other.damaged.slice(0, size.held_out), 1));
  return tiles;
}

int64_t CountOf(double share, int64_t train) {
  return std::max<int64_t>(1, std::lround(share * static_cast<double>(train)));
}

// With `damaged` damaged ones in the place of as many sound ones.
Dataset TrainingSet(const AnomalyTiles& tiles, int64_t damaged) {
  const int64_t sound = tiles.sound.Size() - damaged;
  return Joined(Labelled01(tiles.sound.images.slice(0, 0, sound), 0),
                Labelled01(tiles.damaged.images.slice(0, 0, damaged), 1));
}

// Crops that keep most of a tile, and nothing that looks like a defect or
// hides one: no stains, blur or other line widths, and no small crops.
ViewRecipe ViewsThatKeepDefects() {
  ViewRecipe recipe;
  recipe.global_area_min = 0.6;
  recipe.stain = 0.0;
  recipe.blur = 0.0;
  recipe.line_width = 0.0;
  return recipe;
}

MethodPtr MakeAnomalyMethod(const std::string& name, const Encoder& encoder,
                            const Rng& rng) {
  if (name == "simclr") {
    SimClrOptions options;
    options.temperature = 0.2;
    return MakeSimClr(encoder, options, rng);
  }
  if (name == "byol") {
    ByolOptions options;
    options.momentum = 0.95;  // 0.99 hardly moves in so few steps
    return MakeByol(encoder, options, rng);
  }
  if (name == "barlow-twins") return MakeBarlowTwins(encoder, {}, rng);
  if (encoder->Config().kind.starts_with("vit")) {
    return MakeMae(encoder, {}, rng);
  }
  MaskedPixelsOptions options;
  options.image_px = kSide;
  return MakeMaskedPixels(encoder, options, rng);
}

Encoder AnomalyEncoder(const std::string& kind, const Rng& rng) {
  EncoderConfig config;
  config.kind = kind == "vit" ? "vit-micro" : "resnet18";
  config.width = 16;
  config.patch_px = 8;
  config.image_px = kSide;
  return MakeEncoder(config, rng);
}

// [N, D]. A transformer gives [cls] and its mean token, since some methods
// train the one and some the other.
torch::Tensor AnomalyFeatures(EncoderImpl& encoder, const Dataset& data) {
  const torch::Tensor pooled = EmbedDataset(encoder, data);
  if (!encoder.Config().kind.starts_with("vit")) return pooled;
  return torch::cat(
      {pooled, EmbedDataset(encoder, data, EmbeddingKind::kMeanToken)}, 1);
}

struct CellResult {
  std::array<double, kShares.size()> f1{};
  std::array<double, kShares.size()> auroc{};
  double rankme_raw = 0.0;
};

CellResult ProbeEncoder(EncoderImpl& encoder, const AnomalyTiles& tiles) {
  const torch::Tensor sound = AnomalyFeatures(encoder, tiles.sound);
  const torch::Tensor damaged = AnomalyFeatures(encoder, tiles.damaged);
  const torch::Tensor held_out = AnomalyFeatures(encoder, tiles.held_out);
  const torch::Tensor positive = tiles.held_out.label.gt(0);
  CellResult result;
  for (size_t i = 0; i < kShares.size(); ++i) {
    const int64_t few = CountOf(kShares[i], tiles.sound.Size());
    const int64_t rest = tiles.sound.Size() - few;
    const LinearDetector detector = FitLinearDetector(
        {torch::cat({sound.slice(0, 0, rest), damaged.slice(0, 0, few)}),
         torch::cat({torch::zeros({rest}, torch::kLong),
                     torch::ones({few}, torch::kLong)})});
    const torch::Tensor scores = detector.Scores(held_out);
    result.f1[i] = F1Score(scores.gt(0.0), positive);
    result.auroc[i] = Auroc(scores, positive);
  }
  if (held_out.size(0) > held_out.size(1)) result.rankme_raw = RankMe(held_out);
  return result;
}

CellResult RunCell(const std::string& kind, const std::string& method_name,
                   const AnomalyTiles& tiles, const AnomalySize& size,
                   uint64_t seed, RunContext& context) {
  const Encoder encoder = AnomalyEncoder(kind, Rng(seed, 1));
  if (method_name != "random") {
    const MethodPtr method =
        MakeAnomalyMethod(method_name, encoder, Rng(seed, 2));
    TrainerOptions options;
    options.steps = size.steps;
    options.batch = size.batch;
    options.schedule.peak = 2e-3;
    options.seed = seed;
    options.measure_every = 0;
    if (method_name != "mae") options.views = ViewsThatKeepDefects();
    TrainMethod(*method,
                TrainingSet(tiles, CountOf(kUnlabelledShare, size.train)),
                options, {}, context);
  }
  return ProbeEncoder(*encoder, tiles);
}

using Cells = std::map<std::pair<std::string, std::string>, CellResult>;

// Of RankMe with F1 at kShares[share], over the methods of one encoder.
double RankMeAgreement(const Cells& cells, const std::string& encoder,
                       size_t share) {
  std::vector<double> rankme;
  std::vector<double> f1;
  for (const char* method : kMethods) {
    const CellResult& cell = cells.at({encoder, method});
    rankme.push_back(cell.rankme_raw);
    f1.push_back(cell.f1[share]);
  }
  return SpearmanCorrelation(torch::tensor(rankme, torch::kDouble),
                             torch::tensor(f1, torch::kDouble));
}

void AddRows(const Cells& cells, uint64_t seed, ExperimentReport& report) {
  for (const char* encoder : kEncoders) {
    for (const char* method : kMethods) {
      const CellResult& cell = cells.at({encoder, method});
      std::vector<std::string> row = {fmt::format("{}", seed), encoder, method};
      for (const double f1 : cell.f1) row.push_back(fmt::format("{:.3f}", f1));
      for (const double a : cell.auroc) row.push_back(fmt::format("{:.3f}", a));
      row.push_back(fmt::format("{:.1f}", cell.rankme_raw));
      report.table.rows.push_back(std::move(row));
    }
    std::vector<std::string> row = {fmt::format("{}", seed), encoder,
                                    "Spearman, rankme_raw and F1"};
    for (size_t i = 0; i < kShares.size(); ++i) {
      row.push_back(fmt::format("{:+.2f}", RankMeAgreement(cells, encoder, i)));
    }
    row.resize(report.table.columns.size());
    report.table.rows.push_back(std::move(row));
  }
}

// SimCLR's F1 less that of the masked autoencoder, mean over the encoders.
double SimClrLead(const Cells& cells, size_t share) {
  double lead = 0.0;
  for (const char* encoder : kEncoders) {
    lead += cells.at({encoder, "simclr"}).f1[share] -
            cells.at({encoder, "mae"}).f1[share];
  }
  return lead / static_cast<double>(kEncoders.size());
}

}  // namespace

ExperimentReport AnomalyExperiment(const ExperimentOptions& options,
                                   RunContext& context) {
  if (options.tiles == nullptr) {
    throw Error(ErrorCode::kUsage, "anomaly: needs map tiles",
                "run it with 'mapweave ssl experiment anomaly'");
  }
  const vis::OneThreadScope one_thread;
  const int seeds = options.seeds > 0 ? options.seeds : options.smoke ? 1 : 2;
  AnomalySize size;
  if (options.smoke) size = {100, 100, 3, 16};
  ExperimentReport report;
  report.settings = {{"seeds", seeds},
                     {"train", size.train},
                     {"held_out", size.held_out},
                     {"steps", size.steps},
                     {"batch", size.batch},
                     {"tile_px", kSide},
                     {"unlabelled_share", kUnlabelledShare}};
  report.table.columns = {"seed",      "encoder",   "method",     "F1 1 %",
                          "F1 2 %",    "F1 5 %",    "F1 15 %",    "AUROC 1 %",
                          "AUROC 2 %", "AUROC 5 %", "AUROC 15 %", "rankme_raw"};
  double lead_at_2 = 1.0;
  double lead_at_15 = 1.0;
  double agreement = 0.0;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const AnomalyTiles tiles =
        MakeAnomalyTiles(*options.tiles, seed, size, context);
    Cells cells;
    for (const char* encoder : kEncoders) {
      for (const char* method : kMethods) {
        cells[{encoder, method}] =
            RunCell(encoder, method, tiles, size, seed, context);
      }
      agreement += RankMeAgreement(cells, encoder, 1) /
                   static_cast<double>(kEncoders.size()) / seeds;
    }
    AddRows(cells, seed, report);
    lead_at_2 = std::min(lead_at_2, SimClrLead(cells, 1));
    lead_at_15 = std::min(lead_at_15, SimClrLead(cells, 3));
  }
  using Sense = Criterion::Sense;
  report.criteria = {{"F1 of SimCLR less that of MAE at 2 % (worst seed)",
                      lead_at_2, Sense::kAtLeast, 0.03},
                     {"F1 of SimCLR less that of MAE at 15 % (worst seed)",
                      lead_at_15, Sense::kAtLeast, 0.03}};
  report.measures = {{0, "simclr_lead_at_2", lead_at_2},
                     {0, "simclr_lead_at_15", lead_at_15},
                     {0, "rankme_raw_spearman_at_2", agreement}};
  return report;
}

}  // namespace mapweave::ssl
