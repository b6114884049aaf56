// SPDX-License-Identifier: MIT
//
// Few steps on few samples: LoRA, DoRA and forms of ALLoRA on a network whose
// input has been mirrored in three of its directions, over the whole grid of
// learning rates and numbers of steps.
#include "models/nn/low_rank.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::ssl {
namespace {

constexpr int64_t kInput = 20;
constexpr int64_t kHidden = 64;
constexpr int64_t kClasses = 8;
constexpr int64_t kMirrored = 3;
constexpr int64_t kRank = 4;
constexpr double kEta = 4.0;
constexpr size_t kSixty = 1;  // of StepCounts
constexpr double kSmallRate = 0.03;

using StepCounts = std::array<int64_t, 3>;

StepCounts Steps(bool smoke) {
  return smoke ? StepCounts{2, 6, 20} : StepCounts{20, 60, 200};
}

struct Samples {
  torch::Tensor x;      // [N, kInput] float32
  torch::Tensor label;  // [N] int64
};

class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl() {
    const std::array<int64_t, 4> widths = {kInput, kHidden, kHidden, kClasses};
    for (size_t i = 0; i < 3; ++i) {
      layers.push_back(
          register_module(fmt::format("layer{}", i),
                          torch::nn::Linear(widths[i], widths[i + 1])));
    }
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return layers[2](layers[1](layers[0](x).relu()).relu());
  }
  std::vector<torch::nn::Linear> layers;
};
TORCH_MODULE(Mlp);

class AdaptedMlpImpl : public torch::nn::Module {
 public:
  AdaptedMlpImpl(const Mlp& base, const nn::LowRankOptions& options,
                 const Rng& rng) {
    for (size_t i = 0; i < 3; ++i) {
      layers_.push_back(register_module(
          fmt::format("layer{}", i),
          nn::LowRankLinear(base->layers[i], options, rng.Fork(i))));
    }
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return layers_[2](layers_[1](layers_[0](x).relu()).relu());
  }

 private:
  std::vector<nn::LowRankLinear> layers_;
};
TORCH_MODULE(AdaptedMlp);

// Normal inputs that a random network of the same shape has labelled; the mean
// of each of its answers is taken off, so that no class rules.
Samples Label(Mlp& teacher, const torch::Tensor& x,
              const torch::Tensor& offset) {
  const torch::NoGradGuard no_grad;
  return {x, (teacher->forward(x) - offset).argmax(1)};
}

template <typename Net>
double Accuracy(Net& net, const Samples& samples) {
  const torch::NoGradGuard no_grad;
  return net->forward(samples.x)
      .argmax(1)
      .eq(samples.label)
      .to(torch::kDouble)
      .mean()
      .template item<double>();
}

// Minibatch training at a constant rate; `at` is called after every step.
struct Training {
  OptimiserOptions optimiser;
  double rate = 1e-3;
  int64_t steps = 0;
  int64_t batch = 128;
};

template <typename Net, typename Callback>
void TrainOn(Net& net, const Samples& samples, const Training& training,
             const Rng& rng, const Callback& at) {
  Optimiser optimiser(*net, training.optimiser);
  torch::Generator generator = MakeGenerator(rng);
  for (int64_t step = 1; step <= training.steps; ++step) {
    const torch::Tensor index = torch::randint(
        0, samples.x.size(0), {training.batch}, generator, torch::kLong);
    optimiser.ZeroGrad();
    torch::nn::functional::cross_entropy(
        net->forward(samples.x.index_select(0, index)),
        samples.label.index_select(0, index))
        .backward();
    nn::BeginLowRankStep(*net);
    optimiser.Step(training.rate);
    nn::EndLowRankStep(*net);
    at(step);
  }
}

struct Task {
  Mlp base;
  Samples shifted_train;
  Samples shifted_test;
  double before = 0.0;  // accuracy on the kind of input it was trained on
  double after = 0.0;   // and on the mirrored one
};

