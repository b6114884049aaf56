// SPDX-License-Identifier: MIT
//
// Small clips with outlined rectangles as buildings: enough to learn from in
// seconds, and every label is known.
#pragma once

#include "core/random.h"
#include "tracking/clip.h"

#include <opencv2/imgproc.hpp>

#include <cstdint>

namespace mapweave::testing {

// Clip i repeats after `distinct` clips. Rectangles stand on a 16 px lattice,
// so that they never overlap; each edition lies within 1 px of the first, and
// lacks some of the buildings.
class RectangleClips : public tracking::ClipSource {
 public:
  explicit RectangleClips(uint64_t distinct = 1000, int editions = 3,
                          int side = 64)
      : distinct_(distinct), editions_(editions), side_(side) {}

  tracking::LabelledClip Get(uint64_t index) const override {
    Rng rng(7, index % distinct_);
    std::vector<cv::Rect> buildings;
    for (int y = 0; y + 16 <= side_; y += 16) {
      for (int x = 0; x + 16 <= side_; x += 16) {
        if (rng.Chance(0.4)) continue;
        const int width = static_cast<int>(rng.Int(7, 11));
        const int height = static_cast<int>(rng.Int(7, 11));
        buildings.emplace_back(x + 2, y + 2, width, height);
      }
    }
    tracking::LabelledClip labelled;
    for (int t = 0; t < editions_; ++t) {
      cv::Mat frame(side_, side_, CV_8UC3, cv::Scalar(235, 225, 205));
      cv::Mat labels = cv::Mat::zeros(side_, side_, CV_32SC1);
      const cv::Point shift(t == 0 ? 0 : static_cast<int>(rng.Int(-1, 1)),
                            t == 0 ? 0 : static_cast<int>(rng.Int(-1, 1)));
      for (size_t k = 0; k < buildings.size(); ++k) {
        if (rng.Chance(0.2)) continue;
        const cv::Rect box = buildings[k] + shift;
        labels(box) = static_cast<int>(k) + 1;
        cv::rectangle(frame, box, cv::Scalar(150, 70, 60), cv::FILLED);
        cv::rectangle(frame, box, cv::Scalar(30, 20, 20), 1);
      }
      labelled.clip.frames.push_back(frame);
      labelled.clip.coverage.push_back(cv::Mat::ones(side_, side_, CV_8UC1));
      labelled.labels.push_back(labels);
    }
    return labelled;
  }

 private:
  uint64_t distinct_;
  int editions_;
  int side_;
};

}  // namespace mapweave::testing
