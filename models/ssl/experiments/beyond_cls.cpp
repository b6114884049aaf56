// SPDX-License-Identifier: MIT
//
// Where a vision transformer keeps what it has learnt: the same head reads
// [cls], the mean token, and tokens pooled by learnt attention, off a masked
// autoencoder, SimCLR and random weights. Tiles of paper hold a hatch in one of
// six directions in a small window; its direction is the label.
#include "models/ssl/abmilp.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/probe.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::ssl {
namespace {

struct Setup {
  int64_t side = 24;
  int64_t window = 8;
  int64_t classes = 6;
  int64_t patch = 4;
  int64_t train = 1500;
  int64_t test = 1000;
  int64_t mae_steps = 600;
  int64_t mae_batch = 128;
  double mae_rate = 2e-3;
  int64_t mae_decoder_width = 32;
  int64_t mae_decoder_depth = 1;
  double mask_ratio = 0.75;
  int64_t simclr_steps = 300;
  int64_t simclr_batch = 96;
  double simclr_rate = 2e-3;
  double temperature = 0.2;
  double crop_area = 0.6;
  int64_t probe_steps = 800;
};

Dataset MakeWindowTiles(const Setup& setup, int64_t count, const Rng& rng) {
  constexpr double kFrequency = 0.27;  // cycles per pixel
  torch::Generator generator = MakeGenerator(rng);
  const auto uniform = [&](double low, double high) {
    return torch::rand({count, 1, 1, 1}, generator) * (high - low) + low;
  };
  Dataset data;
  data.label =
      torch::randint(0, setup.classes, {count}, generator, torch::kLong);
  const torch::Tensor angle =
      data.label.view({-1, 1, 1, 1}).to(torch::kFloat) *
      (std::numbers::pi / static_cast<double>(setup.classes));
  const auto room = static_cast<double>(setup.side - setup.window + 1);
  const auto window = static_cast<double>(setup.window);
  const torch::Tensor left = uniform(0.0, room).floor();
  const torch::Tensor top = uniform(0.0, room).floor();
  const torch::Tensor axis = torch::arange(setup.side).to(torch::kFloat);
  const torch::Tensor x = axis.view({1, 1, 1, -1});
  const torch::Tensor y = axis.view({1, 1, -1, 1});
  const torch::Tensor inside = x.ge(left)
                                   .logical_and(x.lt(left + window))
                                   .logical_and(y.ge(top))
                                   .logical_and(y.lt(top + window));
  const torch::Tensor phase = uniform(0.0, 2.0 * std::numbers::pi);
  const torch::Tensor wave = (2.0 * std::numbers::pi * kFrequency *
                                  (x * angle.cos() + y * angle.sin()) +
                              phase)
                                 .sin();
  const torch::Tensor ink =
      inside * uniform(0.5, 0.8) * (0.5 + 0.5 * wave);  // [N, 1, side, side]
  const torch::Tensor tone = torch::upsample_bilinear2d(
      torch::randn({count, 1, 4, 4}, generator), {setup.side, setup.side},
      /*align_corners=*/false);
  const torch::Tensor paper =
      torch::rand({count, 3, 1, 1}, generator) * 0.25 + 0.65;
  const torch::Tensor grain =
      torch::randn({count, 3, setup.side, setup.side}, generator);
  const torch::Tensor images =
      paper * (1.0 + 0.08 * tone) * (1.0 - ink) + 0.03 * grain;
  data.images = (images.clamp(0.0, 1.0) * 255.0).round().to(torch::kUInt8);
  return data;
}

// Turns and mirrors would change the label, in either method.
ViewRecipe UprightViews(double least_area) {
  ViewRecipe recipe;
  recipe.global_area_min = least_area;
  recipe.flip = recipe.quarter_turns = recipe.blur = 0.0;
  recipe.line_width = 0.0;
  return recipe;
}

Encoder MakeVit(const Setup& setup, const Rng& rng) {
  EncoderConfig config;
  config.kind = "vit-micro";
  config.patch_px = setup.patch;
  config.image_px = setup.side;
  return MakeEncoder(config, rng);
}

Encoder TrainMae(const Setup& setup, const Dataset& data, uint64_t seed,
                 RunContext& context) {
  Encoder encoder = MakeVit(setup, Rng(seed));
  MaeOptions options;
  options.mask_ratio = setup.mask_ratio;
  options.decoder_width = setup.mae_decoder_width;
  options.decoder_depth = setup.mae_decoder_depth;
  const MethodPtr method = MakeMae(encoder, options, Rng(seed, 1));
  TrainerOptions trainer;
  trainer.steps = setup.mae_steps;
  trainer.batch = std::min(setup.mae_batch, data.Size());
  trainer.schedule.peak = setup.mae_rate;
  trainer.seed = seed;
  ViewRecipe views = PlainView();
  views.global_area_min = setup.crop_area;
  trainer.views = views;
  TrainMethod(*method, data, trainer, {}, context);
  return encoder;
}

Encoder TrainSimClr(const Setup& setup, const Dataset& data, uint64_t seed,
                    RunContext& context) {
  Encoder encoder = MakeVit(setup, Rng(seed));
  SimClrOptions options;
  options.temperature = setup.temperature;
  const MethodPtr method = MakeSimClr(encoder, options, Rng(seed, 1));
  TrainerOptions trainer;
  trainer.steps = setup.simclr_steps;
  trainer.batch = std::min(setup.simclr_batch, data.Size());
  trainer.schedule.peak = setup.simclr_rate;
  trainer.seed = seed;
  trainer.views = UprightViews(setup.crop_area);
  TrainMethod(*method, data, trainer, {}, context);
  return encoder;
}

struct Reading {
  double cls = 0.0;  // accuracies of the one head on ...
  double mean = 0.0;
  double abmilp = 0.0;
  std::vector<AttentionStatistics> blocks;

