// SPDX-License-Identifier: MIT
#include "tracking/components.h"

#include "core/error.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

namespace mapweave::tracking {
namespace {

void CheckProbability(double value, const char* name) {
  if (!(value >= 0.0 && value <= 1.0)) {
    throw Error(ErrorCode::kUsage, std::string(name) +
                                       " must lie between 0 and 1, not " +
                                       std::to_string(value));
  }
}

// CV_8UC1: 255 where `map` is above the threshold and there is paper.
cv::Mat Above(const cv::Mat& map, double threshold, const cv::Mat& coverage) {
  cv::Mat above = map > threshold;
  if (!coverage.empty()) above.setTo(0, coverage == 0);
  return above;
}

// Labels from 1 in the order of first pixels, 0 elsewhere; CV_32SC1.
struct Labelling {
  cv::Mat labels;
  int count = 0;
};

// OpenCV promises no order of labels, and weak components are to go.
Labelling LabelSeeds(const cv::Mat& seeds, const cv::Mat& interior,
                     double peak_threshold) {
  cv::Mat raw;
  const int raw_count = cv::connectedComponents(seeds, raw, 4, CV_32S);
  std::vector<float> peak(raw_count, 0.0f);
  for (int row = 0; row < raw.rows; ++row) {
    const int32_t* label = raw.ptr<int32_t>(row);
    const float* probability = interior.ptr<float>(row);
    for (int col = 0; col < raw.cols; ++col) {
      peak[label[col]] = std::max(peak[label[col]], probability[col]);
    }
  }
  std::vector<int32_t> renamed(raw_count, 0);
  int count = 0;
  for (int row = 0; row < raw.rows; ++row) {
    int32_t* label = raw.ptr<int32_t>(row);
    for (int col = 0; col < raw.cols; ++col) {
      const int32_t old = label[col];
      if (old == 0) continue;
      if (renamed[old] == 0) {
        renamed[old] =
            peak[old] >= static_cast<float>(peak_threshold) ? ++count : -1;
      }
      label[col] = std::max(renamed[old], 0);
    }
  }
  return {raw, count};
}

// One step of growth costs the length of the fronts, not the image.
void Grow(cv::Mat& labels, const cv::Mat& allowed, int steps) {
  const cv::Point sides[] = {{0, -1}, {-1, 0}, {1, 0}, {0, 1}};
  const cv::Rect image({0, 0}, labels.size());
  std::vector<cv::Point> front;
  for (int row = 0; row < labels.rows; ++row) {
    for (int col = 0; col < labels.cols; ++col) {
      if (labels.at<int32_t>(row, col) > 0) front.emplace_back(col, row);
    }
  }
  std::vector<std::pair<cv::Point, int32_t>> claims;
  for (int step = 0; step < steps && !front.empty(); ++step) {
    claims.clear();
    for (const cv::Point& from : front) {
      const int32_t label = labels.at<int32_t>(from);
      for (const cv::Point& side : sides) {
        const cv::Point to = from + side;
        if (image.contains(to) && labels.at<int32_t>(to) == 0 &&
            allowed.at<uint8_t>(to) != 0) {
          claims.emplace_back(to, label);
        }
      }
    }
    front.clear();
    for (const auto& [to, label] : claims) {
      int32_t& owner = labels.at<int32_t>(to);
      if (owner == 0) {
        owner = label;
        front.push_back(to);
      } else {
        owner = std::min(owner, label);
      }
    }
  }
}

struct Collected {
  std::vector<Run> runs;
  double probability = 0.0;
  int64_t area = 0;
};

std::vector<Collected> Collect(const Labelling& labelling,
                               const cv::Mat& foreground) {
  std::vector<Collected> collected(labelling.count);
  for (int row = 0; row < labelling.labels.rows; ++row) {
    const int32_t* label = labelling.labels.ptr<int32_t>(row);
    const float* probability = foreground.ptr<float>(row);
    for (int col = 0; col < labelling.labels.cols;) {
      const int32_t current = label[col];
      if (current == 0) {
        ++col;
        continue;
      }
      Collected& instance = collected[current - 1];
      const int begin = col;
      while (col < labelling.labels.cols && label[col] == current) {
        instance.probability += probability[col++];
      }
      instance.runs.push_back({row, begin, col});
      instance.area += col - begin;
    }
  }
  return collected;
}

}  // namespace

void ComponentOptions::Validate() const {
  CheckProbability(interior_threshold, "interior_threshold");
  CheckProbability(foreground_threshold, "foreground_threshold");
  CheckProbability(peak_threshold, "peak_threshold");
  if (grow_px < 0 || min_area_px < 0) {
    throw Error(ErrorCode::kUsage,
                "grow_px and min_area_px must not be negative");
  }
}

std::vector<Instance> InstancesFromMaps(const cv::Mat& foreground,
                                        const cv::Mat& interior,
                                        const cv::Mat& coverage,
                                        const ComponentOptions& options) {
  options.Validate();
  if (foreground.empty()) return {};
  MAPWEAVE_CHECK(foreground.type() == CV_32FC1);
  MAPWEAVE_CHECK(interior.type() == CV_32FC1);
  MAPWEAVE_CHECK(interior.size() == foreground.size());
  MAPWEAVE_CHECK(coverage.empty() || (coverage.type() == CV_8UC1 &&
                                      coverage.size() == foreground.size()));
  Labelling labelling =
      LabelSeeds(Above(interior, options.interior_threshold, coverage),
                 interior, options.peak_threshold);
  Grow(labelling.labels,
       Above(foreground, options.foreground_threshold, coverage),
       options.grow_px);
  std::vector<Instance> instances;
  for (Collected& collected : Collect(labelling, foreground)) {
    if (collected.area < options.min_area_px) continue;
    const double mean =
        collected.probability / static_cast<double>(collected.area);
    instances.push_back({Mask::FromRuns(std::move(collected.runs)),
                         static_cast<float>(std::clamp(mean, 0.0, 1.0))});
  }
  // Growth upwards may have changed which pixel comes first.
  std::sort(instances.begin(), instances.end(),
            [](const Instance& a, const Instance& b) {
              return a.mask.Runs().front() < b.mask.Runs().front();
            });
  return instances;
}

}  // namespace mapweave::tracking
