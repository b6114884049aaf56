// SPDX-License-Identifier: MIT
//
// A binary image with 64 pixels to a word, and the shift that brings a part of
// it onto another: what is drawn on two editions is compared at hundreds of
// shifts around each building, which runs of pixels are too slow for.
#pragma once

#include "tracking/mask.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <vector>

namespace mapweave::tracking {

// Pixels outside the frame are 0.
class BitImage {
 public:
  // The mask's pixels inside `frame`, in the mask's coordinates.
  BitImage(const Mask& mask, cv::Rect frame);

  const cv::Rect& Frame() const { return frame_; }
  // Pixels of `box` that are drawn.
  int64_t Count(cv::Rect box) const;

  // Of the pixels p of `box`: those drawn here whose p + shift is drawn in
  // `other`, and all whose p + shift is drawn in `other`.
  struct Overlap {
    int64_t both = 0;
    int64_t other = 0;
  };
  Overlap OverlapWith(const BitImage& other, cv::Rect box,
                      cv::Point shift) const;

 private:
  // 64 pixels of a row from `col` on, the first in the lowest bit.
  uint64_t Word(int row, int col) const;

  cv::Rect frame_;
  int words_per_row_ = 0;
  std::vector<uint64_t> words_;
};

// How what is drawn in a box lies on another edition.
struct BoxShift {
  cv::Point shift;  // add to this edition's coordinates to get the other's
  // Correlation of the two drawings in [-1, 1] (the phi coefficient), 0 where
  // one of them is blank or full.
  double correlation = 0.0;
};

// The shift no farther than `reach` from `middle` per axis that correlates `a`
// in `box` with `b` best: every second shift, then those around the best one.
// Among equals the one nearest to the middle. Where nothing is drawn it is the
// middle.
BoxShift FindShift(const BitImage& a, const BitImage& b, cv::Rect box,
                   cv::Point middle, int reach);
// The correlation of `a` in `box` with `b` at one shift.
double CorrelationAt(const BitImage& a, const BitImage& b, cv::Rect box,
                     cv::Point shift);

}  // namespace mapweave::tracking
