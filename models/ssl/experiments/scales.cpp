// SPDX-License-Identifier: MIT
//
// Does the latent exploration score tell plausible footprints from others, and
// does it keep a search in the latent space among them? A variational
// autoencoder of generated footprints; the search draws out their perimeter.
#include "models/ssl/experiments/registry.h"
#include "models/ssl/footprints.h"
#include "models/ssl/latent_score.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/schedule.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mapweave::ssl {
namespace {

struct Plan {
  int side = 8;
  int64_t hidden = 128;
  int64_t training_shapes = 4000;
  int64_t steps = 3000;
  int64_t samples = 2000;  // from the prior, to be told apart
  int64_t searches = 300;
  int64_t moves = 40;
};

torch::Tensor DrawShapes(const Plan& plan, const Rng& rng) {
  torch::Tensor cells =
      torch::empty({plan.training_shapes, plan.side * plan.side}, torch::kLong);
  auto* cell = cells.data_ptr<int64_t>();
  for (int64_t i = 0; i < plan.training_shapes; ++i) {
    Rng stream = rng.Fork(static_cast<uint64_t>(i));
    for (const uint8_t value : DrawFootprint(plan.side, stream).cells) {
      *cell++ = value;
    }
  }
  return cells;
}

CategoricalVae TrainVae(const Plan& plan, const Rng& rng, RunContext& context) {
  constexpr int64_t kBatch = 128;
  const torch::Tensor cells = DrawShapes(plan, rng.Fork(1));
  CategoricalVaeOptions options;
  options.positions = plan.side * plan.side;
  options.hidden = plan.hidden;
  CategoricalVae vae(options, rng.Fork(2));
  OptimiserOptions adam;
  adam.weight_decay = 0.0;
  Optimiser optimiser(*vae, adam);
  ScheduleOptions rate;
  rate.peak = 2e-3;
  torch::Generator generator = MakeGenerator(rng.Fork(3));
  for (int64_t step = 0; step < plan.steps; ++step) {
    if (step % 100 == 0) context.cancel.ThrowIfCancelled();
    const torch::Tensor index =
        torch::randint(0, cells.size(0), {kBatch}, generator, torch::kLong);
    const torch::Tensor noise =
        torch::randn({kBatch, options.latent}, generator, torch::kFloat);
    optimiser.ZeroGrad();
    vae->Loss(cells.index_select(0, index), noise).backward();
    optimiser.Step(RateAt(rate, step, plan.steps));
  }
  vae->to(torch::kDouble);
  return vae;
}

struct Decoded {
  std::vector<bool> plausible;
  double plausible_share = 0.0;
  double perimeter = 0.0;  // mean
};

Decoded DecodeShapes(CategoricalVae& vae, const torch::Tensor& z, int side) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor cells = vae->Decode(z).argmax(2).contiguous();
  const auto* cell = cells.data_ptr<int64_t>();
  Decoded decoded;
  const auto n = static_cast<double>(z.size(0));
  for (int64_t i = 0; i < z.size(0); ++i) {
    Footprint f{side, {}};
    for (int k = 0; k < side * side; ++k) {
      f.cells.push_back(static_cast<uint8_t>(*cell++));
    }
    decoded.plausible.push_back(IsPlausible(f));
    if (decoded.plausible.back()) decoded.plausible_share += 1.0 / n;
    decoded.perimeter += Perimeter(f) / n;
  }
  return decoded;
}

// Chance that a positive has the higher score; ties count half.
double Auroc(const torch::Tensor& score, const std::vector<bool>& positive) {
  std::vector<double> yes;
  std::vector<double> no;
  for (size_t i = 0; i < positive.size(); ++i) {
    (positive[i] ? yes : no)
        .push_back(score[static_cast<int64_t>(i)].item<double>());
  }
  if (yes.empty() || no.empty()) return 0.5;
  std::ranges::sort(no);
  double wins = 0.0;
  for (const double s : yes) {
    const auto [low, high] = std::ranges::equal_range(no, s);
    wins += static_cast<double>(low - no.begin()) +
            0.5 * static_cast<double>(high - low);
  }
  return wins /
         (static_cast<double>(yes.size()) * static_cast<double>(no.size()));
}

// Expected length of the outline if cells were drawn independently: [N].
torch::Tensor ExpectedPerimeter(const torch::Tensor& logits, int side) {
  const torch::Tensor p =
      torch::softmax(logits, 2).select(2, 1).view({logits.size(0), side, side});
  const torch::Tensor q = torch::constant_pad_nd(p, {1, 1, 1, 1}, 0.0);
  const auto differs = [&](int64_t dim) {
    const torch::Tensor a = q.slice(dim, 1);
    const torch::Tensor b = q.slice(dim, 0, q.size(dim) - 1);
    return (a * (1.0 - b) + b * (1.0 - a)).sum({1, 2});
  };
  return differs(1) + differs(2);
}

enum class Guide { kNone, kScore, kLikelihood };

