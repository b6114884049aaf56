// SPDX-License-Identifier: MIT
//
// The example of docs/ssl.md, compiled and run as it stands there.
#include "core/progress.h"
#include "models/ssl/trainer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace {

// [example]
double PretrainOnNoise() {
  namespace ssl = mapweave::ssl;
  ssl::Dataset data;  // sixty-four images of 16 x 16 pixels, unlabelled
  data.images = torch::randint(0, 256, {64, 3, 16, 16}, torch::kUInt8);
  data.label = torch::full({64}, -1, torch::kLong);

  ssl::EncoderConfig config;
  config.kind = "resnet18";
  config.width = 8;
  const ssl::Encoder encoder = ssl::MakeEncoder(config, mapweave::Rng(1));
  ssl::SimClrOptions simclr;
  simclr.temperature = 0.2;
  const ssl::MethodPtr method =
      ssl::MakeSimClr(encoder, simclr, mapweave::Rng(2));

  ssl::TrainerOptions options;
  options.steps = 5;
  options.batch = 32;
  options.schedule.peak = 1e-3;
  std::vector<std::unique_ptr<ssl::Monitor>> monitors;
  monitors.push_back(ssl::MakeCollapseMonitor());

  mapweave::Progress progress;
  mapweave::CancelToken cancel;
  mapweave::RunContext context{progress, cancel};
  ssl::TrainMethod(*method, data, options, monitors, context);
  return ssl::RankMe(ssl::EmbedDataset(*encoder, data).slice(1, 0, 32));
}
// [example]

TEST(Example, Runs) { EXPECT_GT(PretrainOnNoise(), 1.0); }

}  // namespace
