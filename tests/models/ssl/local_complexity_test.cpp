// SPDX-License-Identifier: MIT
#include "models/ssl/local_complexity.h"

#include "core/error.h"
#include "models/ssl/affine_regions.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/methods.h"
#include "models/ssl/pgd.h"
#include "models/ssl/relu_mlp.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace mapweave::ssl {
namespace {

torch::Tensor Doubles(int64_t rows, int64_t cols, uint64_t seed) {
  Rng rng(seed);
  torch::Tensor x = torch::empty({rows, cols}, torch::kDouble);
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.view({-1})[i] = rng.Normal();
  }
  return x;
}

TEST(CrossPolytope, FramesAreOrthonormalAndOfTheirOwn) {
  const torch::Tensor frames = nn::OrthonormalFrames(3, 4, 6, Rng(1));
  ASSERT_EQ(frames.sizes(), torch::IntArrayRef({3, 4, 6}));
  const torch::Tensor gram = torch::matmul(frames, frames.transpose(1, 2));
  EXPECT_TRUE(torch::allclose(
      gram, torch::eye(4, torch::kDouble).expand({3, 4, 4}), 0.0, 1e-12));
  EXPECT_FALSE(torch::allclose(frames[0], frames[1]));
  // Sample n's frame does not depend on how many there are.
  EXPECT_TRUE(torch::equal(frames.slice(0, 0, 2),
                           nn::OrthonormalFrames(2, 4, 6, Rng(1))));
  EXPECT_THROW(nn::OrthonormalFrames(3, 7, 6, Rng(1)), Error);
  EXPECT_THROW(nn::OrthonormalFrames(0, 1, 6, Rng(1)), Error);
}

TEST(CrossPolytope, CountsOneNeuronOfTwoByHand) {
  // Axis-aligned frame around (0, 0): vertices (+-0.5, 0), (0, +-0.5).
  const torch::Tensor frame = torch::eye(2, torch::kDouble).unsqueeze(0);
  const torch::Tensor v = nn::CrossPolytopeVertices(
      torch::zeros({1, 2}, torch::kDouble), frame, 0.5);
  EXPECT_TRUE(torch::equal(
      v, torch::tensor({{0.5, 0.0}, {0.0, 0.5}, {-0.5, 0.0}, {0.0, -0.5}},
                       torch::kDouble)));
  // x - 0.4 changes sign among them, x - 0.6 does not.
  const torch::Tensor neurons =
      torch::stack({v.select(1, 0) - 0.4, v.select(1, 0) - 0.6}, 1);
  const auto layers = nn::CountCrossings({{"a", neurons}}, 4);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].crossings[0].item<int64_t>(), 1);
  EXPECT_DOUBLE_EQ(nn::MeanComplexity(layers), 1.0);
}

TEST(CrossPolytope, WrongInputIsAnError) {
  const torch::Tensor frame = torch::eye(2, torch::kDouble).unsqueeze(0);
  const torch::Tensor point = torch::zeros({1, 2}, torch::kDouble);
  EXPECT_THROW(nn::CrossPolytopeVertices(point, frame, 0.0), Error);
  EXPECT_THROW(nn::CrossPolytopeVertices(torch::zeros({2, 2}), frame, 0.1),
               Error);
  EXPECT_THROW(nn::CrossPolytopeVertices(torch::zeros({1, 3}), frame, 0.1),
               Error);
  EXPECT_THROW(nn::CountCrossings({{"a", torch::zeros({5, 2})}}, 4), Error);
  EXPECT_THROW(nn::CountCrossings({{"a", torch::full({4, 2}, NAN)}}, 4), Error);
}

