// SPDX-License-Identifier: MIT
#include "synth/preview.h"

#include "core/error.h"
#include "core/random.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>

namespace mapweave::synth {
namespace {

constexpr int kGapPx = 6;

cv::Vec3b ColourOf(int32_t label) {
  Rng rng(0x636f6c6f7572ULL, static_cast<uint64_t>(label));
  // Strong colours: one channel high, one low.
  cv::Vec3b c;
  const int high = static_cast<int>(rng.Int(0, 2));
  for (int i = 0; i < 3; ++i)
    c[i] = static_cast<uint8_t>(i == high ? 255 : rng.Int(0, 200));
  return c;
}

// The frame with the inner edges of its labels in colour.
cv::Mat DrawTruth(const cv::Mat& frame, const cv::Mat& coverage,
                  const cv::Mat& labels, int zoom) {
  cv::Mat image;
  cv::resize(frame, image, {}, zoom, zoom, cv::INTER_NEAREST);
  cv::Mat large;
  // Labels are below 2^24, so a float holds them.
  labels.convertTo(large, CV_32FC1);
  cv::resize(large, large, image.size(), 0, 0, cv::INTER_NEAREST);
  for (int y = 1; y + 1 < image.rows; ++y) {
    for (int x = 1; x + 1 < image.cols; ++x) {
      const float k = large.at<float>(y, x);
      if (coverage.at<uint8_t>(y / zoom, x / zoom) == 0 && (x + y) % 12 == 0)
        image.at<cv::Vec3b>(y, x) = {255, 0, 255};
      if (k == 0.0f) continue;
      if (k != large.at<float>(y - 1, x) || k != large.at<float>(y + 1, x) ||
          k != large.at<float>(y, x - 1) || k != large.at<float>(y, x + 1)) {
        image.at<cv::Vec3b>(y, x) = ColourOf(static_cast<int32_t>(k));
      }
    }
  }
  return image;
}

}  // namespace

void ContactSheetOptions::Validate() const {
  const auto require = [](bool condition, const char* name, int value) {
    if (condition) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("the preview option {} is {}", name, value),
                "set it within the range that the documentation gives");
  };
  require(clips >= 1, "clips", clips);
  require(columns >= 1, "columns", columns);
  require(zoom >= 1 && zoom <= 8, "zoom", zoom);
  require(max_editions >= 1, "max_editions", max_editions);
}

cv::Mat ContactSheet(const tracking::ClipSource& source,
                     const ContactSheetOptions& options) {
  options.Validate();
  cv::Mat sheet;
  int side_x = 0;
  int side_y = 0;
  const int rows = (options.clips + options.columns - 1) / options.columns;
  for (int i = 0; i < options.clips; ++i) {
    const tracking::LabelledClip clip =
        source.Get(options.first_index + static_cast<uint64_t>(i));
    if (sheet.empty()) {
      side_x = clip.clip.frames.at(0).cols * options.zoom + kGapPx;
      side_y = clip.clip.frames.at(0).rows * options.zoom + kGapPx;
      sheet = cv::Mat(
          rows * (2 * side_y + kGapPx),
          options.columns * (options.max_editions * side_x + 2 * kGapPx),
          CV_8UC3, cv::Scalar(60, 60, 60));
    }
    const int x0 =
        (i % options.columns) * (options.max_editions * side_x + 2 * kGapPx);
    const int y0 = (i / options.columns) * (2 * side_y + kGapPx);
    const size_t shown = std::min(clip.clip.frames.size(),
                                  static_cast<size_t>(options.max_editions));
    for (size_t t = 0; t < shown; ++t) {
      const cv::Mat& frame = clip.clip.frames[t];
      cv::Mat plain;
      cv::resize(frame, plain, {}, options.zoom, options.zoom,
                 cv::INTER_NEAREST);
      const cv::Mat truth =
          DrawTruth(frame, clip.clip.coverage[t], clip.labels[t], options.zoom);
      const cv::Point at(x0 + static_cast<int>(t) * side_x, y0);
      plain.copyTo(sheet(cv::Rect(at, plain.size())));
      truth.copyTo(sheet(cv::Rect(at + cv::Point(0, side_y), truth.size())));
    }
  }
  return sheet;
}

}  // namespace mapweave::synth
