// SPDX-License-Identifier: MIT
#include "synth/video_operators.h"

#include "core/error.h"
#include "synth/shape_redraw.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace mapweave::synth {
namespace {

constexpr int kRoomPx = 8;
// Ink reaches this far beyond the mask: half-covered pixels and blur.
constexpr int kHaloPx = 2;
constexpr int kMinPartPx = 20;
constexpr int kTries = 8;
constexpr int kPlaceTries = 24;
// Grey levels.
constexpr double kPlainDeviation = 9.0;
constexpr double kSameGround = 11.0;
constexpr double kKeepsIdentity = 0.5;

cv::Mat Disc(int radius) {
  return cv::getStructuringElement(cv::MORPH_ELLIPSE,
                                   {2 * radius + 1, 2 * radius + 1});
}

cv::Mat Dilated(const cv::Mat& mask, int radius) {
  cv::Mat out;
  cv::dilate(mask, out, Disc(radius));
  return out;
}

cv::Rect Inflated(cv::Rect r, int by) {
  return {r.x - by, r.y - by, r.width + 2 * by, r.height + 2 * by};
}

double MaskIoU(const cv::Mat& a, const cv::Mat& b) {
  const double joint = cv::countNonZero(a & b);
  const double all = cv::countNonZero(a | b);
  return all > 0.0 ? joint / all : 0.0;
}

// The axes of the smallest rectangle around a mask.
struct Axes {
  cv::Point2d centre;
  cv::Point2d u;  // along the longer side
  cv::Point2d v;
  double half_u = 0.0;
  double half_v = 0.0;

  double S(int x, int y) const {
    return (x - centre.x) * u.x + (y - centre.y) * u.y;
  }
  double T(int x, int y) const {
    return (x - centre.x) * v.x + (y - centre.y) * v.y;
  }
};

Axes AxesOf(const cv::Mat& mask) {
  std::vector<cv::Point> pixels;
  cv::findNonZero(mask, pixels);
  const cv::RotatedRect rect = cv::minAreaRect(pixels);
  const double angle = rect.angle * std::numbers::pi / 180.0;
  Axes axes;
  axes.centre = rect.center;
  axes.u = {std::cos(angle), std::sin(angle)};
  axes.v = {-axes.u.y, axes.u.x};
  axes.half_u = rect.size.width / 2.0 + 0.5;
  axes.half_v = rect.size.height / 2.0 + 0.5;
  if (axes.half_u < axes.half_v) {
    std::swap(axes.half_u, axes.half_v);
    std::swap(axes.u, axes.v);
  }
  return axes;
}

// CV_8UC1: 255 where `inside(s, t)` in the axes' frame.
template <typename Inside>
cv::Mat Region(cv::Size size, const Axes& axes, Inside inside) {
  cv::Mat region = cv::Mat::zeros(size, CV_8UC1);
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x)
      if (inside(axes.S(x, y), axes.T(x, y))) region.at<uint8_t>(y, x) = 255;
  return region;
}

bool IsOnePiece(const cv::Mat& mask) {
  cv::Mat labels;
  return cv::connectedComponents(mask, labels, 4) == 2;
}

}  // namespace

Sprite CutSprite(const cv::Mat& rgb, const cv::Mat& labels, int label,
                 cv::Rect box) {
  const cv::Rect room = Inflated(box, kSpriteRimPx);
  Sprite sprite;
  sprite.rgb = rgb(room).clone();
  sprite.mask = labels(room) == label;
  sprite.area = cv::countNonZero(sprite.mask);
  const cv::Mat around =
      Dilated(sprite.mask, kSpriteRimPx) & ~Dilated(sprite.mask, kHaloPx);
  const bool alone = cv::countNonZero((labels(room) != 0) & around) == 0;
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(sprite.rgb, mean, deviation, around);
  for (int c = 0; c < 3; ++c) sprite.ground[c] = static_cast<float>(mean[c]);
  sprite.movable = alone && deviation[1] < kPlainDeviation;
  return sprite;
}

VideoEditor::VideoEditor(const Plate& plate, const std::vector<Sprite>& library)
    : plate_(plate),
      library_(library),
      occupied_(Dilated(plate.labels != 0, 1) | (plate.coverage == 0)),
      busy_(cv::Mat::zeros(plate.rgb.size(), CV_8UC1)),
      fill_(plate.rgb, occupied_),
      next_id_(static_cast<int>(plate.buildings.size()) + 1) {}

