// SPDX-License-Identifier: MIT
#include "pipelines/geojson.h"

#include "core/error.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mapweave::pipelines {
namespace {

// 1e-7 degrees is about a centimetre.
constexpr double kScale = 1e7;

geo::Transformer Wgs84From(const geo::Crs& source) {
  try {
    return geo::Transformer(source, geo::Crs::Wgs84(), ResultTransform());
  } catch (const Error& fault) {
    throw Error(fault.Code(),
                "GeoJSON is in WGS 84 by its standard, and " + fault.Message(),
                "Export to .gpkg or .csv, which keep the project's own CRS.");
  }
}

double Rounded(double degrees) { return std::round(degrees * kScale) / kScale; }

Ring RoundedRing(const Ring& ring, const geo::Transformer& transformer) {
  Ring result;
  for (const Point2d& point : ring) {
    const Point2d lonlat = transformer.Forward(point);
    const Point2d rounded{Rounded(lonlat.x), Rounded(lonlat.y)};
    if (result.empty() || !(result.back() == rounded)) {
      result.push_back(rounded);
    }
  }
  while (result.size() > 1 && result.front() == result.back()) {
    result.pop_back();
  }
  if (result.size() < 3 || SignedArea(result) == 0.0) return {};
  return result;
}

Json EncodeRing(Ring ring, bool counter_clockwise, Box& bounds) {
  if ((SignedArea(ring) > 0.0) != counter_clockwise) {
    std::reverse(ring.begin(), ring.end());
  }
  ring.push_back(ring.front());
  Json positions = Json::array();
  for (const Point2d& point : ring) {
    positions.push_back({point.x, point.y});
    bounds.min_x = std::min(bounds.min_x, point.x);
    bounds.min_y = std::min(bounds.min_y, point.y);
    bounds.max_x = std::max(bounds.max_x, point.x);
    bounds.max_y = std::max(bounds.max_y, point.y);
  }
  return positions;
}

}  // namespace

GeoJsonGeometry::GeoJsonGeometry(const geo::Crs& source)
    : wgs84_from_source_(Wgs84From(source)) {}

Json GeoJsonGeometry::Encode(const MultiPolygon& polygons, Box& bounds) const {
  Json coordinates = Json::array();
  for (const Polygon& polygon : polygons) {
    const Ring shell = RoundedRing(polygon.shell, wgs84_from_source_);
    if (shell.empty()) continue;
    Json rings = Json::array({EncodeRing(shell, true, bounds)});
    for (const Ring& hole : polygon.holes) {
      const Ring rounded = RoundedRing(hole, wgs84_from_source_);
      if (!rounded.empty()) rings.push_back(EncodeRing(rounded, false, bounds));
    }
    coordinates.push_back(std::move(rings));
  }
  if (coordinates.empty()) return nullptr;
  return {{"type", "MultiPolygon"}, {"coordinates", std::move(coordinates)}};
}

Box GeoJsonGeometry::EmptyBounds() {
  const double inf = std::numeric_limits<double>::infinity();
  return {inf, inf, -inf, -inf};
}

Json GeoJsonGeometry::EncodeBounds(const Box& bounds) {
  if (bounds.min_x > bounds.max_x) return nullptr;
  return {bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y};
}

Json FeatureCollection(const std::vector<GeoJsonFeature>& features,
                       const geo::Crs& source) {
  const GeoJsonGeometry geometry(source);
  Json collection = {{"type", "FeatureCollection"}};
  Box bounds = GeoJsonGeometry::EmptyBounds();
  Json array = Json::array();
  for (const GeoJsonFeature& feature : features) {
    Box own = GeoJsonGeometry::EmptyBounds();
    Json encoded = {{"type", "Feature"}, {"id", feature.id}};
    Json shape = geometry.Encode(feature.geometry, own);
    if (!shape.is_null()) encoded["bbox"] = GeoJsonGeometry::EncodeBounds(own);
    encoded["geometry"] = std::move(shape);
    encoded["properties"] = feature.properties;
    array.push_back(std::move(encoded));
    bounds.min_x = std::min(bounds.min_x, own.min_x);
    bounds.min_y = std::min(bounds.min_y, own.min_y);
    bounds.max_x = std::max(bounds.max_x, own.max_x);
    bounds.max_y = std::max(bounds.max_y, own.max_y);
  }
  const Json box = GeoJsonGeometry::EncodeBounds(bounds);
  if (!box.is_null()) collection["bbox"] = box;
  collection["features"] = std::move(array);
  return collection;
}

std::string DumpFeatureSequence(const Json& collection) {
  std::string text;
  for (const Json& feature : collection.at("features")) {
    text += feature.dump() + "\n";
  }
  return text;
}

std::string DumpFeatureCollection(const Json& collection) {
  std::string text = "{\"type\": \"FeatureCollection\",\n";
  if (collection.contains("bbox")) {
    text += "\"bbox\": " + collection.at("bbox").dump() + ",\n";
  }
  text += "\"features\": [";
  bool first = true;
  for (const Json& feature : collection.at("features")) {
    text += first ? "\n" : ",\n";
    text += feature.dump();
    first = false;
  }
  return text + "\n]}\n";
}

}  // namespace mapweave::pipelines
