// SPDX-License-Identifier: MIT
#include "synth/pseudo_candidates.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace mapweave::synth {
namespace {

// Room around a component for the ring that it is compared with.
constexpr int kRoomPx = 8;
constexpr int kRingInnerPx = 3;
constexpr int kRingOuterPx = 7;
// Holes below this share of the filled area are letters, larger ones courts.
constexpr double kLetterHole = 0.12;
constexpr double kMaxHoleShare = 0.4;
constexpr double kMinRectangularity = 0.5;
// A contrast from which on more does not count.
constexpr double kFullContrast = 14.0;
// A patch with this much ink in it is lettering or a frame unless it is thicker
// than the stroke of a capital letter.
constexpr double kInkyShare = 0.25;
constexpr double kInkDepthShare = 0.7;
constexpr double kInkChroma = 15.0;
constexpr double kInkThicknessPx = 9.0;
// Letters are seldom even enough inside to be a face.
constexpr double kInkFacePx = 4.0;
constexpr double kMaxElongation = 7.0;
constexpr double kMinFlatness = 0.6;
// What the edges of a face take from it.
constexpr double kFaceRimPx = 1.0;
// Of a perfect rectangle that is drawn in outline alone.
constexpr double kOutlineTrust = 0.7;

cv::Mat Disc(int radius) {
  return cv::getStructuringElement(cv::MORPH_ELLIPSE,
                                   {2 * radius + 1, 2 * radius + 1});
}

// Per channel, over the non-zero pixels of `mask`; false if there are too few.
bool MedianColour(const cv::Mat& lab, const cv::Mat& mask, cv::Vec3f& median) {
  std::vector<float> values[3];
  for (int y = 0; y < lab.rows; ++y) {
    const auto* row = lab.ptr<cv::Vec3f>(y);
    const uint8_t* in = mask.ptr(y);
    for (int x = 0; x < lab.cols; ++x) {
      if (in[x] == 0) continue;
      for (int c = 0; c < 3; ++c) values[c].push_back(row[x][c]);
    }
  }
  if (values[0].size() < 8) return false;
  for (int c = 0; c < 3; ++c) {
    const auto middle =
        values[c].begin() + static_cast<int64_t>(values[c].size() / 2);
    std::nth_element(values[c].begin(), middle, values[c].end());
    median[c] = *middle;
  }
  return true;
}

double Chroma(const cv::Vec3f& lab) { return std::hypot(lab[1], lab[2]); }

struct Surroundings {
  cv::Vec3f inside;
  cv::Vec3f ring;
  double contrast = 0.0;
  // Whether the patch is inked against the ring, and not the other way round.
  bool stands_out = false;
};

bool LookAround(const cv::Mat& lab, const cv::Mat& mask,
                const cv::Mat& coverage, Surroundings& out) {
  cv::Mat inner;
  cv::Mat outer;
  cv::dilate(mask, inner, Disc(kRingInnerPx - 1));
  cv::dilate(mask, outer, Disc(kRingOuterPx));
  const cv::Mat ring = outer & ~inner & (coverage != 0);
  if (!MedianColour(lab, mask, out.inside) ||
      !MedianColour(lab, ring, out.ring)) {
    return false;
  }
  out.contrast = ColourDistance(out.inside, out.ring);
  const double darker = out.ring[0] - out.inside[0];
  const double stronger = Chroma(out.inside) - Chroma(out.ring);
  out.stands_out = darker > 2.0 || (stronger > 5.0 && darker > -3.0);
  return true;
}

// Adds the pixels around `mask` that are as far from the ring's colour as the
// drawn outline or the half-covered edge.
void GrowIntoOutline(const cv::Mat& lab, const Surroundings& around,
                     cv::Mat& mask) {
  const double far = 0.5 * std::max(around.contrast, 8.0);
  cv::Mat grown;
  cv::dilate(mask, grown, cv::getStructuringElement(cv::MORPH_CROSS, {3, 3}));
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (grown.at<uint8_t>(y, x) == 0 || mask.at<uint8_t>(y, x) != 0) continue;
      if (ColourDistance(lab.at<cv::Vec3f>(y, x), around.ring) < far)
        grown.at<uint8_t>(y, x) = 0;
    }
  }
  mask = grown;
}

