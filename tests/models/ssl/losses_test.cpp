// SPDX-License-Identifier: MIT
//
// Every loss against a case of three samples worked out by hand, its gradient
// against finite differences, and what must not change it.
#include "models/ssl/losses.h"

#include "core/error.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace mapweave::ssl {
namespace {

constexpr double kE = 2.718281828459045;

torch::Tensor Rows(std::vector<double> values) {
  return torch::tensor(values, torch::kDouble).view({3, 3});
}

torch::Tensor Index(std::vector<int64_t> values) {
  return torch::tensor(values, torch::kLong);
}

double Value(const torch::Tensor& loss) { return loss.item<double>(); }

// Columns of mean 0: the first two uncorrelated, the third minus the first.
const torch::Tensor& Columns() {
  static const torch::Tensor columns = Rows({1, 1, -1, 0, -2, 0, -1, 1, 1});
  return columns;
}

TEST(Losses, NtXentOfOrthogonalSamplesWhoseViewsAgree) {
  // Beside its own other view (cosine 1) a row meets four of cosine 0.
  const torch::Tensor z = torch::eye(3, torch::kDouble);
  EXPECT_NEAR(Value(NtXent(z, z, 1.0)), std::log(1.0 + 4.0 / kE), 1e-12);
  EXPECT_NEAR(Value(NtXent(z, 5.0 * z, 1.0)), std::log(1.0 + 4.0 / kE), 1e-12)
      << "lengths must not count";
}

TEST(Losses, SupConLeavesOutWhoIsAlone) {
  const torch::Tensor z = Rows({1, 0, 0, 1, 0, 0, 0, 1, 0});
  EXPECT_NEAR(Value(SupCon(z, Index({0, 0, 1}), 1.0)), std::log(1.0 + 1.0 / kE),
              1e-12);
  EXPECT_NEAR(Value(SupCon(z, Index({4, 4, -1}), 1.0)),
              std::log(1.0 + 1.0 / kE), 1e-12);
  EXPECT_THROW(SupCon(z, Index({0, 1, 2}), 1.0), Error);
  EXPECT_THROW(SupCon(z, Index({-1, -1, -1}), 1.0), Error);
}

TEST(Losses, XSampleTargetsAreASoftmaxOfTheOthers) {
  const torch::Tensor graph = Rows({9, 1, 0, 0, 9, 0, 0, 2, 9});
  const torch::Tensor targets = XSampleTargets(graph, 1.0);
  const double two = std::exp(2.0);
  const torch::Tensor expected = Rows({0, kE / (kE + 1), 1 / (kE + 1), 0.5, 0,
                                       0.5, 1 / (1 + two), two / (1 + two), 0});
  EXPECT_TRUE(torch::allclose(targets, expected, 0.0, 1e-12));
}

TEST(Losses, XSampleWithAnEdgeToTheOtherViewAloneIsNtXent) {
  const torch::Tensor a = Rows({1, 2, 3, -1, 0, 2, 2, -2, 1});
  const torch::Tensor b = Rows({1, 1, 3, -1, 1, 2, 2, -2, 0});
  const torch::Tensor graph =
      100.0 * torch::eye(3, torch::kDouble).repeat({2, 2});
  EXPECT_NEAR(Value(SoftContrastive(torch::cat({a, b}),
                                    XSampleTargets(graph, 0.1), 0.5)),
              Value(NtXent(a, b, 0.5)), 1e-9);
}

TEST(Losses, TemperatureGivesTheWantedPositives) {
  const torch::Tensor graph = torch::rand({12, 12}, torch::kDouble);
  const double t = TemperatureForPositives(graph, 4.0);
  const torch::Tensor p = XSampleTargets(graph, t);
  const torch::Tensor entropy = -(p * p.clamp_min(1e-300).log()).sum(1);
  EXPECT_NEAR(entropy.exp().mean().item<double>(), 4.0, 1e-6);
  EXPECT_THROW(TemperatureForPositives(graph, 1.0), Error);
  EXPECT_THROW(TemperatureForPositives(graph, 11.0), Error);
}

TEST(Losses, ByolCountsAngles) {
  const torch::Tensor prediction = torch::eye(3, torch::kDouble);
  const torch::Tensor target = Rows({7, 0, 0, 0, -2, 0, 1, 0, 0});
  EXPECT_NEAR(Value(ByolLoss(prediction, target)), (0.0 + 4.0 + 2.0) / 3.0,
              1e-12);
}

TEST(Losses, BarlowTwinsChargesTheTwoCorrelatedColumns) {
  EXPECT_NEAR(Value(BarlowTwins(Columns(), Columns(), 0.5)), 0.5 * 2.0, 1e-3);
}

TEST(Losses, VicRegTermsByHand) {
  // All deviations reach 1; the covariance of columns 1 and 3 is -1, so each
  // view pays 2 / 3.
  EXPECT_NEAR(Value(VicReg(Columns(), Columns())), 4.0 / 3.0, 1e-12);
  // One point: each view pays 25 / 2 (1 - sqrt(1e-4)).
  const torch::Tensor point = torch::zeros({3, 3}, torch::kDouble);
  EXPECT_NEAR(Value(VicReg(point, point)), 25.0 * 0.99, 1e-9);
  VicRegOptions invariance_alone;
  invariance_alone.variance = invariance_alone.covariance = 0.0;
  EXPECT_NEAR(Value(VicReg(Columns(), Columns() + 2.0, invariance_alone)),
              25.0 * 4.0, 1e-9);
}

TEST(Losses, DinoCentresTheTeacher) {
  DinoOptions options;
  options.student_temperature = options.teacher_temperature = 1.0;
  const torch::Tensor centre = torch::tensor({10.0, 0.0, 0.0}, torch::kDouble);
  const torch::Tensor teacher = centre.repeat({3, 1});  // uniform, centred
  const torch::Tensor student =
      torch::tensor({std::log(2.0), 0.0, 0.0}, torch::kDouble).repeat({3, 1});
  EXPECT_NEAR(
      Value(DinoLoss({student, student}, {teacher, teacher}, centre, options)),
      5.0 / 3.0 * std::log(2.0), 1e-12);
  EXPECT_THROW(DinoLoss({student}, {teacher}, centre, options), Error)
      << "a view would be compared with itself";
}

TEST(Losses, MaskedPatchesAloneCount) {
  const torch::Tensor target =
      Rows({1, 2, 3, 50, 60, 70, 8, 8, 9}).view({1, 3, 3});
  const torch::Tensor zeros = torch::zeros_like(target);
  const torch::Tensor first = torch::tensor({{1.0, 0.0, 0.0}}, torch::kDouble);
  EXPECT_NEAR(
      Value(MaskedPatchLoss(zeros, target, first, PatchTarget::kPixels)),
      14.0 / 3.0, 1e-12);
  EXPECT_NEAR(Value(MaskedPatchLoss(zeros, target, first)), 1.0, 1e-5);
  EXPECT_THROW(MaskedPatchLoss(zeros, target, torch::zeros_like(first)), Error);
}

TEST(Losses, SigRegOfOnePointByHand) {
  // phi = 1 everywhere; three knots leave the two ends.
  SigRegOptions options;
  options.knots = 3;
  const double w = std::exp(-4.5);
  const double end = (1.0 - w) * (1.0 - w) * w;
  const torch::Tensor point = torch::zeros({3, 3}, torch::kDouble);
  const torch::Tensor axis = torch::tensor({{1.0, 0.0, 0.0}}, torch::kDouble);
  EXPECT_NEAR(Value(SigReg(point, axis, options)), 3.0 * 3.0 * end, 1e-12);
  EXPECT_NEAR(Value(LeJepaLoss({point, point}, axis, 0.25, options)),
              0.25 * 9.0 * end, 1e-12);
  EXPECT_NEAR(Value(LeJepaLoss({point, point + 2.0}, axis, 0.0, options)), 1.0,
              1e-12);
}

TEST(Losses, SigRegIsLeastForAGaussian) {
  torch::manual_seed(3);
  const torch::Tensor normal = torch::randn({2000, 2}, torch::kDouble);
  const torch::Tensor axes = torch::eye(2, torch::kDouble);
  EXPECT_LT(Value(SigReg(normal, axes)), 4.0);
  EXPECT_GT(Value(SigReg(2.0 * normal, axes)), 50.0);
  EXPECT_GT(Value(SigReg(normal.sign(), axes)), 50.0);
}

TEST(Losses, DietSmoothsItsTarget) {
  const torch::Tensor logits = Rows({2, 0, 0, 0, 2, 0, 0, 0, 2});
  const double normaliser = std::log(std::exp(2.0) + 2.0);
  const double own = normaliser - 2.0;
  const double mean = normaliser - 2.0 / 3.0;
  EXPECT_NEAR(Value(DietLoss(logits, Index({0, 1, 2}), 0.8)),
              0.2 * own + 0.8 * mean, 1e-12);
  EXPECT_THROW(DietLoss(logits, Index({0, 1, 3})), Error);
}

TEST(Losses, GroupsShowWhatTheMeanHides) {
  const torch::Tensor loss =
      torch::tensor({1.0, 1.0, 1.0, 9.0, 4.0}, torch::kDouble);
  const GroupLosses groups = PerGroupLoss(loss, Index({0, 0, 0, 2, -1}), 3);
  EXPECT_TRUE(torch::allclose(groups.mean,
                              torch::tensor({1.0, 0.0, 9.0}, torch::kDouble)));
  EXPECT_TRUE(torch::equal(groups.count, Index({3, 0, 1})));
  EXPECT_DOUBLE_EQ(Value(groups.micro), 16.0 / 5.0);
  EXPECT_DOUBLE_EQ(Value(groups.macro), 5.0);
  EXPECT_THROW(PerGroupLoss(loss, Index({0, 0, 0, 3, 1}), 3), Error);
}

// A loss as a function of one [N, 3] argument, everything else fixed; `order`
// is the order in which the other arguments' rows are taken.
struct LossCase {
  std::string name;
  std::function<torch::Tensor(const torch::Tensor& z,
                              const torch::Tensor& order)>
      loss;
  bool needs_two = true;
};

std::vector<LossCase> Cases() {
  const torch::Tensor other = torch::tensor({0.3, -1.2, 0.8, 1.1, 0.4, -0.6,
                                             -0.9, 0.2, 1.5, 0.7, -0.4, -1.3},
                                            torch::kDouble)
                                  .view({4, 3});
  const torch::Tensor label = Index({0, 1, 0, 1});
  const torch::Tensor graph = other.mm(other.t());
  const torch::Tensor axes = torch::eye(3, torch::kDouble);
  const auto pick = [](const torch::Tensor& x, const torch::Tensor& order) {
    return x.index_select(0, order);
  };
  DinoOptions soft;  // sharp ones make finite differences of a staircase
  soft.student_temperature = soft.teacher_temperature = 1.0;
  return {
      {"NT-Xent", [=](auto& z, auto& o) { return NtXent(z, pick(other, o)); }},
      {"SupCon", [=](auto& z, auto& o) { return SupCon(z, pick(label, o)); }},
      {"X-Sample",
       [=](auto& z, auto& o) {
         const torch::Tensor g = pick(pick(graph, o).t(), o).t();
         return SoftContrastive(z, XSampleTargets(g, 1.0), 0.5);
       }},
      {"BYOL", [=](auto& z, auto& o) { return ByolLoss(z, pick(other, o)); },
       false},
      {"Barlow Twins",
       [=](auto& z, auto& o) { return BarlowTwins(z, pick(other, o), 0.1); }},
      {"VICReg", [=](auto& z, auto& o) { return VicReg(z, pick(other, o)); }},
      {"DINO",
       [=](auto& z, auto& o) {
         const torch::Tensor t = pick(other, o);
         return DinoLoss({z, 0.5 * z}, {t, -t},
                         torch::zeros({3}, torch::kDouble), soft);
       },
       false},
      {"masked patches",
       [=](auto& z, auto& o) {
         const torch::Tensor target = pick(other, o).unsqueeze(1);
         return MaskedPatchLoss(z.unsqueeze(1), target,
                                torch::ones({4, 1}, torch::kDouble));
       },
       false},
      {"LeJEPA",
       [=](auto& z, auto& o) {
         return LeJepaLoss({z, pick(other, o)}, axes, 0.3);
       }},
      {"DIET", [=](auto& z, auto& o) { return DietLoss(z, pick(label, o)); },
       false},
  };
}

torch::Tensor Point() {
  return torch::tensor(
             {0.9, 0.1, -0.4, -0.3, 0.8, 0.5, 0.6, -0.7, 0.2, -1.1, 0.3, 0.4},
             torch::kDouble)
      .view({4, 3});
}

TEST(Losses, GradientsMatchFiniteDifferences) {
  constexpr double kStep = 1e-6;
  const torch::Tensor order = torch::arange(4);
  for (const LossCase& c : Cases()) {
    const torch::Tensor z = Point().requires_grad_(true);
    c.loss(z, order).backward();
    torch::Tensor numeric = torch::zeros({4, 3}, torch::kDouble);
    for (int64_t i = 0; i < 12; ++i) {
      torch::Tensor up = Point();
      torch::Tensor down = Point();
      up.view({-1})[i] += kStep;
      down.view({-1})[i] -= kStep;
      numeric.view({-1})[i] =
          (Value(c.loss(up, order)) - Value(c.loss(down, order))) /
          (2.0 * kStep);
    }
    EXPECT_TRUE(torch::allclose(z.grad(), numeric, 1e-5, 1e-7)) << c.name;
    EXPECT_GT(z.grad().abs().max().item<double>(), 1e-4) << c.name;
  }
}

TEST(Losses, OrderOfTheBatchDoesNotMatter) {
  const torch::Tensor order = Index({2, 0, 3, 1});
  for (const LossCase& c : Cases()) {
    EXPECT_NEAR(Value(c.loss(Point(), torch::arange(4))),
                Value(c.loss(Point().index_select(0, order), order)), 1e-12)
        << c.name;
  }
}

TEST(Losses, WrongShapesAndNumbersAreErrorsThatNameTheLoss) {
  const torch::Tensor order = torch::arange(4);
  for (const LossCase& c : Cases()) {
    torch::Tensor broken = Point();
    broken[1][2] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(c.loss(broken, order), Error) << c.name;
    EXPECT_THROW(c.loss(Point().slice(0, 0, 3), order), Error) << c.name;
    EXPECT_THROW(c.loss(Point().view({2, 2, 3}), order), Error) << c.name;
    if (c.needs_two) {
      EXPECT_THROW(c.loss(Point().slice(0, 0, 1), Index({0})), Error) << c.name;
    }
  }
  try {
    NtXent(Point().slice(0, 0, 1), Point().slice(0, 0, 1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_NE(error.Message().find("NT-Xent"), std::string::npos);
    EXPECT_FALSE(error.Hint().empty());
  }
}

}  // namespace
}  // namespace mapweave::ssl
