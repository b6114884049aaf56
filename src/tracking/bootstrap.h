// SPDX-License-Identifier: MIT
//
// How far chance goes in a comparison of two results with one truth: the
// bootstrap over places (Efron and Tibshirani 1993, chapter 13: percentile
// intervals). Buildings of one place err together, so that places are drawn,
// not buildings: whole series where there are several, else squares of the one
// series.
#pragma once

#include "tracking/measures.h"

#include <cstdint>
#include <span>

namespace mapweave::tracking {

struct BootstrapOptions {
  int replicates = 1000;  // 0: none
  uint64_t seed = 1;
  // Share of the replicates that the interval holds.
  double level = 0.95;
  // A single series is parted into so many squares along the longer side of
  // what is drawn on it.
  int squares = 8;

  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

struct Interval {
  double value = 0.0;  // on all places, as in Measures
  double low = 0.0;
  double high = 0.0;
};

// Of two results and of first - second, which is drawn in pairs: the same
// places for both.
struct PairedIntervals {
  Interval first;
  Interval second;
  Interval difference;
};

struct BootstrapReport {
  // Places that hold anything, true or predicted. With a single one the
  // intervals are points and say nothing.
  int64_t places = 0;
  PairedIntervals track_f1;
  PairedIntervals link_f1;
  PairedIntervals ap_unlimited;
};

// `first` and `second` are of the same series in the same order, with the same
// truth. Who matches whom is decided once, on all places; what comes of it is
// counted where the true outline lies, or the predicted one if it matches none
// (for AP always the predicted one), by the middle of a track's first mask.
// Replicates in which no true track was drawn are left out of the AP. A pure
// function of the arguments; throws what Evaluate and Validate throw, and
// Error{kBug} if the numbers of series differ.
BootstrapReport Bootstrap(std::span<const SeriesTracks> first,
                          std::span<const SeriesTracks> second,
                          const MeasureOptions& measures,
                          const BootstrapOptions& options);

}  // namespace mapweave::tracking
