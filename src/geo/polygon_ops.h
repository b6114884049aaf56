// SPDX-License-Identifier: MIT
//
// Operations on polygons in ground coordinates (y upwards): validity, areas in
// square metres, overlay, reprojection and well-known binary.
#pragma once

#include "core/geometry.h"
#include "geo/crs.h"
#include "geo/grid.h"

#include <string>
#include <vector>

namespace mapweave::geo {

// Exact affine maps; rings come out oriented for the target frame (shell
// counter-clockwise with y upwards on the ground; with y downwards in pixels
// the same ring is clockwise).
MultiPolygon GroundFromPixels(const MultiPolygon& polygons_in_pixels,
                              const Grid& grid);
MultiPolygon PixelsFromGround(const MultiPolygon& polygons_on_ground,
                              const Grid& grid);

// Shells counter-clockwise, holes clockwise, y upwards. Rings of fewer than
// three vertices are dropped.
MultiPolygon Oriented(MultiPolygon polygons);

// True for rings that neither cross nor touch along a line, with holes inside
// their shells and finite coordinates (OGC Simple Features).
bool IsValid(const MultiPolygon& polygons);
// The same area as valid polygons, oriented; lines and points that fall out of
// it are dropped, so the result may be empty. Valid input keeps its vertices.
// Throws Error{kBadInput} on coordinates that are not finite.
MultiPolygon MakeValid(const MultiPolygon& polygons);

// In square CRS units, holes subtracted. The input is valid.
double PlanarArea(const MultiPolygon& polygons);
// In square metres of ground, by the CRS's scale at the polygons' middle.
// The second form takes milliseconds for each call.
double AreaM2(const MultiPolygon& polygons, const GroundMeasure& measure);
double AreaM2(const MultiPolygon& polygons, const Crs& crs);
// Bounding box; all zero for no polygons.
Box Bounds(const MultiPolygon& polygons);

// Overlay through GEOS. The input is valid; the result is valid and oriented.
MultiPolygon Intersection(const MultiPolygon& a, const MultiPolygon& b);
MultiPolygon Union(const MultiPolygon& a, const MultiPolygon& b);
MultiPolygon Difference(const MultiPolygon& a, const MultiPolygon& b);
MultiPolygon UnionAll(const std::vector<MultiPolygon>& parts);
// In square units.
double IntersectionArea(const MultiPolygon& a, const MultiPolygon& b);
// Shortest distance in units, 0 when they touch; infinite if one is empty.
double Distance(const MultiPolygon& a, const MultiPolygon& b);

// Vertex by vertex; rings are oriented again. Throws Error{kBadInput} if a
// vertex lies where the transformation is not defined.
MultiPolygon Reprojected(const MultiPolygon& polygons,
                         const Transformer& target_from_source);

// Little-endian ISO WKB of type MultiPolygon, rings closed.
std::string WriteWkb(const MultiPolygon& polygons);
// Any byte order; Polygon or MultiPolygon, with or without Z and M, which are
// dropped. Throws Error{kBadInput}.
MultiPolygon ReadWkb(const std::string& bytes);

}  // namespace mapweave::geo
