// SPDX-License-Identifier: MIT
#include "pipelines/evaluate.h"

#include "core/error.h"
#include "core/log.h"
#include "db/store.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"
#include "pipelines/project.h"
#include "tracking/lineage_measures.h"
#include "tracking/link.h"
#include "tracking/mask.h"
#include "tracking/youtube_vis.h"

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

geo::VectorLayer ReadSide(const fs::path& path,
                          const std::optional<geo::Crs>& target) {
  geo::ReadVectorOptions options;
  options.layer = LayerOf(path);
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
  if (LayerOf(path).empty()) return std::nullopt;
  std::vector<db::LineageRow> rows;
  try {
    const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
    rows = store.Lineage();
  } catch (const Error&) {
    // Another program's GeoPackage with a layer of that name.
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

tracking::TrackSet BaselineTracks(const tracking::TrackSet& predicted) {
  if (predicted.empty()) return {};
  std::vector<std::vector<tracking::Instance>> instances(
      predicted.front().masks.size());
  for (const tracking::Track& track : predicted) {
    for (size_t t = 0; t < instances.size(); ++t) {
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

[[noreturn]] void ThrowNoTruth(const fs::path& truth) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}' holds no buildings", truth.string()),
              "The second file is the truth to compare with.");
}

// Both sides on one pixel frame, and how they came there.
struct Comparison {
  std::vector<tracking::SeriesTracks> series;
  std::vector<std::string> editions;
  double resolution = 1.0;
  std::string crs;
  std::map<tracking::LineageKind, tracking::MatchScore> lineage;
};

// ---- Polygons ----

Comparison ComparePolygons(const fs::path& predicted, const fs::path& truth,
                           const EvaluateOptions& options) {
  geo::VectorLayer truth_layer = ReadSide(truth, std::nullopt);
  geo::VectorLayer predicted_layer = ReadSide(predicted, std::nullopt);
  const geo::Crs crs = CommonCrs(predicted_layer, truth_layer);
  if (!truth_layer.crs.IsSame(crs)) truth_layer = ReadSide(truth, crs);
  if (!predicted_layer.crs.IsSame(crs)) {
    predicted_layer = ReadSide(predicted, crs);
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

// ---- Videos ----

// The document, if the file is JSON other than GeoJSON's polygons.
std::optional<Json> FindYoutubeVis(const fs::path& path) {
  if (path.extension() != ".json") return std::nullopt;
  Json json = ReadJson(path);
  if (!tracking::IsYoutubeVis(json) && !tracking::IsYoutubeVisResults(json)) {
    return std::nullopt;
  }
  return json;
}

void WarnOfLeftOut(const tracking::VisDocument& document,
                   const fs::path& path) {
  size_t crowds = 0;
  for (const tracking::VisVideo& video : document.videos) {
    crowds += video.crowds.size();
  }
  if (crowds > 0) {
    LogWarning("eval: {} crowd regions of '{}' are left out", crowds,
               path.string());
  }
  if (document.other_annotations > 0) {
    LogWarning("eval: {} annotations of '{}' are left out: another category",
               document.other_annotations, path.string());
  }
}

// Labels of the frames if all videos have the same, else their numbers.
std::vector<std::string> FrameLabels(const tracking::VisDocument& document) {
  size_t frames = 0;
  bool same = true;
  for (const tracking::VisVideo& video : document.videos) {
    frames = std::max(frames, video.frames.size());
    same &= video.editions == document.videos.front().editions;
  }
  if (same && document.videos.front().editions.size() == frames) {
    return document.videos.front().editions;
  }
  std::vector<std::string> labels;
  for (size_t t = 0; t < frames; ++t) {
    labels.push_back(fmt::format("frame {}", t + 1));
  }
  return labels;
}

tracking::VisVideo* FindVideo(tracking::VisDocument& document, int64_t id) {
  for (tracking::VisVideo& video : document.videos) {
    if (video.id == id) return &video;
  }
  return nullptr;
}

Comparison CompareVideos(const fs::path& predicted_path, const Json& predicted,
                         const fs::path& truth_path, const Json& truth) {
  if (!tracking::IsYoutubeVis(truth)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' is a list of results", truth_path.string()),
                "The second file is the truth: a document with videos, "
                "categories and annotations.");
  }
  tracking::VisDocument truth_side =
      tracking::FromYoutubeVis(truth, truth_path.string());
  if (truth_side.videos.empty()) ThrowNoTruth(truth_path);
  tracking::VisDocument predicted_side =
      tracking::IsYoutubeVis(predicted)
          ? tracking::FromYoutubeVis(predicted, predicted_path.string())
          : tracking::FromYoutubeVisResults(predicted, truth_side,
                                            predicted_path.string());
  WarnOfLeftOut(truth_side, truth_path);
  WarnOfLeftOut(predicted_side, predicted_path);
  for (const tracking::VisVideo& video : predicted_side.videos) {
    if (FindVideo(truth_side, video.id) == nullptr) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("'{}' has a video {} that '{}' does not have",
                      predicted_path.string(), video.id, truth_path.string()),
          "Compare predictions with the truth of the same videos.");
    }
  }
  Comparison comparison;
  comparison.editions = FrameLabels(truth_side);
  comparison.crs = "video frames";
  for (tracking::VisVideo& video : truth_side.videos) {
    tracking::VisVideo* found = FindVideo(predicted_side, video.id);
    if (found == nullptr) {
      LogWarning("eval: '{}' has no video {}: nothing is found in it",
                 predicted_path.string(), video.id);
      comparison.series.push_back({{}, std::move(video.tracks)});
      continue;
    }
    if (found->size != video.size ||
        found->frames.size() != video.frames.size()) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("video {}: {} frames of {} x {} in '{}', {} of {} x {} "
                      "in '{}'",
                      video.id, found->frames.size(), found->size.width,
                      found->size.height, predicted_path.string(),
                      video.frames.size(), video.size.width, video.size.height,
                      truth_path.string()),
          "Compare predictions with the truth of the same videos.");
    }
    comparison.series.push_back(
        {std::move(found->tracks), std::move(video.tracks)});
  }
  return comparison;
}

