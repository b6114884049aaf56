// SPDX-License-Identifier: MIT
#include "bench/pretraining/ink_baseline.h"

#include "tracking/components.h"
#include "tracking/link.h"

#include <opencv2/imgproc.hpp>

namespace mapweave::pretraining {
namespace {

using tracking::Instance;
using tracking::LabelledClip;

// Share of the bounding box that the mask fills: the only confidence that a
// threshold gives.
float ScoreOf(const tracking::Mask& mask) {
  return static_cast<float>(static_cast<double>(mask.Area()) /
                            mask.Bounds().area());
}

std::vector<Instance> FindInk(const cv::Mat& rgb, const cv::Mat& coverage,
                              const InkSettings& settings) {
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  cv::Mat ink;
  const double otsu =
      cv::threshold(grey, ink, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
  const double level = otsu + settings.offset;
  cv::Mat wanted =
      settings.enclosed ? cv::Mat(grey > level) : cv::Mat(grey <= level);
  cv::Mat probability;
  wanted.convertTo(probability, CV_32FC1, 1.0 / 255.0);
  tracking::ComponentOptions components;
  components.grow_px = 0;
  components.min_area_px = settings.min_area_px;
  std::vector<Instance> found = tracking::InstancesFromMaps(
      probability, probability, coverage, components);
  std::erase_if(found, [&](const Instance& instance) {
    return instance.mask.Area() > settings.max_area_px;
  });
  for (Instance& instance : found) instance.score = ScoreOf(instance.mask);
  return found;
}

double Sum(const tracking::Measures& measures) {
  tracking::MatchScore detections;
  for (const auto& edition : measures.editions) detections += edition.counts;
  return detections.F1() + measures.link_f1 + measures.track_f1;
}

}  // namespace

Json InkSettings::ToJson() const {
  return {{"enclosed", enclosed},
          {"offset", offset},
          {"min_area_px", min_area_px},
          {"max_area_px", max_area_px}};
}

tracking::Measures MeasureInk(const std::vector<LabelledClip>& clips,
                              const InkSettings& settings) {
  std::vector<tracking::SeriesTracks> series;
  for (const LabelledClip& clip : clips) {
    std::vector<std::vector<Instance>> instances;
    for (size_t t = 0; t < clip.labels.size(); ++t) {
      instances.push_back(
          FindInk(clip.clip.frames[t], clip.clip.coverage[t], settings));
    }
    series.push_back({tracking::LinkByIoU(instances),
                      tracking::TracksFromLabels(clip.labels)});
  }
  return tracking::Evaluate(series, {});
}

InkSettings ChooseInkSettings(const std::vector<LabelledClip>& labelled) {
  InkSettings best;
  double best_sum = -1.0;
  for (const bool enclosed : {false, true}) {
    for (const int offset : {-30, 0, 30}) {
      for (const int min_area : {15, 40}) {
        for (const int max_area : {600, 2500}) {
          const InkSettings settings{enclosed, offset, min_area, max_area};
          const double sum = Sum(MeasureInk(labelled, settings));
          if (sum <= best_sum) continue;
          best_sum = sum;
          best = settings;
        }
      }
    }
  }
  return best;
}

}  // namespace mapweave::pretraining
