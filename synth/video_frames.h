// SPDX-License-Identifier: MIT
//
// From an edited plate to a frame: its registration error and resampling, and
// VideoCutLER's pasted instances. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/video_operators.h"
#include "synth/video_source.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::synth {

// Maps pixels of a frame to those of its plate: an affine map and a smooth
// displacement. Pixel (col, row) has its centre at (col + 0.5, row + 0.5).
struct Registration {
  // plate = matrix * (frame - frame middle) + plate middle + displacement
  cv::Matx22d matrix = cv::Matx22d::eye();
  cv::Point2d shift;  // in plate pixels
  double frame_middle = 0.0;
  double plate_middle = 0.0;
  cv::Mat displacement;  // CV_32FC2 on a coarse lattice; empty: none
  int interpolation = 1;

  // Without the displacement.
  cv::Point2f FrameFromPlate(cv::Point2f p) const;
};

// `orientation`: 0 to 7, quarter turns and mirror images.
Registration DrawRegistration(const VideoOptions& options, double scale,
                              int orientation, int plate_px, Rng& rng);

struct Frame {
  cv::Mat rgb;       // CV_8UC3
  cv::Mat coverage;  // CV_8UC1, 1 = paper
  cv::Mat labels;    // CV_32SC1
};

// Image, coverage and labels go through one map, so masks follow exactly.
Frame WarpFrame(const Plate& plate, const Registration& registration,
                int size_px);

struct Pasted {
  const Sprite* sprite = nullptr;
  cv::Point at;  // on the plate
  int id = 0;
};
using PastedInstances = std::vector<Pasted>;

// Instances and where they stand on the first frame; those of which half or
// more would hide buildings are left out. Sprites stay borrowed.
PastedInstances DrawPasted(const Plate& plate,
                           const std::vector<Sprite>& library, int count,
                           Rng& rng);
// Pastes them into frame `t`, each scaled by 0.8 to 1 and moved anew; what they
// cover is theirs.
void PasteInto(const PastedInstances& pasted, int t, Rng& rng, Plate& frame);

}  // namespace mapweave::synth
