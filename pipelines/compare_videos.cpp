// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "pipelines/comparison.h"
#include "tracking/lineage_measures.h"
#include "tracking/youtube_vis.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

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

// The truth's videos, in its order, with those of the other side.
void RequireSameVideos(tracking::VisDocument& predicted,
                       const fs::path& predicted_path,
                       tracking::VisDocument& truth,
                       const fs::path& truth_path) {
  const char* hint = "Compare predictions with the truth of the same videos.";
  for (const tracking::VisVideo& found : predicted.videos) {
    const tracking::VisVideo* wanted = FindVideo(truth, found.id);
    if (wanted == nullptr) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("'{}' has a video {} that '{}' does not have",
                      predicted_path.string(), found.id, truth_path.string()),
          hint);
    }
    if (found.size != wanted->size ||
        found.frames.size() != wanted->frames.size()) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("video {}: {} frames of {} x {} in '{}', {} of {} x {} "
                      "in '{}'",
                      found.id, found.frames.size(), found.size.width,
                      found.size.height, predicted_path.string(),
                      wanted->frames.size(), wanted->size.width,
                      wanted->size.height, truth_path.string()),
          hint);
    }
  }
}

bool HasLineage(const tracking::VisDocument& document) {
  return std::any_of(
      document.videos.begin(), document.videos.end(),
      [](const tracking::VisVideo& video) { return !video.lineage.empty(); });
}

Comparison CompareVideos(const fs::path& predicted_path, const Json& predicted,
                         const fs::path& truth_path, const Json& truth,
                         const EvaluateOptions& options) {
  if (!tracking::IsYoutubeVis(truth)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' is a list of results", truth_path.string()),
                "The second file is the truth: a document with videos, "
                "categories and annotations.");
  }
  tracking::VisDocument wanted =
      tracking::FromYoutubeVis(truth, truth_path.string());
  if (wanted.videos.empty()) ThrowNoTruth(truth_path);
  tracking::VisDocument found =
      tracking::IsYoutubeVis(predicted)
          ? tracking::FromYoutubeVis(predicted, predicted_path.string())
          : tracking::FromYoutubeVisResults(predicted, wanted,
                                            predicted_path.string());
  WarnOfLeftOut(wanted, truth_path);
  WarnOfLeftOut(found, predicted_path);
  RequireSameVideos(found, predicted_path, wanted, truth_path);
  Comparison comparison;
  comparison.editions = FrameLabels(wanted);
  comparison.on_videos = true;
  const bool has_lineage = HasLineage(found) && HasLineage(wanted);
  for (tracking::VisVideo& video : wanted.videos) {
    tracking::VisVideo nothing;
    tracking::VisVideo* other = FindVideo(found, video.id);
    if (other == nullptr) {
      LogWarning("eval: '{}' has no video {}: nothing is found in it",
                 predicted_path.string(), video.id);
      other = &nothing;
    }
    if (has_lineage) {
      for (const auto& [kind, score] : tracking::EvaluateLineage(
               {other->tracks, other->lineage}, {video.tracks, video.lineage},
               options.measures.iou_threshold)) {
        comparison.lineage[kind] += score;
      }
    }
    comparison.series.push_back(
        {std::move(other->tracks), std::move(video.tracks)});
  }
  return comparison;
}

}  // namespace

Comparison Compare(const fs::path& predicted, const fs::path& truth,
                   const EvaluateOptions& options) {
  const std::optional<Json> truth_json = FindYoutubeVis(truth);
  const std::optional<Json> predicted_json = FindYoutubeVis(predicted);
  if (truth_json && predicted_json) {
    return CompareVideos(predicted, *predicted_json, truth, *truth_json,
                         options);
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

[[noreturn]] void ThrowNoTruth(const fs::path& truth) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}' holds no buildings", truth.string()),
              "The second file is the truth to compare with.");
}

}  // namespace mapweave::pipelines
