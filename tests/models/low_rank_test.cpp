// SPDX-License-Identifier: MIT
#include "models/nn/low_rank.h"

#include "core/error.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mapweave::nn {
namespace {

torch::Tensor Parameter(torch::nn::Module& module, const std::string& name) {
  return module.named_parameters()[name];
}

void Set(torch::nn::Module& module, const std::string& name,
         const torch::Tensor& value) {
  const torch::NoGradGuard no_grad;
  Parameter(module, name).copy_(value);
}

LowRankOptions Options(AdapterKind kind, int64_t rank = 2) {
  LowRankOptions options;
  options.kind = kind;
  options.rank = rank;
  return options;
}

torch::Tensor Doubles(std::vector<double> values) {
  return torch::tensor(values, torch::kDouble);
}

// Moves an adapter away from its start.
void Disturb(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(7);
  for (torch::Tensor& parameter : module.parameters()) {
    parameter.add_(0.3 * torch::randn_like(parameter));
  }
}

const std::vector<AdapterKind>& Kinds() {
  static const std::vector<AdapterKind> kinds = {
      AdapterKind::kLora, AdapterKind::kDora, AdapterKind::kAllora};
  return kinds;
}

TEST(LowRank, BeginsAsTheWeightThatItAdapts) {
  torch::manual_seed(1);
  const torch::Tensor weight = torch::randn({5, 3, 2, 2});
  for (const AdapterKind kind : Kinds()) {
    LowRank adapter(weight, Options(kind), Rng(1));
    EXPECT_TRUE(torch::equal(adapter->Weight(), weight));
  }
}

TEST(LowRank, LoraByHand) {
  LowRankOptions options = Options(AdapterKind::kLora, 1);
  options.scale = 2.0;
  LowRank adapter(torch::zeros({2, 2}, torch::kDouble), options, Rng(1));
  Set(*adapter, "a", Doubles({3, 4}).view({1, 2}));
  Set(*adapter, "b", Doubles({1, -1}).view({2, 1}));
  EXPECT_TRUE(
      torch::equal(adapter->Weight(), Doubles({6, 8, -6, -8}).view({2, 2})));
}

TEST(LowRank, DoraTakesTheDirectionOfTheSumAndALearnedLength) {
  LowRank adapter(Doubles({3, 0, 0, 2}).view({2, 2}),
                  Options(AdapterKind::kDora, 1), Rng(1));
  EXPECT_TRUE(torch::allclose(Parameter(*adapter, "m"), Doubles({3, 2})));
  Set(*adapter, "a", Doubles({0, 4}).view({1, 2}));
  Set(*adapter, "b", Doubles({1, 0}).view({2, 1}));
  Set(*adapter, "m", Doubles({10, 2}));
  // Row 0: (3, 4) / 5 * 10.
  EXPECT_TRUE(torch::allclose(adapter->Weight(),
                              Doubles({6, 8, 0, 2}).view({2, 2}), 0.0, 1e-9));
}

TEST(LowRank, CoefficientIsEtaWhereTheRowIsZero) {
  for (const double eta : {0.3, 1.0, 3.0, 7.7}) {
    LowRankOptions options = Options(AdapterKind::kAllora);
    options.eta = eta;
    LowRank adapter(torch::ones({4, 4}, torch::kDouble), options, Rng(1));
    EXPECT_TRUE(torch::equal(adapter->Coefficients(),
                             torch::full({4}, eta, torch::kDouble)));
  }
}

TEST(LowRank, CoefficientsByHand) {
  LowRankOptions options = Options(AdapterKind::kAllora, 1);
  options.eta = 0.5;
  const auto coefficients = [&] {
    LowRank adapter(torch::zeros({2, 2}, torch::kDouble), options, Rng(1));
    Set(*adapter, "a", Doubles({3, 4}).view({1, 2}));
    Set(*adapter, "b", Doubles({1, 2}).view({2, 1}));
    return adapter->Coefficients();
  };
  const auto c = [](double square) { return 1.0 / std::sqrt(square + 4.0); };
  EXPECT_TRUE(torch::allclose(coefficients(), Doubles({c(25), c(100)})));
  options.row = AlloraRow::kB;
  EXPECT_TRUE(torch::allclose(coefficients(), Doubles({c(1), c(4)})));
  options.when = AlloraWhen::kOnce;
  EXPECT_TRUE(torch::equal(coefficients(), Doubles({0.5, 0.5})));
}

// sum(W * probe^2 / 2 + W * probe) as a function of the parameters.
torch::Tensor Energy(LowRank& adapter, const torch::Tensor& probe) {
  const torch::Tensor w = adapter->Weight();
  return (w * probe + 0.5 * w.square()).sum();
}

TEST(LowRank, GradientsOfLoraAndDoraAreThoseOfTheirWeight) {
  torch::manual_seed(2);
  const torch::Tensor weight = torch::randn({4, 3}, torch::kDouble);
  const torch::Tensor probe = torch::randn({4, 3}, torch::kDouble);
  for (const AdapterKind kind : {AdapterKind::kLora, AdapterKind::kDora}) {
    LowRank adapter(weight, Options(kind), Rng(1));
    Disturb(*adapter);
    Energy(adapter, probe).backward();
    for (torch::Tensor& parameter : adapter->parameters()) {
      double* values = parameter.data_ptr<double>();
      for (int64_t i = 0; i < parameter.numel(); ++i) {
        constexpr double kStep = 1e-6;
        const torch::NoGradGuard no_grad;
        const double kept = values[i];
        values[i] = kept + kStep;
        const double above = Energy(adapter, probe).item<double>();
        values[i] = kept - kStep;
        const double below = Energy(adapter, probe).item<double>();
        values[i] = kept;
        EXPECT_NEAR(parameter.grad().flatten()[i].item<double>(),
                    (above - below) / (2.0 * kStep), 1e-6);
      }
    }
  }
}

TEST(LowRank, AlloraScalesTheGradientOfEveryRowForBothFactors) {
  torch::manual_seed(3);
  const torch::Tensor weight = torch::randn({4, 3}, torch::kDouble);
  const torch::Tensor probe = torch::randn({4, 3}, torch::kDouble);
  LowRankOptions options = Options(AdapterKind::kAllora);
  options.eta = 2.0;
  LowRank adapter(weight, options, Rng(1));
  Disturb(*adapter);
  const torch::Tensor c = adapter->Coefficients();
  EXPECT_GT((c.max() - c.min()).item<double>(), 1e-3);
  const torch::Tensor a = Parameter(*adapter, "a");
  const torch::Tensor b = Parameter(*adapter, "b");
  const torch::Tensor dense = probe + adapter->Weight().detach();
  Energy(adapter, probe).backward();
  const torch::Tensor scaled = c.unsqueeze(1) * dense;
  EXPECT_TRUE(torch::allclose(b.grad(), scaled.mm(a.detach().t())));
  EXPECT_TRUE(torch::allclose(a.grad(), b.detach().t().mm(scaled)));
}

TEST(LowRank, AlloraOfUpdatesMovesBByItsCoefficient) {
  LowRankOptions options = Options(AdapterKind::kAllora, 1);
  options.what = AlloraWhat::kUpdate;
  options.row = AlloraRow::kB;
  options.eta = 2.0;
  LowRank adapter(torch::zeros({2, 2}, torch::kDouble), options, Rng(1));
  Set(*adapter, "b", Doubles({0, 1}).view({2, 1}));
  BeginLowRankStep(*adapter);
  Set(*adapter, "b", Doubles({1, 2}).view({2, 1}));
  EndLowRankStep(*adapter);
  const double c = 1.0 / std::sqrt(1.0 + 0.25);
  EXPECT_TRUE(torch::allclose(Parameter(*adapter, "b"),
                              Doubles({2.0, 1.0 + c}).view({2, 1})));
}

// What LoRA is usually computed as: a branch beside the layer.
TEST(LowRank, IsTheBranchOfLora) {
  torch::manual_seed(4);
  torch::nn::Linear base(6, 5);
  const torch::Tensor x = torch::randn({7, 6});
  LowRankOptions options = Options(AdapterKind::kLora);
  options.scale = 1.5;
  LowRankLinear adapted(base, options, Rng(1));
  Disturb(*adapted);
  const torch::Tensor branch =
      base(x) + 1.5 * x.mm(Parameter(*adapted, "adapter.a").t())
                          .mm(Parameter(*adapted, "adapter.b").t());
  EXPECT_TRUE(torch::allclose(adapted(x), branch, 0.0, 1e-5));
}

TEST(LowRank, MergedLinearLayerDoesTheSame) {
  torch::manual_seed(5);
  const torch::Tensor x = torch::randn({7, 6});
  for (const AdapterKind kind : Kinds()) {
    for (const bool bias : {true, false}) {
      torch::nn::Linear base(torch::nn::LinearOptions(6, 5).bias(bias));
      LowRankLinear adapted(base, Options(kind), Rng(1));
      Disturb(*adapted);
      const torch::Tensor y = adapted(x);
      EXPECT_GT((y - base(x)).abs().max().item<double>(), 1e-2);
      EXPECT_LT((y - adapted->Merge()(x)).abs().max().item<double>(), 1e-6);
    }
  }
}

TEST(LowRank, MergedConvolutionDoesTheSame) {
  torch::manual_seed(6);
  const torch::Tensor x = torch::randn({2, 4, 9, 8});
  for (const AdapterKind kind : Kinds()) {
    torch::nn::Conv2d base(torch::nn::Conv2dOptions(4, 6, 3)
                               .stride(2)
                               .padding(2)
                               .dilation(2)
                               .groups(2));
    LowRankConv2d adapted(base, Options(kind), Rng(1));
    EXPECT_LT((adapted(x) - base(x)).abs().max().item<double>(), 1e-6);
    Disturb(*adapted);
    const torch::Tensor y = adapted(x);
    EXPECT_GT((y - base(x)).abs().max().item<double>(), 1e-2);
    EXPECT_LT((y - adapted->Merge()(x)).abs().max().item<double>(), 1e-6);
  }
}

TEST(LowRank, OnlyTheAdapterLearns) {
  torch::nn::Linear base(6, 5);
  LowRankLinear adapted(base, Options(AdapterKind::kDora), Rng(1));
  adapted(torch::ones({1, 6})).sum().backward();
  EXPECT_EQ(adapted->parameters().size(), 3u);  // a, b, m
  EXPECT_FALSE(base->weight.grad().defined());
  EXPECT_FALSE(base->bias.grad().defined());
}

TEST(LowRank, DependsOnItsStreamAlone) {
  const torch::Tensor weight = torch::ones({4, 4});
  const auto a = [&](uint64_t seed) {
    torch::manual_seed(static_cast<int64_t>(seed) * 31);
    return Parameter(*LowRank(weight, LowRankOptions{}, Rng(5)), "a").clone();
  };
  EXPECT_TRUE(torch::equal(a(1), a(2)));
}

TEST(LowRank, WhatCannotBeAdaptedIsAnError) {
  const torch::Tensor weight = torch::ones({4, 3});
  const auto make = [&](const LowRankOptions& options) {
    return LowRank(weight, options, Rng(1));
  };
  EXPECT_THROW(make(Options(AdapterKind::kLora, 4)), Error);
  EXPECT_THROW(make(Options(AdapterKind::kLora, 0)), Error);
  LowRankOptions options;
  options.rank = 1;
  options.eta = 0.0;
  EXPECT_THROW(make(options), Error);
  options.eta = 1.0;
  options.scale = NAN;
  EXPECT_THROW(make(options), Error);
  options.scale = 1.0;
  EXPECT_THROW(LowRank(torch::ones({4}), options, Rng(1)), Error);
  EXPECT_THROW(LowRank(torch::ones({4, 4}, torch::kLong), options, Rng(1)),
               Error);
  torch::nn::Conv2d mirrored(
      torch::nn::Conv2dOptions(2, 2, 3).padding(1).padding_mode(
          torch::kReflect));
  EXPECT_THROW(LowRankConv2d(mirrored, options, Rng(1)), Error);
}

class AdaptedWeightsTest : public ::testing::Test {
 protected:
  AdaptedWeightsTest() {
    torch::manual_seed(8);
    net_ = torch::nn::Sequential(torch::nn::Linear(6, 5), torch::nn::ReLU(),
                                 torch::nn::Linear(5, 3));
    net_->to(torch::kDouble);
    x_ = torch::randn({4, 6}, torch::kDouble);
  }

