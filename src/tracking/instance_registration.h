// SPDX-License-Identifier: MIT
//
// Where the instances of one edition stand on another. Editions may lie ten and
// more pixels apart, and not equally everywhere, and houses look alike: so the
// shift is found for the window first, then for ever smaller surroundings of
// each instance, and what does not go with its neighbours' shifts is looked at
// again. For link_graph.h only.
#pragma once

#include "tracking/bit_image.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

struct InstanceRegistrationOptions {
  // Side of the square around an instance that is brought to overlap last; the
  // one before is `wide_px` wide, 0 = there is none.
  int neighbourhood_px = 64;
  int wide_px = 128;
  // How far the shift of the first square may lie from the window's, and half
  // of it that of the second from there.
  int max_local_shift_px = 8;
  // Distance at which a neighbour's shift counts half; 0 = no consensus.
  double consensus_px = 40.0;
  // Shifts farther than this from what the neighbours agree on must correlate
  // better than the best one nearby by `dissent`.
  int max_dissent_px = 2;
  double dissent = 0.12;
};

// Of one instance.
struct InstanceShift {
  cv::Point shift;      // add to its coordinates to get the other edition's
  cv::Point consensus;  // what its neighbours' shifts say
  double correlation = 0.0;       // of its surroundings at `shift`
  double stay_correlation = 0.0;  // at the window's own shift
};

// One per box of `bounds`, which are those of the instances of `from`.
// `window_shift` brings the window as a whole onto `to`. The work grows with
// the instances times their neighbours.
std::vector<InstanceShift> RegisterInstances(
    const BitImage& from, const BitImage& to,
    const std::vector<cv::Rect>& bounds, cv::Point window_shift,
    const InstanceRegistrationOptions& options);

}  // namespace mapweave::tracking