// Share of the mask's rim where the colour changes abruptly.
double RimSupport(const cv::Mat& lab, const cv::Mat& mask, double contrast) {
  cv::Mat core;
  const cv::Mat square = cv::getStructuringElement(cv::MORPH_RECT, {3, 3});
  cv::erode(mask, core, square, {-1, -1}, 1, cv::BORDER_CONSTANT, 0);
  cv::Mat low;
  cv::Mat high;
  cv::erode(lab, low, square);
  cv::dilate(lab, high, square);
  int rim = 0;
  int supported = 0;
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (mask.at<uint8_t>(y, x) == 0 || core.at<uint8_t>(y, x) != 0) continue;
      ++rim;
      const double step =
          ColourDistance(high.at<cv::Vec3f>(y, x), low.at<cv::Vec3f>(y, x));
      supported += step > 0.7 * contrast ? 1 : 0;
    }
  }
  return rim > 0 ? static_cast<double>(supported) / rim : 0.0;
}

// Share of the pixels inside the rim that have the patch's own colour. Washes
// and printed fills are flat; letters and line work are not.
double Flatness(const cv::Mat& lab, const cv::Mat& mask,
                const Surroundings& around) {
  cv::Mat core;
  cv::erode(mask, core, cv::getStructuringElement(cv::MORPH_CROSS, {3, 3}),
            {-1, -1}, 1, cv::BORDER_CONSTANT, 0);
  const double near = std::clamp(0.35 * around.contrast, 6.0, 8.0);
  int flat = 0;
  int all = 0;
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (core.at<uint8_t>(y, x) == 0) continue;
      ++all;
      flat += ColourDistance(lab.at<cv::Vec3f>(y, x), around.inside) < near;
    }
  }
  return all > 0 ? static_cast<double>(flat) / all : 0.0;
}

// Share of pixels about as dark as the sheet's ink.
double InkShare(const cv::Mat& lab, const cv::Mat& mask,
                const Palette& palette) {
  const float paper = palette.colours[palette.paper][0];
  double ink = 0.0;
  double share = 0.0;
  for (size_t k = 0; k < palette.Size(); ++k) {
    if (palette.roles[k] != ColourRole::kInk) continue;
    ink += palette.shares[k] * palette.colours[k][0];
    share += palette.shares[k];
  }
  if (share <= 0.0) return 0.0;
  const double dark = paper - kInkDepthShare * (paper - ink / share);
  int inky = 0;
  int all = 0;
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (mask.at<uint8_t>(y, x) == 0) continue;
      ++all;
      const cv::Vec3f& p = lab.at<cv::Vec3f>(y, x);
      inky += p[0] < dark && Chroma(p) < kInkChroma;
    }
  }
  return all > 0 ? static_cast<double>(inky) / all : 0.0;
}

bool TouchesEdge(const cv::Rect& box, const cv::Mat& coverage) {
  if (box.x <= 1 || box.y <= 1 || box.br().x >= coverage.cols - 1 ||
      box.br().y >= coverage.rows - 1) {
    return true;
  }
  const cv::Rect wide(box.x - 1, box.y - 1, box.width + 2, box.height + 2);
  return cv::countNonZero(coverage(wide)) < wide.area();
}

}  // namespace

cv::Mat PixelsOfClasses(const cv::Mat& classes,
                        const std::vector<int>& members) {
  cv::Mat table = cv::Mat::zeros(1, 256, CV_8UC1);
  for (int k : members) table.at<uint8_t>(0, k) = 255;
  cv::Mat binary;
  cv::LUT(classes, table, binary);
  return binary;
}

SheetView MakeSheetView(const cv::Mat& rgb, const cv::Mat& coverage,
                        uint64_t seed) {
  SheetView view;
  cv::Mat smooth;
  cv::GaussianBlur(rgb, smooth, {3, 3}, 0.6);
  view.lab = LabFromRgb(smooth);
  view.coverage =
      coverage.empty() ? cv::Mat(rgb.size(), CV_8UC1, cv::Scalar(1)) : coverage;
  PaletteOptions options;
  options.seed = seed;
  view.palette = LearnPalette(view.lab, view.coverage, options);
  view.classes = Classify(view.lab, view.palette);
  return view;
}

