// SPDX-License-Identifier: MIT
#include "models/vis/trainer.h"

#include "core/error.h"
#include "core/log.h"
#include "models/nn/adamw.h"
#include "models/nn/safetensors.h"
#include "models/vis/batch_loader.h"
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "models/vis/network.h"
#include "models/vis/segmenter.h"
#include "models/vis/train_log.h"
#include "models/vis/validation.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <optional>

namespace mapweave::vis {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLogEverySeconds = 20.0;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What must be the same for a resumed run to go on as if never interrupted.
Json Recipe(const TrainOptions& o) {
  Json recipe = {{"preset", o.preset},
                 {"norm", o.norm},
                 {"frames_per_step", o.frames_per_step},
                 {"min_editions", o.min_editions},
                 {"max_editions", o.max_editions},
                 {"crop", o.crop},
                 {"learning_rate", o.learning_rate},
                 {"warmup_steps", o.warmup_steps},
                 {"final_fraction", o.final_fraction},
                 {"weight_decay", o.weight_decay},
                 {"clip_norm", o.clip_norm},
                 {"ema_decay", o.ema_decay},
                 {"bf16", o.bf16},
                 {"augment",
                  {{"rotate", o.augment.rotate},
                   {"flip", o.augment.flip},
                   {"reverse_time", o.augment.reverse_time},
                   {"permute_colours", o.augment.permute_colours},
                   {"gain", o.augment.gain},
                   {"offset", o.augment.offset},
                   {"noise", o.augment.noise},
                   {"blur", o.augment.blur}}},
                 {"seed", o.seed}};
  if (!o.backbone.empty()) recipe["backbone"] = o.backbone;
  if (!o.trunk.empty()) recipe["trunk"] = o.trunk;
  if (o.freeze_trunk) recipe["freeze_trunk"] = true;
  if (o.queries > 0) recipe["queries"] = o.queries;
  return recipe;
}

std::string StatePath(const TrainOptions& options) {
  return options.output + ".state";
}

// A checkpoint to start from, or fresh weights. A run that is resumed may have
// begun with a checkpoint whose network is not that of the preset: what it has
// written tells which it is.
Checkpoint StartingPoint(const TrainOptions& options) {
  if (options.resume && std::filesystem::exists(options.output)) {
    return LoadCheckpoint(options.output);
  }
  if (!options.init_checkpoint.empty()) {
    Checkpoint checkpoint = LoadCheckpoint(options.init_checkpoint);
    const std::string norm = checkpoint.network->Config().value("norm", "");
    if (!options.norm.empty() && options.norm != norm) {
      throw Error(ErrorCode::kDevice, options.init_checkpoint +
                                          ": was trained with " + norm +
                                          " norm, not " + options.norm);
    }
    if (checkpoint.linker) {
      // It was trained on what the old weights find.
      LogInfo("the linker of {} is left out: train it anew for the new network",
              options.init_checkpoint);
      checkpoint.linker.reset();
    }
    return checkpoint;
  }
  Checkpoint checkpoint;
  checkpoint.network = MakeNetwork(options);
  checkpoint.decode = checkpoint.network->CheckDecode(Json::object());
  return checkpoint;
}

nn::AdamWOptions OptimiserOptions(const TrainOptions& options,
                                  const Network& network) {
  nn::AdamWOptions result;
  result.rate_of = [&network](const std::string& parameter) {
    return network.RateOf(parameter);
  };
  result.weight_decay = options.weight_decay;
  result.ema_decay = options.ema_decay;
  return result;
}

torch::ScalarType ComputeType(const TrainOptions& options,
                              const torch::Device& device) {
  if (!options.bf16) return torch::kFloat;
  if (device.is_cpu() && !CpuHasBf16()) {
    LogInfo("this CPU has no bfloat16 arithmetic: training in float32");
    return torch::kFloat;
  }
  return torch::kBFloat16;
}

class Trainer {
 public:
  Trainer(const tracking::ClipSource& source,
          const tracking::ClipSource* validation, const TrainOptions& options,
          RunContext& context)
      : options_(options),
        context_(context),
        device_(ToTorchDevice(options.device)),
        dtype_(ComputeType(options, device_)),
        checkpoint_(StartingPoint(options)),
        network_(*checkpoint_.network) {
    network_.Module().to(device_);
    optimiser_.emplace(network_.Module(), OptimiserOptions(options, network_));
    if (options.resume) LoadState();
    log_.emplace(options.curves_csv, network_.LossTerms(), step_);
    if (validation != nullptr) {
      validation_set_ =
          LoadValidationSet(*validation, options.validation_clips);
    }
    loader_.emplace(source, options, network_.Targets(),
                    LoaderStart{step_, clips_});
  }

