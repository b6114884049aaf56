// SPDX-License-Identifier: MIT
#include "bench/pretraining/experiment.h"

#include "bench/pretraining/clips.h"
#include "bench/pretraining/ink_baseline.h"
#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/random.h"
#include "models/vis/assess.h"
#include "models/vis/trainer.h"
#include "synth/clip_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace mapweave::pretraining {
namespace {

namespace fs = std::filesystem;
using tracking::LabelledClip;

// Raised when the meaning of a result changes.
constexpr int kVersion = 3;
constexpr uint64_t kValidationSeed = 0x70726574725f7661ULL;
constexpr uint64_t kLabelStream = 0x6c6162656c73ULL;
// Of the labelled windows, one in five chooses thresholds, at most so many.
constexpr size_t kCalibrationShare = 5;
constexpr size_t kMostCalibrationClips = 16;
constexpr int kPretrainingValidationClips = 16;
// Image-level methods see two views of 64 tiles of 64 px a step: seven times
// the pixels of a step on clips, through the trunk alone, so that this many
// steps on clips take about as long.
constexpr int64_t kImageBatch = 64;
constexpr int64_t kStepsPerImageStep = 5;
constexpr int64_t kImageTiles = 4096;

// FNV-1a, 64 bits: names of files, nothing more.
std::string Digest(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<uint8_t>(c);
    hash *= 0x100000001b3ULL;
  }
  return fmt::format("{:016x}", hash);
}

std::string LabelText(int labels) {
  return labels == kAllLabels ? "all" : std::to_string(labels);
}

Json MeasuresToJson(const tracking::Measures& m) {
  return {{"ap", m.ap},
          {"ap50", m.ap50},
          {"ap_unlimited", m.ap_unlimited},
          {"ap50_unlimited", m.ap50_unlimited},
          {"track_f1", m.track_f1},
          {"link_f1", m.link_f1},
          {"link_precision", m.link_precision},
          {"link_recall", m.link_recall}};
}

// Measures on other towns, beside those on the target's own.
void AddAbroad(Json& result, const Json& abroad) {
  for (const auto& [key, value] : abroad.items())
    result["abroad_" + key] = value;
}

Json AssessInk(const std::vector<LabelledClip>& test,
               const InkSettings& settings) {
  const tracking::Measures measures = MeasureInk(test, settings);
  tracking::MatchScore detections;
  for (const auto& edition : measures.editions) detections += edition.counts;
  Json result = MeasuresToJson(measures);
  result["detection_f1"] = detections.F1();
  return result;
}

vis::TrainOptions Recipe(const ExperimentOptions& options) {
  vis::TrainOptions training;
  training.preset = options.preset;
  training.frames_per_step = options.frames_per_step;
  training.crop = options.crop;
  training.learning_rate = options.learning_rate;
  training.warmup_steps = 50;
  training.threads = options.threads;
  training.validate_every = 0;
  training.checkpoint_every = 250;
  return training;
}

// The same of all of them: what they mean for the result. `threads` has no
// influence.
Json RecipeToJson(const ExperimentOptions& options) {
  return {{"version", kVersion},
          {"target", options.target.ToJson()},
          {"preset", options.preset},
          {"learning_rate", options.learning_rate},
          {"frames_per_step", options.frames_per_step},
          {"crop", options.crop}};
}

// Methods of the image library that train the trunk alone.
bool IsImageLevel(const std::string& start) {
  return start == "simclr" || start == "diet";
}

bool IsPretrained(const std::string& start) {
  return IsImageLevel(start) || start == "videos" || start == "two-frame" ||
         start == "worlds" || start == "worlds+videos";
}

bool IsKnown(const ExperimentOptions& options, const std::string& start) {
  return start == "scratch" || start == "scratch-long" || IsPretrained(start) ||
         options.checkpoints.contains(start);
}

}  // namespace

std::string Cell::Name() const {
  return two_step && start != "ink" ? start + ", two-step" : start;
}

