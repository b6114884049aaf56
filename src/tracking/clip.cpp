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
      if (label > 0) runs_of_label[label].push_back({row, begin, col});
    }
  }
  return runs_of_label;
}

}  // namespace

TrackSet TracksFromLabels(const std::vector<cv::Mat>& labels) {
  const size_t editions = labels.size();
  std::map<int32_t, std::vector<Mask>> masks_of_label;
  for (size_t t = 0; t < editions; ++t) {
    MAPWEAVE_CHECK(labels[t].type() == CV_32SC1);
    MAPWEAVE_CHECK(labels[t].size() == labels[0].size());
    for (auto& [label, runs] : CollectRuns(labels[t])) {
      std::vector<Mask>& masks = masks_of_label[label];
      masks.resize(editions);
      masks[t] = Mask::FromRuns(std::move(runs));
    }
  }
  TrackSet result;
  result.reserve(masks_of_label.size());
  for (auto& [label, masks] : masks_of_label) {
    result.push_back(TrackAsDrawn(std::move(masks), 1.0f));
  }
  return result;
}

void RenumberLabels(std::vector<cv::Mat>& labels) {
  std::vector<int32_t> seen;
  for (const cv::Mat& image : labels) {
    for (int y = 0; y < image.rows; ++y) {
      const int32_t* row = image.ptr<int32_t>(y);
      int32_t last = 0;
      for (int x = 0; x < image.cols; ++x) {
        if (row[x] != last && row[x] > 0) seen.push_back(row[x]);
        last = row[x];
      }
    }
  }
  std::ranges::sort(seen);
  seen.erase(std::ranges::unique(seen).begin(), seen.end());
  for (cv::Mat& image : labels) {
    for (int y = 0; y < image.rows; ++y) {
      int32_t* row = image.ptr<int32_t>(y);
      int32_t last = 0;
      int32_t mapped = 0;
      for (int x = 0; x < image.cols; ++x) {
        if (row[x] <= 0) continue;
        if (row[x] != last) {
          last = row[x];
          mapped = static_cast<int32_t>(std::ranges::lower_bound(seen, last) -
                                        seen.begin() + 1);
        }
        row[x] = mapped;
      }
    }
  }
}

}  // namespace mapweave::tracking
