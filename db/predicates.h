// SPDX-License-Identifier: MIT
//
// The few exact tests that queries need after the R-tree has had its say.
// Coordinates are planar; insides are by the even-odd rule over all rings, so
// that crooked rings still have one.
#pragma once

#include "core/geometry.h"

#include <optional>

namespace mapweave::db {

// Points on an edge may fall on either side, but on one only for polygons that
// share the edge.
bool Contains(const MultiPolygon& polygons, Point2d point);

// True if they share a point, edges included.
bool Intersects(const MultiPolygon& polygons, const Box& box);

// 0 inside. Infinite for no polygons.
double Distance(const MultiPolygon& polygons, Point2d point);

// A point inside the largest polygon: the middle of its widest part on the
// horizontal through the middle of its bounds. Unset for no polygons.
std::optional<Point2d> RepresentativePoint(const MultiPolygon& polygons);

}  // namespace mapweave::db
