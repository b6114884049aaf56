// SPDX-License-Identifier: MIT
//
// A clip: one window of the series grid over T editions, and where clips for
// training come from.
#pragma once

#include "tracking/track.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::tracking {

// All T images have the same size. Channels are in R, G, B order throughout
// the project (not OpenCV's B, G, R).
struct Clip {
  std::vector<cv::Mat> frames;    // T of CV_8UC3
  std::vector<cv::Mat> coverage;  // T of CV_8UC1: 1 = surveyed, legible paper
};

// labels[t] holds k at the pixels of track k's mask on edition t, 0 where there
// is no building, and -1 where nobody has said what is there: nothing is
// learned from that pixel. k runs from 1; the same k is the same building on
// all editions. Masks lie where the building is drawn, not where it truly
// stands.
struct LabelledClip {
  Clip clip;
  std::vector<cv::Mat> labels;  // T of CV_32SC1
  // What an edition is an example of (the hand that a world is drawn in), to
  // keep losses apart by: T names, or none.
  std::vector<std::string> groups{};
};

// The tracks that the labels say, in ascending order of label, score 1.
TrackSet TracksFromLabels(const std::vector<cv::Mat>& labels);

// Renumbers the labels of a clip (CV_32SC1 each) from 1 without gaps, keeping
// their order; 0 and -1 stay.
void RenumberLabels(std::vector<cv::Mat>& labels);

// An endless supply of labelled clips. Clip i is a pure function of the source
// and i: Get may be called from any thread, in any order.
class ClipSource {
 public:
  virtual ~ClipSource() = default;
  virtual LabelledClip Get(uint64_t index) const = 0;
};

}  // namespace mapweave::tracking