VideoEditor::Maker VideoEditor::MakerOf(VideoOperator op) {
  switch (op) {
    case VideoOperator::kShift:
      return &VideoEditor::Shift;
    case VideoOperator::kDisappear:
      return &VideoEditor::Disappear;
    case VideoOperator::kEnlarge:
      return &VideoEditor::Enlarge;
    case VideoOperator::kReduce:
      return &VideoEditor::Reduce;
    case VideoOperator::kReshape:
      return &VideoEditor::Reshape;
    case VideoOperator::kMerge:
      return &VideoEditor::Merge;
    case VideoOperator::kSplit:
      return &VideoEditor::Split;
    case VideoOperator::kReplace:
      return &VideoEditor::Replace;
    case VideoOperator::kRedraw:
      return &VideoEditor::Redraw;
    case VideoOperator::kPutBack:
      return &VideoEditor::PutBack;
    case VideoOperator::kFlatFill:
      return &VideoEditor::FlatFill;
    case VideoOperator::kBlockOverlap:
      return &VideoEditor::BlockOverlap;
    case VideoOperator::kBlackMerge:
      return &VideoEditor::BlackMerge;
    case VideoOperator::kAppear:
    case VideoOperator::kGroundPatch:
    case VideoOperator::kBlackBlock:
      return nullptr;
  }
  return nullptr;
}

std::optional<Edit> VideoEditor::Make(VideoOperator op, Rng& rng) {
  const Maker maker = MakerOf(op);
  for (int i = 0; i < kTries; ++i) {
    std::optional<Edit> edit;
    if (maker == nullptr) {
      edit = op == VideoOperator::kAppear        ? Appear(rng)
             : op == VideoOperator::kGroundPatch ? GroundPatch(rng)
                                                 : BlackBlock(rng);
    } else if (!plate_.buildings.empty()) {
      const int label = static_cast<int>(
          rng.Int(1, static_cast<int64_t>(plate_.buildings.size())));
      const cv::Rect& box = plate_.buildings[static_cast<size_t>(label - 1)];
      if (box.empty() || cv::countNonZero(busy_(box)) > 0) continue;
      edit = (this->*maker)(label, rng);
    }
    if (!edit || !Claim(*edit)) continue;
    edit->op = op;
    return edit;
  }
  return {};
}

void Apply(const Edit& edit, cv::Mat& rgb, cv::Mat& labels) {
  edit.rgb.copyTo(rgb(edit.box), edit.changed);
  edit.labels.copyTo(labels(edit.box), edit.changed);
}

bool VideoEditor::Claim(Edit& edit) {
  cv::Mat difference;
  cv::absdiff(edit.rgb, plate_.rgb(edit.box), difference);
  cv::Mat channels[3];
  cv::split(difference, channels);
  edit.changed |= (channels[0] | channels[1] | channels[2]) > 0;
  edit.changed |= edit.labels != plate_.labels(edit.box);
  const cv::Mat touched = Dilated(edit.changed, 1);
  if (cv::countNonZero(touched & busy_(edit.box)) > 0) return false;
  busy_(edit.box) |= touched;
  return true;
}

std::optional<Edit> VideoEditor::Begin(VideoOperator op, cv::Rect bounds,
                                       int room_px) const {
  Edit edit;
  edit.op = op;
  edit.box = Inflated(bounds, room_px);
  const cv::Rect whole({0, 0}, plate_.rgb.size());
  if ((edit.box & whole) != edit.box) return {};
  edit.rgb = plate_.rgb(edit.box).clone();
  edit.labels = plate_.labels(edit.box).clone();
  edit.changed = cv::Mat::zeros(edit.box.size(), CV_8UC1);
  return edit;
}

cv::Mat VideoEditor::MaskOf(int label, cv::Rect box) const {
  return plate_.labels(box) == label;
}

bool VideoEditor::Collides(const cv::Mat& area, cv::Rect box,
                           const std::vector<int>& allowed) const {
  cv::Mat foreign = occupied_(box) & area;
  for (const int label : allowed)
    foreign.setTo(0, Dilated(MaskOf(label, box), kHaloPx));
  return cv::countNonZero(foreign) > 0 ||
         cv::countNonZero(busy_(box) & area) > 0;
}

bool VideoEditor::IsPlain(const cv::Mat& area, cv::Rect box) const {
  if (cv::countNonZero(area) == 0) return true;
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(plate_.rgb(box), mean, deviation, area);
  return deviation[1] < kPlainDeviation;
}

