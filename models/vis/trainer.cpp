// SPDX-License-Identifier: MIT
#include "models/vis/trainer.h"

#include "core/error.h"
#include "core/log.h"
#include "models/nn/adamw.h"
#include "models/nn/blocks.h"
#include "models/nn/process_group.h"
#include "models/nn/safetensors.h"
#include "models/vis/batch_loader.h"
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "models/vis/group_losses.h"
#include "models/vis/network.h"
#include "models/vis/segmenter.h"
#include "models/vis/train_log.h"
#include "models/vis/train_start.h"
#include "models/vis/validation.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::vis {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLogEverySeconds = 20.0;
// Share of the time that the device waits for clips above which the user is
// told what to do about it.
constexpr double kMuchWaiting = 0.1;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string StatePath(const TrainOptions& options) {
  return options.output + ".state";
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

std::string MessageOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an unknown error";
  }
}

class Trainer {
 public:
  Trainer(const tracking::ClipSource& source,
          const tracking::ClipSource* validation, const TrainOptions& options,
          RunContext& context)
      : options_(options),
        context_(context),
        device_(DeviceOf(options)),
        dtype_(ComputeType(options, device_)),
        group_(nn::JoinProcesses(options.processes, device_)),
        checkpoint_(StartingPoint(options)),
        network_(*checkpoint_.network),
        watch_(options.divergence) {
    network_.Module().to(device_);
    nn::SyncBatchNorms(network_.Module(), *group_);
    optimiser_.emplace(network_.Module(), OptimiserOptions(options, network_));
    if (options.resume) LoadState();
    AgreeOnStart();
    log_.emplace(IsFirst() ? options.curves_csv : "", network_.LossTerms(),
                 step_);
    if (validation != nullptr && IsFirst()) {
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
  bool IsFirst() const { return options_.processes.IsFirst(); }

  // Throws unless all processes do the same; afterwards all have the weights of
  // the first.
  void AgreeOnStart();
  // The next step's clips, of the size that all processes have agreed on; none
  // when one of them is to stop. Throws what the loader threw, and in the other
  // processes Error{kFailure} that says so.
  std::optional<Batch> NextBatch();
  void Step(const Batch& batch);
  // Where the limit is one in seconds, all go by the first process's clock.
  void ShareClock();
  // The loss and its terms of all processes' clips.
  void JoinLoss(const NetworkLoss& loss, TrainRow& row);
  // Throws if the loss or its gradient's norm says that training has failed.
  void CheckDivergence(double loss, double norm) const;
  [[noreturn]] void ThrowDiverged(const std::string& how) const;
  void AddToGroups(const Batch& batch, const torch::Tensor& editions);
  // Of all processes, in the first.
  GroupLosses JoinedGroups();

  // Saves what is worth it and throws.
  [[noreturn]] void Interrupt();
  void ReportProgress();
  void ReportLog();
  // What is due after a step.
  void ValidateIfDue();
  void SaveIfDue();
  // Validates, and calibrates the decoding options: the score only, or all.
  enum class Calibrate { kScore, kAll };
  void Validate(Calibrate what);
  // Puts the network into training mode.
  void BeTraining();
  // Writes the averaged weights as the checkpoint and the state beside it.
  void Save();
  void LoadState();
  Json TrainingFacts() const;

  const TrainOptions& options_;
  RunContext& context_;
  torch::Device device_;
  torch::ScalarType dtype_;
  std::unique_ptr<nn::ProcessGroup> group_;
  Checkpoint checkpoint_;
  Network& network_;
  std::optional<nn::AdamW> optimiser_;
  std::optional<TrainLog> log_;
  std::optional<ValidationSet> validation_set_;
  std::optional<ValidationScores> scores_;
  std::optional<BatchLoader> loader_;
  nn::DivergenceWatch watch_;
  GroupLosses groups_;  // of this process's clips

  int64_t step_ = 0;
  uint64_t clips_ = 0;
  double seconds_ = 0.0;
  Clock::time_point step_start_;
  // Of this call, without the steps of before a resume.
  double waiting_seconds_ = 0.0;
  double step_seconds_ = 0.0;
  double waited_ = 0.0;  // in the step at hand
  bool warned_of_waiting_ = false;
  int64_t saved_step_ = -1;
  bool save_due_ = false;
  int64_t reported_ = 0;  // units of progress
  Clock::time_point logged_ = Clock::now();
};

void Trainer::AgreeOnStart() {
  if (group_->Size() == 1) return;
  const std::string own = Json{
      {"recipe", Recipe(options_)},
      {"steps", options_.steps},
      {"seconds", options_.seconds},
      {"validate_every", options_.validate_every},
      {"checkpoint_every", options_.checkpoint_every},
      {"step", step_}}.dump();
  if (nn::BroadcastText(*group_, own, 0) != own) {
    throw Error(ErrorCode::kUsage,
                fmt::format("process {} was started with other options than "
                            "the first, or resumes another training",
                            group_->Rank()),
                "start all processes with the same command and files");
  }
  for (auto& [name, tensor] : optimiser_->State()) {
    torch::Tensor shared = tensor;  // its memory is the optimiser's
    group_->Broadcast(shared, 0);
  }
  if (IsFirst()) LogInfo("training in {} processes", group_->Size());
}

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

std::optional<Batch> Trainer::NextBatch() {
  step_start_ = Clock::now();
  std::optional<Batch> batch;
  std::exception_ptr error;
  const bool cancelled = context_.cancel.IsCancelled();
  if (!cancelled) {
    try {
      batch = loader_->Take();
    } catch (...) {
      error = std::current_exception();
    }
  }
  waited_ = SecondsSince(step_start_);

  // All processes know the largest of each.
  const BatchSize own =
      batch ? BatchSize{batch->editions, batch->height, batch->width}
            : BatchSize{1 << 30, 0, 0};
  torch::Tensor most = torch::tensor(
      {cancelled ? 1.0 : 0.0,
       error ? static_cast<double>(group_->Rank()) + 1.0 : 0.0, waited_,
       static_cast<double>(-own.editions), static_cast<double>(own.height),
       static_cast<double>(own.width)},
      torch::kDouble);
  group_->Max(most);
  const double* agreed = most.data_ptr<double>();
  waited_ = agreed[2];
  if (agreed[1] > 0.0) {
    const int failed = static_cast<int>(agreed[1]) - 1;
    const std::string message = nn::BroadcastText(
        *group_, error ? MessageOf(error) : std::string(), failed);
    if (error) std::rethrow_exception(error);
    throw Error(ErrorCode::kFailure,
                fmt::format("process {} has stopped: {}", failed, message),
                "see what that process says");
  }
  if (agreed[0] > 0.0) return std::nullopt;
  const BatchSize joined{static_cast<int64_t>(-agreed[3]),
                         static_cast<int64_t>(agreed[4]),
                         static_cast<int64_t>(agreed[5])};
  return joined == own ? std::move(batch) : loader_->Retake(joined);
}

void Trainer::JoinLoss(const NetworkLoss& loss, TrainRow& row) {
  std::vector<torch::Tensor> parts = {loss.total.detach()};
  parts.insert(parts.end(), loss.terms.begin(), loss.terms.end());
  torch::Tensor joined = torch::stack(parts).to(torch::kCPU);
  group_->Sum(joined);
  row.loss = joined[0].item<double>();
  for (int64_t i = 1; i < joined.size(0); ++i) {
    row.terms.push_back(joined[i].item<double>());
  }
}

void Trainer::ThrowDiverged(const std::string& how) const {
  throw Error(ErrorCode::kFailure,
              fmt::format("training diverged at step {}: {}; {} holds step {}",
                          step_, how, options_.output,
                          saved_step_ < 0 ? "nothing new"
                                          : std::to_string(saved_step_)),
              "start again with a lower learning rate or without bf16");
}

void Trainer::CheckDivergence(double loss, double norm) const {
  if (!std::isfinite(loss) || !std::isfinite(norm)) {
    ThrowDiverged(fmt::format("the loss is {}, its gradient {}", loss, norm));
  }
  if (watch_.HasDiverged()) {
    ThrowDiverged(fmt::format(
        "the loss has been above {:.3g} for {} steps, {:.3g} of late; at its "
        "best it was {:.3g}",
        watch_.Limit(), options_.divergence.patience, watch_.Median(),
        watch_.Best()));
  }
}

void Trainer::AddToGroups(const Batch& batch, const torch::Tensor& editions) {
  const torch::Tensor losses =
      editions.to(torch::kCPU, torch::kDouble).contiguous();
  const double* loss = losses.data_ptr<double>();
  const auto count = static_cast<std::ptrdiff_t>(batch.editions);
  for (std::ptrdiff_t b = 0; b < batch.clips; ++b) {
    groups_.AddClip({batch.groups.begin() + b * count,
                     batch.groups.begin() + (b + 1) * count},
                    {loss + b * count, loss + (b + 1) * count});
  }
  groups_.EndStep();
}

GroupLosses Trainer::JoinedGroups() {
  GroupLosses joined;
  for (int rank = 0; rank < group_->Size(); ++rank) {
    joined.Add(
        ParseJson(nn::BroadcastText(*group_, groups_.ToJson().dump(), rank),
                  "another process"));
  }
  return joined;
}

void Trainer::ShareClock() {
  if (options_.seconds <= 0.0) return;
  torch::Tensor seconds = torch::full({1}, seconds_, torch::kDouble);
  group_->Broadcast(seconds, 0);
  seconds_ = seconds.item<double>();
}

void Trainer::Step(const Batch& batch) {
  const NetworkLoss loss =
      network_.ComputeLoss(batch, {device_, dtype_}, *group_);

  TrainRow row;
  row.step = step_;
  row.learning_rate = LearningRate();
  JoinLoss(loss, row);
  double norm = 0.0;
  if (std::isfinite(row.loss)) {
    optimiser_->ZeroGrad();
    loss.total.backward();
    group_->Sum(optimiser_->Gradients());
    norm = optimiser_->GradientNorm();
  }
  watch_.Add(row.loss);
  CheckDivergence(row.loss, norm);
  optimiser_->Step(row.learning_rate, norm, options_.clip_norm);
  AddToGroups(batch, loss.editions);
  row.gradient_norm = norm;
  row.step_seconds = SecondsSince(step_start_);
  row.waiting_seconds = waited_;
  seconds_ += row.step_seconds;
  ShareClock();
  step_seconds_ += row.step_seconds;
  waiting_seconds_ += waited_;
  row.seconds = seconds_;
  row.clips_per_second =
      static_cast<double>(batch.joined_clips) / row.step_seconds;
  log_->Add(row);
  ++step_;
  clips_ += static_cast<uint64_t>(batch.joined_clips);
}

void Trainer::ReportProgress() {
  if (!IsFirst()) return;
  constexpr double kUnits = 1000.0;
  const auto now = static_cast<int64_t>(Fraction() * kUnits);
  if (now > reported_) {
    context_.progress.Advance(now - reported_);
    reported_ = now;
  }
}

void Trainer::ReportLog() {
  if (!IsFirst()) return;
  const double waiting = log_->RecentWaitingShare();
  if (!warned_of_waiting_ && log_->IsWindowFull() && waiting > kMuchWaiting) {
    warned_of_waiting_ = true;
    LogWarning(
        "step {}: {:.0f} % of the last steps' time went by waiting for clips: "
        "raise --loader-threads, now {}, if there are processors left",
        step_, 100.0 * waiting, options_.loader_threads);
  }
  if (SecondsSince(logged_) <= kLogEverySeconds) return;
  logged_ = Clock::now();
  LogInfo(
      "step {}: loss {:.3f}, {:.1f} clips/s, {:.0f} % waiting for clips, {} "
      "trained",
      step_, log_->RecentLoss(), log_->RecentClipsPerSecond(), 100.0 * waiting,
      FormatDuration(seconds_));
}

void Trainer::ValidateIfDue() {
  if (options_.validate_every == 0 || step_ % options_.validate_every != 0) {
    return;
  }
  const nn::PerGroupLoss groups = JoinedGroups().Recent();
  log_->AddGroups(step_, groups);
  Validate(Calibrate::kScore);
}

void Trainer::SaveIfDue() {
  const int64_t every = options_.checkpoint_every;
  save_due_ = save_due_ || (every > 0 && step_ % every == 0);
  // What may be diverging does not replace what is known to be good.
  if (!save_due_ || !watch_.IsCalm()) return;
  Save();
}

void Trainer::BeTraining() {
  network_.Module().train();
  if (options_.freeze_norm) nn::FreezeBatchStatistics(network_.Module());
}

void Trainer::Validate(Calibrate what) {
  if (!validation_set_) return;
  optimiser_->SwapAverage();
  network_.Module().eval();
  PredictValidationSet(network_, {device_, dtype_}, *validation_set_);
  BeTraining();
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
  saved_step_ = step_;
  save_due_ = false;
  const GroupLosses groups = JoinedGroups();
  if (!IsFirst()) return;
  nn::Safetensors state;
  state.metadata = {{"recipe", Recipe(options_).dump()},
                    {"decode", checkpoint_.decode.dump()},
                    {"step", std::to_string(step_)},
                    {"clips", std::to_string(clips_)},
                    {"seconds", fmt::format("{:.17g}", seconds_)},
                    {"course", watch_.ToJson().dump()},
                    {"groups", groups.ToJson().dump()}};
  state.tensors = optimiser_->State();
  nn::WriteSafetensors(StatePath(options_), state);

  checkpoint_.training = TrainingFacts();
  optimiser_->SwapAverage();
  SaveCheckpoint(options_.output, checkpoint_);
  optimiser_->SwapAverage();
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
  // States of before these were kept begin them anew.
  const auto kept = [&](const char* key) {
    return state.metadata.contains(key) ? ParseJson(text(key), path) : Json();
  };
  if (const Json course = kept("course"); !course.is_null()) {
    watch_.Load(course);
  }
  if (const Json groups = kept("groups"); !groups.is_null() && IsFirst()) {
    groups_.Add(groups);
  }
  saved_step_ = step_;
  if (IsFirst()) LogInfo("resuming {} at step {}", options_.output, step_);
}

void Trainer::Interrupt() {
  if (!watch_.IsOver()) Save();
  throw Error(ErrorCode::kInterrupted,
              fmt::format("training interrupted at step {}", step_),
              saved_step_ == step_ ? "resume it to go on from there"
                                   : "it was diverging: resume it to go on "
                                     "from the checkpoint of before");
}

TrainResult Trainer::Run() {
  BeTraining();
  reported_ = static_cast<int64_t>(Fraction() * 1000.0);
  if (IsFirst()) context_.progress.Start("train", 1000, reported_);
  while (Fraction() < 1.0) {
    const std::optional<Batch> batch = NextBatch();
    if (!batch) Interrupt();
    Step(*batch);
    ReportProgress();
    ReportLog();
    if (Fraction() >= 1.0) break;
    ValidateIfDue();
    SaveIfDue();
  }
  loader_.reset();
  if (watch_.IsOver()) {
    ThrowDiverged(
        fmt::format("it ends with a loss of {:.3g}; at its best it was {:.3g}",
                    watch_.Median(), watch_.Best()));
  }
  TrainResult result;
  result.groups = JoinedGroups().Recent();
  log_->AddGroups(step_, result.groups);
  Validate(Calibrate::kAll);
  Save();
  // Whoever returns finds the file.
  torch::Tensor done = torch::ones({1});
  group_->Sum(done);
  if (IsFirst()) context_.progress.Finish();

  result.steps = step_;
  result.clips = static_cast<int64_t>(clips_);
  result.seconds = seconds_;
  result.loss = log_->RecentLoss();
  result.validated = scores_.has_value();
  if (scores_) result.validation = *scores_;
  if (step_seconds_ > 0.0)
    result.waiting_share = waiting_seconds_ / step_seconds_;
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
