// SPDX-License-Identifier: MIT
//
// How well a trained checkpoint does on labelled clips that it has not seen.
// No Torch here, so that its users do not pay for Torch headers.
#pragma once

#include "tracking/clip.h"
#include "tracking/measures.h"

#include <string>

namespace mapweave::vis {

// How the editions of a clip are brought together.
enum class Linking {
  kJoint,    // the network sees all of them, and its decoder links them
  kTwoStep,  // each by itself, then linked by overlap of outlines as they lie
};

struct AssessOptions {
  // Clips first .. first + clips - 1 of the source.
  uint64_t first = 0;
  int clips = 100;
  Linking linking = Linking::kJoint;
  std::string device = "cpu";  // see ResolveDevice
};

struct Assessment {
  // Every clip is a series of its own. F1 figures at min_score, the AP and AR
  // figures over all scores.
  tracking::Measures measures;
  // Precision and recall of single masks, all editions pooled.
  tracking::MatchScore detections;
  // The checkpoint's own score threshold. Nothing is tuned to the clips.
  double min_score = 0.0;
};

// Throws Error{kUsage} without clips, and Error{kDevice} as LoadSegmenter.
Assessment Assess(const std::string& checkpoint,
                  const tracking::ClipSource& source,
                  const AssessOptions& options);

}  // namespace mapweave::vis
