// SPDX-License-Identifier: MIT
#include "pipelines/series_labels.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"
#include "pipelines/track_layer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using tracking::Mask;

constexpr const char* kExtentLayer = "extent";
constexpr const char* kSheetLayer = "sheet";  // of a project file
// Displacements below this move no outline off its building's drawing.
constexpr double kTellingShiftPx = 2.0;
// Outlines that are compared with the drawing.
constexpr size_t kOutlinesToTry = 200;
// One side's edges must be so much stronger to be believed.
constexpr double kClearlyStronger = 1.1;

// One polygon of a label file, on the ground.
struct Outline {
  std::string track;
  size_t edition = 0;  // of the project
  MultiPolygon shape;
  bool doubtful = false;
};

struct LabelFile {
  fs::path path;
  std::vector<Outline> outlines;
  // Where all is labelled, per edition of the project, on the ground.
  std::vector<MultiPolygon> extent;
  bool has_extent = false;
};

std::vector<std::string> Labels(const Project& project) {
  std::vector<std::string> labels;
  for (const ProjectEdition& edition : project.editions) {
    labels.push_back(edition.label);
  }
  return labels;
}

size_t EditionCalled(const std::string& label, const Project& project,
                     const fs::path& path) {
  for (size_t t = 0; t < project.editions.size(); ++t) {
    if (project.editions[t].label == label) return t;
  }
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}': there is no edition '{}' in the series",
                          path.string(), label),
              fmt::format("Its editions are {}: write one of these into the "
                          "field edition, or name the series that was drawn "
                          "on with --series.",
                          fmt::join(Labels(project), ", ")));
}

// Takes the corrections of a project file's reviewers into its outlines.
void ApplyReviews(const std::vector<db::ReviewRow>& reviews,
                  const Project& project, const fs::path& path,
                  std::vector<Outline>& outlines) {
  for (const db::ReviewRow& review : reviews) {
    if (!review.track_id) continue;
    const auto concerns = [&](const Outline& outline) {
      return outline.track == *review.track_id &&
             (!review.edition ||
              project.editions[outline.edition].label == *review.edition);
    };
    if (review.verdict == "absent") {
      std::erase_if(outlines, concerns);
    } else if (review.verdict == "wrong_outline") {
      for (Outline& outline : outlines) {
        outline.doubtful = outline.doubtful || concerns(outline);
      }
    } else if (review.verdict == "same" && review.other_track) {
      for (Outline& outline : outlines) {
        if (outline.track == *review.other_track) {
          outline.track = *review.track_id;
        }
      }
    } else if (review.verdict == "not_same" && review.other_edition &&
               review.other_track == review.track_id) {
      // One building so far: another one from the later of the two editions on.
      const size_t from = std::max(
          EditionCalled(*review.other_edition, project, path),
          review.edition ? EditionCalled(*review.edition, project, path) : 0);
      for (Outline& outline : outlines) {
        if (outline.track == *review.track_id && outline.edition >= from) {
          outline.track += " from " + project.editions[from].label;
        }
      }
    }
  }
}

void ReadExtent(const fs::path& path, const std::string& layer,
                const Project& project, LabelFile& file) {
  geo::ReadVectorOptions options;
  options.layer = layer;
  options.target = project.grid.crs;
  options.transform = ResultTransform();
  const geo::VectorLayer read = geo::ReadPolygons(path, options);
  file.extent.assign(project.editions.size(), {});
  file.has_extent = true;
  for (const geo::VectorFeature& feature : read.features) {
    const auto edition = feature.attributes.find("edition");
    for (size_t t = 0; t < project.editions.size(); ++t) {
      if (edition != feature.attributes.end() &&
          EditionCalled(edition->second, project, path) != t) {
        continue;
      }
      file.extent[t].insert(file.extent[t].end(), feature.geometry.begin(),
                            feature.geometry.end());
    }
  }
}

// If the file is a project: takes its reviews in, and says that all of its
// sheets are labelled.
void ReadAsProject(const Project& project, LabelFile& file) {
  if (ObservationLayerOf(file.path).empty()) return;
  std::vector<db::ReviewRow> reviews;
  try {
    const db::Store store = db::Store::Open(file.path, db::OpenMode::kReadOnly);
    if (!FindIngestRecord(store)) return;
    reviews = store.Reviews();
  } catch (const Error&) {
    // Another program's GeoPackage with a layer of that name.
    return;
  }
  if (reviews.empty()) {
    LogWarning(
        "'{}' holds no corrections by a reviewer: all its outlines are taken "
        "as they are, mistakes included",
        file.path.string());
  }
  ApplyReviews(reviews, project, file.path, file.outlines);
  ReadExtent(file.path, kSheetLayer, project, file);
}