  torch::nn::Sequential net_;
  torch::Tensor x_;
};

TEST_F(AdaptedWeightsTest, GradientsAreThoseOfLayersThatKnowTheirAdapters) {
  const LowRankOptions options = Options(AdapterKind::kDora);
  const auto names_first = [](const std::string& name) {
    return name == "0.weight";
  };
  LowRankLinear twin(net_->ptr<torch::nn::LinearImpl>(0), options,
                     Rng(1).Fork(0));
  AdaptedWeights adapted(*net_, options, names_first, Rng(1));
  Disturb(adapted.Adapters());
  Disturb(*twin);

  adapted.Write();
  const torch::Tensor y = net_->forward(x_);
  const torch::Tensor from_twin = torch::linear(
      twin(x_).relu(), net_->parameters()[2], net_->parameters()[3]);
  EXPECT_TRUE(torch::allclose(y, from_twin));
  y.square().sum().backward();
  adapted.Read();
  from_twin.square().sum().backward();
  const auto mine = adapted.Adapters().named_parameters();
  for (const char* name : {"a", "b", "m"}) {
    EXPECT_TRUE(torch::allclose(
        mine["0/weight." + std::string(name)].grad(),
        Parameter(*twin, "adapter." + std::string(name)).grad()))
        << name;
  }
  for (const torch::Tensor& parameter : net_->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

TEST_F(AdaptedWeightsTest, NetworkWithoutSuchWeightsIsAnError) {
  const auto none = [](const std::string&) { return false; };
  EXPECT_THROW(AdaptedWeights(*net_, LowRankOptions{}, none, Rng(1)), Error);
}

}  // namespace
}  // namespace mapweave::nn
