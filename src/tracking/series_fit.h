// SPDX-License-Identifier: MIT
//
// From local matches to the displacement of each edition: chooses how fine a
// field the evidence carries by predicting places that the fit did not see, and
// says how large the error and the uncertainty are. All in pixels of the series
// grid.
#pragma once

#include "core/displacement_field.h"
#include "tracking/field_fit.h"
#include "tracking/local_match.h"

#include <opencv2/core.hpp>

#include <cstddef>
#include <vector>

namespace mapweave::tracking {

// Matches in a frame to which the editions were warped by `fields` become ties
// in the editions' own coordinates. `px` = grid pixels per pixel of the frame.
std::vector<Tie> TiesOf(const std::vector<LocalMatch>& matches,
                        const std::vector<DisplacementField>& fields,
                        double px);

struct SeriesFitOptions {
  // Size of the grid.
  cv::Size size;
  // Fields with these distances between nodes and these stiffnesses compete
  // with the affine maps, the stiffest first; one that gives way more must
  // predict better.
  struct Candidate {
    double spacing_px = 128.0;
    double bend = 0.02;  // see FieldFitOptions
  };
  std::vector<Candidate> candidates;
  // By how much, as a part of the median error.
  double least_gain = 0.02;
  // How many windows of the matches lie across one window: 2 if each overlaps
  // half of the next. A window that a fit sees never shares a pixel with one
  // that is held out of it.
  int overlap = 1;

  // Throws Error{kUsage}.
  void Validate() const;
};

// A place that a fit did not see.
struct HeldOut {
  cv::Point2d at;     // grid px
  cv::Point2d error;  // where the other edition shows it, less where predicted
};

struct EditionFit {
  DisplacementField field;  // empty for the newest edition
  // Ties to other editions that took part.
  size_t ties = 0;
  // Against the newest edition if there are enough places, else against all.
  std::vector<HeldOut> held_out;
  double MedianError() const;  // px; 0 without held-out places
};

struct SeriesFit {
  std::vector<EditionFit> editions;
  // Of the chosen fields; a spacing of 0 = the affine maps alone.
  SeriesFitOptions::Candidate chosen{0.0, 0.0};
};

// `matches` and the `ties` made of them, one to one; `start` as in FitAffine.
// Each place (a window with all its pairs of editions) is held out once, with
// every second place of every second row of places at a time: everything is
// fitted to the rest and asked for them. The fields that are returned are
// fitted to all places.
SeriesFit FitSeries(const std::vector<LocalMatch>& matches,
                    const std::vector<Tie>& ties,
                    const std::vector<AffineDisplacement>& start,
                    const SeriesFitOptions& options);

}  // namespace mapweave::tracking