  TrainResult Run();

 private:
  // How much of the training is done, in [0, 1].
  double Fraction() const;
  double LearningRate() const;
  void Step();
  void ReportProgress();
  // Validates, and calibrates the decoding options: the score only, or all.
  enum class Calibrate { kScore, kAll };
  void Validate(Calibrate what);
  // Writes the averaged weights as the checkpoint and the state beside it.
  void Save();
  void LoadState();
  Json TrainingFacts() const;

  const TrainOptions& options_;
  RunContext& context_;
  torch::Device device_;
  torch::ScalarType dtype_;
  Checkpoint checkpoint_;
  Network& network_;
  std::optional<nn::AdamW> optimiser_;
  std::optional<TrainLog> log_;
  std::optional<ValidationSet> validation_set_;
  std::optional<ValidationScores> scores_;
  std::optional<BatchLoader> loader_;

  int64_t step_ = 0;
  uint64_t clips_ = 0;
  double seconds_ = 0.0;
  int64_t saved_step_ = -1;
  int64_t reported_ = 0;  // units of progress
};

double Trainer::Fraction() const {
  double fraction = 0.0;
  if (options_.steps > 0) {
    fraction = static_cast<double>(step_) / static_cast<double>(options_.steps);
  }
  if (options_.seconds > 0.0) {
    fraction = std::max(fraction, seconds_ / options_.seconds);
  }
  return std::min(fraction, 1.0);
}

double Trainer::LearningRate() const {
  const double warmup = std::min(
      1.0, static_cast<double>(step_ + 1) /
               std::max(1.0, static_cast<double>(options_.warmup_steps)));
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * Fraction()));
  return options_.learning_rate * warmup *
         (options_.final_fraction + (1.0 - options_.final_fraction) * cosine);
}

void Trainer::Step() {
  const auto start = Clock::now();
  const Batch batch = loader_->Take();
  const NetworkLoss loss = network_.ComputeLoss(batch, device_, dtype_);

  TrainRow row;
  row.step = step_;
  row.learning_rate = LearningRate();
  row.loss = loss.total.item<double>();
  double norm = 0.0;
  if (std::isfinite(row.loss)) {
    optimiser_->ZeroGrad();
    loss.total.backward();
    norm = optimiser_->GradientNorm();
  }
  if (!std::isfinite(row.loss) || !std::isfinite(norm)) {
    throw Error(ErrorCode::kFailure,
                fmt::format("training diverged at step {}: the loss is {}, its "
                            "gradient {}; {} holds step {}",
                            step_, row.loss, norm, options_.output,
                            saved_step_ < 0 ? "nothing new"
                                            : std::to_string(saved_step_)),
                "start again with a lower learning rate or without bf16");
  }
  optimiser_->Step(row.learning_rate, norm, options_.clip_norm);
  row.gradient_norm = norm;
  for (const torch::Tensor& term : loss.terms) {
    row.terms.push_back(term.item<double>());
  }
  const double spent = SecondsSince(start);
  seconds_ += spent;
  row.seconds = seconds_;
  row.clips_per_second = static_cast<double>(batch.clips) / spent;
  log_->Add(row);
  ++step_;
  clips_ += static_cast<uint64_t>(batch.clips);
}

void Trainer::ReportProgress() {
  constexpr double kUnits = 1000.0;
  const auto now = static_cast<int64_t>(Fraction() * kUnits);
  if (now > reported_) {
    context_.progress.Advance(now - reported_);
    reported_ = now;
  }
}

void Trainer::Validate(Calibrate what) {
  if (!validation_set_) return;
  optimiser_->SwapAverage();
  network_.Module().eval();
  PredictValidationSet(network_, {device_, dtype_}, *validation_set_);
  network_.Module().train();
  optimiser_->SwapAverage();
  scores_ =
      what == Calibrate::kAll
          ? CalibrateAll(network_, *validation_set_, checkpoint_.decode)
          : CalibrateScore(network_, *validation_set_, checkpoint_.decode);
  log_->AddValidation(step_, seconds_, *scores_);
  LogInfo(
      "step {}: detection F1 {:.3f}, link F1 {:.3f}, track F1 {:.3f}, AP "
      "{:.3f} at score {:.2f}",
      step_, scores_->detection_f1, scores_->link_f1, scores_->track_f1,
      scores_->ap_unlimited, scores_->threshold);
}