Comparison Compare(const fs::path& predicted, const fs::path& truth,
                   const EvaluateOptions& options) {
  const std::optional<Json> truth_json = FindYoutubeVis(truth);
  const std::optional<Json> predicted_json = FindYoutubeVis(predicted);
  if (truth_json && predicted_json) {
    return CompareVideos(predicted, *predicted_json, truth, *truth_json);
  }
  if (truth_json || predicted_json) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' is YouTube-VIS JSON and '{}' is not",
                            (truth_json ? truth : predicted).string(),
                            (truth_json ? predicted : truth).string()),
                "Give both sides as YouTube-VIS JSON, or both as polygons on "
                "the ground.");
  }
  return ComparePolygons(predicted, truth, options);
}

}  // namespace

EvaluateReport Evaluate(const fs::path& predicted, const fs::path& truth,
                        const EvaluateOptions& options, RunContext& context) {
  Comparison comparison = Compare(predicted, truth, options);
  context.cancel.ThrowIfCancelled();
  EvaluateReport report;
  report.crs = comparison.crs;
  report.resolution = comparison.resolution;
  report.editions = comparison.editions;
  report.lineage = std::move(comparison.lineage);
  report.series = static_cast<int64_t>(comparison.series.size());
  std::vector<tracking::SeriesTracks> baseline;
  for (const tracking::SeriesTracks& one : comparison.series) {
    report.predicted_tracks += static_cast<int64_t>(one.predicted.size());
    report.true_tracks += static_cast<int64_t>(one.truth.size());
    baseline.push_back({BaselineTracks(one.predicted), one.truth});
  }
  report.measures = tracking::Evaluate(comparison.series, options.measures);
  context.cancel.ThrowIfCancelled();
  report.baseline = tracking::Evaluate(baseline, options.measures);
  return report;
}

Json ToJson(const EvaluateReport& report) {
  Json document = MeasuresToJson(report.measures, report.editions);
  document["baseline"] = MeasuresToJson(report.baseline, report.editions);
  document["lineage"] = Json::object();
  for (const auto& [kind, score] : report.lineage) {
    document["lineage"][tracking::LineageKindName(kind)] = {
        {"precision", score.Precision()},
        {"recall", score.Recall()},
        {"f1", score.F1()},
        {"predicted", score.true_positives + score.false_positives},
        {"true", score.true_positives + score.false_negatives}};
  }
  document["predicted_tracks"] = report.predicted_tracks;
  document["true_tracks"] = report.true_tracks;
  document["series"] = report.series;
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