ShapeMeasures MeasureShape(cv::Mat& mask, cv::Mat& filled) {
  ShapeMeasures shape;
  std::vector<std::vector<cv::Point>> contours;
  std::vector<cv::Vec4i> tree;
  cv::findContours(mask, contours, tree, cv::RETR_CCOMP, cv::CHAIN_APPROX_NONE);
  filled = cv::Mat::zeros(mask.size(), CV_8UC1);
  std::vector<cv::Point> outline;
  for (size_t i = 0; i < contours.size(); ++i) {
    if (tree[i][3] >= 0) continue;
    cv::drawContours(filled, contours, static_cast<int>(i), 255, cv::FILLED);
    if (contours[i].size() > outline.size()) outline = contours[i];
  }
  const double filled_area = cv::countNonZero(filled);
  cv::Mat holes = filled & ~mask;
  const double hole_area = cv::countNonZero(holes);
  shape.hole_share = filled_area > 0.0 ? hole_area / filled_area : 0.0;
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int n =
      cv::connectedComponentsWithStats(holes, labels, stats, centroids, 8);
  for (int k = 1; k < n; ++k) {
    if (stats.at<int>(k, cv::CC_STAT_AREA) < kLetterHole * filled_area)
      mask.setTo(255, labels == k);
  }
  shape.area = cv::countNonZero(mask);
  if (outline.size() < 3) return shape;
  // Pixel squares reach half a pixel beyond the centres that the hull joins.
  std::vector<cv::Point> corners;
  for (const cv::Point& p : outline) {
    corners.insert(corners.end(), {p, p + cv::Point(1, 0), p + cv::Point(0, 1),
                                   p + cv::Point(1, 1)});
  }
  std::vector<cv::Point> hull;
  cv::convexHull(corners, hull);
  shape.solidity = filled_area / std::max(1.0, cv::contourArea(hull));
  const cv::Size2f side = cv::minAreaRect(hull).size;
  shape.rectangularity =
      filled_area / std::max(1.0, static_cast<double>(side.area()));
  shape.elongation = std::max(side.width, side.height) /
                     std::max(1.0f, std::min(side.width, side.height));
  cv::Mat padded;
  cv::copyMakeBorder(mask, padded, 1, 1, 1, 1, cv::BORDER_CONSTANT, 0);
  cv::Mat depth;
  cv::distanceTransform(padded, depth, cv::DIST_L2, 5);
  double deepest = 0.0;
  cv::minMaxLoc(depth, nullptr, &deepest);
  shape.thickness = 2.0 * deepest - 1.0;
  return shape;
}

namespace {

bool HasBuildingShape(const ShapeMeasures& shape,
                      const PseudoOptions& options) {
  return shape.solidity >= options.min_solidity &&
         shape.rectangularity >= kMinRectangularity &&
         shape.hole_share <= kMaxHoleShare &&
         shape.elongation <= kMaxElongation;
}

// `mask` is the component inside `room`. Empty if it is no building.
std::optional<Candidate> Judge(const SheetView& view, cv::Mat mask,
                               cv::Rect room, const PseudoOptions& options,
                               ComponentLook look) {
  cv::Mat filled;
  const ShapeMeasures shape = MeasureShape(mask, filled);
  const double rim = look == ComponentLook::kFace ? kFaceRimPx : 0.0;
  if (!HasBuildingShape(shape, options) ||
      shape.thickness + 2.0 * rim < options.min_thickness_px) {
    return {};
  }
  const cv::Mat lab = view.lab(room);
  Surroundings around;
  if (!LookAround(lab, mask, view.coverage(room), around)) return {};
  Candidate candidate;
  if (look == ComponentLook::kOutline) {
    candidate.score = kOutlineTrust * shape.rectangularity * shape.solidity;
  } else {
    if (!around.stands_out || around.contrast < options.min_contrast) return {};
    const bool thin =
        shape.thickness <
        (look == ComponentLook::kFace ? kInkFacePx : kInkThicknessPx);
    if (thin && InkShare(lab, mask, view.palette) > kInkyShare) return {};
    const double flatness = Flatness(lab, mask, around);
    const bool flat = look == ComponentLook::kFlat;
    if (flat && flatness < kMinFlatness) return {};
    if (look == ComponentLook::kFace) cv::dilate(mask, mask, Disc(1));
    GrowIntoOutline(lab, around, mask);
    candidate.score = std::min(1.0, around.contrast / kFullContrast) *
                      shape.rectangularity * shape.solidity *
                      RimSupport(lab, mask, around.contrast) *
                      (flat ? flatness : 1.0);
  }
  const int area = cv::countNonZero(mask);
  if (candidate.score < options.min_score || area < options.min_area_px ||
      area > options.max_area_px) {
    return {};
  }
  candidate.mask = tracking::Mask::FromImage(mask, room.tl());
  candidate.filled = tracking::Mask::FromImage(filled, room.tl());
  candidate.bounds = candidate.mask.Bounds();
  return candidate;
}

}  // namespace

