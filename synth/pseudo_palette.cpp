// SPDX-License-Identifier: MIT
//
// Pseudo-instances from the sheet's own colours. One fill is rarely one colour
// of the palette (washes are uneven, prints are worn), so the colours are
// joined pair by pair and the components of every set on the way are tried; so
// are those of steps away from the colour of the ground around, for pale washes
// that lie between two colours of the palette.
#include "synth/clustering.h"
#include "synth/pseudo_candidates.h"

#include <opencv2/imgproc.hpp>

#include <vector>

namespace mapweave::synth {
namespace {

// Sets of colours further apart than this are no single fill.
constexpr double kMaxSpread = 34.0;

// A patch of half this side does not sway the median around it.
constexpr int kGroundPx = 63;
constexpr int kGroundReduction = 3;
constexpr float kGroundSteps[] = {6.0f, 9.0f, 13.0f, 18.0f, 26.0f};

// Sets of colours that may be one fill; none holds the paper.
std::vector<std::vector<int>> ColourSets(const Palette& palette) {
  std::vector<int> index;
  std::vector<cv::Vec3f> colours;
  std::vector<double> shares;
  for (size_t k = 0; k < palette.Size(); ++k) {
    if (k == palette.paper) continue;
    index.push_back(static_cast<int>(k));
    colours.push_back(palette.colours[k]);
    shares.push_back(palette.shares[k] + 1e-6);
  }
  if (colours.empty()) return {};
  std::vector<std::vector<int>> sets =
      Agglomerate(cv::Mat(colours).reshape(1), shares, kMaxSpread);
  for (std::vector<int>& set : sets)
    for (int& k : set) k = index[static_cast<size_t>(k)];
  return sets;
}

// CV_32FC1: how far each pixel is from the median colour around it, 0 where it
// is lighter and no more colourful.
cv::Mat DepthOverGround(const SheetView& view) {
  cv::Mat small;
  cv::resize(view.lab, small, {}, 1.0 / kGroundReduction,
             1.0 / kGroundReduction, cv::INTER_AREA);
  std::vector<cv::Mat> planes;
  cv::split(small, planes);
  for (size_t c = 0; c < 3; ++c) {
    // 8 bits hold L * 2, or a and b about 128.
    const double scale = c == 0 ? 2.0 : 1.0;
    const double offset = c == 0 ? 0.0 : 128.0;
    cv::Mat bytes;
    planes[c].convertTo(bytes, CV_8UC1, scale, offset);
    cv::medianBlur(bytes, bytes, kGroundPx / kGroundReduction);
    bytes.convertTo(planes[c], CV_32FC1, 1.0 / scale, -offset / scale);
  }
  cv::Mat ground;
  cv::merge(planes, ground);
  cv::resize(ground, ground, view.lab.size(), 0, 0, cv::INTER_LINEAR);
  cv::Mat depth(view.lab.size(), CV_32FC1);
  for (int y = 0; y < depth.rows; ++y) {
    const auto* pixel = view.lab.ptr<cv::Vec3f>(y);
    const auto* around = ground.ptr<cv::Vec3f>(y);
    auto* out = depth.ptr<float>(y);
    for (int x = 0; x < depth.cols; ++x) {
      const bool darker = pixel[x][0] < around[x][0] - 2.0f;
      out[x] = darker || std::hypot(pixel[x][1], pixel[x][2]) >
                             std::hypot(around[x][1], around[x][2]) + 5.0f
                   ? static_cast<float>(ColourDistance(pixel[x], around[x]))
                   : 0.0f;
    }
  }
  return depth;
}

}  // namespace

std::vector<Candidate> PaletteCandidates(const SheetView& view,
                                         const PseudoOptions& options) {
  std::vector<Candidate> candidates;
  const cv::Mat square = cv::getStructuringElement(cv::MORPH_RECT, {3, 3});
  for (const std::vector<int>& set : ColourSets(view.palette)) {
    cv::Mat binary = PixelsOfClasses(view.classes, set);
    // Lines and the strokes of letters go, corners stay.
    cv::morphologyEx(binary, binary, cv::MORPH_OPEN, square);
    AddComponents(view, binary, options, ComponentLook::kFlat, candidates);
  }
  const cv::Mat depth = DepthOverGround(view);
  for (float step : kGroundSteps) {
    cv::Mat binary = depth > step;
    cv::morphologyEx(binary, binary, cv::MORPH_OPEN, square);
    AddComponents(view, binary, options, ComponentLook::kFlat, candidates);
  }
  return candidates;
}

}  // namespace mapweave::synth
