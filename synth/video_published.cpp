// SPDX-License-Identifier: MIT
//
// The operators of MapSAM2's pseudo-videos (arXiv 2510.27547), as far as they
// are published: black blocks, flat fills and morphological merges, made for
// maps that draw buildings in solid black.
#include "synth/video_operators.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>

namespace mapweave::synth {
namespace {

constexpr int kMinBlockPx = 5;
constexpr int kMaxBlockPx = 30;
constexpr int kRoomPx = 8;

// As dark as the darkest hundredth of the plate; 0 on a black-and-white scan.
cv::Scalar InkOf(const cv::Mat& rgb) {
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  std::vector<uint8_t> values(grey.begin<uint8_t>(), grey.end<uint8_t>());
  const auto dark = values.begin() + static_cast<int64_t>(values.size() / 100);
  std::nth_element(values.begin(), dark, values.end());
  return cv::Scalar::all(*dark);
}

cv::Rect DrawBlock(Rng& rng, cv::Size limit) {
  const cv::Size size(static_cast<int>(rng.Int(kMinBlockPx, kMaxBlockPx)),
                      static_cast<int>(rng.Int(kMinBlockPx, kMaxBlockPx)));
  const cv::Point at(
      static_cast<int>(rng.Int(0, std::max(0, limit.width - size.width))),
      static_cast<int>(rng.Int(0, std::max(0, limit.height - size.height))));
  return {at, size};
}

}  // namespace

std::optional<Edit> VideoEditor::BlackBlock(Rng& rng) {
  const cv::Rect block = DrawBlock(rng, plate_.rgb.size());
  auto edit = Begin(VideoOperator::kBlackBlock, block, 0);
  if (!edit) return {};
  const cv::Mat all(block.size(), CV_8UC1, cv::Scalar(255));
  if (Collides(all, block, {})) return {};
  edit->rgb.setTo(InkOf(plate_.rgb));
  edit->labels.setTo(next_id_++);
  edit->changed.setTo(255);
  return edit;
}

std::optional<Edit> VideoEditor::FlatFill(int label, Rng& /*rng*/) {
  auto edit = Begin(VideoOperator::kFlatFill,
                    plate_.buildings[static_cast<size_t>(label - 1)], kRoomPx);
  if (!edit) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  const cv::Vec3f ground = GroundAround(mask, edit->box);
  cv::Mat wide;
  cv::dilate(mask, wide, cv::Mat());
  edit->rgb.setTo(cv::Scalar(ground[0], ground[1], ground[2]), wide);
  edit->labels.setTo(0, mask);
  edit->changed = wide;
  return edit;
}

std::optional<Edit> VideoEditor::BlockOverlap(int label, Rng& rng) {
  auto edit = Begin(VideoOperator::kBlockOverlap,
                    plate_.buildings[static_cast<size_t>(label - 1)],
                    kRoomPx + kMaxBlockPx / 2);
  if (!edit) return {};
  const cv::Mat mask = MaskOf(label, edit->box);
  const cv::Rect block = DrawBlock(rng, mask.size());
  cv::Mat target = cv::Mat::zeros(mask.size(), CV_8UC1);
  target(block).setTo(255);
  if (cv::countNonZero(target & mask) == 0 ||
      Collides(target, edit->box, {label})) {
    return {};
  }
  edit->rgb.setTo(InkOf(plate_.rgb), target);
  edit->labels.setTo(label, target);
  edit->changed = target;
  return edit;
}

std::optional<Edit> VideoEditor::BlackMerge(int label, Rng& /*rng*/) {
  const int other = NeighbourOf(label);
  if (other == 0) return {};
  auto edit = Begin(VideoOperator::kBlackMerge,
                    plate_.buildings[static_cast<size_t>(label - 1)] |
                        plate_.buildings[static_cast<size_t>(other - 1)],
                    kRoomPx);
  if (!edit) return {};
  const cv::Mat both = MaskOf(label, edit->box) | MaskOf(other, edit->box);
  cv::Mat target;
  cv::morphologyEx(both, target, cv::MORPH_CLOSE,
                   cv::getStructuringElement(cv::MORPH_RECT, {9, 9}));
  cv::Mat pieces;
  if (cv::connectedComponents(target, pieces, 4) != 2 ||
      Collides(target & ~both, edit->box, {label, other})) {
    return {};
  }
  edit->rgb.setTo(InkOf(plate_.rgb), target & ~both);
  // One building from now on, under the identity of the first.
  edit->labels.setTo(label, target);
  edit->changed = target & ~both;
  return edit;
}

}  // namespace mapweave::synth
