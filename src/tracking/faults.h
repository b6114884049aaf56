// SPDX-License-Identifier: MIT
//
// What went wrong, kind by kind: every true outline that was not found, every
// predicted one that is not right, and every break of identity is of exactly
// one kind, so that the counts add up to those of the measures.
#pragma once

#include "tracking/measures.h"

#include <cstdint>
#include <span>
#include <vector>

namespace mapweave::tracking {

// Two outlines of one edition touch here if at least half of one lies within
// the other. "Found" and "right" mean matched one to one at IoU >=
// iou_threshold, as in Measures.
struct FaultCounts {
  // True outlines that were not found.
  int64_t missed = 0;          // touches no prediction
  int64_t merged = 0;          // touches one that touches another true outline
  int64_t split = 0;           // else: touches several predictions
  int64_t badly_outlined = 0;  // else

  // Predicted outlines that are not right.
  int64_t spurious = 0;      // touches no true outline
  int64_t merging = 0;       // touches several of them
  int64_t fragments = 0;     // else: the true one touches several predictions
  int64_t bad_outlines = 0;  // else

  // Links that end on this edition.
  int64_t identity_lost = 0;      // true; both ends found, on different tracks
  int64_t identity_switched = 0;  // predicted; both ends right, on different
                                  // buildings
  int64_t link_unseen = 0;        // true; an end was not found
  int64_t link_groundless = 0;    // predicted; an end is not right

  FaultCounts& operator+=(const FaultCounts& other);
  bool operator==(const FaultCounts&) const = default;
};

struct Faults {
  std::vector<FaultCounts> editions;  // by index of the edition
  FaultCounts total;
};

// missed + merged + split + badly_outlined are the false negatives of an
// edition and spurious + merging + fragments + bad_outlines its false
// positives; identity_lost + link_unseen are the false negatives of the links
// and identity_switched + link_groundless their false positives. Predictions
// below options.min_score are left out. Throws what Evaluate throws.
Faults CountFaults(std::span<const SeriesTracks> series,
                   const MeasureOptions& options);

}  // namespace mapweave::tracking
