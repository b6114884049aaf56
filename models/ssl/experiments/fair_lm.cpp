// SPDX-License-Identifier: MIT
//
// Whom does weight decay cost what? A small language model learns a stream in
// which tokens differ in frequency alone, with more and more weight decay, and
// the loss of every token is read on clean occurrences that it was not trained
// on.
#include "models/ssl/causal_lm.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/schedule.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/token_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mapweave::ssl {
namespace {

constexpr int64_t kTriples = 8;  // in a sequence
// The head of the frequencies and their tail, by rank.
constexpr int64_t kHead = 8;
constexpr int64_t kTail = 250;

struct Plan {
  int64_t steps = 600;
  int64_t batch = 64;  // sequences
  int64_t held_out = 8192;
  double peak = 3e-3;
  TokenStreamOptions stream;
  CausalLmConfig model;
};

Plan MakePlan(bool smoke) {
  Plan plan;
  if (smoke) {
    plan.steps = 8;
    plan.held_out = 1024;
  }
  plan.model.length = 3 * kTriples;
  return plan;
}

// What the decays are compared by, in nats above the loss that knowing the rule
// leaves.
struct Losses {
  double head = 0.0;
  double middle = 0.0;
  double tail = 0.0;
  double micro = 0.0;
  double macro = 0.0;
};

// Cross-entropy of the targets: [N * triples].
torch::Tensor TargetLosses(CausalLm& model, const TokenBatch& batch) {
  const torch::Tensor hidden = model->Hidden(batch.tokens);
  // A target is read where its second cue stands.
  const torch::Tensor at = hidden.slice(1, 1, hidden.size(1), 3);
  return torch::nn::functional::cross_entropy(
      model->Logits(at).flatten(0, 1), batch.Targets().flatten(),
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone));
}

void TrainModel(CausalLm& model, const TokenStream& stream, const Plan& plan,
                double weight_decay, const Rng& rng, RunContext& context) {
  OptimiserOptions options;
  options.weight_decay = weight_decay;
  options.clip_norm = 1.0;
  Optimiser optimiser(*model, options);
  ScheduleOptions schedule;
  schedule.peak = plan.peak;
  torch::Generator generator = MakeGenerator(rng);
  for (int64_t step = 0; step < plan.steps; ++step) {
    context.cancel.ThrowIfCancelled();
    const TokenBatch batch = stream.Draw(plan.batch, kTriples, generator);
    optimiser.ZeroGrad();
    TargetLosses(model, batch).mean().backward();
    optimiser.Step(RateAt(schedule, step, plan.steps));
    context.progress.Advance();
  }
}

Losses Score(CausalLm& model, const TokenStream& stream,
             const TokenBatch& held_out) {
  const torch::NoGradGuard no_grad;
  nn::PerGroupLoss losses;
  constexpr int64_t kChunk = 512;
  for (int64_t i = 0; i < held_out.tokens.size(0); i += kChunk) {
    const TokenBatch part = {held_out.tokens.slice(0, i, i + kChunk),
                             held_out.clean.slice(0, i, i + kChunk)};
    const torch::Tensor clean = part.clean.flatten();
    losses.Add(LossByGroup(TargetLosses(model, part).masked_select(clean),
                           part.Targets().flatten().masked_select(clean)));
  }
  Losses result;
  const double floor = stream.CleanFloor();
  result.micro = losses.MicroMean() - floor;
  result.macro = losses.MacroMean() - floor;
  nn::PerGroupLoss ranges;
  const int64_t targets = stream.Frequencies().size(0);
  for (const nn::GroupLoss& token : losses.Groups()) {
    const int64_t rank = std::stoll(token.group);
    // Every token counts once.
    ranges.Add(rank < kHead             ? "head"
               : rank < targets - kTail ? "middle"
                                        : "tail",
               token.loss);
  }
  result.head = ranges.Find("head").value().loss - floor;
  result.middle = ranges.Find("middle").value().loss - floor;
  result.tail = ranges.Find("tail").value().loss - floor;
  return result;
}