void ExperimentOptions::Validate() const {
  const auto fail = [](const std::string& what, const char* hint) {
    throw Error(ErrorCode::kUsage, what, hint);
  };
  if (folder.empty()) fail("no folder for the results", "give --output");
  if (pretraining_steps < 1 || steps < 1)
    fail("steps are counted from 1", "raise them");
  if (pretrainings < 0)
    fail("the number of pretrainings is negative", "give 0 or more");
  for (const int n : labels) {
    if (n == kAllLabels || n >= 2) continue;
    fail(fmt::format("{} labelled clips are too few", n),
         "one trains and one chooses thresholds: give 2 or more, or all");
  }
  for (const auto* names : {&starts, &two_step}) {
    for (const std::string& name : *names) {
      if (!IsKnown(*this, name))
        fail(fmt::format("there is no start named \"{}\"", name),
             "see --help, or name a checkpoint with --checkpoint NAME=FILE");
    }
  }
}

std::vector<Cell> PlanCells(const ExperimentOptions& options) {
  std::vector<std::string> starts = options.starts;
  for (const auto& [name, path] : options.checkpoints) {
    if (std::ranges::find(starts, name) == starts.end()) starts.push_back(name);
  }
  std::vector<Cell> cells;
  // Label counts in pairs: those of the question first.
  for (size_t first = 0; first < options.labels.size(); first += 2) {
    const size_t end = std::min(first + 2, options.labels.size());
    for (const uint64_t seed : options.seeds) {
      for (const std::string& start : starts) {
        for (size_t i = first; i < end; ++i)
          cells.push_back({options.labels[i], start, false, seed});
      }
      for (size_t i = first; i < end; ++i) {
        for (const std::string& start : options.two_step)
          cells.push_back({options.labels[i], start, true, seed});
        cells.push_back({options.labels[i], "ink", true, seed});
      }
    }
  }
  return cells;
}

Experiment::Experiment(ExperimentOptions options)
    : options_(std::move(options)) {
  options_.Validate();
  std::error_code failure;
  fs::create_directories(options_.folder, failure);
  if (failure) {
    throw Error(ErrorCode::kFailure,
                options_.folder + ": cannot be made: " + failure.message());
  }
  target_ = MakeTarget(options_.target);
  LogInfo(
      "target: {} unlabelled sheets, {} labelled windows, {} for the test, {} "
      "in other towns",
      target_.sheets.size(), target_.labelled.size(), target_.test.size(),
      target_.abroad.size());
}

Experiment::~Experiment() = default;

Json Experiment::Configuration(const Cell& cell) const {
  Json json = RecipeToJson(options_);
  json["labels"] = LabelText(cell.labels);
  json["start"] = cell.start;
  json["two_step"] = cell.two_step;
  json["seed"] = cell.seed;
  if (cell.start != "ink") json["steps"] = options_.steps;
  if (options_.learn_norm) json["learn_norm"] = true;
  if (IsPretrained(cell.start) || cell.start == "scratch-long")
    json["pretraining_steps"] = options_.pretraining_steps;
  if (IsPretrained(cell.start))
    json["pretraining_seed"] = PretrainingSeed(cell.seed);
  const auto external = options_.checkpoints.find(cell.start);
  if (external != options_.checkpoints.end())
    json["checkpoint"] = Digest(ReadFile(external->second));
  return json;
}

fs::path Experiment::PathOf(const Cell& cell, const char* extension) const {
  return fs::path(options_.folder) /
         fmt::format("{}{}-{}-seed{}-{}{}", cell.start,
                     cell.two_step ? "-two-step" : "", LabelText(cell.labels),
                     cell.seed, Digest(Configuration(cell).dump()), extension);
}

Experiment::Split Experiment::SplitLabels(const Cell& cell) const {
  std::vector<LabelledClip> clips = target_.labelled;
  // The same of one seed for every start, and the fewer within the more.
  Rng rng(cell.seed, kLabelStream);
  rng.Shuffle(clips);
  const size_t wanted = cell.labels == kAllLabels
                            ? clips.size()
                            : static_cast<size_t>(cell.labels);
  if (wanted > clips.size()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} labelled clips were asked for and there are {}",
                            wanted, clips.size()),
                "ask for fewer, or for more or larger towns");
  }
  clips.resize(wanted);
  const size_t calibration =
      std::clamp(wanted / kCalibrationShare, size_t{1}, kMostCalibrationClips);
  Split split;
  const auto middle = clips.end() - static_cast<std::ptrdiff_t>(calibration);
  split.train.assign(clips.begin(), middle);
  split.calibration.assign(middle, clips.end());
  // One or four clips are too few to choose thresholds by: those that were
  // trained on follow, where much the same score tells right from wrong.
  for (const LabelledClip& clip : split.train) {
    if (split.calibration.size() >= kMostCalibrationClips) break;
    split.calibration.push_back(clip);
  }
  return split;
}

