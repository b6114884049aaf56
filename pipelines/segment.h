// SPDX-License-Identifier: MIT
//
// Stage 3: runs the network window by window over all editions at once and
// keeps each window's tracks in the project file, so that a killed run goes on
// with the windows that are missing.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "db/store.h"
#include "pipelines/project.h"
#include "tracking/stitch.h"

#include <opencv2/core.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct SegmentOptions {
  // Safetensors checkpoint; the shipped one if empty.
  std::string checkpoint;
  std::string device = "auto";
  std::string precision = "auto";  // see vis::ResolvePrecision
  int looks = 1;                   // see vis::SegmenterOptions
  double zoom = 1.0;               // likewise
  int threads = 1;
  int memory_mb = 2048;
  // Windows of the series grid, in pixels; at least 64.
  int window_px = 640;
  int overlap_px = 128;
  // Moves the window grid; the tracks should not care.
  cv::Point window_offset = {0, 0};

  // Throws Error{kUsage} naming the option.
  void Validate() const;
  // Without what must not change the result (threads, memory).
  Json ToJson() const;
};

struct SegmentReport {
  std::string run_id;
  std::string checkpoint;
  std::string device;
  std::string precision;
  int64_t windows = 0;
  int64_t windows_done_before = 0;
  int threads = 1;
  // Of the workers' time on this call's windows; 0 if there were none.
  double network_share = 0.0;
};

// The checkpoint that is used when none is named: MAPWEAVE_WEIGHTS if set, else
// small.safetensors of the installation or of the source tree. Throws
// Error{kDevice} if there is none.
std::string DefaultCheckpoint();

// The windows that options cut the project's grid into.
std::vector<tracking::Window> PlanProjectWindows(const geo::Grid& grid,
                                                 const SegmentOptions& options);

// The run is the one with these options and inputs; if it was begun before,
// only its missing windows are done.
SegmentReport Segment(db::Store& store, const SegmentOptions& options,
                      RunContext& context);

}  // namespace mapweave::pipelines
