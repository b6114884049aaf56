// SPDX-License-Identifier: MIT
#include "models/vis/query_net.h"

#include "core/error.h"
#include "models/nn/adamw.h"
#include "models/nn/process_group.h"
#include "models/vis/checkpoint.h"
#include "models/vis/query_network.h"
#include "tests/models/rectangle_clips.h"
#include "tests/models/tensors.h"
#include "tests/support/temp_dir.h"
#include "tracking/measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace mapweave::vis {
namespace {

using testing::LargestDifference;

std::unique_ptr<nn::ProcessGroup> Alone() {
  return nn::JoinProcesses({}, torch::kCPU);
}

using ::testing::HasSubstr;
using testing::RectangleClips;
using testing::TempDir;
using tracking::LabelledClip;

// Small enough to train in seconds.
QueryConfig TinyDense() {
  QueryConfig config;
  config.dense.widths = {16, 16, 24, 32};
  config.dense.depths = {1, 1, 1, 1};
  config.dense.pyramid = 32;
  config.dense.fine = 24;
  config.dense.head = 24;
  config.channels = 32;
  config.heads = 2;
  config.layers = 3;
  config.hidden = 64;
  config.mask_channels = 16;
  config.queries = 24;
  config.points = 128;
  return config;
}

QueryConfig TinyPaper() {
  QueryConfig config = QueryConfig::Preset("paper");
  config.channels = 64;  // two for each group of the norms
  config.heads = 2;
  config.layers = 3;
  config.hidden = 32;
  config.encoder_layers = 1;
  config.encoder_hidden = 32;
  config.mask_channels = 16;
  config.queries = 6;
  config.points = 64;
  return config;
}

std::shared_ptr<QueryNetwork> MakeTiny(const QueryConfig& config) {
  auto network = std::make_shared<QueryNetwork>(config);
  InitialiseQueryNet(network->Net(), Rng(3));
  network->Module().eval();
  return network;
}

// uint8 [frames, side, side, 4], all covered.
torch::Tensor RandomClipBytes(int64_t frames, int64_t side) {
  torch::manual_seed(5);
  torch::Tensor bytes =
      torch::randint(0, 256, {frames, side, side, 4}, torch::kByte);
  bytes.select(3, 3).fill_(1);
  return bytes;
}

QueryAnswer LastAnswer(QueryNetwork& network, const torch::Tensor& bytes,
                       int64_t editions) {
  const torch::NoGradGuard no_grad;
  return network.Net()(bytes, editions, torch::kFloat).answers.back();
}

class QueryNetTest : public ::testing::TestWithParam<bool> {
 protected:
  static QueryConfig Config() { return GetParam() ? TinyPaper() : TinyDense(); }
};

INSTANTIATE_TEST_SUITE_P(Modes, QueryNetTest, ::testing::Values(false, true),
                         [](const auto& mode) {
                           return mode.param ? "Published" : "Proposals";
                         });

TEST_P(QueryNetTest, GradientsReachEveryParameter) {
  const auto network = MakeTiny(Config());
  network->Module().train();
  {
    // Deformable attention starts with offsets that no token has a say in.
    const torch::NoGradGuard no_grad;
    for (auto& item : network->Module().named_parameters()) {
      if (item.key().ends_with("offsets.weight")) {
        item.value().uniform_(-0.1, 0.1);
      }
    }
  }
  const RectangleClips source;
  const Batch batch =
      MakeBatch({source.Get(0), source.Get(1)}, network->Targets());

  network->ComputeLoss(batch, {}, *Alone()).total.backward();

  for (const auto& item : network->Module().named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    // A key's bias moves all scores of a query alike: its gradient is zero.
    if (item.key().ends_with("key.bias")) continue;
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0.0f)
        << item.key();
  }
}

