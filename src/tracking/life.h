// SPDX-License-Identifier: MIT
//
// When one track is seen, and when its place is covered and it is not. The
// inner part of lineage.h.
#pragma once

#include "tracking/lineage.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::tracking {

class Life {
 public:
  // Borrows all.
  Life(const Track& track, const std::vector<float>& coverage,
       const LineageOptions& options)
      : track_(track), coverage_(coverage), options_(options) {
    for (size_t t = 0; t < track.masks.size(); ++t) {
      if (IsSeen(t)) seen_.push_back(t);
    }
  }

  const Mask& MaskAt(size_t t) const { return track_.masks[t]; }
  double PresenceAt(size_t t) const {
    return static_cast<double>(track_.presence[t]);
  }
  double LinkAt(size_t t) const { return static_cast<double>(track_.link[t]); }
  double CoverageAt(size_t t) const {
    return static_cast<double>(coverage_[t]);
  }
  const LineageOptions& Options() const { return options_; }

  const std::vector<size_t>& Seen() const { return seen_; }
  bool IsSeen(size_t t) const { return !track_.masks[t].IsEmpty(); }
  bool IsCovered(size_t t) const {
    return IsSeen(t) || CoverageAt(t) >= options_.min_coverage;
  }
  std::optional<size_t> LastCoveredBefore(size_t t) const {
    while (t > 0) {
      --t;
      if (IsCovered(t)) return t;
    }
    return std::nullopt;
  }
  std::optional<size_t> FirstCoveredAfter(size_t t) const {
    for (++t; t < track_.masks.size(); ++t) {
      if (IsCovered(t)) return t;
    }
    return std::nullopt;
  }

  DateBounds Bounds() const {
    DateBounds bounds;
    if (seen_.empty()) return bounds;
    bounds.built_by = seen_.front();
    bounds.built_after = LastCoveredBefore(seen_.front());
    bounds.gone_by = FirstCoveredAfter(seen_.back());
    if (bounds.gone_by) bounds.gone_after = seen_.back();
    return bounds;
  }

 private:
  const Track& track_;
  const std::vector<float>& coverage_;
  const LineageOptions& options_;
  std::vector<size_t> seen_;
};

// One per track. Throws Error{kBadInput} if the sizes do not agree.
std::vector<Life> LivesOf(const TrackSet& tracks, const TrackCoverage& coverage,
                          const LineageOptions& options);

// Three decimals are enough for a person to judge evidence by.
double RoundedForEvidence(double value);

}  // namespace mapweave::tracking
