// SPDX-License-Identifier: MIT
//
// Pseudo-instances from line work: faces that ink lines and edges of washes
// close. A tinted face is
// judged like any patch of colour; a face of bare paper counts only if its
// outline stands alone, since plots are closed by lines that go on.
#include "synth/pseudo_candidates.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <vector>

namespace mapweave::synth {
namespace {

// Where the colour changes by more than one of these, a face ends: washes often
// have an outline on their shadow side only.
constexpr float kSteps[] = {5.0f, 7.0f, 9.0f, 11.0f, 14.0f, 18.0f, 24.0f};
// Lines are narrower than this.
constexpr int kLineReachPx = 9;
// Least depth of a line below the paper around it, in L.
constexpr double kMinLineDepth = 7.0;
// An outline that stands alone is not larger than this.
constexpr int kMaxOutlinePx = 90;
constexpr int kMinOutlineSidePx = 7;
// Share of the filled outline that is not ink.
constexpr double kMinInside = 0.4;
constexpr double kMinOutlineRectangularity = 0.75;

// 255 where the sheet is darker than what lies around within the reach of a
// line; the threshold is Otsu's over the pixels that are darker at all.
cv::Mat LineInk(const SheetView& view) {
  cv::Mat lightness;
  cv::extractChannel(view.lab, lightness, 0);
  cv::Mat closed;
  cv::morphologyEx(lightness, closed, cv::MORPH_CLOSE,
                   cv::getStructuringElement(cv::MORPH_ELLIPSE,
                                             {kLineReachPx, kLineReachPx}));
  cv::Mat depth;
  cv::Mat(closed - lightness).convertTo(depth, CV_8UC1, 2.0);
  std::vector<uint8_t> darker;
  for (int y = 0; y < depth.rows; ++y) {
    for (int x = 0; x < depth.cols; ++x) {
      const uint8_t d = depth.at<uint8_t>(y, x);
      if (d > 2 && view.coverage.at<uint8_t>(y, x) != 0) darker.push_back(d);
    }
  }
  if (darker.empty()) return cv::Mat::zeros(depth.size(), CV_8UC1);
  cv::Mat scratch;
  const double otsu = cv::threshold(darker, scratch, 0, 255, cv::THRESH_OTSU);
  return depth > std::max(0.6 * otsu, 2.0 * kMinLineDepth);
}

// Outlines that touch no other ink, filled.
cv::Mat LoneOutlines(const cv::Mat& ink, const PseudoOptions& options) {
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int n =
      cv::connectedComponentsWithStats(ink, labels, stats, centroids, 8);
  cv::Mat outlines = cv::Mat::zeros(ink.size(), CV_8UC1);
  for (int k = 1; k < n; ++k) {
    const cv::Rect box(stats.at<int>(k, cv::CC_STAT_LEFT),
                       stats.at<int>(k, cv::CC_STAT_TOP),
                       stats.at<int>(k, cv::CC_STAT_WIDTH),
                       stats.at<int>(k, cv::CC_STAT_HEIGHT));
    if (std::max(box.width, box.height) > kMaxOutlinePx ||
        std::min(box.width, box.height) < kMinOutlineSidePx ||
        box.area() < options.min_area_px) {
      continue;
    }
    cv::Mat mask = labels(box) == k;
    cv::Mat filled;
    const ShapeMeasures shape = MeasureShape(mask, filled);
    if (shape.hole_share < kMinInside ||
        shape.rectangularity < kMinOutlineRectangularity) {
      continue;
    }
    outlines(box) |= filled;
  }
  return outlines;
}

// CV_32FC1: colour difference across each pixel, the root of the summed squares
// of the range within 3 x 3.
cv::Mat ColourSteps(const cv::Mat& lab) {
  const cv::Mat square = cv::getStructuringElement(cv::MORPH_RECT, {3, 3});
  cv::Mat range;
  cv::morphologyEx(lab, range, cv::MORPH_GRADIENT, square);
  range = range.mul(range);
  cv::Mat sum;
  cv::transform(range, sum, cv::Matx13f(1.0f, 1.0f, 1.0f));
  cv::sqrt(sum, sum);
  return sum;
}

}  // namespace

std::vector<Candidate> FaceCandidates(const SheetView& view,
                                      const PseudoOptions& options) {
  std::vector<Candidate> candidates;
  const cv::Mat ink = LineInk(view);
  AddComponents(view, LoneOutlines(ink, options), options,
                ComponentLook::kOutline, candidates);
  const cv::Mat steps = ColourSteps(view.lab);
  for (const float step : kSteps) {
    const cv::Mat open = ~(ink | (steps > step));
    AddComponents(view, open, options, ComponentLook::kFace, candidates);
  }
  return candidates;
}

}  // namespace mapweave::synth
