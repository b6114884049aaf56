// SPDX-License-Identifier: MIT
#include "synth/video_frames.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

// Pasted instances are numbered far above the buildings of a plate and those
// that its edits begin; labels are 16 bits wide.
constexpr int kFirstPastedId = 1 << 15;
constexpr int kLattice = 5;
// VideoCutLER's: Wang et al., "VideoCutLER: Surprisingly Simple Unsupervised
// Video Instance Segmentation", 2023, section 3.2.
constexpr double kMinResize = 0.8;
constexpr double kMaxHidden = 0.5;
// How far a pasted instance moves from frame to frame is not given; ours.
constexpr int kPastedShiftPx = 12;

cv::Matx22d Orientation(int orientation) {
  static const cv::Matx22d kTurns[] = {
      {1, 0, 0, 1}, {0, -1, 1, 0}, {-1, 0, 0, -1}, {0, 1, -1, 0}};
  const cv::Matx22d mirror =
      orientation >= 4 ? cv::Matx22d(-1, 0, 0, 1) : cv::Matx22d::eye();
  return kTurns[orientation % 4] * mirror;
}

}  // namespace

cv::Point2f Registration::FrameFromPlate(cv::Point2f p) const {
  const cv::Vec2d d(p.x - plate_middle - shift.x, p.y - plate_middle - shift.y);
  const cv::Vec2d f = matrix.inv() * d;
  return {static_cast<float>(f[0] + frame_middle),
          static_cast<float>(f[1] + frame_middle)};
}

Registration DrawRegistration(const VideoOptions& options, double scale,
                              int orientation, int plate_px, Rng& rng) {
  Registration out;
  const double angle =
      rng.Uniform(-options.max_rotation_deg, options.max_rotation_deg) *
      std::numbers::pi / 180.0;
  const cv::Matx22d turn(std::cos(angle), -std::sin(angle), std::sin(angle),
                         std::cos(angle));
  out.matrix = turn * Orientation(orientation) * (1.0 / scale);
  // A part of a pixel more, so that no frame is spared the resampling.
  const double reach = options.max_jitter_px + 0.5;
  out.shift = {rng.Uniform(-reach, reach) / scale,
               rng.Uniform(-reach, reach) / scale};
  out.frame_middle = options.size_px / 2.0;
  out.plate_middle = plate_px / 2.0;
  out.interpolation = rng.Chance(0.5) ? cv::INTER_LINEAR : cv::INTER_CUBIC;
  if (options.max_distortion_px > 0.0) {
    out.displacement = cv::Mat(kLattice, kLattice, CV_32FC2);
    const double amount = rng.Uniform(0.0, options.max_distortion_px) / scale;
    for (auto& d : cv::Mat_<cv::Vec2f>(out.displacement)) {
      d = {static_cast<float>(rng.Uniform(-amount, amount)),
           static_cast<float>(rng.Uniform(-amount, amount))};
    }
  }
  return out;
}

Frame WarpFrame(const Plate& plate, const Registration& registration,
                int size_px) {
  cv::Mat map(size_px, size_px, CV_32FC2);
  if (registration.displacement.empty()) {
    map.setTo(cv::Scalar::all(0));
  } else {
    cv::resize(registration.displacement, map, map.size(), 0, 0,
               cv::INTER_LINEAR);
  }
  const cv::Matx22f m = registration.matrix;
  const auto middle = static_cast<float>(registration.frame_middle);
  // remap() has pixel centres at whole numbers.
  const auto x0 = static_cast<float>(registration.plate_middle +
                                     registration.shift.x - 0.5);
  const auto y0 = static_cast<float>(registration.plate_middle +
                                     registration.shift.y - 0.5);
  for (int y = 0; y < size_px; ++y) {
    auto* row = map.ptr<cv::Vec2f>(y);
    const float fy = static_cast<float>(y) + 0.5f - middle;
    for (int x = 0; x < size_px; ++x) {
      const float fx = static_cast<float>(x) + 0.5f - middle;
      row[x][0] += m(0, 0) * fx + m(0, 1) * fy + x0;
      row[x][1] += m(1, 0) * fx + m(1, 1) * fy + y0;
    }
  }
  Frame frame;
  cv::remap(plate.rgb, frame.rgb, map, cv::noArray(),
            registration.interpolation, cv::BORDER_CONSTANT,
            cv::Scalar::all(255));
  cv::remap(plate.coverage, frame.coverage, map, cv::noArray(),
            cv::INTER_NEAREST, cv::BORDER_CONSTANT, cv::Scalar(0));
  cv::Mat labels;
  cv::remap(plate.labels, labels, map, cv::noArray(), cv::INTER_NEAREST,
            cv::BORDER_CONSTANT, cv::Scalar(0));
  labels.setTo(0, frame.coverage == 0);
  labels.convertTo(frame.labels, CV_32SC1);
  return frame;
}

PastedInstances DrawPasted(const Plate& plate,
                           const std::vector<Sprite>& library, int count,
                           Rng& rng) {
  PastedInstances pasted;
  if (library.empty()) return pasted;
  int id = kFirstPastedId;
  for (int i = 0; i < count; ++i) {
    const Sprite& sprite = rng.Pick(library);
    const cv::Size free = plate.rgb.size() - sprite.mask.size();
    if (free.width < 1 || free.height < 1) continue;
    const cv::Point at(static_cast<int>(rng.Int(0, free.width)),
                       static_cast<int>(rng.Int(0, free.height)));
    const cv::Mat hidden =
        sprite.mask & (plate.labels(cv::Rect(at, sprite.mask.size())) != 0);
    if (cv::countNonZero(hidden) >= kMaxHidden * sprite.area) continue;
    pasted.push_back({&sprite, at, id++});
  }
  return pasted;
}

void PasteInto(const PastedInstances& pasted, int t, Rng& rng, Plate& frame) {
  for (const Pasted& instance : pasted) {
    const double factor = rng.Uniform(kMinResize, 1.0);
    cv::Mat rgb;
    cv::Mat mask;
    cv::resize(instance.sprite->rgb, rgb, {}, factor, factor, cv::INTER_AREA);
    cv::resize(instance.sprite->mask, mask, rgb.size(), 0, 0,
               cv::INTER_NEAREST);
    const auto move = [&](int at, int limit) {
      const int shift =
          t == 0 ? 0
                 : static_cast<int>(rng.Int(-kPastedShiftPx, kPastedShiftPx));
      return std::clamp(at + shift, 0, limit);
    };
    const cv::Rect there(move(instance.at.x, frame.rgb.cols - rgb.cols),
                         move(instance.at.y, frame.rgb.rows - rgb.rows),
                         rgb.cols, rgb.rows);
    rgb.copyTo(frame.rgb(there), mask);
    frame.labels(there).setTo(instance.id, mask);
  }
}

}  // namespace mapweave::synth