bool VideoEditor::Erase(const cv::Mat& region, Rng& rng, Edit& edit) const {
  cv::Mat hole = Dilated(region, kHaloPx);
  hole.setTo(0, (plate_.labels(edit.box) != 0) & ~region);
  if (!fill_.Fill(hole, edit.box.tl(), rng, edit.rgb)) return false;
  edit.labels.setTo(0, region);
  edit.changed |= hole;
  return true;
}

void VideoEditor::Blend(const cv::Mat& image, const cv::Mat& mask, int id,
                        Edit& edit) const {
  const cv::Mat near = Dilated(mask, 1);
  const cv::Mat rim =
      Dilated(mask, kHaloPx) & ~near & ((edit.labels == 0) | mask);
  image.copyTo(edit.rgb, near);
  cv::Mat half;
  cv::addWeighted(image, 0.5, edit.rgb, 0.5, 0.0, half);
  half.copyTo(edit.rgb, rim);
  edit.labels.setTo(id, mask);
  edit.changed |= near | rim;
}

void VideoEditor::DrawShape(const cv::Mat& mask, const cv::Mat& target, int id,
                            Rng& rng, Edit& edit) const {
  cv::Mat drawn = edit.rgb.clone();
  RedrawShape(plate_.rgb(edit.box), mask, target, rng, drawn);
  const cv::Mat reach =
      Dilated(target, kHaloPx) & ((edit.labels == 0) | target);
  drawn.copyTo(edit.rgb, reach);
  edit.labels.setTo(id, target);
  edit.changed |= reach;
}

bool VideoEditor::Redrawn(const cv::Mat& mask, const cv::Mat& target, int id,
                          Rng& rng, Edit& edit) const {
  const cv::Mat lost = mask & ~target;
  if (cv::countNonZero(lost) > 0 && !Erase(mask, rng, edit)) return false;
  edit.labels.setTo(0, mask);
  DrawShape(mask, target, id, rng, edit);
  return true;
}

cv::Vec3f VideoEditor::GroundAround(const cv::Mat& mask, cv::Rect box) const {
  const cv::Mat around = Dilated(mask, kSpriteRimPx) & ~Dilated(mask, kHaloPx) &
                         (occupied_(box) == 0);
  const cv::Scalar mean = cv::mean(plate_.rgb(box), around);
  return {static_cast<float>(mean[0]), static_cast<float>(mean[1]),
          static_cast<float>(mean[2])};
}

const Sprite* VideoEditor::DrawSprite(const cv::Vec3f& ground, double min_area,
                                      double max_area, Rng& rng) const {
  if (library_.empty()) return nullptr;
  for (int i = 0; i < kPlaceTries; ++i) {
    const Sprite& sprite = rng.Pick(library_);
    if (sprite.movable && sprite.area >= min_area && sprite.area <= max_area &&
        cv::norm(sprite.ground - ground) < kSameGround) {
      return &sprite;
    }
  }
  return nullptr;
}

std::optional<Edit> VideoEditor::Disappear(int label, Rng& rng) {
  auto edit = Begin(VideoOperator::kDisappear,
                    plate_.buildings[static_cast<size_t>(label - 1)], kRoomPx);
  if (!edit || !Erase(MaskOf(label, edit->box), rng, *edit)) return {};
  return edit;
}

std::optional<Edit> VideoEditor::PutBack(int label, Rng& rng) {
  auto edit = Disappear(label, rng);
  if (!edit) return {};
  Blend(plate_.rgb(edit->box), MaskOf(label, edit->box), label, *edit);
  return edit;
}

std::optional<Edit> VideoEditor::Shift(int label, Rng& rng) {
  auto edit =
      Begin(VideoOperator::kShift,
            plate_.buildings[static_cast<size_t>(label - 1)], kRoomPx + 5);
  if (!edit) return {};
  const int dx = static_cast<int>(rng.Int(-5, 5));
  const int dy = static_cast<int>(rng.Int(-5, 5));
  if (std::abs(dx) + std::abs(dy) < 2) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  const cv::Mat move = (cv::Mat_<double>(2, 3) << 1, 0, dx, 0, 1, dy);
  cv::Mat moved;
  cv::warpAffine(mask, moved, move, mask.size(), cv::INTER_NEAREST);
  const cv::Mat fresh = Dilated(moved, kHaloPx) & ~Dilated(mask, kHaloPx);
  if (Collides(fresh, edit->box, {label}) || !IsPlain(fresh, edit->box))
    return {};
  if (!Erase(mask, rng, *edit)) return {};
  cv::Mat image;
  cv::warpAffine(plate_.rgb(edit->box), image, move, mask.size(),
                 cv::INTER_NEAREST, cv::BORDER_REPLICATE);
  Blend(image, moved, label, *edit);
  return edit;
}

