// SPDX-License-Identifier: MIT
//
// The cells of the pretraining experiment: what each is, and how one is done.
// Every result is a JSON file of its own, named by a digest of all settings on
// which it depends, so that a killed run goes on and a changed one starts anew.
#pragma once

#include "bench/pretraining/target.h"
#include "core/json.h"
#include "core/progress.h"
#include "synth/video_source.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pretraining {

inline constexpr int kAllLabels = -1;

// Where the weights come from.
//   scratch             random
//   scratch-long        random, and the steps of pretraining on top
//   videos              synthetic videos from the unlabelled sheets
//   two-frame           the same by the published recipe (VideoPreset)
//   worlds              simulated worlds in other hands
//   worlds+videos       half of the clips from each
//   simclr, diet        the trunk alone, on tiles of the unlabelled sheets
//   NAME                a checkpoint given by the caller
//   ink                 no network at all: the threshold baseline
struct Cell {
  int labels = 0;  // kAllLabels: every labelled window
  std::string start;
  // Editions one by one, linked by overlap (the two-step baseline).
  bool two_step = false;
  uint64_t seed = 1;

  // "videos" or "videos, two-step".
  std::string Name() const;
};

struct ExperimentOptions {
  std::string folder;
  TargetOptions target;
  std::string preset = "small";  // of the network
  std::vector<int> labels = {5, 20, 100, kAllLabels};
  // Of the choice of labels and of fine-tuning.
  std::vector<uint64_t> seeds = {1, 2, 3};
  // Pretrainings of each kind; their seeds are 1 to n and the seeds above take
  // them in turn. 0: each seed has one of its own.
  int pretrainings = 0;
  std::vector<std::string> starts = {"scratch",      "videos",
                                     "worlds",       "worlds+videos",
                                     "scratch-long", "two-frame"};
  // Starts that are also trained edition by edition.
  std::vector<std::string> two_step = {"scratch", "videos"};
  // Checkpoints made elsewhere: NAME -> file. Each joins `starts`.
  std::map<std::string, std::string> checkpoints;
  int64_t pretraining_steps = 1500;
  int64_t steps = 300;
  double learning_rate = 2e-3;
  // Lets the batch norms of pretrained networks follow the labelled clips.
  bool learn_norm = false;
  int frames_per_step = 8;
  int crop = 96;
  int threads = 1;

  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// In the order of their weight for the question: few labels first, then seed by
// seed.
std::vector<Cell> PlanCells(const ExperimentOptions& options);

class Experiment {
 public:
  // Draws the target. Throws what Validate and MakeTarget throw, and
  // Error{kFailure} if the folder cannot be made.
  explicit Experiment(ExperimentOptions options);
  ~Experiment();

  // The result of a cell, from its file or by doing the work:
  // {"cell": {...}, "measures": {"ap": ...}, "seconds": ...}.
  Json Do(const Cell& cell, RunContext& context);
  // What has been done already, without doing more.
  std::optional<Json> Find(const Cell& cell) const;

  const Target& Maps() const { return target_; }

 private:
  Json Configuration(const Cell& cell) const;
  std::filesystem::path PathOf(const Cell& cell, const char* extension) const;
  // The labelled windows of a cell: those to train on, and those that only
  // choose thresholds.
  struct Split {
    std::vector<tracking::LabelledClip> train;
    std::vector<tracking::LabelledClip> calibration;
  };
  Split SplitLabels(const Cell& cell) const;
  // The measures of a trained network on either test.
  static Json AssessOn(const std::vector<tracking::LabelledClip>& test,
                       const std::string& checkpoint, const Cell& cell);
  Json MeasureThreshold(const Cell& cell) const;
  Json TrainAndMeasure(const Cell& cell, RunContext& context);
  // Path of the checkpoint that a cell starts from; empty: random weights.
  std::string StartOf(const Cell& cell, RunContext& context);
  uint64_t PretrainingSeed(uint64_t seed) const;
  std::string Pretrain(const std::string& start, uint64_t seed,
                       RunContext& context);
  void PretrainImages(const std::string& method, uint64_t seed,
                      const std::string& output, RunContext& context) const;
  void PretrainClips(const std::string& start, uint64_t seed,
                     const std::string& output, RunContext& context);
  const synth::VideoClipSource& Videos(const std::string& preset);

  ExperimentOptions options_;
  Target target_;
  // By preset: finding pseudo-instances takes a while.
  std::map<std::string, std::unique_ptr<synth::VideoClipSource>> videos_;
};

}  // namespace mapweave::pretraining
