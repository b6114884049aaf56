// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "core/log.h"
#include "db/store.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"
#include "pipelines/comparison.h"
#include "pipelines/project.h"
#include "pipelines/track_layer.h"
#include "tracking/lineage_measures.h"
#include "tracking/mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// A CRS in which both sides can be laid on square pixels.
geo::Crs CommonCrs(const geo::VectorLayer& predicted,
                   const geo::VectorLayer& truth) {
  if (!truth.crs.IsGeographic()) return truth.crs;
  if (!predicted.crs.IsGeographic()) return predicted.crs;
  for (const geo::VectorLayer* layer : {&truth, &predicted}) {
    if (layer->features.empty()) continue;
    const Box box = geo::Bounds(layer->features.front().geometry);
    return geo::Crs::UtmAt((box.min_x + box.max_x) / 2,
                           (box.min_y + box.max_y) / 2);
  }
  return geo::Crs::UtmAt(0.0, 0.0);
}

// The grid's resolution, if the file is a project in this CRS.
std::optional<double> ProjectResolution(const fs::path& path,
                                        const geo::Crs& crs) {
  if (ObservationLayerOf(path).empty()) return std::nullopt;
  try {
    const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
    const std::optional<IngestRecord> record = FindIngestRecord(store);
    if (record && record->grid.crs.IsSame(crs)) return record->grid.resolution;
  } catch (const Error&) {
    // Another program's GeoPackage with a layer of that name.
  }
  return std::nullopt;
}

double MedianSide(const geo::VectorLayer& layer) {
  std::vector<double> areas;
  for (const geo::VectorFeature& feature : layer.features) {
    areas.push_back(geo::PlanarArea(feature.geometry));
  }
  if (areas.empty()) return 1.0;
  const auto middle = areas.begin() + static_cast<long>(areas.size() / 2);
  std::nth_element(areas.begin(), middle, areas.end());
  return std::max(1e-6, std::sqrt(*middle));
}

// Labels in the order of their dates where they are dates, else of the text.
std::vector<std::string> EditionsOf(const geo::VectorLayer& layer) {
  std::set<std::string> labels;
  for (const geo::VectorFeature& feature : layer.features) {
    labels.insert(feature.attributes.at("edition"));
  }
  std::vector<std::string> sorted(labels.begin(), labels.end());
  const auto date = [](const std::string& label) {
    try {
      return ParseDateRange(label).from;
    } catch (const Error&) {
      return Date{std::numeric_limits<int>::max(), 1, 1};
    }
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const std::string& a, const std::string& b) {
                     return date(a) < date(b);
                   });
  return sorted;
}

// The pixel frame that both sides are drawn in.
struct Frame {
  double origin_x = 0.0;
  double origin_y = 0.0;
  double resolution = 1.0;

  MultiPolygon ToPixels(MultiPolygon polygons) const {
    const auto move = [this](Ring& ring) {
      for (Point2d& p : ring) {
        p = {(p.x - origin_x) / resolution, (origin_y - p.y) / resolution};
      }
    };
    for (Polygon& polygon : polygons) {
      move(polygon.shell);
      for (Ring& hole : polygon.holes) move(hole);
    }
    return polygons;
  }
};

Frame FrameOf(const geo::VectorLayer& a, const geo::VectorLayer& b,
              double resolution) {
  double min_x = std::numeric_limits<double>::infinity();
  double max_y = -min_x;
  for (const geo::VectorLayer* layer : {&a, &b}) {
    for (const geo::VectorFeature& feature : layer->features) {
      const Box box = geo::Bounds(feature.geometry);
      min_x = std::min(min_x, box.min_x);
      max_y = std::max(max_y, box.max_y);
    }
  }
  if (!std::isfinite(min_x)) return {0.0, 0.0, resolution};
  // On a multiple of the resolution, so that outlines made of pixels of a
  // grid fall on the same pixels again.
  return {std::floor(min_x / resolution) * resolution,
          std::ceil(max_y / resolution) * resolution, resolution};
}

// Tracks beside their identifiers.
struct NamedTracks {
  tracking::TrackSet tracks;
  std::map<std::string, size_t> position;
};

