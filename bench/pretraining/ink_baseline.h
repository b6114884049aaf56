// SPDX-License-Identifier: MIT
//
// The simplest way to follow buildings: a threshold on the ink of each edition,
// connected components, links by overlap. Nothing is learned but a handful of
// settings, chosen on labelled clips.
#pragma once

#include "core/json.h"
#include "tracking/clip.h"
#include "tracking/measures.h"

#include <string>
#include <vector>

namespace mapweave::pretraining {

struct InkSettings {
  // Components of the ink itself, or of the paper that ink encloses.
  bool enclosed = false;
  // Added to Otsu's threshold of the edition's grey values.
  int offset = 0;
  int min_area_px = 20;
  int max_area_px = 2000;

  Json ToJson() const;
};

// The best of a grid of settings by the sum of detection F1, link F1 and track
// F1 on these clips, as the networks' thresholds are chosen.
InkSettings ChooseInkSettings(
    const std::vector<tracking::LabelledClip>& labelled);

tracking::Measures MeasureInk(const std::vector<tracking::LabelledClip>& clips,
                              const InkSettings& settings);

}  // namespace mapweave::pretraining