TEST_P(QueryNetTest, ABatchGivesWhatItsClipsGiveOneByOne) {
  const auto network = MakeTiny(Config());
  const torch::Tensor bytes = RandomClipBytes(4, 64);

  const QueryAnswer together = LastAnswer(*network, bytes, 2);

  for (int64_t b = 0; b < 2; ++b) {
    const QueryAnswer alone =
        LastAnswer(*network, bytes.slice(0, 2 * b, 2 * b + 2), 2);
    EXPECT_LT(LargestDifference(together.masks[b], alone.masks[0]), 1e-3);
    EXPECT_LT(LargestDifference(together.classes[b], alone.classes[0]), 1e-3);
  }
}

TEST_P(QueryNetTest, EditionsInAnotherOrderGiveTheSameMasksInThatOrder) {
  QueryConfig config = Config();
  config.edition_code = false;
  const auto network = MakeTiny(config);
  const torch::Tensor bytes = RandomClipBytes(3, 64);
  const torch::Tensor order = torch::tensor({2, 0, 1});

  const QueryAnswer answer = LastAnswer(*network, bytes, 3);
  const QueryAnswer permuted =
      LastAnswer(*network, bytes.index_select(0, order), 3);

  EXPECT_LT(
      LargestDifference(answer.masks.index_select(2, order), permuted.masks),
      1e-3);
  EXPECT_LT(LargestDifference(answer.classes, permuted.classes), 1e-3);

  // With the code, the order has a say.
  config.edition_code = true;
  const auto ordered = MakeTiny(config);
  EXPECT_GT(LargestDifference(
                LastAnswer(*ordered, bytes, 3).classes,
                LastAnswer(*ordered, bytes.index_select(0, order), 3).classes),
            1e-4);
}

TEST_P(QueryNetTest, WhatLiesUnderMissingCoverageHasNoInfluence) {
  const auto network = MakeTiny(Config());
  torch::Tensor bytes = RandomClipBytes(2, 64);
  bytes.select(3, 3).slice(2, 32, 64).fill_(0);
  const QueryAnswer before = LastAnswer(*network, bytes, 2);

  bytes.slice(3, 0, 3).slice(2, 32, 64).fill_(99);

  EXPECT_TRUE(torch::equal(before.masks, LastAnswer(*network, bytes, 2).masks));
}

TEST_P(QueryNetTest, TakesAnyNumberOfEditionsAnySizeAndNoCoverage) {
  const auto network = MakeTiny(Config());
  for (const int64_t editions : {1, 5}) {
    torch::Tensor bytes = RandomClipBytes(editions, 40);
    bytes.select(3, 3).select(0, 0).fill_(0);

    const QueryAnswer answer = LastAnswer(*network, bytes, editions);

    EXPECT_EQ(answer.masks.size(2), editions);
    EXPECT_TRUE(torch::isfinite(answer.masks).all().item<bool>());
    EXPECT_TRUE(torch::isfinite(answer.classes).all().item<bool>());
  }
  tracking::Clip clip;
  clip.frames = {cv::Mat(7, 21, CV_8UC3, cv::Scalar(9, 99, 199))};
  clip.coverage = {cv::Mat::zeros(7, 21, CV_8UC1)};
  for (const QueryTrack& query : PredictQueries(network->Net(), clip, {})) {
    EXPECT_TRUE(query.masks[0].IsEmpty());
  }
}

TEST_P(QueryNetTest, ReloadedNetworkGivesIdenticalAnswers) {
  const TempDir dir;
  const auto path = dir.Path() / "query.safetensors";
  const auto network = MakeTiny(Config());
  const torch::Tensor bytes = RandomClipBytes(2, 64);

  SaveCheckpoint(path, {network, network->CheckDecode({{"min_score", 0.25}}),
                        Json::object(), {}});
  const Checkpoint loaded = LoadCheckpoint(path);
  auto& other = dynamic_cast<QueryNetwork&>(*loaded.network);

  EXPECT_EQ(other.Config(), network->Config());
  EXPECT_EQ(loaded.decode.at("min_score"), 0.25);
  const QueryAnswer a = LastAnswer(*network, bytes, 2);
  const QueryAnswer b = LastAnswer(other, bytes, 2);
  EXPECT_TRUE(torch::equal(a.masks, b.masks));
  EXPECT_TRUE(torch::equal(a.classes, b.classes));
}