LabelFile ReadLabelFile(const fs::path& path, const Project& project,
                        const LabelReadOptions& options) {
  LabelFile file;
  file.path = path;
  const geo::VectorLayer layer = ReadTrackLayer(path, project.grid.crs);
  if (layer.features.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' holds no polygons", path.string()),
                "Draw the outlines of buildings as polygons with the fields "
                "track_id and edition.");
  }
  if (layer.repaired > 0 || layer.skipped > 0) {
    LogWarning(
        "'{}': {} invalid polygons were repaired, {} features without "
        "an area left out",
        path.string(), layer.repaired, layer.skipped);
  }
  for (const geo::VectorFeature& feature : layer.features) {
    file.outlines.push_back(
        {feature.attributes.at("track_id"),
         EditionCalled(feature.attributes.at("edition"), project, path),
         feature.geometry, false});
  }
  ReadAsProject(project, file);
  const std::vector<std::string> layers = geo::ListLayers(path);
  if (!options.extent.empty()) {
    ReadExtent(options.extent, "", project, file);
  } else if (std::ranges::find(layers, kExtentLayer) != layers.end()) {
    ReadExtent(path, kExtentLayer, project, file);
  }
  return file;
}

MultiPolygon Moved(MultiPolygon shape, const DisplacementField& field) {
  const auto move = [&field](Ring& ring) {
    for (Point2d& p : ring) p = field.Apply(p);
  };
  for (Polygon& polygon : shape) {
    move(polygon.shell);
    for (Ring& hole : polygon.holes) move(hole);
  }
  return shape;
}

Mask MaskOn(const MultiPolygon& shape, const geo::Grid& grid) {
  return Mask::FromPolygons(geo::PixelsFromGround(shape, grid));
}

// Mean strength of the drawing's edges along the mask's rim.
double EdgeStrength(const Mask& mask, geo::EditionReader& reader) {
  constexpr int kMargin = 3;
  const cv::Rect tight = mask.Bounds();
  if (tight.empty()) return 0.0;
  const cv::Rect box(tight.x - kMargin, tight.y - kMargin,
                     tight.width + 2 * kMargin, tight.height + 2 * kMargin);
  geo::Pixels pixels = reader.Read({box.x, box.y, box.width, box.height});
  cv::Mat grey;
  cv::cvtColor(BorrowMat(pixels.rgb), grey, cv::COLOR_RGB2GRAY);
  cv::Mat edge_x;
  cv::Mat edge_y;
  cv::Mat strength;
  cv::Sobel(grey, edge_x, CV_32F, 1, 0);
  cv::Sobel(grey, edge_y, CV_32F, 0, 1);
  cv::magnitude(edge_x, edge_y, strength);
  cv::Mat image = cv::Mat::zeros(box.size(), CV_8UC1);
  mask.Paint(image, 1, box.tl());
  cv::Mat inner;
  cv::Mat outer;
  cv::erode(image, inner, {});
  cv::dilate(image, outer, {});
  return cv::mean(strength, outer - inner)[0];
}

// Whether the outlines fit the sheets better than the aligned series.
bool FitSheets(const LabelFile& file, const Project& project) {
  std::vector<const Outline*> telling;
  for (const Outline& outline : file.outlines) {
    const DisplacementField& field =
        project.editions[outline.edition].displacement;
    if (field.IsEmpty() || outline.shape.empty()) continue;
    const Point2d shift = field.At(outline.shape.front().shell.front());
    if (std::hypot(shift.x, shift.y) <
        kTellingShiftPx * project.grid.resolution) {
      continue;
    }
    telling.push_back(&outline);
  }
  if (telling.empty()) return false;
  const size_t stride = (telling.size() - 1) / kOutlinesToTry + 1;
  std::map<size_t, geo::EditionReader> readers;
  double aligned = 0.0;
  double sheets = 0.0;
  for (size_t i = 0; i < telling.size(); i += stride) {
    const Outline& outline = *telling[i];
    auto reader = readers.find(outline.edition);
    if (reader == readers.end()) {
      reader =
          readers
              .emplace(outline.edition, OpenEdition(project, outline.edition))
              .first;
    }
    aligned +=
        EdgeStrength(MaskOn(outline.shape, project.grid), reader->second);
    sheets += EdgeStrength(
        MaskOn(Moved(outline.shape,
                     project.editions[outline.edition].displacement),
               project.grid),
        reader->second);
  }
  if (sheets + aligned <= 0.0) return false;
  const bool on_sheets = sheets > aligned;
  const double ratio = on_sheets ? sheets / std::max(aligned, 1e-9)
                                 : aligned / std::max(sheets, 1e-9);
  LogInfo(
      "'{}' was drawn on {}: the edges below its outlines are {:.2f} times "
      "as strong there",
      file.path.string(),
      on_sheets ? "the sheets as they are georeferenced" : "the aligned series",
      ratio);
  if (ratio < kClearlyStronger) {
    LogWarning("that is no clear answer: say it with --drawn-on");
  }
  return on_sheets;
}

