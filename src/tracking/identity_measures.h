// SPDX-License-Identifier: MIT
//
// HOTA, IDF1 and SCOT on overlaps per frame that the caller has computed:
// boxes or masks. Tracks are named by numbers from 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mapweave::tracking {

struct FrameOverlap {
  int truth = 0;      // track
  int predicted = 0;  // track
  double iou = 0.0;   // > 0
};

struct Frame {
  std::vector<int> truth;      // tracks that are present
  std::vector<int> predicted;  // tracks that are present
  std::vector<FrameOverlap> overlaps;
};

struct TrackingSequence {
  int truth_tracks = 0;
  int predicted_tracks = 0;
  std::vector<Frame> frames;
};

inline constexpr size_t kHotaAlphas = 19;  // 0.05:0.05:0.95

// HOTA (Luiten et al., IJCV 2021), as TrackEval computes it; sequences are
// pooled as its COMBINED_SEQ. 0 where there is nothing to count.
struct HotaResult {
  std::array<int64_t, kHotaAlphas> true_positives{};
  std::array<int64_t, kHotaAlphas> false_negatives{};
  std::array<int64_t, kHotaAlphas> false_positives{};
  // Sum over true positives of their association accuracy.
  std::array<double, kHotaAlphas> association{};

  double DetA(size_t alpha) const;
  double AssA(size_t alpha) const;
  double Hota(size_t alpha) const;
  // Means over alphas.
  double DetA() const;
  double AssA() const;
  double Hota() const;
};

HotaResult EvaluateHota(std::span<const TrackingSequence> sequences);

// Identity measures (Ristani et al., ECCV Workshops 2016): one predicted track
// per true track, chosen for the most frames of IoU >= `iou_threshold`.
struct IdentityResult {
  int64_t true_positives = 0;
  int64_t false_negatives = 0;
  int64_t false_positives = 0;

  double F1() const;  // 0 where there is nothing to count
};

IdentityResult EvaluateIdentity(std::span<const TrackingSequence> sequences,
                                double iou_threshold);

// SpaceNet change and object tracking (van Etten et al., CVPR 2021), as
// solaris computes it for one area, with its defaults: IoU > 0.25, beta 2.
// Unlike there, frames without any true object count. Without any change from
// the second frame on, change_score and score are 0.
struct ScotResult {
  int64_t matches = 0;
  int64_t mismatches = 0;
  double track_score = 0.0;
  double change_score = 0.0;
  double score = 0.0;
};

ScotResult EvaluateScot(const TrackingSequence& sequence);

}  // namespace mapweave::tracking
