// SPDX-License-Identifier: MIT
//
// GeoJSON as RFC 7946 asks for it: WGS 84 longitude and latitude, seven
// decimals, shells counter-clockwise, no "crs" member, a bbox and feature ids.
#pragma once

#include "core/geometry.h"
#include "core/json.h"
#include "geo/crs.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// Brings rings from a project's CRS to GeoJSON positions.
class GeoJsonGeometry {
 public:
  // Throws Error{kBadInput} if only a ballpark transformation leads to WGS 84;
  // see ResultTransform.
  explicit GeoJsonGeometry(const geo::Crs& source);

  // A MultiPolygon. Rings that seven decimals collapse are left out; the
  // result is null if nothing is left. `bounds` grows by the positions.
  Json Encode(const MultiPolygon& polygons, Box& bounds) const;

  static Box EmptyBounds();
  // [west, south, east, north], or null for empty bounds.
  static Json EncodeBounds(const Box& bounds);

 private:
  geo::Transformer wgs84_from_source_;
};

// One feature in the making.
struct GeoJsonFeature {
  std::string id;
  MultiPolygon geometry;  // in the project's CRS
  Json properties = Json::object();
};

// A FeatureCollection of features in the given order.
Json FeatureCollection(const std::vector<GeoJsonFeature>& features,
                       const geo::Crs& source);

// Text of a document that this file made: positions with at most seven
// decimals and no trailing zeros, one feature per line.
std::string DumpFeatureCollection(const Json& collection);
// One feature per line (GeoJSONSeq, RFC 8142 without the record separators).
std::string DumpFeatureSequence(const Json& collection);

}  // namespace mapweave::pipelines