Mask GrownBox(const Mask& mask, int reach) {
  const cv::Rect box = mask.Bounds();
  std::vector<tracking::Run> runs;
  for (int row = box.y - reach; row < box.br().y + reach; ++row) {
    runs.push_back({row, box.x - reach, box.br().x + reach});
  }
  return Mask::FromRuns(std::move(runs));
}

// Collects the outlines of all files, edition by edition.
class LabelCollector {
 public:
  LabelCollector(const Project& project, const LabelReadOptions& options)
      : project_(project),
        options_(options),
        extent_(project.editions.size()),
        doubtful_(project.editions.size()) {}

  void Add(const LabelFile& file) {
    const bool on_sheets =
        options_.drawn_on == DrawnOn::kSheets ||
        (options_.drawn_on == DrawnOn::kAuto && FitSheets(file, project_));
    std::vector<tracking::Run> near;
    for (const Outline& outline : file.outlines) {
      const DisplacementField& field =
          project_.editions[outline.edition].displacement;
      const Mask mask =
          MaskOn(on_sheets ? Moved(outline.shape, field) : outline.shape,
                 project_.grid);
      if (outline.doubtful) {
        Mask& doubtful = doubtful_[outline.edition];
        doubtful = doubtful.Union(mask);
      }
      auto& masks = tracks_[outline.track];
      masks.resize(project_.editions.size());
      masks[outline.edition] = masks[outline.edition].Union(mask);
      spoken_of_.insert(outline.edition);
      if (mask.IsEmpty()) continue;
      const Mask grown = GrownBox(mask, options_.reach_px);
      near.insert(near.end(), grown.Runs().begin(), grown.Runs().end());
    }
    const Mask reached = Mask::FromRuns(std::move(near));
    for (size_t t = 0; t < extent_.size(); ++t) {
      extent_[t] = extent_[t].Union(
          file.has_extent ? MaskOn(file.extent[t], project_.grid) : reached);
    }
  }

  SeriesLabels Take() {
    SeriesLabels labels;
    labels.editions.assign(spoken_of_.begin(), spoken_of_.end());
    const auto of_these = [&](std::vector<Mask>& all) {
      std::vector<Mask> some;
      for (const size_t t : labels.editions) some.push_back(std::move(all[t]));
      return some;
    };
    for (auto& [id, masks] : tracks_) {
      labels.tracks.push_back(tracking::TrackAsDrawn(of_these(masks), 1.0f));
    }
    labels.extent = of_these(extent_);
    labels.doubtful = of_these(doubtful_);
    return labels;
  }

 private:
  const Project& project_;
  const LabelReadOptions& options_;
  std::map<std::string, std::vector<Mask>> tracks_;
  std::set<size_t> spoken_of_;
  std::vector<Mask> extent_;
  std::vector<Mask> doubtful_;
};

}  // namespace

std::vector<std::string> DrawnOnNames() {
  return {"auto", "aligned", "sheets"};
}

DrawnOn ParseDrawnOn(const std::string& name) {
  const std::vector<std::string> names = DrawnOnNames();
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("labels cannot be drawn on '{}'", name),
                fmt::format("use one of {}", fmt::join(names, ", ")));
  }
  return static_cast<DrawnOn>(at - names.begin());
}

void LabelReadOptions::Validate() const {
  if (reach_px >= 0 && reach_px <= 4096) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the reach of a label is {} px", reach_px),
              "set it to 0 to 4096");
}

SeriesLabels ReadSeriesLabels(const std::vector<fs::path>& files,
                              const Project& project,
                              const LabelReadOptions& options) {
  options.Validate();
  LabelCollector collector(project, options);
  for (const fs::path& path : files) {
    collector.Add(ReadLabelFile(path, project, options));
  }
  SeriesLabels labels = collector.Take();
  if (labels.editions.size() < project.editions.size()) {
    LogInfo("labels of {} of the {} editions", labels.editions.size(),
            project.editions.size());
  }
  return labels;
}

}  // namespace mapweave::pipelines
