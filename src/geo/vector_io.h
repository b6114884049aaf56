// SPDX-License-Identifier: MIT
//
// Polygons with attributes, from and to any vector format that GDAL knows.
#pragma once

#include "core/atomic_file.h"
#include "core/geometry.h"
#include "geo/crs.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

struct VectorFeature {
  MultiPolygon geometry;  // valid and oriented
  // Field name to text; a null field is absent.
  std::map<std::string, std::string> attributes;
};

struct ReadVectorOptions {
  // The first layer with polygons by default.
  std::string layer;
  // Coordinates are brought to this CRS; the layer's own if none.
  std::optional<Crs> target;
  // For a layer that states no CRS.
  std::optional<Crs> crs_override;
  // How they are brought there; the area is the layer's if none.
  TransformOptions transform;
};

struct VectorLayer {
  std::string name;
  Crs crs;                          // of the coordinates in `features`
  std::vector<std::string> fields;  // in the file's order
  std::vector<VectorFeature> features;
  // Features left out because they have no area (points, lines, nothing), and
  // features whose invalid rings were repaired.
  int skipped = 0;
  int repaired = 0;
};

// Throws Error{kBadInput} naming the file: missing, not readable, no such
// layer, no polygon layer, no CRS, or as Transformer does.
VectorLayer ReadPolygons(const std::filesystem::path& path,
                         const ReadVectorOptions& options = {});

// Names of all layers, in the file's order. Throws Error{kBadInput}.
std::vector<std::string> ListLayers(const std::filesystem::path& path);

enum class FieldType { kText, kInteger, kReal, kDate };

struct VectorField {
  std::string name;
  FieldType type = FieldType::kText;
};

struct WriteVectorOptions {
  std::string layer = "buildings";
  std::vector<VectorField> fields;
  // How formats that are in WGS 84 by their standard are brought there.
  TransformOptions transform;
  Overwrite overwrite = Overwrite::kRefuse;
};

// Writes MultiPolygons by the extension of `path`: .gpkg, .fgb, .geojson and
// .geojsons (RFC 7946: brought to WGS 84 longitude and latitude) or .csv
// (geometry as WKT). An attribute that a field does not name is left out; one
// that is missing is null. Throws Error{kUsage} on another extension or a value
// that does not fit its field, and as AtomicFile and Transformer do.
void WritePolygons(const std::filesystem::path& path,
                   const std::vector<VectorFeature>& features, const Crs& crs,
                   const WriteVectorOptions& options);

}  // namespace mapweave::geo
