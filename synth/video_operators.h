// SPDX-License-Identifier: MIT
//
// Changes to the buildings on a cut-out of a sheet: what is erased, pasted,
// stretched, joined or parted, with masks that follow. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/background_fill.h"
#include "synth/video_operator.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::synth {

// A building cut out with kSpriteRimPx pixels around it.
constexpr int kSpriteRimPx = 4;
struct Sprite {
  cv::Mat rgb;       // CV_8UC3
  cv::Mat mask;      // CV_8UC1, 255 = the building
  cv::Vec3f ground;  // mean colour around it
  int area = 0;
  // Nothing but even ground around it, so that it can stand elsewhere.
  bool movable = false;
};

// `labels`: of any integer type; `box`: bounds of `label`, which lie on the
// image with kSpriteRimPx to spare.
Sprite CutSprite(const cv::Mat& rgb, const cv::Mat& labels, int label,
                 cv::Rect box);

// A cut-out of a sheet.
struct Plate {
  cv::Mat rgb;       // CV_8UC3
  cv::Mat labels;    // CV_16UC1: 1 to buildings.size(), 0 = none
  cv::Mat coverage;  // CV_8UC1, 1 = paper
  // Bounds of label k + 1; empty if the plate's edge cuts it.
  std::vector<cv::Rect> buildings;
};

// What a change leaves within `box` of the plate.
struct Edit {
  VideoOperator op = VideoOperator::kRedraw;
  cv::Rect box;
  cv::Mat rgb;     // CV_8UC3
  cv::Mat labels;  // CV_16UC1; new identities are above buildings.size()
  // CV_8UC1: 255 where pixels were written, and wherever colour or label differ
  // from the plate. The box is larger: only these pixels belong to the edit.
  cv::Mat changed;
};

// Puts an edit on a copy of the plate that it was made for.
void Apply(const Edit& edit, cv::Mat& rgb, cv::Mat& labels);

// Makes edits on one plate. Their pixels never touch one another, so any subset
// can be applied, in any order. Identity: shift, enlarge, reduce, reshape and
// redraw keep it; replace begins a new one; of a split or merge it goes on in
// the part with IoU above 0.5, and the others begin and end there.
class VideoEditor {
 public:
  // Both borrowed; the library's sprites may come from any sheet.
  VideoEditor(const Plate& plate, const std::vector<Sprite>& library);

  // On a building, or at a place, that is drawn from `rng`; none if there is
  // none where the change would not show.
  std::optional<Edit> Make(VideoOperator op, Rng& rng);

 private:
  using Maker = std::optional<Edit> (VideoEditor::*)(int label, Rng& rng);

  std::optional<Edit> Shift(int label, Rng& rng);
  std::optional<Edit> Disappear(int label, Rng& rng);
  std::optional<Edit> Enlarge(int label, Rng& rng);
  std::optional<Edit> Reduce(int label, Rng& rng);
  std::optional<Edit> Reshape(int label, Rng& rng);
  std::optional<Edit> Merge(int label, Rng& rng);
  std::optional<Edit> Split(int label, Rng& rng);
  std::optional<Edit> Replace(int label, Rng& rng);
  std::optional<Edit> Redraw(int label, Rng& rng);
  std::optional<Edit> PutBack(int label, Rng& rng);
  std::optional<Edit> FlatFill(int label, Rng& rng);
  std::optional<Edit> BlockOverlap(int label, Rng& rng);
  std::optional<Edit> BlackMerge(int label, Rng& rng);
  std::optional<Edit> Appear(Rng& rng);
  std::optional<Edit> GroundPatch(Rng& rng);
  std::optional<Edit> BlackBlock(Rng& rng);

  static Maker MakerOf(VideoOperator op);
  std::optional<Edit> Stretch(int label, double sign, Rng& rng);
  // A neighbour within a few pixels, or 0.
  int NeighbourOf(int label) const;
  // An empty edit around the bounds; none if it would leave the plate.
  std::optional<Edit> Begin(VideoOperator op, cv::Rect bounds,
                            int room_px) const;
  cv::Mat MaskOf(int label, cv::Rect box) const;  // CV_8UC1, 0 or 255
  // Ground in place of `region` and its rim.
  bool Erase(const cv::Mat& region, Rng& rng, Edit& edit) const;
  // Whether `area` is free, covered and without lines or letters.
  bool IsPlain(const cv::Mat& area, cv::Rect box) const;
  // Draws `image` where `mask` is, with a soft rim, and labels it.
  void Blend(const cv::Mat& image, const cv::Mat& mask, int id,
             Edit& edit) const;
  // The building at `mask` in the outline `target`, in its own ink.
  void DrawShape(const cv::Mat& mask, const cv::Mat& target, int id, Rng& rng,
                 Edit& edit) const;
  // The same, with ground where the building was.
  bool Redrawn(const cv::Mat& mask, const cv::Mat& target, int id, Rng& rng,
               Edit& edit) const;
  bool Collides(const cv::Mat& area, cv::Rect box,
                const std::vector<int>& allowed) const;
  const Sprite* DrawSprite(const cv::Vec3f& ground, double min_area,
                           double max_area, Rng& rng) const;
  cv::Vec3f GroundAround(const cv::Mat& mask, cv::Rect box) const;
  // Completes edit.changed and keeps its pixels from other edits.
  bool Claim(Edit& edit);

  const Plate& plate_;
  const std::vector<Sprite>& library_;
  cv::Mat occupied_;  // CV_8UC1: buildings and what is not covered
  cv::Mat busy_;      // CV_8UC1: taken by edits
  BackgroundFill fill_;
  int next_id_;
};

}  // namespace mapweave::synth
