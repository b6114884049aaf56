// SPDX-License-Identifier: MIT
//
// The words on a map: names of streets, places, districts, waters and fields,
// numbers and heights. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/canvas.h"
#include "synth/hand.h"
#include "synth/render.h"
#include "synth/toponyms.h"
#include "synth/world.h"

#include <string>
#include <vector>

namespace mapweave::synth {

struct Lettering {
  std::u32string text;
  // Base line in sheet pixels; the text stands on its middle.
  std::vector<Point2d> path;
  TextStyle style;
  Colour colour;
  double reach_px = 0.0;  // how far from the path's middle it may be seen
  Point2d middle;
};

struct LetteringOptions {
  const HandStyle& style;
  const Placement& placement;
  double amount = 1.0;  // scales how much is written; 0 to 1
};

std::vector<Lettering> MakeLettering(const World& world, size_t edition,
                                     const LetteringOptions& options, Rng rng);

// The language of a world's names, the same on all its editions.
Language LanguageOf(const World& world);

// A line of text for a straight base line, in the letters of `role`.
Lettering LetterStraight(const std::string& utf8, Point2d middle, double angle,
                         LetterRole role, const HandStyle& style);

}  // namespace mapweave::synth
