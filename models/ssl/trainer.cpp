// SPDX-License-Identifier: MIT
#include "models/ssl/trainer.h"

#include "core/error.h"
#include "models/nn/safetensors.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>

namespace mapweave::ssl {
namespace {

// Streams of a run's seed.
constexpr uint64_t kOrderStream = 0x6f72646572ULL;
constexpr uint64_t kViewStream = 0x7669657773ULL;
constexpr uint64_t kStepStream = 0x73746570ULL;

class Loop {
 public:
  Loop(Method& method, const Dataset& data, const TrainerOptions& options,
       const std::vector<std::unique_ptr<Monitor>>& monitors,
       RunContext& context)
      : method_(method),
        data_(data),
        options_(options),
        monitors_(monitors),
        context_(context),
        device_(method.parameters().at(0).device()),
        views_(options.views.value_or(method.DefaultViews())),
        optimiser_(method, options.optimiser) {
    if (options.resume) Load();
  }

  TrainerResult Run() {
    const auto start = std::chrono::steady_clock::now();
    method_.train();
    context_.progress.Start("pretrain", options_.steps, step_);
    while (step_ < options_.steps) {
      if (context_.cancel.IsCancelled()) {
        Save();
        throw Error(ErrorCode::kInterrupted,
                    fmt::format("training interrupted at step {}", step_),
                    "resume it to go on from there");
      }
      Step();
      context_.progress.Advance();
      if (options_.save_every > 0 && step_ % options_.save_every == 0) Save();
    }
    context_.progress.Finish();
    method_.eval();
    TrainerResult result;
    result.steps = step_;
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    for (const double loss : recent_) {
      result.loss += loss / static_cast<double>(recent_.size());
    }
    result.measures = std::move(measures_);
    return result;
  }

 private:
  void Step() {
    const auto key = static_cast<uint64_t>(step_);
    const Batch batch = data_.Gather(
        BatchIndex(
            {data_.Size(), options_.batch, options_.seed, method_.Shards()},
            step_),
        device_);
    StepContext context;
    context.step = step_;
    context.progress =
        static_cast<double>(step_) / static_cast<double>(options_.steps);
    context.rng = Rng(options_.seed, kStepStream).Fork(key);
    const Bag outputs = method_.Step(
        MakeViews(batch, views_, Rng(options_.seed, kViewStream).Fork(key)),
        context);
    optimiser_.ZeroGrad();
    outputs.at(kLoss).backward();
    const double norm =
        optimiser_.Step(RateAt(options_.schedule, step_, options_.steps));
    if (!std::isfinite(norm)) {
      throw Error(ErrorCode::kFailure,
                  fmt::format("training diverged at step {}", step_),
                  "start again with a lower learning rate");
    }
    method_.AfterUpdate(context);
    const double loss = outputs.at(kLoss).item<double>();
    recent_.push_back(loss);
    if (recent_.size() > 20) recent_.pop_front();
    ++step_;
    const bool last = step_ == options_.steps;
    if (last || IsDue(options_.measure_every)) {
      measures_.push_back({step_, "loss", loss});
      Ask(Phase::kAfterForward, outputs);
    }
    if (last || IsDue(options_.evaluate_every)) {
      Ask(Phase::kEvaluation, outputs);
    }
  }

  bool IsDue(int64_t every) const { return every > 0 && step_ % every == 0; }

  void Ask(Phase phase, const Bag& outputs) {
    const torch::NoGradGuard no_grad;
    method_.eval();
    for (const auto& monitor : monitors_) {
      if (monitor->When() != phase) continue;
      const std::vector<std::string> keys = monitor->Keys();
      const bool has_all = std::ranges::all_of(
          keys, [&](const auto& key) { return outputs.contains(key); });
      if (!has_all) continue;
      for (const auto& [name, value] :
           monitor->Measure({step_, outputs, method_})) {
        measures_.push_back({step_, name, value});
      }
    }
    method_.train();
  }

  // Weights and buffers beside the optimiser's state. Shared modules have two
  // names; both are written.
  std::map<std::string, torch::Tensor> Weights() const {
    std::map<std::string, torch::Tensor> weights;
    for (const auto& item : method_.named_parameters()) {
      weights["weight." + item.key()] = item.value();
    }
    for (const auto& item : method_.named_buffers()) {
      weights["buffer." + item.key()] = item.value();
    }
    return weights;
  }

