// SPDX-License-Identifier: MIT
//
// The words on a map: street names, names of places and districts, house
// numbers. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/canvas.h"
#include "synth/hand.h"
#include "synth/render.h"
#include "synth/world.h"

#include <string>
#include <vector>

namespace mapweave::synth {

struct Lettering {
  std::string text;
  Point2d at;  // middle of the base line, sheet pixels
  TextStyle style;
  double reach_px = 0.0;  // how far from `at` it may be seen
};

struct LetteringOptions {
  const HandStyle& style;
  const Placement& placement;
  double amount = 1.0;  // scales how much is written; 0 to 1
};

std::vector<Lettering> MakeLettering(const World& world, size_t edition,
                                     const LetteringOptions& options, Rng rng);

// Words that no map has, in the sound of several languages.
std::string MakeWord(Rng& rng, int syllables);
std::string Capitals(std::string word);
std::string Title(std::string word);

}  // namespace mapweave::synth
