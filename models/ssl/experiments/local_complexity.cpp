// SPDX-License-Identifier: MIT
//
// Do networks, trained on long after they fit, move their creases away from
// the training points to the decision boundary, and do they generalise and
// withstand attacks only then? Three phases of local complexity on rings in
// the plane and on four other tasks; late generalisation on modular addition.
#include "models/ssl/local_complexity.h"

#include "core/line_chart.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/pgd.h"
#include "models/ssl/relu_mlp.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace mapweave::ssl {
namespace {

struct Points {
  torch::Tensor x;      // [N, D] float32
  torch::Tensor label;  // [N] int64
};

torch::Tensor Normal(const std::vector<int64_t>& shape,
                     torch::Generator& generator) {
  return torch::randn(shape, generator, torch::kFloat);
}

// Points at `radius` and `angle` with a little noise. [N] each.
torch::Tensor FromPolar(const torch::Tensor& radius, const torch::Tensor& angle,
                        torch::Generator& generator) {
  constexpr double kNoise = 0.02;
  return torch::stack({radius * angle.cos(), radius * angle.sin()}, 1) +
         kNoise * Normal({radius.size(0), 2}, generator);
}

// Rings about 0 whose labels alternate outwards.
Points Rings(int64_t count, const Rng& rng) {
  constexpr int64_t kRings = 3;
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor ring = torch::arange(count).remainder(kRings);
  const torch::Tensor angle =
      torch::rand({count}, generator) * (2.0 * std::numbers::pi);
  const torch::Tensor radius = (ring + 1).to(torch::kFloat) / kRings;
  return {FromPolar(radius, angle, generator), ring.remainder(2)};
}

// Two arms of one and a half turns.
Points Spirals(int64_t count, const Rng& rng) {
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor arm = torch::arange(count).remainder(2);
  const torch::Tensor along = torch::rand({count}, generator).sqrt();
  const torch::Tensor angle =
      along * (3.0 * std::numbers::pi) + arm * std::numbers::pi;
  return {FromPolar(0.1 + 0.9 * along, angle, generator), arm};
}

// The label is the sign of the product of two of sixteen coordinates.
Points Xor(int64_t count, const Rng& rng) {
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor x = Normal({count, 16}, generator);
  return {x, (x.select(1, 0) * x.select(1, 1)).gt(0.0).to(torch::kLong)};
}

// Eight Gaussian clouds that overlap, in eight dimensions.
Points Clouds(int64_t count, const Rng& rng) {
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor label = torch::arange(count).remainder(8);
  const torch::Tensor middle = Normal({8, 8}, generator);
  return {middle.index_select(0, label) + 0.7 * Normal({count, 8}, generator),
          label};
}

// Nothing but memory helps.
Points RandomLabels(int64_t count, const Rng& rng) {
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor x = torch::rand({count, 2}, generator) * 2.0 - 1.0;
  return {x, torch::randint(0, 2, {count}, generator, torch::kLong)};
}

// Halfway from every point to the nearest of another label.
torch::Tensor BetweenLabels(const Points& points) {
  const torch::Tensor same =
      points.label.unsqueeze(0).eq(points.label.unsqueeze(1));
  const torch::Tensor nearest =
      torch::cdist(points.x, points.x).masked_fill(same, 1e9).argmin(1);
  return (points.x + points.x.index_select(0, nearest)) / 2.0;
}

struct Task {
  std::string name;
  Points (*make)(int64_t, const Rng&);
  int64_t points = 256;
  int64_t steps = 0;
  double radius = 0.05;  // of the cross-polytopes
};

struct Curve {
  std::vector<double> step;
  std::vector<double> train;     // local complexity at training points
  std::vector<double> boundary;  // and between the labels
  double accuracy = 0.0;
};

double Accuracy(const torch::Tensor& logits, const torch::Tensor& label) {
  return logits.argmax(1).eq(label).to(torch::kDouble).mean().item<double>();
}

// Of logits, [N, K], and labels, [N] int64.
using Loss = torch::Tensor (*)(const torch::Tensor& logits,
                               const torch::Tensor& label);

torch::Tensor CrossEntropy(const torch::Tensor& logits,
                           const torch::Tensor& label) {
  return torch::nn::functional::cross_entropy(logits, label);
}

// From one-hot labels, summed over the classes.
torch::Tensor SquaredError(const torch::Tensor& logits,
                           const torch::Tensor& label) {
  return (logits - torch::one_hot(label, logits.size(1)))
      .square()
      .sum(1)
      .mean();
}

// One step on all points at once.
void Update(ReluMlp& net, Optimiser& optimiser, const Points& points, Loss loss,
            double rate) {
  optimiser.ZeroGrad();
  loss(net->forward(points.x), points.label).backward();
  optimiser.Step(rate);
}

// Trains on the task and looks at step 0, 1, 2 ... and ever more rarely.
Curve Follow(const Task& task, uint64_t seed, RunContext& context) {
  constexpr int64_t kWidth = 64;
  constexpr double kRate = 1e-3;
  const Rng rng(seed, 0x6c63);
  const Points points = task.make(task.points, rng.Fork(1));
  const torch::Tensor between = BetweenLabels(points);
  const int64_t dims = points.x.size(1);
  const int64_t classes = points.label.max().item<int64_t>() + 1;
  ReluMlp net(std::vector<int64_t>{dims, kWidth, kWidth, kWidth, classes},
              rng.Fork(2));
  OptimiserOptions adam;
  adam.weight_decay = 0.0;
  Optimiser optimiser(*net, adam);
  LocalComplexityOptions measure;
  measure.radius = task.radius;
  measure.directions = std::min<int64_t>(dims, 16);
  const auto complexity = [&](const torch::Tensor& x) {
    return nn::MeanComplexity(LocalComplexity(
        [&](const torch::Tensor& v, Taps& taps) { net->forward(v, &taps); }, x,
        measure, rng.Fork(3)));
  };
  Curve curve;
  int64_t next = 0;
  for (int64_t step = 0; step <= task.steps; ++step) {
    if (step == next || step == task.steps) {
      context.cancel.ThrowIfCancelled();
      curve.step.push_back(static_cast<double>(step));
      curve.train.push_back(complexity(points.x));
      curve.boundary.push_back(complexity(between));
      next = std::max(step + 1, step * 5 / 4);
    }
    if (step < task.steps) {
      Update(net, optimiser, points, CrossEntropy, kRate);
    }
  }
  const torch::NoGradGuard no_grad;
  curve.accuracy = Accuracy(net->forward(points.x), points.label);
  return curve;
}

// Complexity at the training points falls, rises and falls again.
struct Phases {
  double start = 0.0;
  double dip = 0.0;   // least before the peak
  double peak = 0.0;  // largest after the first step
  double end = 0.0;
  double ratio_growth = 0.0;  // boundary / train, last over least
  double Fall() const { return peak / std::max(end, 1e-3); }
  bool AllThree() const {
    return dip < peak / 1.2 && Fall() >= 3.0 && ratio_growth >= 2.0;
  }
};

Phases Judge(const Curve& curve) {
  Phases phases;
  const auto first = curve.train.begin();
  const auto peak = std::max_element(first + 1, curve.train.end());
  phases.start = *first;
  phases.peak = *peak;
  phases.dip = *std::min_element(first, peak + 1);
  phases.end = curve.train.back();
  double least = std::numeric_limits<double>::infinity();
  double ratio = 0.0;
  for (size_t i = 0; i < curve.train.size(); ++i) {
    ratio = curve.boundary[i] / std::max(curve.train[i], 1e-3);
    least = std::min(least, ratio);
  }
  phases.ratio_growth = ratio / std::max(least, 1e-3);
  return phases;
}

std::string ThreePhasesSvg(const Curve& curve) {
  ChartLine train{"at training points", {}};
  ChartLine boundary{"between the labels", {}};
  for (size_t i = 1; i < curve.step.size(); ++i) {
    const double x = std::log10(curve.step[i]);
    train.points.push_back({x, curve.train[i]});
    boundary.points.push_back({x, curve.boundary[i]});
  }
  return ToSvg({"Rings in the plane",
                "log10 of the step",
                {{"local complexity", {train, boundary}}}});
}

// a + b modulo kModulus from two one-hot codes.
constexpr int64_t kModulus = 23;

struct Addition {
  Points train;
  Points test;
};

Addition MakeAddition(const Rng& rng) {
  constexpr double kTrain = 0.75;
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor pair = RandomPermutation(kModulus * kModulus, generator);
  const torch::Tensor a = torch::floor_divide(pair, kModulus);
  const torch::Tensor b = pair.remainder(kModulus);
  const torch::Tensor x =
      torch::cat({torch::one_hot(a, kModulus), torch::one_hot(b, kModulus)}, 1)
          .to(torch::kFloat);
  const torch::Tensor y = (a + b).remainder(kModulus);
  const auto cut = static_cast<int64_t>(kTrain * kModulus * kModulus);
  return {{x.slice(0, 0, cut), y.slice(0, 0, cut)},
          {x.slice(0, cut), y.slice(0, cut)}};
}

// Steps at which something was first seen; -1 = not at all.
struct Grokking {
  int64_t fits = -1;         // train accuracy 1
  int64_t generalises = -1;  // test accuracy 0.99
  int64_t robust = -1;       // test accuracy 0.5 under attack
  double test_at_fit = 0.0;
  double robust_at_generalising = 0.0;
  double robust_end = 0.0;
  double complexity_fit = 0.0;
  double complexity_end = 0.0;
};

struct AdditionPlan {
  std::vector<int64_t> hidden = {200, 200};
  int64_t steps = 3000;
  double rate = 2e-3;
  double weight_decay = 2.0;
  double epsilon = 0.3;  // of the attack, in the L2 norm
};

Grokking Grok(uint64_t seed, const AdditionPlan& plan, RunContext& context) {
  constexpr int64_t kEvery = 25;
  const Rng rng(seed, 0x67726f6b);
  const Addition data = MakeAddition(rng.Fork(1));
  std::vector<int64_t> widths = {2 * kModulus};
  widths.insert(widths.end(), plan.hidden.begin(), plan.hidden.end());
  widths.push_back(kModulus);
  ReluMlp net(widths, rng.Fork(2));
  OptimiserOptions adam;
  adam.weight_decay = plan.weight_decay;
  Optimiser optimiser(*net, adam);
  const auto logits = [&](const torch::Tensor& x) { return net->forward(x); };
  PgdOptions attack{PgdNorm::kL2, plan.epsilon, plan.epsilon / 4.0, 10};
  Grokking seen;
  for (int64_t step = 1; step <= plan.steps; ++step) {
    // With cross-entropy, test accuracy stays at about 0.95 in so many steps.
    Update(net, optimiser, data.train, SquaredError, plan.rate);
    if (step % kEvery != 0 && step != plan.steps) continue;
    context.cancel.ThrowIfCancelled();
    const torch::NoGradGuard no_grad;
    const double train = Accuracy(logits(data.train.x), data.train.label);
    const double test = Accuracy(logits(data.test.x), data.test.label);
    const double robust =
        PgdAccuracy(logits, data.test.x, data.test.label, attack);
    const auto complexity = [&] {
      return nn::MeanComplexity(LocalComplexity(
          [&](const torch::Tensor& v, Taps& taps) { net->forward(v, &taps); },
          data.train.x, {0.05, 16, 64}, rng.Fork(3)));
    };
    if (seen.fits < 0 && train == 1.0) {
      seen.fits = step;
      seen.test_at_fit = test;
      seen.complexity_fit = complexity();
    }
    if (seen.generalises < 0 && test >= 0.99) {
      seen.generalises = step;
      seen.robust_at_generalising = robust;
    }
    if (seen.robust < 0 && robust >= 0.5) seen.robust = step;
    seen.robust_end = robust;
    if (step == plan.steps) seen.complexity_end = complexity();
  }
  return seen;
}

// A run with its row; columns that do not apply stay empty.
void AddPhases(const Task& task, uint64_t seed, const Curve& curve,
               ExperimentTable& table) {
  const Phases p = Judge(curve);
  table.rows.push_back({task.name, fmt::format("{}", seed),
                        fmt::format("{:.1f}, {:.1f}, {:.1f}, {:.1f}", p.start,
                                    p.dip, p.peak, p.end),
                        fmt::format("{:.1f}", p.Fall()),
                        fmt::format("{:.1f}", p.ratio_growth),
                        p.AllThree() ? "yes" : "no",
                        fmt::format("train {:.2f}", curve.accuracy)});
}

void AddGrokking(const Grokking& g, uint64_t seed, ExperimentTable& table) {
  table.rows.push_back(
      {"addition mod 23", fmt::format("{}", seed),
       fmt::format("{:.1f} when it fits, {:.1f}", g.complexity_fit,
                   g.complexity_end),
       "", "", "",
       fmt::format("fits at {} (test {:.2f}), test 0.99 at {} (attacked "
                   "{:.2f}), attacked 0.5 at {}, at the end {:.2f}",
                   g.fits, g.test_at_fit, g.generalises,
                   g.robust_at_generalising, g.robust, g.robust_end)});
}

// Later over earlier step; 0 where either was not reached.
double Delay(int64_t earlier, int64_t later) {
  if (earlier <= 0 || later <= 0) return 0.0;
  return static_cast<double>(later) / static_cast<double>(earlier);
}

}  // namespace