  void Save() {
    if (options_.state.empty()) return;
    nn::Safetensors state;
    state.metadata = {{"method", method_.name()},
                      {"step", std::to_string(step_)},
                      {"seed", std::to_string(options_.seed)},
                      {"steps", std::to_string(options_.steps)},
                      {"batch", std::to_string(options_.batch)}};
    state.tensors = optimiser_.State();
    for (const auto& [name, tensor] : Weights()) {
      // A number has no dimension; the format wants one.
      state.tensors[name] = tensor.dim() == 0 ? tensor.view({1}) : tensor;
    }
    nn::WriteSafetensors(options_.state, state);
  }

  void Load() {
    const torch::NoGradGuard no_grad;
    const nn::Safetensors state = nn::ReadSafetensors(options_.state);
    const auto require = [&](const char* key, const std::string& wanted) {
      const auto found = state.metadata.find(key);
      if (found != state.metadata.end() && found->second == wanted) return;
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: the interrupted run had another \"{}\"",
                              options_.state.string(), key),
                  "resume with the options that it was started with");
    };
    require("method", method_.name());
    require("seed", std::to_string(options_.seed));
    require("steps", std::to_string(options_.steps));
    require("batch", std::to_string(options_.batch));
    optimiser_.LoadState(state.tensors);
    for (auto& [name, tensor] : Weights()) {
      const auto found = state.tensors.find(name);
      if (found == state.tensors.end() ||
          found->second.numel() != tensor.numel()) {
        throw Error(ErrorCode::kDevice,
                    fmt::format("{}: has no \"{}\" that fits",
                                options_.state.string(), name));
      }
      tensor.copy_(found->second.view(tensor.sizes()));
    }
    step_ = std::stoll(state.metadata.at("step"));
  }

  Method& method_;
  const Dataset& data_;
  const TrainerOptions& options_;
  const std::vector<std::unique_ptr<Monitor>>& monitors_;
  RunContext& context_;
  torch::Device device_;
  ViewRecipe views_;
  Optimiser optimiser_;
  int64_t step_ = 0;
  std::deque<double> recent_;
  std::vector<Measure> measures_;
};

}  // namespace

void TrainerOptions::Validate() const {
  schedule.Validate();
  if (views) views->Validate();
  const auto require = [](bool holds, const char* text) {
    if (!holds) throw Error(ErrorCode::kUsage, text);
  };
  require(steps >= 1, "pretraining: steps must be 1 or more");
  require(batch >= 2, "pretraining: a batch needs two samples");
  require(!resume || !state.empty(),
          "pretraining: nothing to resume without a state file");
}

torch::Tensor BatchIndex(const BatchPlan& plan, int64_t step) {
  // How many batches the shards have, one after the other.
  std::vector<int64_t> batches;
  int64_t per_epoch = 0;
  for (int64_t s = 0; s < plan.shards; ++s) {
    const int64_t members = (plan.samples - s + plan.shards - 1) / plan.shards;
    batches.push_back(members / plan.batch);
    per_epoch += batches.back();
  }
  MAPWEAVE_CHECK(per_epoch >= 1);
  const int64_t place = step % per_epoch;
  const Rng epoch = Rng(plan.seed, kOrderStream)
                        .Fork(static_cast<uint64_t>(step / per_epoch));
  torch::Generator generator = MakeGenerator(epoch);
  if (plan.shards == 1) {
    return RandomPermutation(plan.samples, generator)
        .narrow(0, place * plan.batch, plan.batch);
  }
  auto chosen = RandomPermutation(per_epoch, generator)[place].item<int64_t>();
  int64_t shard = 0;
  while (chosen >= batches[static_cast<size_t>(shard)]) {
    chosen -= batches[static_cast<size_t>(shard++)];
  }
  const int64_t members =
      (plan.samples - shard + plan.shards - 1) / plan.shards;
  torch::Generator within =
      MakeGenerator(epoch.Fork(static_cast<uint64_t>(shard)));
  return RandomPermutation(members, within)
                 .narrow(0, chosen * plan.batch, plan.batch) *
             plan.shards +
         shard;
}

TrainerResult TrainMethod(Method& method, const Dataset& data,
                          const TrainerOptions& options,
                          const std::vector<std::unique_ptr<Monitor>>& monitors,
                          RunContext& context) {
  options.Validate();
  if (data.Size() / method.Shards() < options.batch) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("pretraining: {} images in {} shards for batches "
                            "of {}",
                            data.Size(), method.Shards(), options.batch),
                "give more images, or use a smaller batch or fewer shards");
  }
  return Loop(method, data, options, monitors, context).Run();
}

}  // namespace mapweave::ssl