const synth::VideoClipSource& Experiment::Videos(const std::string& preset) {
  std::unique_ptr<synth::VideoClipSource>& source = videos_[preset];
  if (!source) {
    synth::VideoOptions clips = synth::VideoPreset(preset);
    clips.size_px = options_.target.clip_px;
    source = std::make_unique<synth::VideoClipSource>(target_.sheets, clips,
                                                      options_.threads);
  }
  return *source;
}

uint64_t Experiment::PretrainingSeed(uint64_t seed) const {
  const auto runs = static_cast<uint64_t>(options_.pretrainings);
  return runs == 0 ? seed : (seed + runs - 1) % runs + 1;
}

std::string Experiment::Pretrain(const std::string& start, uint64_t seed,
                                 RunContext& context) {
  Json config = RecipeToJson(options_);
  config["start"] = start;
  config["seed"] = seed;
  config["pretraining_steps"] = options_.pretraining_steps;
  const std::string output = (fs::path(options_.folder) /
                              fmt::format("pretrained-{}-seed{}-{}.safetensors",
                                          start, seed, Digest(config.dump())))
                                 .string();
  const std::string done = output + ".done";
  if (fs::exists(done)) return output;
  LogInfo("pretraining on {}, seed {}", start, seed);
  if (IsImageLevel(start)) {
    PretrainImages(start, seed, output, context);
  } else {
    PretrainClips(start, seed, output, context);
  }
  WriteFileAtomically(done, config.dump(2) + "\n", Overwrite::kAllow);
  fs::remove(output + ".state");
  return output;
}

void Experiment::PretrainImages(const std::string& method, uint64_t seed,
                                const std::string& output,
                                RunContext& context) const {
  ssl::PretrainOptions training;
  training.method = method;
  training.encoder = "trunk";
  training.batch = kImageBatch;
  training.steps =
      std::max<int64_t>(options_.pretraining_steps / kStepsPerImageStep, 1);
  training.seed = seed;
  training.output = output;
  training.resume = fs::exists(output + ".state");
  ssl::Pretrain(SheetImages(target_.sheets, kImageTiles, seed), training,
                context);
}

void Experiment::PretrainClips(const std::string& start, uint64_t seed,
                               const std::string& output, RunContext& context) {
  vis::TrainOptions training = Recipe(options_);
  training.steps = options_.pretraining_steps;
  training.seed = seed;
  training.output = output;
  training.resume = fs::exists(output + ".state");
  training.validation_clips = kPretrainingValidationClips;
  synth::WorldClipOptions drawn;
  drawn.seed = seed;
  drawn.size_px = options_.target.clip_px;
  drawn.hands = OtherHands(options_.target);
  const synth::WorldClipSource worlds(drawn);
  drawn.seed = kValidationSeed;
  const synth::WorldClipSource validation_worlds(drawn);
  if (start == "worlds") {
    vis::Train(worlds, &validation_worlds, training, context);
  } else {
    if (start == "two-frame") training.max_editions = 2;
    const synth::VideoClipSource& stock =
        Videos(start == "two-frame" ? "two-frame" : "mapweave");
    const synth::VideoClipSource videos = stock.WithSeed(seed);
    const synth::VideoClipSource validation = stock.WithSeed(kValidationSeed);
    if (start == "worlds+videos") {
      const AlternatingClips both(worlds, videos);
      vis::Train(both, &validation, training, context);
    } else {
      vis::Train(videos, &validation, training, context);
    }
  }
}

std::string Experiment::StartOf(const Cell& cell, RunContext& context) {
  if (IsPretrained(cell.start))
    return Pretrain(cell.start, PretrainingSeed(cell.seed), context);
  const auto external = options_.checkpoints.find(cell.start);
  return external == options_.checkpoints.end() ? "" : external->second;
}