Task MakeTask(const Rng& rng, bool smoke, RunContext& context) {
  const int64_t train = smoke ? 512 : 8192;
  const int64_t test = smoke ? 512 : 4096;
  const int64_t few = smoke ? 256 : 1024;
  torch::Generator generator = MakeGenerator(rng.Fork(1));
  const auto draw = [&](int64_t count) {
    return torch::randn({count, kInput}, generator);
  };
  Mlp teacher;
  InitialiseModule(*teacher, rng.Fork(2));
  torch::Tensor offset;
  {
    const torch::NoGradGuard no_grad;
    offset = teacher->forward(draw(4096)).mean(0);
  }
  Task task;
  InitialiseModule(*task.base, rng.Fork(3));
  Training training;
  training.rate = 2e-3;
  training.steps = smoke ? 20 : 1500;
  training.optimiser.weight_decay = 0.01;
  context.cancel.ThrowIfCancelled();
  TrainOn(task.base, Label(teacher, draw(train), offset), training, rng.Fork(4),
          [](int64_t) {});
  // x - 2 U U^T x: what any rank of 3 and more in the first layer can undo.
  const torch::Tensor u = std::get<0>(
      torch::linalg_qr(torch::randn({kInput, kMirrored}, generator)));
  const auto mirrored = [&](const Samples& samples) {
    return Samples{samples.x - 2.0 * samples.x.mm(u).mm(u.t()), samples.label};
  };
  const Samples plain = Label(teacher, draw(test), offset);
  task.shifted_test = mirrored(plain);
  task.shifted_train = mirrored(Label(teacher, draw(few), offset));
  task.before = Accuracy(task.base, plain);
  task.after = Accuracy(task.base, task.shifted_test);
  return task;
}

struct Competitor {
  std::string name;
  nn::LowRankOptions adapter;
  bool adam = false;
};

std::vector<Competitor> Competitors() {
  const auto make = [](nn::AdapterKind kind, double scale) {
    nn::LowRankOptions options;
    options.kind = kind;
    options.rank = kRank;
    options.scale = scale;
    options.eta = kEta;
    return options;
  };
  const nn::LowRankOptions lora = make(nn::AdapterKind::kLora, 1.0);
  const nn::LowRankOptions allora = make(nn::AdapterKind::kAllora, 1.0);
  nn::LowRankOptions row_of_b = allora;
  row_of_b.row = nn::AlloraRow::kB;
  nn::LowRankOptions once = allora;
  once.when = nn::AlloraWhen::kOnce;
  nn::LowRankOptions update = allora;
  update.what = nn::AlloraWhat::kUpdate;
  return {{"LoRA", lora},
          {"LoRA, scale 2", make(nn::AdapterKind::kLora, 2.0)},
          {"DoRA", make(nn::AdapterKind::kDora, 1.0)},
          {"ALLoRA", allora},
          {"ALLoRA, rows of B", row_of_b},
          {"ALLoRA, once", once},
          {"ALLoRA, update of B", update},
          {"LoRA, AdamW", lora, true},
          {"ALLoRA, AdamW", allora, true}};
}

std::vector<double> Rates(bool adam) {
  return adam ? std::vector<double>{1e-3, 3e-3, 1e-2}
              : std::vector<double>{kSmallRate, 0.09, 0.3};
}

// Accuracies after Steps, by competitor and rate; means over seeds.
using Cell = std::array<double, 3>;
using Grid = std::map<std::string, std::vector<std::pair<double, Cell>>>;

Cell RunCell(const Task& task, const Competitor& competitor, double rate,
             const StepCounts& steps, const Rng& rng) {
  AdaptedMlp net(task.base, competitor.adapter, rng.Fork(5));
  Training training;
  training.optimiser.kind =
      competitor.adam ? OptimiserKind::kAdamW : OptimiserKind::kSgd;
  if (!competitor.adam) training.optimiser.beta1 = 0.0;
  training.optimiser.weight_decay = 0.0;
  training.rate = rate;
  training.steps = steps.back();
  Cell cell{};
  TrainOn(net, task.shifted_train, training, rng.Fork(6), [&](int64_t step) {
    for (size_t i = 0; i < steps.size(); ++i) {
      if (step == steps[i]) cell[i] = Accuracy(net, task.shifted_test);
    }
  });
  return cell;
}

double BestRate(const Grid& grid, const std::string& name, size_t steps) {
  double best = 0.0;
  for (const auto& [rate, cell] : grid.at(name)) {
    best = std::max(best, cell[steps]);
  }
  return best;
}

