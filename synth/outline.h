// SPDX-License-Identifier: MIT
//
// Surgery on the outlines of buildings: cutting by a line, taking out shared
// walls, and finding out whether two stand in each other's way. What is asked
// for here is far from general overlay: outlines are small, and where they
// touch they share a straight wall. Internal to synth.
#pragma once

#include "core/geometry.h"
#include "synth/shapes.h"

#include <vector>

namespace mapweave::synth {

// Shell less holes.
double AreaOf(const Polygon& polygon);

// The same polygon with the shell's SignedArea > 0, the holes' < 0, and
// without vertices that repeat or lie on a straight edge.
Polygon Tidy(const Polygon& polygon);

// Every ring through Move(ring).
template <typename Function>
void ForEachRing(Polygon& polygon, Function&& move) {
  move(polygon.shell);
  for (Ring& hole : polygon.holes) move(hole);
}

// The parts of a polygon where Dot(p - at, normal) >= 0, tidied. Empty, too,
// where the line grazes a vertex so that in and out cannot be told apart: try
// another line.
MultiPolygon CutOutline(const Polygon& polygon, Point2d at, Point2d normal);

// Where the line across `normal` has to lie so that `share` of the area, in
// (0, 1), is on its far side: the value of Dot(p, normal).
double OffsetOfShare(const Polygon& polygon, Point2d normal, double share);

// What polygons of disjoint insides cover together, without the walls that
// they share; tidied. Two that touch at a corner only stay two.
MultiPolygon Dissolve(const std::vector<Polygon>& polygons);

// `a` without the ground of `b`; tidied. Walls may be shared.
MultiPolygon Subtract(const Polygon& a, const Polygon& b);

// Whether the insides meet after the shell of `a` is moved inward by `inset`
// (outward if it is negative).
bool Collide(const Polygon& a, const Polygon& b, double inset);

// Area common to both, to about a thousandth of the smaller one's bounds.
double OverlapArea(const MultiPolygon& a, const MultiPolygon& b);

}  // namespace mapweave::synth
