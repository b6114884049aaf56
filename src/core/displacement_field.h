// SPDX-License-Identifier: MIT
//
// A smooth displacement over the plane: how the drawing of one edition has to
// be moved, place by place, to lie on the others. A uniform cubic B-spline on a
// coarse grid of nodes, so that nothing much smaller than the spacing of the
// nodes can be bent. It knows nothing of where it came from; the frame of its
// coordinates is said by whoever holds it.
#pragma once

#include "core/geometry.h"

#include <array>
#include <vector>

namespace mapweave {

// The coefficients that a field's value at one place is made of: 4 x 4 from
// (col, row) on, with their weights, which sum to 1.
struct FieldWeights {
  int col = 0;
  int row = 0;
  std::array<double, 16> weight{};  // row-major
};

// A value: copied freely, read by any number of threads. Without nodes it moves
// nothing.
struct DisplacementField {
  // Position of node (0, 0) and the way to the next one; step.y is negative
  // where rows run against the y axis (north-up ground coordinates).
  Point2d origin;
  Point2d step{1.0, 1.0};
  int cols = 0;  // 0, or at least 4
  int rows = 0;
  // Row-major B-spline coefficients, in the units of the coordinates: what
  // lies at p belongs at p + (dx, dy). The field passes near them, not through
  // them, and never leaves their range.
  std::vector<double> dx;
  std::vector<double> dy;
  // Standard deviation of the displacement at each node, per axis, in the
  // same units.
  std::vector<double> sigma;

  // Moves everything by `shift`.
  static DisplacementField Constant(Point2d shift);

  bool IsEmpty() const { return cols == 0; }
  // True if it is the same displacement everywhere.
  bool IsConstant() const;
  // The displacement at p. Beyond the nodes (the outermost ring of them only
  // shapes the edge) the field goes on with the values of its edge.
  Point2d At(Point2d p) const;
  // For whoever fits a field: At is the weighted sum of these coefficients. The
  // field must not be empty.
  FieldWeights WeightsAt(Point2d p) const;
  // Bilinear between the nodes.
  double SigmaAt(Point2d p) const;
  // p + At(p).
  Point2d Apply(Point2d p) const;
  // The p whose Apply is q, to 1e-7 of a step, by fixed-point iteration. Both
  // coordinates are infinite where the field folds over and there is none.
  Point2d ApplyInverse(Point2d q) const;
  // Smallest and largest displacement: At lies within everywhere.
  Box Range() const;
  // Upper bound of how much two displacements differ per distance between
  // their places; below 1 the field cannot fold.
  double LargestGradient() const;
  // Throws Error{kBadInput} naming what is wrong with the sizes or values, for
  // fields that were read from a file.
  void Validate() const;

  bool operator==(const DisplacementField&) const = default;
};

}  // namespace mapweave
