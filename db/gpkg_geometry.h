// SPDX-License-Identifier: MIT
//
// GeoPackage's binary geometry (OGC 12-128r17, 2.1.3): a short header with the
// envelope, then ISO WKB. Only polygons are written; reading is strict and
// safe on any bytes.
#pragma once

#include "core/geometry.h"

#include <optional>
#include <string>
#include <string_view>

namespace mapweave::db {

// Bounds of all vertices; unset for no vertices.
std::optional<Box> Bounds(const MultiPolygon& polygons);

// Header with XY envelope, then WKB MultiPolygon, little-endian. Rings are
// closed and wound as Simple Features asks for (shells counter-clockwise).
// Throws Error{kDatabase} for rings under three vertices and for coordinates
// that are not finite.
std::string EncodeGeometry(const MultiPolygon& polygons, int srs_id);

// A MultiPolygon or Polygon, in either byte order; Z and M are dropped. Throws
// Error{kDatabase} on anything else, on trailing bytes, on rings that are open
// or too short, and on coordinates that are not finite.
MultiPolygon DecodeGeometry(std::string_view bytes);

// What the header says.
struct GeometryHeader {
  int srs_id = 0;
  bool empty = false;
  std::optional<Box> envelope;
};

// Unset if the bytes are no GeoPackage geometry.
std::optional<GeometryHeader> ReadGeometryHeader(std::string_view bytes);

}  // namespace mapweave::db