// What must hold, of the worst seed so far.
struct Worst {
  double ratio = 1e9;          // rise of the tail / rise of the head
  double smallest_step = 1e9;  // of the tail, from one decay to the next
  double hidden = 0.0;  // rise of the micro mean / rise of the macro mean

  void Add(const std::vector<Losses>& by_decay) {
    const Losses& first = by_decay.front();
    const Losses& last = by_decay.back();
    // A head that hardly moves must not make the ratio boundless.
    ratio = std::min(ratio, (last.tail - first.tail) /
                                std::max(last.head - first.head, 0.01));
    for (size_t i = 0; i + 1 < by_decay.size(); ++i) {
      smallest_step =
          std::min(smallest_step, by_decay[i + 1].tail - by_decay[i].tail);
    }
    const double macro_rise = last.macro - first.macro;
    hidden = std::max(hidden, macro_rise > 0.0
                                  ? (last.micro - first.micro) / macro_rise
                                  : 1e9);
  }
};

std::vector<std::string> Row(uint64_t seed, double decay, const Losses& l) {
  std::vector<std::string> row = {fmt::format("{}", seed),
                                  fmt::format("{:g}", decay)};
  for (const double value : {l.head, l.middle, l.tail, l.micro, l.macro}) {
    row.push_back(fmt::format("{:.3f}", value));
  }
  return row;
}

}  // namespace

ExperimentReport FairLmExperiment(const ExperimentOptions& options,
                                  RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  const Plan plan = MakePlan(options.smoke);
  const std::vector<double> decays = {0.0, 0.1, 0.3, 0.6, 1.0};
  ExperimentReport report;
  report.settings = {{"seeds", seeds},
                     {"steps", plan.steps},
                     {"batch", plan.batch},
                     {"peak", plan.peak},
                     {"width", plan.model.width},
                     {"depth", plan.model.depth},
                     {"held_out_targets", plan.held_out * kTriples},
                     {"stream", plan.stream.ToJson()}};
  report.table.columns = {"seed",     "decay",      "head 8",    "middle",
                          "tail 250", "micro mean", "macro mean"};
  context.progress.Start(
      "fair-lm", seeds * static_cast<int64_t>(decays.size()) * plan.steps);
  Worst worst;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const Rng rng(seed);
    const TokenStream stream(plan.stream, rng.Fork(1));
    torch::Generator held_out_generator = MakeGenerator(rng.Fork(2));
    const TokenBatch held_out =
        stream.Draw(plan.held_out, kTriples, held_out_generator);
    std::vector<Losses> by_decay;
    for (const double decay : decays) {
      CausalLmConfig config = plan.model;
      config.vocabulary = stream.Vocabulary();
      CausalLm model(config, rng.Fork(3));
      TrainModel(model, stream, plan, decay, rng.Fork(4), context);
      by_decay.push_back(Score(model, stream, held_out));
      report.table.rows.push_back(Row(seed, decay, by_decay.back()));
    }
    worst.Add(by_decay);
  }
  context.progress.Finish();
  using Sense = Criterion::Sense;
  report.criteria = {
      {"decay 0 to 1: rise of the tail / rise of the head (worst seed)",
       worst.ratio, Sense::kAtLeast, 3.0},
      {"smallest rise of the tail from one decay to the next (worst seed)",
       worst.smallest_step, Sense::kAtLeast, 0.0},
      {"rise of the micro mean / rise of the macro mean (worst seed)",
       worst.hidden, Sense::kAtMost, 0.5}};
  report.measures = {{0, "tail_over_head", worst.ratio},
                     {0, "smallest_tail_step", worst.smallest_step},
                     {0, "micro_over_macro", worst.hidden}};
  return report;
}

}  // namespace mapweave::ssl