Json Trainer::TrainingFacts() const {
  Json facts = {{"recipe", Recipe(options_)},
                {"steps", step_},
                {"clips", clips_},
                {"seconds", std::round(seconds_ * 10.0) / 10.0},
                {"loss", log_->RecentLoss()},
                {"notes", options_.notes}};
  if (scores_) {
    facts["validation"] = ToJson(*scores_, options_.validation_clips);
  }
  return facts;
}

void Trainer::Save() {
  nn::Safetensors state;
  state.metadata = {{"recipe", Recipe(options_).dump()},
                    {"decode", checkpoint_.decode.dump()},
                    {"step", std::to_string(step_)},
                    {"clips", std::to_string(clips_)},
                    {"seconds", fmt::format("{:.17g}", seconds_)}};
  state.tensors = optimiser_->State();
  nn::WriteSafetensors(StatePath(options_), state);

  checkpoint_.training = TrainingFacts();
  optimiser_->SwapAverage();
  SaveCheckpoint(options_.output, checkpoint_);
  optimiser_->SwapAverage();
  saved_step_ = step_;
}

void Trainer::LoadState() {
  const std::string path = StatePath(options_);
  const nn::Safetensors state = nn::ReadSafetensors(path);
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = state.metadata.find(key);
    if (found == state.metadata.end()) {
      throw Error(ErrorCode::kDevice, path + ": is no training state");
    }
    return found->second;
  };
  const Json saved = ParseJson(text("recipe"), path);
  const Json wanted = Recipe(options_);
  Json either = saved;
  either.update(wanted);
  for (const auto& [key, value] : either.items()) {
    if (saved.value(key, Json()) == wanted.value(key, Json())) continue;
    throw Error(ErrorCode::kUsage,
                path + ": the interrupted run had another \"" + key + "\"",
                "resume with the options that it was started with");
  }
  checkpoint_.decode = network_.CheckDecode(ParseJson(text("decode"), path));
  optimiser_->LoadState(state.tensors);
  try {
    step_ = std::stoll(text("step"));
    clips_ = std::stoull(text("clips"));
    seconds_ = std::stod(text("seconds"));
  } catch (const std::logic_error&) {
    throw Error(ErrorCode::kDevice, path + ": is a damaged training state");
  }
  saved_step_ = step_;
  LogInfo("resuming {} at step {}", options_.output, step_);
}

TrainResult Trainer::Run() {
  network_.Module().train();
  reported_ = static_cast<int64_t>(Fraction() * 1000.0);
  context_.progress.Start("train", 1000, reported_);
  const auto is_due = [this](int64_t every) {
    return every > 0 && step_ % every == 0;
  };
  auto logged = Clock::now();
  while (Fraction() < 1.0) {
    if (context_.cancel.IsCancelled()) {
      Save();
      throw Error(ErrorCode::kInterrupted,
                  fmt::format("training interrupted at step {}", step_),
                  "resume it to go on from there");
    }
    Step();
    ReportProgress();
    if (SecondsSince(logged) > kLogEverySeconds) {
      logged = Clock::now();
      LogInfo("step {}: loss {:.3f}, {:.1f} clips/s, {} trained", step_,
              log_->RecentLoss(), log_->RecentClipsPerSecond(),
              FormatDuration(seconds_));
    }
    if (Fraction() >= 1.0) break;
    if (is_due(options_.validate_every)) Validate(Calibrate::kScore);
    if (is_due(options_.checkpoint_every)) Save();
  }
  loader_.reset();
  Validate(Calibrate::kAll);
  Save();
  context_.progress.Finish();

  TrainResult result;
  result.steps = step_;
  result.clips = static_cast<int64_t>(clips_);
  result.seconds = seconds_;
  result.loss = log_->RecentLoss();
  result.validated = scores_.has_value();
  if (scores_) result.validation = *scores_;
  return result;
}

}  // namespace

TrainResult Train(const tracking::ClipSource& train,
                  const tracking::ClipSource* validation,
                  const TrainOptions& options, RunContext& context) {
  options.Validate();
  SetTorchThreads(options.threads);
  return WithTorchErrors("training", [&] {
    Trainer trainer(train, validation, options, context);
    return trainer.Run();
  });
}

}  // namespace mapweave::vis