std::optional<Edit> VideoEditor::Stretch(int label, double sign, Rng& rng) {
  const cv::Rect& bounds = plate_.buildings[static_cast<size_t>(label - 1)];
  const int reach = std::max(bounds.width, bounds.height) / 2;
  auto edit = Begin(VideoOperator::kEnlarge, bounds,
                    kRoomPx + (sign > 0.0 ? reach : 0));
  if (!edit) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  Axes axes = AxesOf(mask);
  if (rng.Chance(0.35)) {
    std::swap(axes.u, axes.v);
    std::swap(axes.half_u, axes.half_v);
  }
  if (rng.Chance(0.5)) axes.u = -axes.u;
  const double length = rng.Uniform(0.3, 0.8) * axes.half_u * sign;
  const cv::Point step(static_cast<int>(std::lround(length * axes.u.x)),
                       static_cast<int>(std::lround(length * axes.u.y)));
  if (std::abs(step.x) + std::abs(step.y) < 2) return {};
  // The seam lies where the two halves differ least.
  const cv::Mat rgb = plate_.rgb(edit->box);
  const cv::Rect inside({0, 0}, mask.size());
  double best_cost = 1e9;
  double cut = 0.0;
  for (int i = 0; i < 5; ++i) {
    const double c = rng.Uniform(-0.35, 0.35) * axes.half_u;
    double cost = 0.0;
    int n = 0;
    for (int y = 0; y < mask.rows; ++y) {
      for (int x = 0; x < mask.cols; ++x) {
        const cv::Point from = cv::Point(x, y) - step;
        if (mask.at<uint8_t>(y, x) == 0 || std::abs(axes.S(x, y) - c) > 0.7 ||
            !inside.contains(from)) {
          continue;
        }
        cost += cv::norm(rgb.at<cv::Vec3b>(y, x), rgb.at<cv::Vec3b>(from));
        ++n;
      }
    }
    if (n == 0 || cost / n >= best_cost) continue;
    best_cost = cost / n;
    cut = c;
  }
  if (best_cost > 40.0) return {};
  cv::Mat image = rgb.clone();
  cv::Mat target = mask.clone();
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      const cv::Point from = cv::Point(x, y) - step;
      if (axes.S(x, y) < cut || !inside.contains(from)) continue;
      // What is shifted must itself lie beyond the cut, less the new strip.
      image.at<cv::Vec3b>(y, x) = rgb.at<cv::Vec3b>(from);
      target.at<uint8_t>(y, x) = mask.at<uint8_t>(from);
    }
  }
  if (cv::countNonZero(target) < kMinPartPx || !IsOnePiece(target)) return {};
  const cv::Mat fresh = Dilated(target, kHaloPx) & ~Dilated(mask, kHaloPx);
  if (Collides(fresh, edit->box, {label}) || !IsPlain(fresh, edit->box))
    return {};
  if (sign < 0.0 && !Erase(mask, rng, *edit)) return {};
  edit->labels.setTo(0, mask);
  Blend(image, target, label, *edit);
  return edit;
}

std::optional<Edit> VideoEditor::Enlarge(int label, Rng& rng) {
  return Stretch(label, 1.0, rng);
}

std::optional<Edit> VideoEditor::Reduce(int label, Rng& rng) {
  return Stretch(label, -1.0, rng);
}