// In the plane a frame's best direction is within 45 degrees of a line's
// normal: lines nearer than r / sqrt(2) are always counted, those beyond r
// never.
TEST(LocalComplexity, CountsTheLinesThatAreNear) {
  ReluMlp net(std::vector<int64_t>{2, 40, 3}, Rng(5), torch::kDouble);
  const torch::Tensor weight = net->named_parameters()["layer0.weight"];
  const torch::Tensor bias = net->named_parameters()["layer0.bias"];
  const torch::Tensor points = Doubles(20, 2, 3) * 0.5;
  LocalComplexityOptions options;
  options.radius = 0.3;
  options.directions = 2;
  options.chunk = 7;  // several, the last one short
  const auto layers = LocalComplexity(
      [&](const torch::Tensor& x, Taps& taps) { net->forward(x, &taps); },
      points, options, Rng(9));
  ASSERT_EQ(layers.size(), 1u) << "logits are no layer";
  const torch::Tensor distance =
      (points.mm(weight.t()) + bias).abs() / weight.norm(2, 1);
  const torch::Tensor least = distance.lt(0.3 / std::sqrt(2.0)).sum(1);
  const torch::Tensor most = distance.lt(0.3).sum(1);
  EXPECT_TRUE(layers[0].crossings.ge(least).all().item<bool>());
  EXPECT_TRUE(layers[0].crossings.le(most).all().item<bool>());
  EXPECT_GT(layers[0].crossings.sum().item<int64_t>(), 0);
}

TEST(LocalComplexity, MonitorMeasuresAnEncoderAndLeavesItAlone) {
  EncoderConfig config;
  config.kind = "resnet18";
  config.width = 4;
  const Encoder encoder = MakeEncoder(config, Rng(1));
  const MethodPtr method = MakeSimClr(encoder, {}, Rng(2));
  method->eval();
  LocalComplexityOptions options;
  options.directions = 3;
  const auto monitor = MakeLocalComplexityMonitor(
      torch::full({2, 3, 32, 32}, 0.5), options, Rng(3));
  EXPECT_EQ(monitor->When(), Phase::kEvaluation);
  const Bag nothing;
  const auto first = monitor->Measure({1, nothing, *method});
  ASSERT_TRUE(first.contains("local_complexity"));
  EXPECT_GT(first.at("local_complexity"), 0.0);
  EXPECT_EQ(first, monitor->Measure({2, nothing, *method}));
  EXPECT_THROW(
      MakeLocalComplexityMonitor(torch::zeros({2, 1, 8, 8}), options, Rng(3)),
      Error);
}

TEST(ReluMlp, JacobianIsThatOfAutogradAndOfTheAffineRegions) {
  ReluMlp net(std::vector<int64_t>{2, 9, 7, 3}, Rng(4), torch::kDouble);
  const torch::Tensor x = Doubles(5, 2, 6).requires_grad_(true);
  const torch::Tensor y = net->forward(x);
  const torch::Tensor jacobian = net->Jacobian(x.detach());
  for (int64_t k = 0; k < 3; ++k) {
    const torch::Tensor row =
        torch::autograd::grad({y.select(1, k).sum()}, {x}, {},
                              /*retain_graph=*/true)[0];
    EXPECT_TRUE(torch::allclose(jacobian.select(1, k), row, 0.0, 1e-12));
  }
  PiecewiseAffineNet exact;
  for (int i = 0; i < 3; ++i) {
    const auto name = "layer" + std::to_string(i);
    const torch::Tensor w =
        net->named_parameters()[name + ".weight"].detach().contiguous();
    const torch::Tensor b = net->named_parameters()[name + ".bias"].detach();
    AffineLayer layer;
    layer.inputs = static_cast<int>(w.size(1));
    layer.outputs = static_cast<int>(w.size(0));
    layer.weight.assign(w.data_ptr<double>(), w.data_ptr<double>() + w.numel());
    layer.bias.assign(b.data_ptr<double>(), b.data_ptr<double>() + b.numel());
    exact.layers.push_back(layer);
  }
  for (const AffineRegion& region : AffineRegions(exact, {})) {
    const Point2d p = PolygonMiddle(region.polygon);
    const torch::Tensor at = torch::tensor({{p.x, p.y}}, torch::kDouble);
    const torch::Tensor slope = net->Jacobian(at).contiguous();
    for (size_t i = 0; i < region.slope.size(); ++i) {
      EXPECT_NEAR(slope.data_ptr<double>()[i], region.slope[i], 1e-12);
    }
  }
  EXPECT_THROW(ReluMlp(std::vector<int64_t>{2}, Rng(1)), Error);
  EXPECT_THROW(ReluMlp(std::vector<int64_t>{2, 0, 1}, Rng(1)), Error);
}

