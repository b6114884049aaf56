// SPDX-License-Identifier: MIT
//
// Cartographic hands: the colours, lines and fills of one draughtsman on one
// edition. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/typeface.h"

#include <opencv2/core.hpp>

#include <array>
#include <string>

namespace mapweave::synth {

using Colour = cv::Vec3f;  // R, G, B in 0..255

enum class FillMode { kNone, kSolid, kHatched, kStippled };

constexpr size_t kOwners = 5;

// What words are written for; each has its letters in a hand.
enum class LetterRole { kStreet, kDistrict, kPublic, kWater, kField, kNumber };
constexpr size_t kLetterRoles = 6;

struct LetterStyle {
  Typeface typeface = Typeface::kRoman;
  bool capitals = false;
  double size = 1.0;  // against HandStyle::letter_px
  double spacing = 0.1;
  double condense = 1.0;
  double slant = 0.0;
};

struct HandStyle {
  Colour paper;
  Colour street;  // equals paper unless streets are tinted
  Colour ink;     // lines and lettering

  bool tints_blocks = false;
  bool tints_parcels = false;  // some parcels in the tint of another owner
  std::array<Colour, kOwners> tint;

  FillMode fill_mode = FillMode::kSolid;
  std::array<Colour, kOwners> fill;  // buildings, by owner of the block
  Colour public_fill;
  bool fills_by_building = false;  // any of `fill`, whatever the owner
  double fill_spread = 5.0;        // from building to building, in grey levels
  double hatch_px = 3.0;
  double hatch_angle = 0.8;
  double hatch_share = 0.35;  // of the spacing that is inked

  Colour outline;
  double outline_px = 1.0;  // 0: none
  bool shades = false;      // heavier lines on the side away from the light
  bool doubles = false;     // a second line inside the outline
  bool parts = false;       // a hair line of paper between touching houses

  Colour block_line;
  double block_line_px = 1.0;  // 0: none
  Colour parcel_line;
  double parcel_line_px = 0.6;  // 0: none

  Colour water;
  Colour water_line;
  bool tints_water = true;
  bool hatches_water = true;
  Colour garden;
  Colour boundary;  // dashed limits

  double other_owners = 0.2;  // share of parcels of another owner
  double yards = 0.1;         // share of parcels with a fence or bed drawn
  bool ridges = false;        // roofs with their ridges
  bool draws_trees = false;
  bool fills_trees = false;
  double tree_px = 2.0;
  double avenues = 0.0;       // share of blocks with rows of trees around
  double graticule_px = 0.0;  // 0: none
  double frame_px = 3.0;      // the heavy frame line

  std::array<LetterStyle, kLetterRoles> letters;  // by LetterRole
  double letter_px = 7.0;
  double letter_wobble = 0.0;
  Colour letter;
  Colour water_letter;
};

// `hand` is one of HandNames(). `building_px` scales the lines.
HandStyle MakeHandStyle(const std::string& hand, double building_px, Rng rng);

// How common a hand is among printed town plans; 1 = average.
// Which letters a map is written in.
enum class Alphabet { kEngraved, kBook, kGrotesque, kSlab, kHandwritten };
// Fills letters, letter_wobble and sets what belongs to them.
void ChooseLetters(Alphabet alphabet, HandStyle& style, Rng& rng);

double HandWeight(const std::string& hand);

Colour Mix(Colour a, Colour b, double share_of_b);
Colour Vary(Colour c, double sigma, Rng& rng);
cv::Scalar ToScalar(Colour c);

}  // namespace mapweave::synth