TEST_P(QueryNetTest, TheLossIsTheSameForTheSameSeedOnly) {
  const auto network = MakeTiny(Config());
  const RectangleClips source;
  Batch batch = MakeBatch({source.Get(0)}, network->Targets());
  const auto loss = [&](uint64_t seed) {
    const torch::NoGradGuard no_grad;
    batch.seed = seed;
    return network->ComputeLoss(batch, {}, *Alone()).total.item<double>();
  };

  EXPECT_EQ(loss(1), loss(1));
  EXPECT_NE(loss(1), loss(2));
}

TEST(QueryNet, LearnsTwoClipsByHeart) {
  const RectangleClips source(2, 2, 48);
  const auto network = MakeTiny(TinyDense());
  network->Module().train();
  nn::AdamWOptions options;
  options.ema_decay = 0.0;
  nn::AdamW optimiser(network->Module(), options);
  Batch batch = MakeBatch({source.Get(0), source.Get(1)}, network->Targets());
  constexpr int kSteps = 150;
  for (int step = 0; step < kSteps; ++step) {
    batch.seed = static_cast<uint64_t>(step);
    optimiser.ZeroGrad();
    network->ComputeLoss(batch, {}, *Alone()).total.backward();
    const double fade = 1.0 - static_cast<double>(step) / kSteps;
    optimiser.Step(3e-3 * fade, optimiser.GradientNorm(), 5.0);
  }
  network->Module().eval();

  std::vector<tracking::SeriesTracks> series;
  const Json decode = network->CheckDecode(Json::object());
  for (uint64_t i = 0; i < 2; ++i) {
    const LabelledClip labelled = source.Get(i);
    const auto prediction = network->Predict(labelled.clip, {});
    series.push_back(
        {network->AllTracks(*prediction, labelled.clip.coverage, decode),
         tracking::TracksFromLabels(labelled.labels)});
  }
  const tracking::Measures measures =
      tracking::Evaluate(series, tracking::MeasureOptions{});
  EXPECT_GE(measures.ap_unlimited, 0.95);
  EXPECT_GE(measures.link_f1, 0.95);
}

TEST(QueryNet, AFrozenTrunkStaysAsItIs) {
  QueryConfig config = TinyDense();
  config.freeze_trunk = true;
  const auto network = MakeTiny(config);
  network->Module().train();
  const torch::Tensor before = torch::cat(
      {network->Net()->DensePart()->Trunk()->buffers()[0].clone(),
       network->Net()->DensePart()->Trunk()->parameters()[1].clone()});
  nn::AdamW optimiser(network->Module(), {});
  Batch batch = MakeBatch({RectangleClips().Get(0)}, network->Targets());

  network->ComputeLoss(batch, {}, *Alone()).total.backward();
  const torch::Tensor seed_before =
      network->Module().named_parameters()["seed.weight"].clone();
  optimiser.Step(1e-2, optimiser.GradientNorm(), 5.0);

  EXPECT_TRUE(torch::equal(
      before,
      torch::cat({network->Net()->DensePart()->Trunk()->buffers()[0],
                  network->Net()->DensePart()->Trunk()->parameters()[1]})));
  EXPECT_FALSE(torch::equal(
      seed_before, network->Module().named_parameters()["seed.weight"]));
}

TEST(QueryNet, TakesAsManyQueriesAsThereAreLikelyPlaces) {
  QueryConfig config = TinyDense();
  config.queries = 2;
  const auto network = MakeTiny(config);
  {
    const torch::NoGradGuard no_grad;
    network->Module().named_parameters()["pixels.trunk.heat_out.bias"].fill_(
        2.0f);
  }
  const torch::Tensor bytes = RandomClipBytes(1, 64);

  EXPECT_GT(LastAnswer(*network, bytes, 1).classes.size(1), 20);
  network->Module().train();
  EXPECT_EQ(LastAnswer(*network, bytes, 1).classes.size(1), 2);
}

