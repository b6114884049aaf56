// SPDX-License-Identifier: MIT
#include "pipelines/evaluate.h"

#include "core/error.h"
#include "core/log.h"
#include "db/store.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"
#include "pipelines/project.h"
#include "tracking/link.h"
#include "tracking/mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr const char* kObservationLayer = "observation";

std::string LayerOf(const fs::path& path) {
  const std::vector<std::string> layers = geo::ListLayers(path);
  const bool ours = std::find(layers.begin(), layers.end(),
                              kObservationLayer) != layers.end();
  return ours ? kObservationLayer : "";
}

geo::VectorLayer ReadSide(const fs::path& path,
                          const std::optional<geo::Crs>& target) {
  geo::ReadVectorOptions options;
  options.layer = LayerOf(path);
  options.target = target;
  options.allow_ballpark = true;
  geo::VectorLayer layer = geo::ReadPolygons(path, options);
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
  if (LayerOf(path).empty()) return std::nullopt;
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

tracking::TrackSet Rasterise(const geo::VectorLayer& layer,
                             const std::vector<std::string>& editions,
                             const Frame& frame) {
  std::map<std::string, tracking::Track> tracks;
  for (const geo::VectorFeature& feature : layer.features) {
    const auto at = std::find(editions.begin(), editions.end(),
                              feature.attributes.at("edition"));
    if (at == editions.end()) continue;
    const auto t = static_cast<size_t>(at - editions.begin());
    tracking::Track& track = tracks[feature.attributes.at("track_id")];
    if (track.masks.empty()) {
      track.masks.resize(editions.size());
      track.presence.assign(editions.size(), 0.0f);
      track.link.assign(editions.size(), 0.0f);
    }
    track.masks[t] = track.masks[t].Union(
        tracking::Mask::FromPolygons(frame.ToPixels(feature.geometry)));
    track.presence[t] = 1.0f;
    const auto score = feature.attributes.find("score");
    track.score = score == feature.attributes.end()
                      ? 1.0f
                      : std::strtof(score->second.c_str(), nullptr);
  }
  tracking::TrackSet set;
  for (auto& [id, track] : tracks) {
    const bool any =
        std::any_of(track.masks.begin(), track.masks.end(),
                    [](const tracking::Mask& mask) { return !mask.IsEmpty(); });
    if (any) set.push_back(std::move(track));
  }
  return set;
}

tracking::TrackSet BaselineTracks(const tracking::TrackSet& predicted,
                                  size_t editions) {
  std::vector<std::vector<tracking::Instance>> instances(editions);
  for (const tracking::Track& track : predicted) {
    for (size_t t = 0; t < editions; ++t) {
      if (!track.masks[t].IsEmpty()) {
        instances[t].push_back({track.masks[t], track.score});
      }
    }
  }
  return tracking::LinkByIoU(instances);
}

Json MeasuresToJson(const tracking::Measures& m,
                    const std::vector<std::string>& editions) {
  Json document = {{"ap", m.ap},
                   {"ap50", m.ap50},
                   {"ap75", m.ap75},
                   {"ar100", m.ar100},
                   {"ap_unlimited", m.ap_unlimited},
                   {"hota", m.hota},
                   {"deta", m.deta},
                   {"assa", m.assa},
                   {"idf1", m.idf1},
                   {"scot", m.scot},
                   {"track_f1", m.track_f1},
                   {"track_precision", m.track_precision},
                   {"track_recall", m.track_recall},
                   {"link_f1", m.link_f1},
                   {"link_precision", m.link_precision},
                   {"link_recall", m.link_recall}};
  document["editions"] = Json::object();
  for (size_t t = 0; t < m.editions.size() && t < editions.size(); ++t) {
    document["editions"][editions[t]] = {{"precision", m.editions[t].precision},
                                         {"recall", m.editions[t].recall},
                                         {"f1", m.editions[t].f1},
                                         {"pq", m.editions[t].pq}};
  }
  return document;
}

}  // namespace

EvaluateReport Evaluate(const fs::path& predicted, const fs::path& truth,
                        const EvaluateOptions& options, RunContext& context) {
  geo::VectorLayer truth_layer = ReadSide(truth, std::nullopt);
  geo::VectorLayer predicted_layer = ReadSide(predicted, std::nullopt);
  const geo::Crs crs = CommonCrs(predicted_layer, truth_layer);
  if (!truth_layer.crs.IsSame(crs)) truth_layer = ReadSide(truth, crs);
  if (!predicted_layer.crs.IsSame(crs)) {
    predicted_layer = ReadSide(predicted, crs);
  }
  context.cancel.ThrowIfCancelled();

  EvaluateReport report;
  report.crs = crs.Label();
  report.editions = EditionsOf(truth_layer);
  if (report.editions.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' holds no polygons", truth.string()),
                "The second file is the truth to compare with.");
  }
  for (const std::string& label : EditionsOf(predicted_layer)) {
    if (std::find(report.editions.begin(), report.editions.end(), label) ==
        report.editions.end()) {
      LogWarning(
          "eval: edition '{}' of '{}' is left out: the truth does not "
          "have it",
          label, predicted.string());
    }
  }
  std::optional<double> resolution = options.resolution;
  if (!resolution) resolution = ProjectResolution(predicted, crs);
  if (!resolution) resolution = ProjectResolution(truth, crs);
  report.resolution = resolution.value_or(MedianSide(truth_layer) / 20.0);

  const Frame frame = FrameOf(predicted_layer, truth_layer, report.resolution);
  const tracking::TrackSet predicted_tracks =
      Rasterise(predicted_layer, report.editions, frame);
  const tracking::TrackSet true_tracks =
      Rasterise(truth_layer, report.editions, frame);
  report.predicted_tracks = static_cast<int64_t>(predicted_tracks.size());
  report.true_tracks = static_cast<int64_t>(true_tracks.size());
  report.measures =
      tracking::Evaluate(predicted_tracks, true_tracks, options.measures);
  context.cancel.ThrowIfCancelled();
  report.baseline = tracking::Evaluate(
      BaselineTracks(predicted_tracks, report.editions.size()), true_tracks,
      options.measures);
  return report;
}

Json ToJson(const EvaluateReport& report) {
  Json document = MeasuresToJson(report.measures, report.editions);
  document["baseline"] = MeasuresToJson(report.baseline, report.editions);
  document["predicted_tracks"] = report.predicted_tracks;
  document["true_tracks"] = report.true_tracks;
  document["resolution"] = report.resolution;
  document["crs"] = report.crs;
  return document;
}

double FigureOf(const Json& report, const std::string& key) {
  const Json* node = &report;
  std::string rest = key;
  while (true) {
    const size_t dot = rest.find('.');
    const std::string name = rest.substr(0, dot);
    if (!node->is_object() || !node->contains(name)) break;
    node = &node->at(name);
    if (dot == std::string::npos) {
      if (node->is_number()) return node->get<double>();
      break;
    }
    rest = rest.substr(dot + 1);
  }
  throw Error(ErrorCode::kUsage, fmt::format("no measure '{}'", key),
              "Use a key of 'mapweave eval --json', such as link_f1 or "
              "baseline.track_f1.");
}

}  // namespace mapweave::pipelines
