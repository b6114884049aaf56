// SPDX-License-Identifier: MIT
#include "tracking/instance_features.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::tracking {
namespace {

// Width of the band of paper around an instance that its colour is compared
// with, in pixels.
constexpr int kPaperBand = 4;
// The mean of log area over simulated towns, and its scatter.
constexpr double kMeanLogArea = 5.0;
constexpr double kLogAreaScale = 1.5;

struct Colour {
  double red = 0.0;
  double green = 0.0;
  double blue = 0.0;
  double brightness = 0.0;
  double scatter = 0.0;  // of the brightness
  bool is_known = false;
};

class ColourSum {
 public:
  void Add(const cv::Vec3b& pixel) {
    const double brightness = (pixel[0] + pixel[1] + pixel[2]) / 3.0;
    for (int c = 0; c < 3; ++c) sum_[c] += pixel[c];
    squares_ += brightness * brightness;
    ++count_;
  }
  Colour Mean() const {
    Colour colour;
    if (count_ == 0) return colour;
    const double scale = 1.0 / (255.0 * count_);
    colour.red = sum_[0] * scale;
    colour.green = sum_[1] * scale;
    colour.blue = sum_[2] * scale;
    colour.brightness = (colour.red + colour.green + colour.blue) / 3.0;
    colour.scatter = std::sqrt(std::max(
        0.0, squares_ * scale / 255.0 - colour.brightness * colour.brightness));
    colour.is_known = true;
    return colour;
  }

 private:
  double sum_[3] = {};
  double squares_ = 0.0;
  int count_ = 0;
};

Colour ColourInside(const Mask& mask, const cv::Mat& frame) {
  ColourSum sum;
  for (const Run& run : mask.Runs()) {
    const auto* line = frame.ptr<cv::Vec3b>(run.row);
    for (int col = run.begin; col < run.end; ++col) sum.Add(line[col]);
  }
  return sum.Mean();
}

// Of the covered pixels around that belong to no building.
Colour ColourAround(const InstanceView& view) {
  const cv::Rect bounds = view.instance.mask.Bounds();
  const cv::Rect band(bounds.x - kPaperBand, bounds.y - kPaperBand,
                      bounds.width + 2 * kPaperBand,
                      bounds.height + 2 * kPaperBand);
  const cv::Rect box = band & cv::Rect({0, 0}, view.frame->size());
  cv::Mat taken = cv::Mat::zeros(box.size(), CV_8UC1);
  view.drawn->Clipped(box).Paint(taken, 1, box.tl());
  const bool all_covered = view.coverage == nullptr || view.coverage->empty();
  ColourSum sum;
  for (int row = 0; row < box.height; ++row) {
    const auto* line = view.frame->ptr<cv::Vec3b>(box.y + row) + box.x;
    for (int col = 0; col < box.width; ++col) {
      if (taken.at<uint8_t>(row, col) != 0) continue;
      if (!all_covered &&
          view.coverage->at<uint8_t>(box.y + row, box.x + col) == 0) {
        continue;
      }
      sum.Add(line[col]);
    }
  }
  return sum.Mean();
}

}  // namespace

Shape ShapeOf(const Mask& mask) {
  Shape shape;
  shape.centre = mask.Centroid();
  shape.area = static_cast<double>(mask.Area());
  shape.side = std::sqrt(shape.area);
  double xx = 0.0;
  double xy = 0.0;
  double yy = 0.0;
  for (const Run& run : mask.Runs()) {
    const double n = run.end - run.begin;
    const double x = (run.begin + run.end) / 2.0 - shape.centre.x;
    const double y = run.row + 0.5 - shape.centre.y;
    // Pixels are unit squares, so that a single one has extent, too.
    xx += n * (x * x + n * n / 12.0);
    yy += n * (y * y + 1.0 / 12.0);
    xy += n * x * y;
  }
  xx /= shape.area;
  yy /= shape.area;
  xy /= shape.area;
  const double mean = (xx + yy) / 2.0;
  const double difference = std::hypot((xx - yy) / 2.0, xy);
  const double least = std::max(mean - difference, 1e-3);
  shape.elongation = 0.5 * std::log((mean + difference) / least);
  shape.angle = 0.5 * std::atan2(2.0 * xy, xx - yy);
  shape.fullness = shape.area / (12.0 * std::sqrt((mean + difference) * least));
  // Edges of pixels that border on the outside.
  const double perimeter =
      2.0 * static_cast<double>(mask.Runs().size()) +
      2.0 * static_cast<double>(mask.Area() -
                                mask.IntersectionArea(mask, {0, 1}));
  shape.compactness =
      4.0 * std::numbers::pi * shape.area / (perimeter * perimeter);
  return shape;
}

std::array<float, kInstanceFeatures> FeaturesOf(const InstanceView& view) {
  const Shape& shape = view.shape;
  Colour inside;
  Colour around;
  if (view.frame != nullptr) {
    inside = ColourInside(view.instance.mask, *view.frame);
    around = ColourAround(view);
    if (!around.is_known) around = inside;
  }
  const double vote = std::hypot(view.centre_vote.x - shape.centre.x,
                                 view.centre_vote.y - shape.centre.y);
  const std::array<double, kInstanceFeatures> values = {
      (std::log(shape.area) - kMeanLogArea) / kLogAreaScale,
      2.0 * static_cast<double>(view.instance.score) - 1.0,
      std::min(shape.elongation, 3.0),
      4.0 * (shape.fullness - 0.85),
      4.0 * (shape.compactness - 0.6),
      4.0 * (view.crowding - 0.25),
      view.is_cut ? 1.0 : 0.0,
      std::min(vote / 4.0, 3.0),
      2.0 * inside.brightness - 1.0,
      8.0 * inside.scatter,
      4.0 * (inside.red - inside.blue),
      4.0 * (inside.green - inside.blue),
      2.0 * around.brightness - 1.0,
      4.0 * (around.brightness - inside.brightness)};
  std::array<float, kInstanceFeatures> features{};
  std::transform(values.begin(), values.end(), features.begin(),
                 [](double value) { return static_cast<float>(value); });
  return features;
}

}  // namespace mapweave::tracking
