// SPDX-License-Identifier: MIT
//
// The two sides of `eval` brought onto one pixel frame, whatever files they
// come from. The inner part of evaluate.h.
#pragma once

#include "pipelines/evaluate.h"
#include "tracking/lineage.h"
#include "tracking/measures.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct Comparison {
  std::vector<tracking::SeriesTracks> series;
  std::vector<std::string> editions;
  bool on_videos = false;
  double resolution = 1.0;
  std::string crs;
  std::map<tracking::LineageKind, tracking::MatchScore> lineage;
};

// Throws what Evaluate throws.
Comparison Compare(const std::filesystem::path& predicted,
                   const std::filesystem::path& truth,
                   const EvaluateOptions& options);

// Of files with polygons on the ground.
Comparison ComparePolygons(const std::filesystem::path& predicted,
                           const std::filesystem::path& truth,
                           const EvaluateOptions& options);

[[noreturn]] void ThrowNoTruth(const std::filesystem::path& truth);

}  // namespace mapweave::pipelines