// Two classes, logits (0, w . x): the worst case is known.
TEST(Pgd, FindsTheWorstCaseOfALinearClassifier) {
  const torch::Tensor w = torch::tensor({3.0, -4.0}, torch::kDouble);
  const LogitsOf logits = [&](const torch::Tensor& x) {
    const torch::Tensor score = x.mv(w);
    return torch::stack({torch::zeros_like(score), score}, 1);
  };
  const torch::Tensor x =
      torch::tensor({{0.2, 0.0}, {0.5, 0.0}}, torch::kDouble);
  const torch::Tensor label = torch::ones({2}, torch::kLong);
  const PgdOptions l2{PgdNorm::kL2, 0.2, 0.07, 10};
  EXPECT_TRUE(torch::allclose(PgdAttack(logits, x, label, l2),
                              x - 0.2 * w / 5.0, 0.0, 1e-12));
  // Margins w . x = 0.6 and 1.5 against 0.2 * |w|_2 = 1.
  EXPECT_DOUBLE_EQ(PgdAccuracy(logits, x, label, l2), 0.5);
  const PgdOptions linf{PgdNorm::kLinf, 0.2, 0.07, 10};
  EXPECT_TRUE(torch::allclose(PgdAttack(logits, x, label, linf),
                              x - 0.2 * w.sign(), 0.0, 1e-12));
  // Against 0.2 * |w|_1 = 1.4.
  EXPECT_DOUBLE_EQ(PgdAccuracy(logits, x, label, linf), 0.5);
  const PgdOptions strong{PgdNorm::kLinf, 0.22, 0.07, 10};
  EXPECT_DOUBLE_EQ(PgdAccuracy(logits, x, label, strong), 0.0);
  const PgdOptions none{PgdNorm::kL2, 0.0, 0.07, 10};
  EXPECT_DOUBLE_EQ(PgdAccuracy(logits, x, label, none), 1.0);
}

TEST(Pgd, TouchesNoParameterAndIgnoresTheRestOfTheBatch) {
  ReluMlp net(std::vector<int64_t>{4, 8, 3}, Rng(4), torch::kDouble);
  const LogitsOf logits = [&](const torch::Tensor& x) {
    return net->forward(x);
  };
  const torch::Tensor x = Doubles(6, 4, 2);
  const torch::Tensor label = torch::tensor({0, 1, 2, 0, 1, 2}, torch::kLong);
  const PgdOptions options{PgdNorm::kL2, 0.5, 0.1, 5};
  const torch::NoGradGuard no_grad;  // the attack makes its own graph
  const torch::Tensor all = PgdAttack(logits, x, label, options);
  const torch::Tensor one =
      PgdAttack(logits, x.slice(0, 2, 3), label.slice(0, 2, 3), options);
  EXPECT_TRUE(torch::allclose(all.slice(0, 2, 3), one, 0.0, 1e-12));
  EXPECT_LE((all - x).norm(2, 1).max().item<double>(), 0.5 + 1e-12);
  for (const torch::Tensor& p : net->parameters()) {
    EXPECT_FALSE(p.grad().defined());
  }
}

TEST(Pgd, WrongInputIsAnError) {
  const LogitsOf broken = [](const torch::Tensor& x) { return x / 0.0; };
  const torch::Tensor x = torch::zeros({2, 2});
  const torch::Tensor label = torch::zeros({2}, torch::kLong);
  EXPECT_THROW(PgdAttack(broken, x, label, {}), Error);
  EXPECT_THROW(PgdAttack(broken, x, label.slice(0, 0, 1), {}), Error);
  PgdOptions options;
  options.epsilon = -1.0;
  EXPECT_THROW(PgdAttack(broken, x, label, options), Error);
}

TEST(LocalComplexityExperiment, SmokeFormRunsAllOfIt) {
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 1;
  const ExperimentReport report =
      RunExperiment("local-complexity", options, context);
  EXPECT_EQ(report.table.rows.size(), 6u) << "rings, four others, addition";
  EXPECT_EQ(report.criteria.size(), 4u);
  EXPECT_EQ(report.figures.size(), 1u);
  for (const auto& row : report.table.rows) {
    EXPECT_EQ(row.size(), report.table.columns.size());
  }
  cancel.Cancel();
  EXPECT_THROW(RunExperiment("local-complexity", options, context), Error);
}

}  // namespace
}  // namespace mapweave::ssl