std::optional<Edit> VideoEditor::Reshape(int label, Rng& rng) {
  const cv::Rect& bounds = plate_.buildings[static_cast<size_t>(label - 1)];
  auto edit = Begin(VideoOperator::kReshape, bounds,
                    kRoomPx + std::min(bounds.width, bounds.height) / 2);
  if (!edit) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  Axes axes = AxesOf(mask);
  if (rng.Chance(0.5)) axes.u = -axes.u;
  if (rng.Chance(0.5)) axes.v = -axes.v;
  cv::Mat target;
  if (rng.Chance(0.5) && axes.half_v >= 4.0) {
    const double s = rng.Uniform(-0.3, 0.4) * axes.half_u;
    const double t = rng.Uniform(-0.2, 0.4) * axes.half_v;
    target = mask & ~Region(mask.size(), axes,
                            [&](double a, double b) { return a > s && b > t; });
  } else {
    const double begin = rng.Uniform(-1.0, 0.2) * axes.half_u;
    const double end = begin + rng.Uniform(0.5, 0.9) * axes.half_u;
    const double out = axes.half_v * rng.Uniform(1.4, 2.0);
    target = mask | Region(mask.size(), axes, [&](double a, double b) {
               return a > begin && a < end && b > 0.0 && b < out;
             });
  }
  if (cv::countNonZero(target) < kMinPartPx || !IsOnePiece(target)) return {};
  if (MaskIoU(mask, target) > 0.93) return {};
  const cv::Mat fresh = Dilated(target, kHaloPx) & ~Dilated(mask, kHaloPx);
  if (Collides(fresh, edit->box, {label}) || !IsPlain(fresh, edit->box))
    return {};
  if (!Redrawn(mask, target, label, rng, *edit)) return {};
  return edit;
}

std::optional<Edit> VideoEditor::Redraw(int label, Rng& rng) {
  auto edit = Begin(VideoOperator::kRedraw,
                    plate_.buildings[static_cast<size_t>(label - 1)], kRoomPx);
  if (!edit) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  const cv::Mat cross = cv::getStructuringElement(
      rng.Chance(0.5) ? cv::MORPH_CROSS : cv::MORPH_RECT, {3, 3});
  cv::Mat target;
  const int kind = static_cast<int>(rng.Int(0, 2));
  if (kind == 0) cv::erode(mask, target, cross);
  if (kind == 1) cv::dilate(mask, target, cross);
  if (kind == 2) cv::morphologyEx(mask, target, cv::MORPH_OPEN, Disc(2));
  if (cv::countNonZero(target) < kMinPartPx || !IsOnePiece(target)) return {};
  const cv::Mat fresh = Dilated(target, kHaloPx) & ~Dilated(mask, kHaloPx);
  if (Collides(fresh, edit->box, {label}) || !IsPlain(fresh, edit->box))
    return {};
  if (!Redrawn(mask, target, label, rng, *edit)) return {};
  return edit;
}

int VideoEditor::NeighbourOf(int label) const {
  constexpr int kReachPx = 6;
  const cv::Rect box =
      Inflated(plate_.buildings[static_cast<size_t>(label - 1)], kReachPx + 1) &
      cv::Rect({0, 0}, plate_.rgb.size());
  const cv::Mat near = Dilated(MaskOf(label, box), kReachPx);
  for (int y = 0; y < near.rows; ++y) {
    for (int x = 0; x < near.cols; ++x) {
      const int other = plate_.labels(box).at<uint16_t>(y, x);
      if (near.at<uint8_t>(y, x) != 0 && other != 0 && other != label &&
          !plate_.buildings[static_cast<size_t>(other - 1)].empty()) {
        return other;
      }
    }
  }
  return 0;
}

std::optional<Edit> VideoEditor::Merge(int label, Rng& rng) {
  const int other = NeighbourOf(label);
  if (other == 0) return {};
  auto edit = Begin(VideoOperator::kMerge,
                    plate_.buildings[static_cast<size_t>(label - 1)] |
                        plate_.buildings[static_cast<size_t>(other - 1)],
                    kRoomPx);
  if (!edit) return {};
  const cv::Mat first = MaskOf(label, edit->box);
  const cv::Mat second = MaskOf(other, edit->box);
  const cv::Mat both = first | second;
  cv::Mat target;
  for (int radius = 2; radius <= 5; ++radius) {
    cv::morphologyEx(both, target, cv::MORPH_CLOSE, Disc(radius));
    if (IsOnePiece(target)) break;
  }
  if (!IsOnePiece(target) ||
      Collides(target & ~both, edit->box, {label, other})) {
    return {};
  }
  int id = next_id_;
  if (MaskIoU(first, target) > kKeepsIdentity) id = label;
  if (MaskIoU(second, target) > kKeepsIdentity) id = other;
  if (id == next_id_) ++next_id_;
  if (!Redrawn(both, target, id, rng, *edit)) return {};
  return edit;
}

