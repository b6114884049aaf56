// SPDX-License-Identifier: MIT
//
// Cartographic hands: the colours, lines and fills of one draughtsman on one
// edition. Internal to synth.
#pragma once

#include "core/geometry.h"
#include "core/random.h"
#include "synth/typeface.h"

#include <opencv2/core.hpp>

#include <array>
#include <string>
#include <vector>

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

// How the shape of the land is drawn.
enum class ReliefMode { kNone, kContours, kHachures, kBoth };

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
  Colour shed_fill;
  double other_sheds = 0.0;        // share of outbuildings in shed_fill
  double other_publics = 0.6;      // share of public ones in public_fill
  bool public_hatched = false;     // lines over public buildings
  bool fills_by_building = false;  // any of `fill`, whatever the owner
  double fill_spread = 5.0;        // from building to building, in grey levels
  double hatch_px = 3.0;
  double hatch_angle = 0.8;
  double hatch_share = 0.35;  // of the spacing that is inked
  bool pools = false;         // wash runs together at the edges

  Colour outline;
  double outline_px = 1.0;  // 0: none
  bool shades = false;      // heavier lines on the side away from the light
  bool doubles = false;     // a second line inside the outline
  bool parts = false;       // a hair line between touching houses
  Colour part_line;

  Colour block_line;
  double block_line_px = 1.0;  // 0: none
  Colour parcel_line;
  double parcel_line_px = 0.6;  // 0: none

  Colour water;
  Colour water_line;
  bool tints_water = true;
  bool hatches_water = true;
  Colour garden;
  Colour wood;
  Colour boundary;  // dashed limits

  ReliefMode relief = ReliefMode::kContours;
  Colour relief_line;
  double relief_px = 0.6;
  bool relief_on_top = false;  // printed over the houses

  // Colour plates against the line plate, in sheet pixels.
  Point2d plate_shift;

  double other_owners = 0.2;  // share of parcels of another owner
  double yards = 0.1;         // share of parcels with a fence or bed drawn
  bool ridges = false;        // roofs with their ridges
  bool crosses_sheds = false;
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

// `hand` is one that IsHand. `building_px` scales the lines.
HandStyle MakeHandStyle(const std::string& hand, double building_px, Rng rng);

// Which letters a map is written in.
enum class Alphabet { kEngraved, kBook, kGrotesque, kSlab, kHandwritten };
// Fills `letters` and `letter_wobble`.
void ChooseLetters(Alphabet alphabet, HandStyle& style, Rng& rng);

// Changes the common style to that of one hand.
using HandMaker = void (*)(HandStyle&, Rng&);
struct Hand {
  const char* name;
  double weight;  // how common it is among printed town plans; 1 = average
  HandMaker make;
  // Never drawn at random, only where it is named: no network learns from it,
  // so that it can tell what networks do on a hand that they have not seen.
  bool held_out = false;
};
// New hands are appended, since seeds draw positions in this list.
const std::vector<Hand>& Hands();

double HandWeight(const std::string& hand);

// Hue in degrees, 0 = red; saturation and value in [0, 1].
Colour Hsv(double hue, double saturation, double value);
Colour Mix(Colour a, Colour b, double share_of_b);
Colour Vary(Colour c, double sigma, Rng& rng);
cv::Scalar ToScalar(Colour c);

}  // namespace mapweave::synth
