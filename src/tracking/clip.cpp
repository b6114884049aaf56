// SPDX-License-Identifier: MIT
#include "tracking/clip.h"

#include "core/error.h"

#include <map>
#include <utility>

namespace mapweave::tracking {
namespace {

using RunsOfLabel = std::map<int32_t, std::vector<Run>>;

RunsOfLabel CollectRuns(const cv::Mat& labels) {
  RunsOfLabel runs_of_label;
  for (int row = 0; row < labels.rows; ++row) {
    const int32_t* pixels = labels.ptr<int32_t>(row);
    for (int col = 0; col < labels.cols;) {
      const int32_t label = pixels[col];
      const int begin = col;
      while (col < labels.cols && pixels[col] == label) ++col;
      MAPWEAVE_CHECK(label >= 0);
      if (label > 0) runs_of_label[label].push_back({row, begin, col});
    }
  }
  return runs_of_label;
}

}  // namespace

TrackSet TracksFromLabels(const std::vector<cv::Mat>& labels) {
  const size_t editions = labels.size();
  std::map<int32_t, Track> tracks;
  for (size_t t = 0; t < editions; ++t) {
    MAPWEAVE_CHECK(labels[t].type() == CV_32SC1);
    MAPWEAVE_CHECK(labels[t].size() == labels[0].size());
    for (auto& [label, runs] : CollectRuns(labels[t])) {
      Track& track = tracks[label];
      track.masks.resize(editions);
      track.masks[t] = Mask::FromRuns(std::move(runs));
    }
  }
  TrackSet result;
  result.reserve(tracks.size());
  for (auto& [label, track] : tracks) {
    track.presence.assign(editions, 0.0f);
    track.link.assign(editions, 0.0f);
    track.score = 1.0f;
    bool seen_later = false;
    for (size_t t = editions; t-- > 0;) {
      if (track.masks[t].IsEmpty()) continue;
      track.presence[t] = 1.0f;
      track.link[t] = seen_later ? 1.0f : 0.0f;
      seen_later = true;
    }
    result.push_back(std::move(track));
  }
  return result;
}

}  // namespace mapweave::tracking
