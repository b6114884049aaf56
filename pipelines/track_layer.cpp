// SPDX-License-Identifier: MIT
#include "pipelines/track_layer.h"

#include "core/error.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr const char* kObservationLayer = "observation";

geo::VectorLayer ReadInto(const fs::path& path,
                          const geo::ReadVectorOptions& options) {
  try {
    return geo::ReadPolygons(path, options);
  } catch (const Error& fault) {
    if (!options.target) throw;
    throw Error(fault.Code(), fault.Message(),
                fmt::format("Bring both files into one CRS yourself: ogr2ogr "
                            "-t_srs {} ...",
                            options.target->Label()));
  }
}

}  // namespace

std::string ObservationLayerOf(const fs::path& path) {
  const std::vector<std::string> layers = geo::ListLayers(path);
  const bool ours = std::find(layers.begin(), layers.end(),
                              kObservationLayer) != layers.end();
  return ours ? kObservationLayer : "";
}

geo::VectorLayer ReadTrackLayer(const fs::path& path,
                                const std::optional<geo::Crs>& target) {
  geo::ReadVectorOptions options;
  options.layer = ObservationLayerOf(path);
  options.target = target;
  options.transform = ResultTransform();
  geo::VectorLayer layer = ReadInto(path, options);
  for (const geo::VectorFeature& feature : layer.features) {
    for (const char* field : {"track_id", "edition"}) {
      if (!feature.attributes.count(field)) {
        throw Error(
            ErrorCode::kBadInput,
            fmt::format("'{}': a polygon without {}", path.string(), field),
            "Every polygon needs track_id (the same for one building "
            "on all editions) and edition.");
      }
    }
  }
  return layer;
}

}  // namespace mapweave::pipelines