// Steepest ascent: every move has `kRate`'s length in the objective's direction
// and `weight` times as much in the guide's.
torch::Tensor Search(CategoricalVae& vae, const torch::Tensor& start,
                     const Plan& plan, Guide guide, double weight) {
  constexpr double kRate = 0.1;
  const auto direction = [](const torch::Tensor& value,
                            const torch::Tensor& at) {
    const torch::Tensor g = torch::autograd::grad({value.sum()}, {at})[0];
    return g / g.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
  };
  torch::Tensor z = start;
  for (int64_t i = 0; i < plan.moves; ++i) {
    const torch::Tensor at = z.detach().requires_grad_(true);
    torch::Tensor move =
        direction(ExpectedPerimeter(vae->Decode(at), plan.side), at);
    if (guide == Guide::kScore) {
      move = move + weight * direction(vae->Score(at), at);
    } else if (guide == Guide::kLikelihood) {
      move = move + weight * direction(vae->Likelihood(at), at);
    }
    z = at.detach() + kRate * move;
  }
  return z;
}

struct Outcome {
  double score = 0.0;       // AUROC of the latent exploration score,
  double prior = 0.0;       // of the prior's density
  double likelihood = 0.0;  // and of the decoder's likelihood
  double gain = 0.0;        // plausible shapes with the score minus without
};

void AddRow(const Plan& plan, uint64_t seed, const std::string& what,
            const Decoded& decoded, ExperimentTable& table) {
  table.rows.push_back({fmt::format("{0} x {0}", plan.side),
                        fmt::format("{}", seed), what,
                        fmt::format("{:.3f}", decoded.plausible_share),
                        fmt::format("{:.1f}", decoded.perimeter), "", "", ""});
}

Outcome RunOne(const Plan& plan, uint64_t seed, ExperimentTable& table,
               RunContext& context) {
  constexpr double kWeight = 1.0;  // of the guide whose gain must hold
  const Rng rng(seed, 0x6c6573);
  CategoricalVae vae = TrainVae(plan, rng, context);
  torch::Generator generator = MakeGenerator(rng.Fork(4));
  const torch::Tensor z =
      torch::randn({plan.samples, 8}, generator, torch::kDouble);
  const Decoded sampled = DecodeShapes(vae, z, plan.side);
  Outcome outcome;
  {
    const torch::NoGradGuard no_grad;
    outcome.score = Auroc(vae->Score(z), sampled.plausible);
    outcome.prior = Auroc(-z.square().sum(1), sampled.plausible);
    outcome.likelihood = Auroc(vae->Likelihood(z), sampled.plausible);
  }
  AddRow(plan, seed, "samples of the prior", sampled, table);
  auto& row = table.rows.back();
  row[5] = fmt::format("{:.3f}", outcome.score);
  row[6] = fmt::format("{:.3f}", outcome.prior);
  row[7] = fmt::format("{:.3f}", outcome.likelihood);
  const torch::Tensor start = z.slice(0, 0, plan.searches);
  AddRow(plan, seed, "where the search starts",
         DecodeShapes(vae, start, plan.side), table);
  const auto search = [&](Guide guide, double weight, const char* name) {
    context.cancel.ThrowIfCancelled();
    const Decoded found =
        DecodeShapes(vae, Search(vae, start, plan, guide, weight), plan.side);
    AddRow(plan, seed, fmt::format("{}, weight {}", name, weight), found,
           table);
    return found.plausible_share;
  };
  const double without = search(Guide::kNone, 0.0, "search");
  for (const double weight : {0.5, kWeight, 2.0}) {
    const double with = search(Guide::kScore, weight, "with the score");
    if (weight == kWeight) outcome.gain = with - without;
  }
  search(Guide::kLikelihood, kWeight, "with the likelihood");
  return outcome;
}

}  // namespace

ExperimentReport ScalesExperiment(const ExperimentOptions& options,
                                  RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  Plan plan;
  if (options.smoke) {
    plan.training_shapes = plan.samples = 200;
    plan.steps = 150;
    plan.searches = 20;
    plan.moves = 2;
  }
  ExperimentReport report;
  report.settings = {{"seeds", seeds}, {"steps", plan.steps}};
  report.table.columns = {
      "grid",      "seed",        "latents",     "plausible",
      "perimeter", "AUROC score", "AUROC prior", "AUROC likelihood"};
  double auroc = 1e9;
  double over_prior = 1e9;
  double over_likelihood = 1e9;
  double gain = 1e9;
  for (int s = 0; s < seeds; ++s) {
    const Outcome o = RunOne(plan, options.seed + static_cast<uint64_t>(s),
                             report.table, context);
    auroc = std::min(auroc, o.score);
    over_prior = std::min(over_prior, o.score - o.prior);
    over_likelihood = std::min(over_likelihood, o.score - o.likelihood);
    gain = std::min(gain, o.gain);
  }
  report.measures = {{0, "auroc", auroc},
                     {0, "over_prior", over_prior},
                     {0, "over_likelihood", over_likelihood},
                     {0, "gain", gain}};
  using Sense = Criterion::Sense;
  report.criteria = {
      {"AUROC of the score on plausible shapes (worst seed)", auroc,
       Sense::kAtLeast, 0.65},
      {"the same minus that of the prior's density (worst seed)", over_prior,
       Sense::kAtLeast, 0.1},
      {"search: plausible shapes with the score minus without (worst seed)",
       gain, Sense::kAtLeast, 0.3}};
  return report;
}

}  // namespace mapweave::ssl
