// SPDX-License-Identifier: MIT
//
// Fits the displacements of all editions of a series at once to ties: places
// that were recognised on two editions. Solving them together, and not edition
// after edition, keeps errors from adding up along the series. First one affine
// map per edition, then a smooth field around it that has to pay for every
// bend and for every departure from the affine map, so that it follows many
// ties but no single one. All in pixels of the series grid.
//
// The newest edition stands still. Some edition must: ties only say how
// editions lie to each other. The newest is the one whose georeference rests
// on the best surveys, and adding an older edition later moves nothing.
#pragma once

#include "core/displacement_field.h"

#include <opencv2/core.hpp>

#include <cstddef>
#include <vector>

namespace mapweave::tracking {

// One place on two editions: where the georeference of each puts it.
struct Tie {
  size_t a = 0;
  size_t b = 0;
  cv::Point2d in_a;
  cv::Point2d in_b;
  // Inverse covariance of in_b - in_a up to a factor common to all ties.
  cv::Matx22d information = cv::Matx22d::eye();
};

// displacement = linear * (p - centre) + shift.
struct AffineDisplacement {
  cv::Matx22d linear = cv::Matx22d::zeros();
  cv::Point2d centre;
  cv::Point2d shift;

  cv::Point2d At(cv::Point2d p) const;
};

// Robust joint fit, started from `start` (one per edition, oldest first; the
// last one is returned as it is). Editions with few ties keep the linear part
// of their start, editions without any all of it.
std::vector<AffineDisplacement> FitAffine(
    const std::vector<Tie>& ties, std::vector<AffineDisplacement> start);

struct FieldFitOptions {
  // Size of the grid.
  cv::Size size;
  // Between the nodes. Nothing much narrower than this can be bent.
  double spacing_px = 128.0;
  // How much the local stretch may change from one node to the next (one
  // standard deviation): 0.01 = by one per cent.
  double bend = 0.01;
  // Over how many nodes a field dies away to the affine map where there are no
  // ties.
  double decay_nodes = 2.0;

  // Throws Error{kUsage}.
  void Validate() const;
};

// One field per edition, with the affine maps as the ground state; that of the
// newest edition is empty. Ties that disagree with the rest lose their weight
// (Tukey's biweight; Beaton & Tukey 1974). A field that would tear or fold is
// replaced by its affine map.
std::vector<DisplacementField> FitFields(
    const std::vector<Tie>& ties, const std::vector<AffineDisplacement>& affine,
    const FieldFitOptions& options);

// Distance between where the fields put the two sides of a tie.
cv::Point2d Misfit(const Tie& tie,
                   const std::vector<DisplacementField>& fields);

}  // namespace mapweave::tracking