NamedTracks Rasterise(const geo::VectorLayer& layer,
                      const std::vector<std::string>& editions,
                      const Frame& frame) {
  struct Drawn {
    std::vector<tracking::Mask> masks;
    float score = 1.0f;
  };
  std::map<std::string, Drawn> drawn;
  for (const geo::VectorFeature& feature : layer.features) {
    const auto at = std::find(editions.begin(), editions.end(),
                              feature.attributes.at("edition"));
    if (at == editions.end()) continue;
    const auto t = static_cast<size_t>(at - editions.begin());
    Drawn& track = drawn[feature.attributes.at("track_id")];
    track.masks.resize(editions.size());
    track.masks[t] = track.masks[t].Union(
        tracking::Mask::FromPolygons(frame.ToPixels(feature.geometry)));
    const auto score = feature.attributes.find("score");
    if (score != feature.attributes.end()) {
      track.score = std::strtof(score->second.c_str(), nullptr);
    }
  }
  NamedTracks named;
  for (auto& [id, track] : drawn) {
    const bool any =
        std::any_of(track.masks.begin(), track.masks.end(),
                    [](const tracking::Mask& mask) { return !mask.IsEmpty(); });
    if (any) {
      named.position[id] = named.tracks.size();
      named.tracks.push_back(
          tracking::TrackAsDrawn(std::move(track.masks), track.score));
    }
  }
  return named;
}

// What a project file says happened; unset for any other file. Events of
// editions or tracks that are not compared are left out.
std::optional<std::vector<tracking::LineageEvent>> ReadLineage(
    const fs::path& path, const NamedTracks& named,
    const std::vector<std::string>& editions) {
  if (ObservationLayerOf(path).empty()) return std::nullopt;
  std::vector<db::LineageRow> rows;
  try {
    const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
    rows = store.Lineage();
  } catch (const Error& error) {
    // Another program's GeoPackage with a layer of that name, or a project that
    // an older version wrote.
    LogWarning("eval: what happened to buildings is not compared: {}; {}",
               error.Message(), error.Hint());
    return std::nullopt;
  }
  const auto track = [&](const std::optional<std::string>& id) {
    std::optional<size_t> position;
    if (id && named.position.contains(*id)) position = named.position.at(*id);
    return position;
  };
  const auto edition = [&](const std::optional<std::string>& label) {
    const auto at =
        std::find(editions.begin(), editions.end(), label.value_or(""));
    return static_cast<size_t>(at - editions.begin());
  };
  std::vector<tracking::LineageEvent> events;
  for (const db::LineageRow& row : rows) {
    tracking::LineageEvent event;
    event.kind = tracking::ParseLineageKind(row.kind);
    event.from_track = track(row.from_track);
    event.to_track = track(row.to_track);
    event.from_edition = edition(row.from_edition);
    event.to_edition = edition(row.to_edition);
    const bool is_compared =
        event.from_track.has_value() == row.from_track.has_value() &&
        event.to_track.has_value() == row.to_track.has_value() &&
        event.from_edition < editions.size() &&
        event.to_edition < editions.size();
    if (is_compared) events.push_back(std::move(event));
  }
  return events;
}

}  // namespace

Comparison ComparePolygons(const fs::path& predicted, const fs::path& truth,
                           const EvaluateOptions& options) {
  geo::VectorLayer truth_layer = ReadTrackLayer(truth, std::nullopt);
  geo::VectorLayer predicted_layer = ReadTrackLayer(predicted, std::nullopt);
  const geo::Crs crs = CommonCrs(predicted_layer, truth_layer);
  if (!truth_layer.crs.IsSame(crs)) truth_layer = ReadTrackLayer(truth, crs);
  if (!predicted_layer.crs.IsSame(crs)) {
    predicted_layer = ReadTrackLayer(predicted, crs);
  }
  Comparison comparison;
  comparison.crs = crs.Label();
  comparison.editions = EditionsOf(truth_layer);
  if (comparison.editions.empty()) ThrowNoTruth(truth);
  for (const std::string& label : EditionsOf(predicted_layer)) {
    if (std::find(comparison.editions.begin(), comparison.editions.end(),
                  label) == comparison.editions.end()) {
      LogWarning(
          "eval: edition '{}' of '{}' is left out: the truth does not "
          "have it",
          label, predicted.string());
    }
  }
  std::optional<double> resolution = options.resolution;
  if (!resolution) resolution = ProjectResolution(predicted, crs);
  if (!resolution) resolution = ProjectResolution(truth, crs);
  comparison.resolution = resolution.value_or(MedianSide(truth_layer) / 20.0);
  const Frame frame =
      FrameOf(predicted_layer, truth_layer, comparison.resolution);
  NamedTracks found = Rasterise(predicted_layer, comparison.editions, frame);
  NamedTracks wanted = Rasterise(truth_layer, comparison.editions, frame);
  const auto found_events = ReadLineage(predicted, found, comparison.editions);
  const auto wanted_events = ReadLineage(truth, wanted, comparison.editions);
  if (found_events && wanted_events) {
    comparison.lineage = tracking::EvaluateLineage(
        {found.tracks, *found_events}, {wanted.tracks, *wanted_events},
        options.measures.iou_threshold);
  }
  comparison.series.push_back(
      {std::move(found.tracks), std::move(wanted.tracks)});
  return comparison;
}

}  // namespace mapweave::pipelines