TEST(Presets, HaveTheirSizes) {
  const auto millions = [](torch::nn::Module& module) {
    int64_t count = 0;
    for (const auto& parameter : module.parameters()) {
      count += parameter.numel();
    }
    return static_cast<double>(count) / 1e6;
  };
  // As published (with the published ResNet-50, without its classifier).
  EXPECT_NEAR(millions(*QueryNet(QueryConfig::Preset("paper"))), 44.0, 0.1);
  EXPECT_NEAR(millions(*QueryNet(QueryConfig::Preset("query-small"))), 2.26,
              0.01);
  EXPECT_NEAR(millions(*DenseNet(DenseConfig::Preset("small"))), 1.67, 0.01);
  EXPECT_NEAR(millions(*DenseNet(DenseConfig::Preset("large"))), 21.5, 0.1);
}

TEST(MakeNetwork, RefusesWhatAPresetHasNoUseFor) {
  const auto refusal = [](const NetworkOptions& options) {
    try {
      MakeNetwork(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kUsage);
      return error.Message();
    }
    return std::string();
  };
  NetworkOptions options;
  options.backbone = "resnet50.safetensors";
  EXPECT_THAT(refusal(options), HasSubstr("backbone"));
  options = {.preset = "paper", .trunk = "small.safetensors"};
  EXPECT_THAT(refusal(options), HasSubstr("trunk"));
  options = {.preset = "query-small", .freeze_trunk = true};
  EXPECT_THAT(refusal(options), HasSubstr("not loaded"));
  options = {.preset = "small", .queries = 7};
  EXPECT_THAT(refusal(options), HasSubstr("queries"));
  options = {.preset = "vast"};
  EXPECT_THAT(refusal(options), HasSubstr("vast"));
}

TEST(ProposePlaces, TakesLocalMaximaFirstAndOnlyCoveredPlaces) {
  torch::Tensor heat = torch::full({1, 1, 8, 8}, -9.0);
  heat[0][0][1][2] = 3.0;   // a peak
  heat[0][0][1][3] = 2.0;   // its slope
  heat[0][0][6][5] = -1.0;  // a lesser peak
  heat[0][0][6][1] = 4.0;   // the highest, where nothing is covered
  torch::Tensor coverage = torch::ones({2, 1, 16, 16});
  coverage.slice(2, 10, 16).slice(3, 0, 6).fill_(0);

  const torch::Tensor places = ProposePlaces(heat, coverage, 2);

  EXPECT_TRUE(
      torch::equal(places, torch::tensor({{{5.0f, 3.0f}, {11.0f, 13.0f}}})));
}

TEST(QueryConfig, SurvivesJsonAndNamesWhatIsWrong) {
  for (const QueryConfig& config :
       {TinyDense(), QueryConfig::Preset("paper")}) {
    EXPECT_EQ(QueryConfig::FromJson(config.ToJson()).ToJson(), config.ToJson());
  }
  const auto message = [](const char* key, const Json& value) {
    Json json = TinyDense().ToJson();
    json[key] = value;
    try {
      QueryConfig::FromJson(json);
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
      return error.Message();
    }
    return std::string();
  };
  EXPECT_THAT(message("queries", -1), HasSubstr("queries"));
  EXPECT_THAT(message("heads", 5), HasSubstr("heads"));
  EXPECT_THAT(message("presence", 1), HasSubstr("presence"));
  EXPECT_THAT(message("trunk", "vgg"), HasSubstr("vgg"));
  EXPECT_THAT(message("dense", Json::object()), HasSubstr("widths"));
}

}  // namespace
}  // namespace mapweave::vis
