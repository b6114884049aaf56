// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "synth/video_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <map>

namespace mapweave::synth {
namespace {

void Require(bool condition, const char* name, double value,
             const char* range) {
  if (condition) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the video option {} is {}", name, value),
              fmt::format("set it to {}", range));
}

// Published videos are the sheet as it is: no other colours, words or fills.
VideoOptions Plain() {
  VideoOptions options;
  options.decoys = 0.0;
  options.recolour = 0.0;
  options.lettering = 0.0;
  options.restyle = 0.0;
  options.wear = 0.0;
  options.max_distortion_px = 0.0;
  options.max_rotation_deg = 0.0;
  options.max_jitter_px = 0.0;
  options.min_scale = options.max_scale = 1.0;
  options.blank = 0.0;
  return options;
}

VideoOptions TwoFrame() {
  VideoOptions options = Plain();
  options.min_frames = options.max_frames = 2;
  options.operators = {{VideoOperator::kAppear, 1.0},
                       {VideoOperator::kDisappear, 1.0},
                       {VideoOperator::kReshape, 1.0},
                       {VideoOperator::kEnlarge, 1.0}};
  options.max_jitter_px = 3.0;
  options.wear = 0.3;
  return options;
}

VideoOptions MapSam2() {
  VideoOptions options = Plain();
  options.min_frames = options.max_frames = 2;
  options.operators = {{VideoOperator::kShift, 1.0},
                       {VideoOperator::kBlackBlock, 1.0},
                       {VideoOperator::kFlatFill, 1.0},
                       {VideoOperator::kBlockOverlap, 1.0},
                       {VideoOperator::kBlackMerge, 1.0}};
  return options;
}

VideoOptions VideoCutLer() {
  VideoOptions options = Plain();
  options.min_frames = options.max_frames = 3;
  options.operators.clear();
  options.change = 0.0;
  options.pasted = 8;
  // "Brightness, contrast and rotation" are its augmentations.
  options.wear = 0.4;
  options.max_rotation_deg = 2.0;
  return options;
}

const std::map<std::string, std::function<VideoOptions()>>& Presets() {
  static const std::map<std::string, std::function<VideoOptions()>> presets = {
      {"mapweave", [] { return VideoOptions(); }},
      {"two-frame", TwoFrame},
      {"mapsam2", MapSam2},
      {"videocutler", VideoCutLer}};
  return presets;
}

}  // namespace

VideoOptions VideoPreset(const std::string& name) {
  const auto preset = Presets().find(name);
  if (preset != Presets().end()) return preset->second();
  throw Error(
      ErrorCode::kUsage, fmt::format("there is no video preset \"{}\"", name),
      fmt::format("use one of {}", fmt::join(VideoPresetNames(), ", ")));
}

std::vector<std::string> VideoPresetNames() {
  return {"mapweave", "two-frame", "mapsam2", "videocutler"};
}

void VideoOptions::Validate() const {
  Require(size_px >= 32 && size_px <= 1024, "size_px", size_px, "32 to 1024");
  Require(min_frames >= 2 && min_frames <= max_frames, "min_frames", min_frames,
          "2 to max_frames");
  Require(max_frames <= 8, "max_frames", max_frames, "at most 8");
  Require(change == 0.0 || !operators.empty(), "operators", 0.0,
          "at least one, or change to 0");
  for (const auto& [op, weight] : operators)
    Require(weight > 0.0, VideoOperatorName(op), weight, "a positive weight");
  Require(change >= 0.0 && change <= 2.0, "change", change, "0 to 2");
  Require(decoys >= 0.0 && decoys <= 4.0, "decoys", decoys, "0 to 4");
  Require(pasted >= 0 && pasted <= 100, "pasted", pasted, "0 to 100");
  for (const auto& [name, p] :
       {std::pair{"recolour", recolour}, std::pair{"wear", wear},
        std::pair{"lettering", lettering}, std::pair{"restyle", restyle},
        std::pair{"blank", blank}}) {
    Require(p >= 0.0 && p <= 1.0, name, p, "0 to 1");
  }
  Require(max_jitter_px >= 0.0 && max_jitter_px <= 32.0, "max_jitter_px",
          max_jitter_px, "0 to 32");
  Require(max_rotation_deg >= 0.0 && max_rotation_deg <= 10.0,
          "max_rotation_deg", max_rotation_deg, "0 to 10");
  Require(max_distortion_px >= 0.0 && max_distortion_px <= 16.0,
          "max_distortion_px", max_distortion_px, "0 to 16");
  Require(min_scale >= 0.25 && min_scale <= max_scale, "min_scale", min_scale,
          "0.25 to max_scale");
  Require(max_scale <= 4.0, "max_scale", max_scale, "at most 4");
  pseudo.Validate();
}

}  // namespace mapweave::synth
