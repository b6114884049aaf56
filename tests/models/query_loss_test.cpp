// SPDX-License-Identifier: MIT
#include "models/vis/query_loss.h"

#include "tests/models/rectangle_clips.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mapweave::vis {
namespace {

using tracking::LabelledClip;

TEST(MatchingCost, IsWhatThePaperAddsUp) {
  // Three places, of which track 1 asks only the first two.
  MatchingInput input;
  input.logits = torch::tensor({{2.0f, -1.0f, 0.5f}});
  input.target = torch::tensor({{1.0f, 0.0f, 1.0f}, {1.0f, 0.0f, 1.0f}});
  input.weight = torch::tensor({{1.0f, 1.0f, 1.0f}, {1.0f, 1.0f, 0.0f}});
  input.building = torch::tensor({0.75f});

  const torch::Tensor cost = MatchingCost(input);

  const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  const double p0 = sigmoid(2.0);
  const double p1 = sigmoid(-1.0);
  const double p2 = sigmoid(0.5);
  const double all =
      -5.0 * (std::log(p0) + std::log(1 - p1) + std::log(p2)) / 3.0 +
      5.0 * (1.0 - (2.0 * (p0 + p2) + 1.0) / (p0 + p1 + p2 + 2.0 + 1.0)) - 1.5;
  const double some = -5.0 * (std::log(p0) + std::log(1 - p1)) / 2.0 +
                      5.0 * (1.0 - (2.0 * p0 + 1.0) / (p0 + p1 + 1.0 + 1.0)) -
                      1.5;
  EXPECT_NEAR(cost[0][0].item<double>(), all, 1e-5);
  EXPECT_NEAR(cost[0][1].item<double>(), some, 1e-5);
}

// Answers that are exactly the truth: query k is track `order[k]`, masks at
// stride 2, editions and pixels all covered.
struct Perfect {
  QueryOutput output;
  Batch batch;
};

Perfect MakePerfect(const LabelledClip& labelled, bool shifted) {
  Perfect perfect;
  perfect.batch = MakeBatch({labelled}, TargetKind::kLabels);
  const int64_t tracks = perfect.batch.tracks[0];
  const int64_t editions = perfect.batch.editions;
  const torch::Tensor labels =
      torch::tensor(torch::ArrayRef<int32_t>(perfect.batch.labels))
          .view({editions, perfect.batch.height, perfect.batch.width});
  const torch::Tensor ids =
      torch::arange(tracks, 0, -1, torch::kInt).view({-1, 1, 1, 1});
  torch::Tensor drawn = labels.unsqueeze(0).eq(ids).to(torch::kFloat);
  const torch::Tensor presence = drawn.amax({2, 3}) * 40.0 - 20.0;
  if (shifted) drawn = drawn.roll(5, 3);
  QueryAnswer answer;
  answer.masks = (torch::max_pool2d(drawn, 2) * 40.0 - 20.0).unsqueeze(0);
  answer.presence = presence.unsqueeze(0);
  answer.classes =
      torch::tensor({20.0f, -20.0f}).expand({1, tracks, 2}).clone();
  perfect.output.answers = {answer};
  perfect.output.coverage =
      torch::ones({editions, 1, perfect.batch.height, perfect.batch.width});
  return perfect;
}

QueryConfig Local() {
  QueryConfig config;
  config.proposals = false;
  config.location_gate = false;
  return config;
}

TEST(QueryLoss, IsSmallForTheTruthInAnyOrderAndLargeBesideIt) {
  const LabelledClip labelled = testing::RectangleClips(1, 2, 64).Get(0);
  const Perfect right = MakePerfect(labelled, false);
  const Perfect wrong = MakePerfect(labelled, true);

  const QueryLoss loss = ComputeQueryLoss(right.output, right.batch, Local());
  const QueryLoss worse = ComputeQueryLoss(wrong.output, wrong.batch, Local());

  EXPECT_LT(loss.classes.item<double>(), 1e-6);
  EXPECT_LT(loss.presence.item<double>(), 1e-6);
  // What is left comes from the rims, which stride 2 cannot draw.
  EXPECT_GT(worse.dice.item<double>(), 2.0 * loss.dice.item<double>());
  EXPECT_GT(worse.masks.item<double>(), 2.0 * loss.masks.item<double>());
}

TEST(QueryLoss, SupervisesQueriesWithoutATrackAsNothing) {
  const LabelledClip labelled = testing::RectangleClips(1, 2, 64).Get(0);
  Perfect perfect = MakePerfect(labelled, false);
  QueryAnswer& answer = perfect.output.answers[0];
  // One more query, sure to be a building where there is none.
  answer.masks = torch::cat(
      {answer.masks, torch::full_like(answer.masks.slice(1, 0, 1), -20.0)}, 1);
  answer.presence =
      torch::cat({answer.presence, answer.presence.slice(1, 0, 1)}, 1);
  answer.classes =
      torch::cat({answer.classes, answer.classes.slice(1, 0, 1)}, 1);

  const double loss = ComputeQueryLoss(perfect.output, perfect.batch, Local())
                          .classes.item<double>();

  const auto tracks = static_cast<double>(perfect.batch.tracks[0]);
  EXPECT_NEAR(loss, 0.1 * 40.0 / (tracks + 0.1), 1e-3);
}

TEST(QueryLoss, UncoveredPixelsHaveNoInfluence) {
  LabelledClip labelled = testing::RectangleClips(1, 2, 64).Get(0);
  for (cv::Mat& coverage : labelled.clip.coverage) {
    coverage(cv::Rect(32, 0, 32, 64)) = 0;
  }
  Perfect perfect = MakePerfect(labelled, false);
  perfect.output.coverage.slice(3, 32, 64).fill_(0);
  const auto loss = [&] {
    return ComputeQueryLoss(perfect.output, perfect.batch, Local());
  };
  const QueryLoss before = loss();

  // Far enough from the border that no covered point's four neighbours are
  // there.
  torch::Tensor& masks = perfect.output.answers[0].masks;
  masks = masks.clone();
  masks.slice(4, 20, 32).fill_(20.0);
  const double all = loss().masks.item<double>();

  EXPECT_NEAR(before.masks.item<double>(), all, 1e-6);
}

TEST(QueryLoss, AGateMatchesAQueryToTheTrackInWhichItStarts) {
  // Masks say the opposite of what places say; with the gate, places win, and
  // the masks are then wrong.
  const LabelledClip labelled = testing::RectangleClips(1, 1, 64).Get(0);
  Perfect perfect = MakePerfect(labelled, false);
  const int64_t tracks = perfect.batch.tracks[0];
  ASSERT_GE(tracks, 2);
  std::vector<float> places;
  for (int32_t k = 0; k < tracks; ++k) {
    // The middle of track k + 1, whereas query k's mask is track N - k's.
    const tracking::Mask mask = tracking::Mask::FromLabels(
        cv::Mat(64, 64, CV_32SC1, perfect.batch.labels.data()), k + 1,
        {0, 0, 64, 64});
    places.push_back(static_cast<float>(mask.Centroid().x));
    places.push_back(static_cast<float>(mask.Centroid().y));
  }
  perfect.output.places =
      torch::tensor(torch::ArrayRef<float>(places)).view({1, tracks, 2});
  QueryConfig config = Local();
  const double free = ComputeQueryLoss(perfect.output, perfect.batch, config)
                          .dice.item<double>();

  config.location_gate = true;
  const double gated = ComputeQueryLoss(perfect.output, perfect.batch, config)
                           .dice.item<double>();

  EXPECT_LT(free, 0.35);
  EXPECT_GT(gated, 0.6);
}

TEST(QueryLoss, IsFiniteWithoutATrack) {
  LabelledClip labelled = testing::RectangleClips(1, 2, 64).Get(0);
  Perfect perfect = MakePerfect(labelled, false);
  std::fill(perfect.batch.labels.begin(), perfect.batch.labels.end(), 0);
  perfect.output.answers[0].masks.requires_grad_();

  const QueryLoss loss =
      ComputeQueryLoss(perfect.output, perfect.batch, Local());
  loss.total.backward();

  EXPECT_NEAR(loss.classes.item<double>(), 40.0, 1e-3);
  EXPECT_EQ(loss.masks.item<double>(), 0.0);
}

}  // namespace
}  // namespace mapweave::vis