ExperimentReport LocalComplexityExperiment(const ExperimentOptions& options,
                                           RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 2;
  const int64_t shorten = options.smoke ? 200 : 1;
  const Task rings{"rings", Rings, 256, 30'000 / shorten, 0.05};
  const std::vector<Task> others = {
      {"spirals", Spirals, 256, 15'000 / shorten, 0.05},
      {"XOR in 16-D", Xor, 256, 10'000 / shorten, 0.2},
      {"clouds in 8-D", Clouds, 256, 10'000 / shorten, 0.2},
      {"random labels", RandomLabels, 128, 15'000 / shorten, 0.05}};
  AdditionPlan addition;
  addition.steps /= shorten;
  ExperimentReport report;
  report.settings = {{"seeds", seeds},
                     {"ring_steps", rings.steps},
                     {"addition_steps", addition.steps}};
  report.table.columns = {
      "task",         "seed",         "start, dip, peak, end", "peak / end",
      "ratio growth", "three phases", "what it learns"};
  double fall = 1e9;
  double growth = 1e9;
  double late = 1e9;
  double later_still = 1e9;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const Curve curve = Follow(rings, seed, context);
    const Phases phases = Judge(curve);
    fall = std::min(fall, phases.Fall());
    growth = std::min(growth, phases.ratio_growth);
    AddPhases(rings, seed, curve, report.table);
    if (s == 0) {
      report.figures.push_back({"rings.svg", ThreePhasesSvg(curve)});
      for (size_t i = 0; i < curve.step.size(); ++i) {
        const auto step = static_cast<int64_t>(curve.step[i]);
        report.measures.push_back({step, "rings_train", curve.train[i]});
        report.measures.push_back({step, "rings_boundary", curve.boundary[i]});
      }
    }
  }
  int hold = 0;
  for (const Task& task : others) {
    const Curve curve = Follow(task, options.seed, context);
    if (Judge(curve).AllThree()) ++hold;
    AddPhases(task, options.seed, curve, report.table);
  }
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const Grokking g = Grok(seed, addition, context);
    late = std::min(late, Delay(g.fits, g.generalises));
    later_still = std::min(later_still, Delay(g.generalises, g.robust));
    AddGrokking(g, seed, report.table);
  }
  report.settings["other_tasks"] = others.size();
  report.settings["other_tasks_with_three_phases"] = hold;
  report.measures.push_back(
      {0, "other_tasks_with_three_phases", static_cast<double>(hold)});
  using Sense = Criterion::Sense;
  report.criteria = {
      {"rings: peak over end (worst seed)", fall, Sense::kAtLeast, 3.0},
      {"rings: boundary / train, end over least (worst seed)", growth,
       Sense::kAtLeast, 2.0},
      {"addition: step of test 0.99 over step of train 1 (worst seed)", late,
       Sense::kAtLeast, 2.0},
      {"addition: step of attacked 0.5 over step of test 0.99 (worst seed)",
       later_still, Sense::kAtLeast, 1.1}};
  return report;
}

}  // namespace mapweave::ssl
