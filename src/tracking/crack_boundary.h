// SPDX-License-Identifier: MIT
//
// The exact outline of a mask along the edges ("cracks") between its pixels
// and others. For trace.cpp only.
#pragma once

#include "tracking/mask.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

// Corners of pixels, one unit step apart, the first not repeated at the end. A
// simple ring: no corner comes twice. The part's pixels lie on the left as seen
// on the screen (y down).
using CrackRing = std::vector<cv::Point>;

// One 4-connected part of a mask.
struct CrackPart {
  Mask mask;
  CrackRing shell;
  // What the shell encloses without the part, 8-connected; a hole that hangs
  // together in corners only comes as several rings that touch there.
  std::vector<CrackRing> holes;
};

// In the order of the parts' first pixels; coordinates as the mask's.
std::vector<CrackPart> CrackBoundary(const Mask& mask);

}  // namespace mapweave::tracking