std::optional<Edit> VideoEditor::Split(int label, Rng& rng) {
  auto edit = Begin(VideoOperator::kSplit,
                    plate_.buildings[static_cast<size_t>(label - 1)], kRoomPx);
  if (!edit) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  const Axes axes = AxesOf(mask);
  const double cut = rng.Uniform(-0.45, 0.45) * axes.half_u;
  // No gap: a wall between them.
  const double half_gap = 0.5 * static_cast<double>(rng.Int(0, 3));
  const cv::Mat parts[] = {
      mask & Region(mask.size(), axes,
                    [&](double s, double) { return s < cut - half_gap; }),
      mask & Region(mask.size(), axes,
                    [&](double s, double) { return s >= cut + half_gap; })};
  for (const cv::Mat& part : parts)
    if (cv::countNonZero(part) < kMinPartPx || !IsOnePiece(part)) return {};
  if (half_gap > 0.0 && !Erase(mask, rng, *edit)) return {};
  edit->labels.setTo(0, mask);
  for (const cv::Mat& part : parts) {
    const int id = MaskIoU(part, mask) > kKeepsIdentity ? label : next_id_++;
    DrawShape(mask, part, id, rng, *edit);
  }
  return edit;
}

std::optional<Edit> VideoEditor::Replace(int label, Rng& rng) {
  const cv::Rect& bounds = plate_.buildings[static_cast<size_t>(label - 1)];
  auto edit = Begin(VideoOperator::kReplace, bounds,
                    kRoomPx + std::max(bounds.width, bounds.height) / 2);
  if (!edit) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  const double area = cv::countNonZero(mask);
  const Sprite* sprite =
      DrawSprite(GroundAround(mask, edit->box), 0.4 * area, 2.2 * area, rng);
  if (sprite == nullptr) return {};
  const cv::Point at((edit->box.width - sprite->mask.cols) / 2 +
                         static_cast<int>(rng.Int(-2, 2)),
                     (edit->box.height - sprite->mask.rows) / 2 +
                         static_cast<int>(rng.Int(-2, 2)));
  const cv::Rect place(at, sprite->mask.size());
  if ((place & cv::Rect({0, 0}, mask.size())) != place) return {};
  cv::Mat target = cv::Mat::zeros(mask.size(), CV_8UC1);
  sprite->mask.copyTo(target(place));
  if (MaskIoU(target, mask) > 0.65) return {};
  const cv::Mat fresh = Dilated(target, kHaloPx) & ~Dilated(mask, kHaloPx);
  if (Collides(fresh, edit->box, {label}) || !IsPlain(fresh, edit->box))
    return {};
  if (!Erase(mask, rng, *edit)) return {};
  cv::Mat image = edit->rgb.clone();
  sprite->rgb.copyTo(image(place));
  Blend(image, target, next_id_++, *edit);
  return edit;
}

std::optional<Edit> VideoEditor::Appear(Rng& rng) {
  if (library_.empty()) return {};
  const Sprite& sprite = rng.Pick(library_);
  if (!sprite.movable) return {};
  const cv::Size size = sprite.mask.size();
  for (int i = 0; i < kPlaceTries; ++i) {
    const cv::Point at(
        static_cast<int>(rng.Int(0, std::max(0, plate_.rgb.cols - size.width))),
        static_cast<int>(
            rng.Int(0, std::max(0, plate_.rgb.rows - size.height))));
    auto edit = Begin(VideoOperator::kAppear, {at, size}, 0);
    if (!edit) return {};
    const cv::Mat wide = Dilated(sprite.mask, kSpriteRimPx);
    if (Collides(wide, edit->box, {}) || !IsPlain(wide, edit->box)) continue;
    if (cv::norm(GroundAround(sprite.mask, edit->box) - sprite.ground) >
        kSameGround) {
      continue;
    }
    Blend(sprite.rgb, sprite.mask, next_id_++, *edit);
    return edit;
  }
  return {};
}

std::optional<Edit> VideoEditor::GroundPatch(Rng& rng) {
  if (library_.empty()) return {};
  const Sprite& sprite = rng.Pick(library_);
  const cv::Size size = sprite.mask.size();
  for (int i = 0; i < kPlaceTries / 4; ++i) {
    const cv::Point at(
        static_cast<int>(rng.Int(0, std::max(0, plate_.rgb.cols - size.width))),
        static_cast<int>(
            rng.Int(0, std::max(0, plate_.rgb.rows - size.height))));
    auto edit = Begin(VideoOperator::kGroundPatch, {at, size}, 0);
    if (!edit) return {};
    const cv::Mat hole = Dilated(sprite.mask, kHaloPx);
    if (Collides(hole, edit->box, {})) continue;
    if (!fill_.Fill(hole, at, rng, edit->rgb)) continue;
    edit->changed = hole;
    return edit;
  }
  return {};
}

}  // namespace mapweave::synth
