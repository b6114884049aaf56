// SPDX-License-Identifier: MIT
//
// Polygons that say which building and which edition they are: the observations
// of a project file, or what people draw and other programs write.
#pragma once

#include "geo/vector_io.h"

#include <filesystem>
#include <optional>
#include <string>

namespace mapweave::pipelines {

// The layer of observations if the file has one, else "": the first layer with
// polygons. Throws as geo::ListLayers.
std::string ObservationLayerOf(const std::filesystem::path& path);

// Every feature has the attributes track_id and edition. In `target` by
// ResultTransform (project.h), or in the layer's own CRS. Throws
// Error{kBadInput} naming the file and the field that a polygon lacks, and as
// geo::ReadPolygons.
geo::VectorLayer ReadTrackLayer(const std::filesystem::path& path,
                                const std::optional<geo::Crs>& target);

}  // namespace mapweave::pipelines