void AddComponents(const SheetView& view, const cv::Mat& binary,
                   const PseudoOptions& options, ComponentLook look,
                   std::vector<Candidate>& candidates) {
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int n =
      cv::connectedComponentsWithStats(binary, labels, stats, centroids, 4);
  const cv::Rect whole(0, 0, binary.cols, binary.rows);
  for (int k = 1; k < n; ++k) {
    const int area = stats.at<int>(k, cv::CC_STAT_AREA);
    if (area < options.min_area_px / 2 || area > options.max_area_px) continue;
    const cv::Rect box(stats.at<int>(k, cv::CC_STAT_LEFT),
                       stats.at<int>(k, cv::CC_STAT_TOP),
                       stats.at<int>(k, cv::CC_STAT_WIDTH),
                       stats.at<int>(k, cv::CC_STAT_HEIGHT));
    // The box of a building at 45 degrees is twice its size.
    if (box.area() > 4 * area || TouchesEdge(box, view.coverage)) continue;
    const cv::Rect room =
        cv::Rect(box.x - kRoomPx, box.y - kRoomPx, box.width + 2 * kRoomPx,
                 box.height + 2 * kRoomPx) &
        whole;
    std::optional<Candidate> candidate =
        Judge(view, labels(room) == k, room, options, look);
    if (candidate) candidates.push_back(std::move(*candidate));
  }
}

std::vector<tracking::Instance> ResolveCandidates(
    std::vector<Candidate> candidates) {
  // The order of components inside OpenCV is no part of the result.
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.mask.Runs() < b.mask.Runs();
  });
  const size_t n = candidates.size();
  std::vector<char> dropped(n, 0);
  for (size_t i = 0; i < n; ++i) {
    const double area = static_cast<double>(candidates[i].mask.Area());
    double held = 0.0;
    for (size_t j = 0; j < n; ++j) {
      const cv::Rect common = candidates[i].bounds & candidates[j].bounds;
      if (j == i || common != candidates[j].bounds) continue;
      const double inner = static_cast<double>(candidates[j].mask.Area());
      if (inner < 0.5 * area && candidates[j].score > 0.25 &&
          static_cast<double>(candidates[i].filled.IntersectionArea(
              candidates[j].mask)) > 0.8 * inner) {
        held = std::max(held, inner);
      }
    }
    if (held > 0.0 && held > 0.04 * area) dropped[i] = 1;
  }
  std::vector<size_t> kept;
  for (size_t i = 0; i < n; ++i) {
    if (dropped[i] != 0) continue;
    const bool taken = std::ranges::any_of(kept, [&](size_t k) {
      return (candidates[i].bounds & candidates[k].bounds).area() > 0 &&
             candidates[i].mask.IntersectionArea(candidates[k].mask) > 0;
    });
    if (!taken) kept.push_back(i);
  }
  std::vector<tracking::Instance> instances;
  for (size_t i : kept) {
    instances.push_back(
        {candidates[i].mask, static_cast<float>(candidates[i].score)});
  }
  std::ranges::sort(
      instances, [](const tracking::Instance& a, const tracking::Instance& b) {
        return a.mask.Runs()[0] < b.mask.Runs()[0];
      });
  return instances;
}

}  // namespace mapweave::synth