Json Experiment::TrainAndMeasure(const Cell& cell, RunContext& context) {
  vis::TrainOptions training = Recipe(options_);
  training.init_checkpoint = StartOf(cell, context);
  training.steps = options_.steps;
  if (cell.start == "scratch-long")
    training.steps += options_.pretraining_steps;
  training.seed = cell.seed;
  training.output = PathOf(cell, ".safetensors").string();
  training.resume = fs::exists(training.output + ".state");
  Split split = SplitLabels(cell);
  if (cell.two_step) {
    training.min_editions = training.max_editions = 1;
    split.train = SingleEditions(split.train);
    split.calibration = SingleEditions(split.calibration);
  }
  training.validation_clips = static_cast<int>(split.calibration.size());
  // What a start knows of how maps look stays: four clips would spoil it. The
  // heads of image-level starts know nothing yet.
  training.freeze_norm = !options_.learn_norm &&
                         !training.init_checkpoint.empty() &&
                         !IsImageLevel(cell.start);
  const RepeatedClips train(std::move(split.train), cell.seed);
  const ListedClips calibration(std::move(split.calibration));
  vis::Train(train, &calibration, training, context);

  Json result = AssessOn(target_.test, training.output, cell);
  AddAbroad(result, AssessOn(target_.abroad, training.output, cell));
  // Some hundred of them would fill a disk.
  fs::remove(training.output);
  fs::remove(training.output + ".state");
  return result;
}

Json Experiment::AssessOn(const std::vector<LabelledClip>& test,
                          const std::string& checkpoint, const Cell& cell) {
  vis::AssessOptions assess;
  assess.clips = static_cast<int>(test.size());
  assess.linking =
      cell.two_step ? vis::Linking::kTwoStep : vis::Linking::kJoint;
  const vis::Assessment assessment =
      vis::Assess(checkpoint, ListedClips(test), assess);
  Json result = MeasuresToJson(assessment.measures);
  result["detection_f1"] = assessment.detections.F1();
  result["threshold"] = assessment.min_score;
  return result;
}

Json Experiment::MeasureThreshold(const Cell& cell) const {
  Split split = SplitLabels(cell);
  // Nothing is trained, so that all labels may choose; more than the
  // networks' thresholds get would change nothing.
  std::vector<LabelledClip> clips = std::move(split.calibration);
  for (LabelledClip& clip : split.train) {
    if (clips.size() >= kMostCalibrationClips) break;
    clips.push_back(std::move(clip));
  }
  const InkSettings settings = ChooseInkSettings(clips);
  Json result = AssessInk(target_.test, settings);
  AddAbroad(result, AssessInk(target_.abroad, settings));
  result["settings"] = settings.ToJson();
  return result;
}

std::optional<Json> Experiment::Find(const Cell& cell) const {
  const fs::path path = PathOf(cell, ".json");
  if (!fs::exists(path)) return std::nullopt;
  return ReadJson(path);
}

Json Experiment::Do(const Cell& cell, RunContext& context) {
  if (std::optional<Json> found = Find(cell)) return *found;
  context.cancel.ThrowIfCancelled();
  const auto start = std::chrono::steady_clock::now();
  Json result = {{"cell", Configuration(cell)}};
  result["measures"] = cell.start == "ink" ? MeasureThreshold(cell)
                                           : TrainAndMeasure(cell, context);
  result["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  WriteFileAtomically(PathOf(cell, ".json"), result.dump(2) + "\n",
                      Overwrite::kAllow);
  const Json& measures = result["measures"];
  LogInfo(
      "{} labels, {}, seed {}: AP {:.3f}, link F1 {:.3f}, track F1 {:.3f}; in "
      "other towns link F1 {:.3f}",
      LabelText(cell.labels), cell.Name(), cell.seed,
      measures["ap_unlimited"].get<double>(), measures["link_f1"].get<double>(),
      measures["track_f1"].get<double>(),
      measures["abroad_link_f1"].get<double>());
  return result;
}

}  // namespace mapweave::pretraining
