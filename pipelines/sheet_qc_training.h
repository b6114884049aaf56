// SPDX-License-Identifier: MIT
//
// Trains the probe of quality control on simulated sheets.
#pragma once

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/progress.h"
#include "models/ssl/pretrain.h"
#include "models/ssl/sheet_probe.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace mapweave::pipelines {

// Squares of 96 px of simulated sheets in any hand, with the ordinary wear of
// paper and scan. Held in memory.
class SheetSquares : public ssl::ImageSource {
 public:
  // Sets of different seeds share no town. Throws Error{kInterrupted}.
  SheetSquares(uint64_t seed, int sheets, RunContext& context);
  int64_t Size() const override { return std::ssize(squares_); }
  ssl::ImageSample Get(int64_t index) const override;

 private:
  std::vector<cv::Mat> squares_;
};

struct QcTrainingOptions {
  ssl::SheetProbeOptions probe;
  int sheets = 160;
  int held_out_sheets = 40;
  // Picture of windows as the probe sees them; none if empty.
  std::string preview;
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// Throws what ssl::TrainSheetProbe throws.
ssl::SheetProbeReport TrainQcProbe(const QcTrainingOptions& options,
                                   Overwrite overwrite, RunContext& context);

Json ToJson(const ssl::SheetProbeReport& report);

}  // namespace mapweave::pipelines
