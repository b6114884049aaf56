// SPDX-License-Identifier: MIT
//
// The curves of a training run as CSV files, and running means of them.
#pragma once

#include "models/nn/per_group_loss.h"
#include "models/vis/trainer.h"

#include <cstdint>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

namespace mapweave::vis {

struct TrainRow {
  int64_t step = 0;
  double seconds = 0.0;
  double learning_rate = 0.0;
  double loss = 0.0;
  // Unweighted parts of the loss, in the order of the log's columns.
  std::vector<double> terms;
  double gradient_norm = 0.0;
  double clips_per_second = 0.0;
  // The step's own time, and the part of it in which there was no batch yet.
  double step_seconds = 0.0;
  double waiting_seconds = 0.0;
};

class TrainLog {
 public:
  // With one column for each of the loss's `terms`. Keeps the rows of steps
  // before `first_step` of files that are there. `path` may be empty: no files.
  // Throws Error{kFailure} naming the file.
  TrainLog(const std::string& path, const std::vector<std::string>& terms,
           int64_t first_step);

  void Add(const TrainRow& row);
  void AddValidation(int64_t step, double seconds,
                     const ValidationScores& scores);
  // One row per group, and one for either mean over groups; nothing without
  // groups.
  void AddGroups(int64_t step, const nn::PerGroupLoss& losses);

  // Means over the last 50 rows; 0 without any.
  double RecentLoss() const;
  double RecentClipsPerSecond() const;
  // Of their time, in [0, 1].
  double RecentWaitingShare() const;
  // Whether there are 50 of them.
  bool IsWindowFull() const;

 private:
  std::string path_;
  int64_t first_step_;
  std::ofstream groups_;  // opened when there is a group
  std::ofstream rows_;
  std::ofstream validations_;
  std::deque<TrainRow> recent_;
};

}  // namespace mapweave::vis