// The largest difference of any coefficient from eta before the first step.
double CoefficientError(const Task& task, const Rng& rng) {
  nn::LowRankOptions options;
  options.kind = nn::AdapterKind::kAllora;
  double error = 0.0;
  for (const double eta : {0.3, 1.0, 3.0, kEta}) {
    options.eta = eta;
    const torch::Tensor c =
        nn::LowRank(task.base->layers[0]->weight.to(torch::kDouble), options,
                    rng)
            ->Coefficients();
    error = std::max(error, (c - eta).abs().max().item<double>());
  }
  return error;
}

void FillTable(const Grid& grid, const StepCounts& steps,
               ExperimentReport& report) {
  report.table.columns = {"adapter", "rate"};
  for (const int64_t count : steps) {
    report.table.columns.push_back(fmt::format("{} steps", count));
  }
  for (const Competitor& competitor : Competitors()) {
    const auto& rows = grid.at(competitor.name);
    const auto& lora = grid.at(competitor.adam ? "LoRA, AdamW" : "LoRA");
    for (size_t r = 0; r < rows.size(); ++r) {
      std::vector<std::string> row = {competitor.name,
                                      fmt::format("{:g}", rows[r].first)};
      for (size_t i = 0; i < steps.size(); ++i) {
        const double accuracy = rows[r].second[i];
        // In brackets: points above LoRA at the same rate.
        row.push_back(fmt::format("{:.3f} ({:+.1f})", accuracy,
                                  100.0 * (accuracy - lora[r].second[i])));
      }
      report.table.rows.push_back(row);
    }
  }
}

}  // namespace

ExperimentReport AlloraExperiment(const ExperimentOptions& options,
                                  RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 6;
  ExperimentReport report;
  Grid grid;
  double before = 0.0;
  double after = 0.0;
  double coefficient_error = 0.0;
  const std::vector<Competitor> competitors = Competitors();
  const StepCounts steps = Steps(options.smoke);
  context.progress.Start("allora",
                         seeds * static_cast<int64_t>(competitors.size()));
  for (int s = 0; s < seeds; ++s) {
    const Rng rng(options.seed + static_cast<uint64_t>(s));
    const Task task = MakeTask(rng, options.smoke, context);
    before += task.before / seeds;
    after += task.after / seeds;
    coefficient_error =
        std::max(coefficient_error, CoefficientError(task, rng));
    for (const Competitor& competitor : competitors) {
      const std::vector<double> rates = Rates(competitor.adam);
      auto& row = grid[competitor.name];
      row.resize(rates.size());
      for (size_t r = 0; r < rates.size(); ++r) {
        context.cancel.ThrowIfCancelled();
        row[r].first = rates[r];
        const Cell cell = RunCell(task, competitor, rates[r], steps, rng);
        for (size_t i = 0; i < cell.size(); ++i) {
          row[r].second[i] += cell[i] / seeds;
        }
      }
      context.progress.Advance();
    }
  }
  context.progress.Finish();
  FillTable(grid, steps, report);
  report.settings = {{"seeds", seeds},
                     {"rank", kRank},
                     {"eta", kEta},
                     {"accuracy_before_the_shift", before},
                     {"accuracy_after_it", after}};
  const double best = BestRate(grid, "ALLoRA", kSixty);
  const double best_lora = std::max(BestRate(grid, "LoRA", kSixty),
                                    BestRate(grid, "LoRA, scale 2", kSixty));
  const double at_small =
      grid.at("ALLoRA")[0].second[kSixty] - grid.at("LoRA")[0].second[kSixty];
  using Sense = Criterion::Sense;
  report.criteria = {{"difference of c from eta at B = 0", coefficient_error,
                      Sense::kAtMost, 0.0},
                     {"60 SGD steps: best ALLoRA - best LoRA of either scale",
                      best - best_lora, Sense::kAtLeast, -0.005},
                     {"60 SGD steps at rate 0.03: ALLoRA - LoRA", at_small,
                      Sense::kAtLeast, 0.03}};
  report.measures = {{0, "best_allora", best},
                     {0, "best_lora", best_lora},
                     {0, "allora_gain_at_small_rate", at_small}};
  return report;
}

}  // namespace mapweave::ssl
