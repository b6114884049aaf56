// SPDX-License-Identifier: MIT
//
// Links the instances of the editions of one clip into tracks. Editions lie a
// few pixels apart, and not equally everywhere: the shift is estimated for the
// clip, and then around each building, before masks are compared.
#pragma once

#include "tracking/components.h"
#include "tracking/track.h"

#include <opencv2/core.hpp>

#include <functional>
#include <vector>

namespace mapweave::tracking {

// Instance `index` of edition `edition`.
struct InstanceRef {
  int edition = 0;
  int index = 0;
};

// A learned opinion: probability in [0, 1] that both are one building. The
// first is of the older edition.
using LinkAffinity =
    std::function<double(const InstanceRef&, const InstanceRef&)>;

struct LinkOptions {
  // Pairs below this overlap (IoU after registration) are never linked.
  double min_iou = 0.15;
  // Editions that a link may span: 1 = neighbours only, 3 = t to t + 3.
  int max_span = 3;
  // Farthest shift that is looked for between two editions of a clip.
  int max_shift_px = 7;
  // Side of the square around a building whose content is brought to overlap
  // before that building is compared; 0 = one shift for the whole clip.
  int neighbourhood_px = 64;
  // Farthest that a neighbourhood's shift may lie from the clip's.
  int max_local_shift_px = 3;
  // Optional. Where given, pairs are chosen by its product with the overlap,
  // and it is the link's probability.
  LinkAffinity affinity;
  // Pairs of lower probability are not linked.
  double min_probability = 0.0;

  // Throws Error{kUsage} that names the value out of range.
  void Validate() const;
};

// Tracks in ascending order of their first mask's first pixel (row, column),
// then of its edition. Every instance belongs to exactly one track.
// Neighbouring editions are linked first; then ends that found nobody look for
// a partner two, then three editions on, as long as the building was not seen
// in between. Identity goes to the best total overlap: after a split or merger
// one part goes on, the others appear or disappear.
//
// per_edition: T lists in one pixel frame, the masks of an edition disjoint.
// foreground: T of CV_32FC1 probabilities; what is above 0.5 is brought to
// overlap; or empty, and the masks are used instead. In the result, presence is
// the instance's score where there is a mask, else 0, and score is their mean.
// link rises with the overlap and falls with that of the next best partner: a
// logistic, set on simulated towns, unless an affinity is given.
// Throws Error{kBug} if the editions' numbers or sizes differ.
TrackSet LinkInstances(const std::vector<std::vector<Instance>>& per_edition,
                       const std::vector<cv::Mat>& foreground,
                       const LinkOptions& options = {});

// The two-step baseline: neighbouring editions, IoU of the masks as they lie,
// one-to-one assignment, pairs from `min_iou` up. link is the IoU.
TrackSet LinkByIoU(const std::vector<std::vector<Instance>>& per_edition,
                   double min_iou = 0.25);

}  // namespace mapweave::tracking