  double LastEntropy() const {
    return blocks.back().cls_entropy.mean().item<double>();
  }
};

struct Split {
  Dataset train;
  Dataset test;
};

Reading Read(EncoderImpl& encoder, const Split& data, const Setup& setup) {
  AttentiveProbeOptions options;
  options.steps = setup.probe_steps;
  const torch::Tensor train =
      EmbedDataset(encoder, data.train, EmbeddingKind::kTokens);
  const torch::Tensor test =
      EmbedDataset(encoder, data.test, EmbeddingKind::kTokens);
  const auto probe = [&](const torch::Tensor& a, const torch::Tensor& b) {
    return AttentiveProbeAccuracy({a, data.train.label}, {b, data.test.label},
                                  options);
  };
  Reading reading;
  reading.abmilp = probe(train, test);
  reading.mean =
      probe(train.mean(1, /*keepdim=*/true), test.mean(1, /*keepdim=*/true));
  reading.cls = probe(EmbedDataset(encoder, data.train).unsqueeze(1),
                      EmbedDataset(encoder, data.test).unsqueeze(1));
  const torch::NoGradGuard no_grad;
  encoder.eval();
  Taps taps;
  taps.wants_attention = true;
  encoder.Encode(
      data.test
          .Gather(torch::arange(std::min<int64_t>(256, data.test.Size())),
                  torch::kCPU)
          .images,
      &taps);
  reading.blocks = MeasureAttention(taps);
  return reading;
}

std::string Span(const Reading& reading,
                 const torch::Tensor AttentionStatistics::*of) {
  const AttentionStatistics& last = reading.blocks.back();
  return fmt::format("{:.3f}", (last.*of).mean().item<double>());
}

}  // namespace

ExperimentReport BeyondClsExperiment(const ExperimentOptions& options,
                                     RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 2;
  Setup setup;
  if (options.smoke) {
    setup.train = 200;
    setup.test = 100;
    setup.mae_steps = setup.simclr_steps = 2;
    setup.mae_batch = setup.simclr_batch = 16;
    setup.probe_steps = 2;
  }
  ExperimentReport report;
  report.settings = {{"seeds", seeds},
                     {"train", setup.train},
                     {"test", setup.test},
                     {"mae_steps", setup.mae_steps},
                     {"mae_batch", setup.mae_batch},
                     {"simclr_steps", setup.simclr_steps},
                     {"simclr_batch", setup.simclr_batch}};
  report.table.columns = {"seed",      "encoder",         "[cls]",
                          "mean",      "AbMILP",          "[cls] entropy, last",
                          "to itself", "patch to itself", "added / shortcut"};
  double mae_gain = 1e9;
  double simclr_gap = 0.0;
  double entropy_gap = 1e9;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const Split data{MakeWindowTiles(setup, setup.train, Rng(seed, 10)),
                     MakeWindowTiles(setup, setup.test, Rng(seed, 11))};
    const auto read = [&](const char* name, const Encoder& encoder) {
      const Reading reading = Read(*encoder, data, setup);
      report.table.rows.push_back(
          {fmt::format("{}", seed), name, fmt::format("{:.3f}", reading.cls),
           fmt::format("{:.3f}", reading.mean),
           fmt::format("{:.3f}", reading.abmilp),
           Span(reading, &AttentionStatistics::cls_entropy),
           Span(reading, &AttentionStatistics::cls_to_cls),
           Span(reading, &AttentionStatistics::patch_to_self),
           fmt::format("{:.2f}", reading.blocks.back().norm_ratio)});
      return reading;
    };
    read("random", MakeVit(setup, Rng(seed)));
    const Reading mae = read("mae", TrainMae(setup, data.train, seed, context));
    const Reading simclr =
        read("simclr", TrainSimClr(setup, data.train, seed, context));
    mae_gain = std::min(mae_gain, mae.abmilp - mae.cls);
    simclr_gap = std::max(simclr_gap, std::abs(simclr.abmilp - simclr.cls));
    entropy_gap =
        std::min(entropy_gap, mae.LastEntropy() - simclr.LastEntropy());
  }
  using Sense = Criterion::Sense;
  report.criteria = {
      {"MAE: AbMILP - [cls] (worst seed)", mae_gain, Sense::kAtLeast, 0.2},
      {"SimCLR: |AbMILP - [cls]| (worst seed)", simclr_gap, Sense::kAtMost,
       0.03},
      {"last entropy of [cls], MAE - SimCLR (worst seed)", entropy_gap,
       Sense::kAtLeast, 0.0}};
  report.measures = {{0, "mae_gain", mae_gain},
                     {0, "simclr_gap", simclr_gap},
                     {0, "entropy_gap", entropy_gap}};
  return report;
}

}  // namespace mapweave::ssl
