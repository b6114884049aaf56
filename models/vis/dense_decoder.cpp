// SPDX-License-Identifier: MIT
#include "models/vis/dense_decoder.h"

#include "core/error.h"
#include "tracking/components.h"
#include "tracking/link.h"

#include <cmath>

namespace mapweave::vis {
namespace {

using tracking::Instance;
using tracking::InstanceRef;

void CheckRange(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw Error(ErrorCode::kUsage, std::string("decoding option ") + name +
                                     " is " + std::to_string(value) +
                                     ", must be " + std::to_string(low) +
                                     " to " + std::to_string(high));
}

// Where the pixels of an instance say that the shared centre is, on average.
Point2d VotedCentre(const Instance& instance, const cv::Mat& offset_x,
                    const cv::Mat& offset_y) {
  Point2d sum;
  for (const tracking::Run& run : instance.mask.Runs()) {
    const auto* dx = offset_x.ptr<float>(run.row);
    const auto* dy = offset_y.ptr<float>(run.row);
    for (int col = run.begin; col < run.end; ++col) {
      sum.x += col + 0.5 + static_cast<double>(dx[col]);
      sum.y += run.row + 0.5 + static_cast<double>(dy[col]);
    }
  }
  const auto area = static_cast<double>(instance.mask.Area());
  return {sum.x / area, sum.y / area};
}

// Mean interior probability over the part of the mask that is interior. Ranks
// instances better than their foreground does: where two buildings run into
// each other, or one is half guessed, it is the interior that wavers.
float InteriorScore(const Instance& instance, const cv::Mat& interior,
                    double threshold) {
  double sum = 0.0;
  int64_t count = 0;
  for (const tracking::Run& run : instance.mask.Runs()) {
    const auto* line = interior.ptr<float>(run.row);
    for (int col = run.begin; col < run.end; ++col) {
      const auto probability = static_cast<double>(line[col]);
      if (probability <= threshold) continue;
      sum += probability;
      ++count;
    }
  }
  return count == 0 ? 0.0f
                    : static_cast<float>(sum / static_cast<double>(count));
}

}  // namespace

void DecodeOptions::Validate() const {
  CheckRange("interior_threshold", interior_threshold, 0.0, 1.0);
  CheckRange("foreground_threshold", foreground_threshold, 0.0, 1.0);
  CheckRange("grow_px", grow_px, 0, 64);
  CheckRange("min_area_px", min_area_px, 1, 1e6);
  CheckRange("min_score", min_score, 0.0, 1.0);
  CheckRange("min_iou", min_iou, 0.0, 1.0);
  CheckRange("centre_distance_px", centre_distance_px, 0.0, 1e3);
  CheckRange("centre_softness_px", centre_softness_px, 0.01, 1e3);
  CheckRange("min_link_probability", min_link_probability, 0.0, 1.0);
}

Json DecodeOptions::ToJson() const {
  return {{"interior_threshold", interior_threshold},
          {"foreground_threshold", foreground_threshold},
          {"grow_px", grow_px},
          {"min_area_px", min_area_px},
          {"min_score", min_score},
          {"min_iou", min_iou},
          {"centre_distance_px", centre_distance_px},
          {"centre_softness_px", centre_softness_px},
          {"min_link_probability", min_link_probability}};
}

DecodeOptions DecodeOptions::FromJson(const Json& json) {
  DecodeOptions options;
  const auto read = [&json](const char* key, auto& value) {
    if (!json.contains(key)) return;
    if (!json[key].is_number()) {
      throw Error(ErrorCode::kBadInput,
                  std::string("decoding option \"") + key + "\" is no number");
    }
    json[key].get_to(value);
  };
  read("interior_threshold", options.interior_threshold);
  read("foreground_threshold", options.foreground_threshold);
  read("grow_px", options.grow_px);
  read("min_area_px", options.min_area_px);
  read("min_score", options.min_score);
  read("min_iou", options.min_iou);
  read("centre_distance_px", options.centre_distance_px);
  read("centre_softness_px", options.centre_softness_px);
  read("min_link_probability", options.min_link_probability);
  options.Validate();
  return options;
}

std::vector<std::vector<Point2d>> CentreVotes(
    const DenseMaps& maps,
    const std::vector<std::vector<Instance>>& per_edition) {
  std::vector<std::vector<Point2d>> centres;
  for (size_t t = 0; t < per_edition.size(); ++t) {
    centres.emplace_back();
    for (const Instance& instance : per_edition[t]) {
      centres.back().push_back(
          VotedCentre(instance, maps.offset_x[t], maps.offset_y[t]));
    }
  }
  return centres;
}

tracking::LinkScene FindInstances(const DenseMaps& maps,
                                  const std::vector<cv::Mat>& coverage,
                                  const DecodeOptions& options) {
  MAPWEAVE_CHECK(maps.foreground.size() == coverage.size());
  tracking::ComponentOptions components;
  components.interior_threshold = options.interior_threshold;
  components.foreground_threshold = options.foreground_threshold;
  components.grow_px = options.grow_px;
  components.min_area_px = options.min_area_px;

  tracking::LinkScene scene;
  for (size_t t = 0; t < coverage.size(); ++t) {
    scene.per_edition.push_back(tracking::InstancesFromMaps(
        maps.foreground[t], maps.interior[t], coverage[t], components));
    for (Instance& instance : scene.per_edition.back()) {
      instance.score =
          InteriorScore(instance, maps.interior[t], options.interior_threshold);
    }
  }
  scene.centres = CentreVotes(maps, scene.per_edition);
  scene.foreground = maps.foreground;
  return scene;
}

tracking::TrackSet DecodeAllTracks(const DenseMaps& maps,
                                   const std::vector<cv::Mat>& coverage,
                                   const DecodeOptions& options) {
  const tracking::LinkScene scene = FindInstances(maps, coverage, options);
  tracking::LinkOptions link;
  link.min_iou = options.min_iou;
  link.min_probability = options.min_link_probability;
  if (options.centre_distance_px > 0.0) {
    link.affinity = [&](const InstanceRef& a, const InstanceRef& b) {
      const auto centre = [&](const InstanceRef& ref) {
        return scene.centres[static_cast<size_t>(ref.edition)]
                            [static_cast<size_t>(ref.index)];
      };
      const Point2d p = centre(a);
      const Point2d q = centre(b);
      const double distance = std::hypot(p.x - q.x, p.y - q.y);
      return 1.0 / (1.0 + std::exp((distance - options.centre_distance_px) /
                                   options.centre_softness_px));
    };
  }
  return tracking::LinkInstances(scene.per_edition, scene.foreground, link);
}

tracking::TrackSet DecodeTracks(const DenseMaps& maps,
                                const std::vector<cv::Mat>& coverage,
                                const DecodeOptions& options) {
  tracking::TrackSet tracks = DecodeAllTracks(maps, coverage, options);
  std::erase_if(tracks, [&](const tracking::Track& track) {
    return static_cast<double>(track.score) < options.min_score;
  });
  return tracks;
}

}  // namespace mapweave::vis
