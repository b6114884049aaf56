// SPDX-License-Identifier: MIT
//
// Synthetic videos cut from unlabelled sheets: buildings are guessed
// (synth/pseudo_instances.h), one cut-out becomes T frames, and what is done to
// the buildings on the way is the truth. A supply of clips like
// synth/clip_source.h, from the user's own paper.
#pragma once

#include "synth/pseudo_instances.h"
#include "synth/video_operator.h"
#include "tracking/clip.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::synth {

// One sheet, or one window of a sheet that is too large to hold; windows of one
// sheet share its name.
struct MapSheet {
  std::string name;  // for messages
  cv::Mat rgb;       // CV_8UC3, R, G, B order
  cv::Mat coverage;  // CV_8UC1, 1 = paper; empty: all of it
};

// The defaults are the preset "mapweave".
struct VideoOptions {
  uint64_t seed = 1;
  int size_px = 128;  // 32 to 1024
  // Frames per clip, drawn uniformly; 2 <= min <= max <= 8.
  int min_frames = 2;
  int max_frames = 4;
  // What is done, and how often against the rest. Decoys are not listed here.
  std::vector<std::pair<VideoOperator, double>> operators = {
      {VideoOperator::kShift, 1.0},     {VideoOperator::kAppear, 1.5},
      {VideoOperator::kDisappear, 2.0}, {VideoOperator::kEnlarge, 1.5},
      {VideoOperator::kReduce, 1.0},    {VideoOperator::kReshape, 1.5},
      {VideoOperator::kMerge, 1.0},     {VideoOperator::kSplit, 1.0},
      {VideoOperator::kReplace, 1.5},   {VideoOperator::kRedraw, 1.0}};
  // Changes per building on the clip: drawn from 0 to this for each clip.
  double change = 0.6;
  // Decoys per change: the same traces where the truth does not change.
  double decoys = 0.6;
  // Buildings of another place pasted into every frame anew, at most
  // (VideoCutLER's copy and paste).
  int pasted = 0;
  // Chance that a frame is drawn in the colours of another sheet.
  double recolour = 0.6;
  // Blur, contrast, line width, light, noise, JPEG; 0 to 1.
  double wear = 1.0;
  double lettering = 0.25;  // chance that words are printed over a frame
  double restyle = 0.12;    // chance of another fill: solid, hatched, outline
  // Registration error of every frame: whole-frame displacement per axis,
  // rotation, and smooth local distortion.
  double max_jitter_px = 3.0;
  double max_rotation_deg = 0.4;
  double max_distortion_px = 1.5;
  // Clip pixels per sheet pixel, drawn log-uniformly for each clip.
  double min_scale = 0.8;
  double max_scale = 1.25;
  // Turns by 90 degrees and mirror images.
  bool flips = true;
  // Share of clips that are cut without regard to buildings.
  double blank = 0.1;
  PseudoOptions pseudo;

  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// "mapweave": the defaults.
// "two-frame": pairs of frames with buildings that appear, disappear and
// change,
//   after arXiv 2411.17425, which does not give its parameters: these are ours.
// "mapsam2": one changed frame beside the original, arXiv 2510.27547.
// "videocutler": copy and paste into each of three frames, arXiv 2308.14710.
// Throws Error{kUsage}.
VideoOptions VideoPreset(const std::string& name);
std::vector<std::string> VideoPresetNames();

// Where a clip was edited.
struct EditTrace {
  VideoOperator op = VideoOperator::kRedraw;
  // Frames [begin, end) show it.
  int begin = 0;
  int end = 0;
  // Middle of the change in pixels of each frame.
  std::vector<cv::Point2f> centre;
};

struct TracedClip {
  tracking::LabelledClip clip;
  std::vector<EditTrace> edits;
};

// Clip i is a pure function of the sheets, the options and i. Labels run from
// 1; a pseudo-instance that is not edited persists through all frames.
class VideoClipSource : public tracking::ClipSource {
 public:
  static constexpr int kMinSheetPx = 64;

  // Finds the pseudo-instances of all sheets, up to `threads` at a time; the
  // result does not depend on their number. Throws Error{kUsage} without sheets
  // and Error{kBadInput} naming the sheet that is too small or on which nothing
  // looks like a building.
  VideoClipSource(std::vector<MapSheet> sheets, VideoOptions options,
                  int threads = 1);
  ~VideoClipSource() override;

  // Other clips of the same pseudo-instances and with the same words to print,
  // which both share.
  VideoClipSource WithSeed(uint64_t seed) const;

  tracking::LabelledClip Get(uint64_t index) const override;
  // The same clip with what was done to it.
  TracedClip Trace(uint64_t index) const;

  const VideoOptions& Options() const { return options_; }
  // Over all sheets.
  int64_t PseudoInstances() const;

 private:
  struct Stock;

  VideoOptions options_;
  std::shared_ptr<const Stock> stock_;
};

}  // namespace mapweave::synth
