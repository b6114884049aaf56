// SPDX-License-Identifier: MIT
//
// An endless stream of labelled clips, each a small world of its own drawn for
// the occasion: the supervised signal that needs no hand-drawn label.
#pragma once

#include "synth/world.h"
#include "tracking/clip.h"
#include "tracking/linked_clip.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::synth {

struct WorldClipOptions {
  uint64_t seed = 1;
  int size_px = 128;  // 32 to 2048
  // Editions per clip, drawn uniformly; 1 <= min <= max <= 16.
  int min_editions = 2;
  int max_editions = 4;
  // Hands to draw with; empty: all of HandNames(), common ones more often.
  std::vector<std::string> hands;
  // Whole-edition shift that alignment has left, per axis, in pixels; turn,
  // stretch and shear move the corners by up to a third of it.
  double max_jitter_px = 3.0;
  // Share of the editions that were scanned at a lower resolution than the
  // grid's, down to this share of it.
  double coarse = 0.35;
  double min_resolution = 0.5;
  // Largest local distortion per edition, in pixels: drawn uniformly from 0 to
  // max, or if min is above 0, log-uniformly between the two.
  double min_distortion_px = 0.0;
  double max_distortion_px = 2.0;
  // Share of the buildings that change from one edition to the next, drawn
  // uniformly, and how often each kind of change occurs.
  double min_change = 0.08;
  double max_change = 0.42;
  LifeShares life;
  // Chance that an edition is drawn in another hand than the one before.
  double hand_change = 0.7;
  // Share of clips without any building: fields, river, margin, legend.
  double blank = 0.12;
  // Share of clips where some edition's sheet ends or is missing.
  double hole = 0.10;
  // Typical dwelling side, drawn log-uniformly, in pixels.
  double min_building_px = 5.0;
  double max_building_px = 36.0;
  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// What a linker learns from: two to six editions, something built on all of
// them, much change, rebuildings, splits and mergers above all, and more local
// distortion than alignment should leave: often little, sometimes 16 px.
WorldClipOptions LinkingClipOptions();

// Clip i is a pure function of the options and i. Labels run from 1, in the
// order of the buildings' identities in the clip's world; a building is
// labelled where its fill and outline are drawn on covered paper; an edition's
// group is the hand that it is drawn in. Seeds live
// in a namespace apart from MakeWorld's, and PlanFamily::kRingAndGrid, the plan
// of the sample series, is never drawn.
class WorldClipSource : public tracking::ClipSource,
                        public tracking::LinkedClipSource {
 public:
  // Throws what WorldClipOptions::Validate throws.
  explicit WorldClipSource(WorldClipOptions options);

  tracking::LabelledClip Get(uint64_t index) const override;
  // The same clip, with the links of its world between what the clip shows.
  tracking::LinkedClip GetLinked(uint64_t index) const override;

  const WorldClipOptions& Options() const { return options_; }

 private:
  WorldClipOptions options_;
  std::vector<std::string> hands_;
  std::vector<double> weights_;  // of hands_
};

}  // namespace mapweave::synth
