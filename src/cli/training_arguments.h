// SPDX-License-Identifier: MIT
//
// The options and the report of all commands that train a network.
#pragma once

#include "cli/command.h"
#include "pipelines/train.h"

#include <cstdint>
#include <optional>
#include <string>

namespace mapweave::cli {

// What a command takes where the user says nothing.
struct TrainingDefaults {
  // Steps if no limit is given; 0 = a limit must be given.
  int64_t steps = 0;
  std::optional<double> learning_rate;  // the preset's own if unset
  bool freeze_norm = false;
};

// Whether the command itself says which weights training starts from, or leaves
// it to --init, --preset and --norm.
enum class TrainingStart { kChosen, kGiven };

class TrainingArguments {
 public:
  // Adds the options to a command; this must outlive its parsing.
  void AddTo(CLI::App* command, TrainingStart start = TrainingStart::kChosen);

  // What the command line says, checked before any work is done.
  vis::TrainOptions Complete(const CommonOptions& common,
                             const TrainingDefaults& defaults = {}) const;

  // As parsed.
  const vis::TrainOptions& Parsed() const { return training_; }

 private:
  void AddStart(CLI::App* command);

  vis::TrainOptions training_;
  // Where the user says nothing, the preset has a say.
  std::optional<double> learning_rate_;
  std::optional<bool> freeze_norm_;
  std::optional<int> frames_per_step_;
  std::optional<int> max_editions_;
  double minutes_ = 0.0;
};

// --clip-px.
void AddClipSide(CLI::App* command, int& side_px, int most);

// Of command_train.cpp's group: it shares all of the above.
void AddAdaptCommand(CLI::App& app, Invocation& invocation);

// For work that cannot be shared: throws Error{kUsage} that begins with `what`
// if a launcher has started several processes.
void RequireOneProcess(const std::string& what);

// Of a command's help: how to train in several processes.
std::string ProcessesHelp(const std::string& command);

void PrintScores(const vis::ValidationScores& scores);
// Of several processes, the first alone prints.
void PrintReport(const pipelines::TrainReport& report, bool as_json);

}  // namespace mapweave::cli
