// SPDX-License-Identifier: MIT
#include "synth/hand.h"

#include "core/error.h"
#include "synth/render.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::synth {
namespace {

// What most hands share: a cream sheet, brown-black ink, thin lines.
HandStyle CommonStyle(double building_px, Rng& rng) {
  HandStyle s;
  static const std::vector<Colour> kPapers = {
      {240, 226, 200}, {248, 240, 220}, {232, 214, 182}, {250, 247, 238},
      {225, 208, 178}, {244, 233, 214}, {236, 230, 216}, {252, 250, 246}};
  s.paper = Vary(rng.Pick(kPapers), 5, rng);
  s.street = s.paper;
  if (rng.Chance(0.12)) s.street = Mix(s.paper, {235, 205, 150}, 0.5);
  if (rng.Chance(0.08)) s.street = Mix(s.paper, {190, 170, 150}, 0.4);
  s.ink =
      Vary(rng.Chance(0.3) ? Colour{70, 50, 40} : Colour{42, 38, 38}, 8, rng);
  s.outline = s.ink;
  // Pens do not grow with houses; now and then one is broad.
  const double line = rng.Chance(0.2) ? std::clamp(building_px * 0.06, 0.9, 1.6)
                                      : rng.Uniform(0.5, 0.95);
  s.outline_px = line * rng.Uniform(0.8, 1.5);
  s.block_line = Mix(s.ink, s.paper, rng.Uniform(0.0, 0.35));
  s.block_line_px = line * rng.Uniform(0.8, 1.6);
  s.parcel_line = Mix(s.ink, s.paper, rng.Uniform(0.15, 0.55));
  s.parcel_line_px = rng.Chance(0.8) ? rng.Uniform(0.5, 1.0) : 0.0;
  s.water = Vary({172, 190, 214}, 12, rng);
  if (rng.Chance(0.25)) s.water = Vary({160, 200, 200}, 12, rng);
  s.water_line = rng.Chance(0.5) ? Mix(s.ink, s.paper, 0.3)
                                 : Vary({100, 125, 165}, 10, rng);
  s.tints_water = rng.Chance(0.65);
  s.hatches_water = !s.tints_water || rng.Chance(0.6);
  s.garden = Vary({186, 200, 160}, 10, rng);
  s.boundary = rng.Chance(0.6) ? Vary({205, 70, 60}, 12, rng) : s.ink;
  s.letter = rng.Chance(0.1) ? s.boundary : s.ink;
  s.letter_px = std::clamp(building_px * rng.Uniform(0.4, 0.8), 4.5, 14.0);
  s.water_letter = rng.Chance(0.4) ? Mix(s.water_line, s.ink, 0.4) : s.letter;
  static const std::vector<Alphabet> kAlphabets = {
      Alphabet::kEngraved, Alphabet::kBook, Alphabet::kGrotesque,
      Alphabet::kSlab, Alphabet::kHandwritten};
  ChooseLetters(kAlphabets[rng.Choice({0.42, 0.18, 0.14, 0.08, 0.18})], s, rng);
  s.other_owners = rng.Uniform(0.0, 0.35);
  s.yards = rng.Chance(0.5) ? rng.Uniform(0.0, 0.3) : 0.0;
  s.ridges = rng.Chance(0.1);
  s.draws_trees = rng.Chance(0.5);
  s.fills_trees = rng.Chance(0.5);
  s.tree_px = std::clamp(building_px * 0.1, 1.0, 3.0) * rng.Uniform(0.8, 1.4);
  s.avenues = rng.Chance(0.3) ? rng.Uniform(0.0, 0.5) : 0.0;
  s.graticule_px = rng.Chance(0.12) ? rng.Uniform(90.0, 400.0) : 0.0;
  s.frame_px = rng.Uniform(1.0, 5.0);
  s.shades = rng.Chance(0.4);
  s.hatch_angle = rng.Uniform(0.0, 3.14);
  s.hatch_px = rng.Uniform(1.8, 3.6);
  s.hatch_share = rng.Uniform(0.28, 0.5);
  for (size_t i = 0; i < kOwners; ++i) s.tint[i] = s.paper;
  return s;
}

void FillAll(HandStyle& s, Colour c, double spread, Rng& rng) {
  for (Colour& f : s.fill) f = c;
  s.public_fill = rng.Chance(0.6) ? c : Vary(Mix(c, s.ink, 0.4), 8, rng);
  s.fill_spread = spread;
}

// Blocks in owner tints, buildings in the same hue but stronger.
void MakeCadastre(HandStyle& s, Rng& rng) {
  static const std::vector<Colour> kPinks = {
      {244, 196, 176}, {240, 188, 178}, {236, 204, 190}, {246, 208, 186}};
  static const std::vector<Colour> kBlues = {
      {176, 196, 220}, {196, 204, 222}, {168, 190, 214}};
  static const std::vector<Colour> kGreens = {
      {196, 212, 176}, {206, 214, 188}, {182, 206, 160}};
  s.tint = {Vary(rng.Pick(kPinks), 5, rng), Vary(rng.Pick(kBlues), 5, rng),
            Vary(rng.Pick(kGreens), 5, rng), s.paper,
            Vary({202, 200, 198}, 5, rng)};
  const double strength = rng.Uniform(0.38, 1.0);
  const std::array<Colour, kOwners> strong = {
      Colour{222, 100, 72}, Colour{96, 132, 178}, Colour{116, 158, 110},
      Mix(s.paper, {225, 205, 170}, 0.6), Colour{132, 130, 130}};
  for (size_t i = 0; i < kOwners; ++i) {
    s.fill[i] = Vary(Mix(s.tint[i], strong[i], strength), 5, rng);
  }
  // Unowned ground: bare, its houses in outline or in the common colour.
  s.fill[3] = rng.Chance(0.5) ? s.paper : s.fill[0];
  s.public_fill = Vary({128, 126, 126}, 8, rng);
  s.tints_blocks = true;
  s.tints_parcels = true;
  s.outline = Mix(s.ink, s.fill[0], rng.Uniform(0.0, 0.6));
  s.shades = rng.Chance(0.7);
  s.water = Vary({176, 194, 222}, 8, rng);
  s.tints_water = true;
  s.fill_spread = rng.Uniform(2.0, 7.0);
}

void MakeBlueprint(HandStyle& s, Rng& rng) {
  s.paper = Vary({38, 70, 130}, 12, rng);
  s.street = s.paper;
  s.ink = Vary({222, 230, 240}, 8, rng);
  s.letter = s.water_letter = s.ink;
  ChooseLetters(rng.Chance(0.5) ? Alphabet::kGrotesque : Alphabet::kHandwritten,
                s, rng);
  s.outline = s.ink;
  s.block_line = Mix(s.ink, s.paper, 0.3);
  s.parcel_line = Mix(s.ink, s.paper, 0.5);
  s.water = Mix(s.paper, {90, 130, 190}, 0.5);
  s.water_line = Mix(s.ink, s.paper, 0.4);
  s.garden = Mix(s.paper, s.ink, 0.15);
  s.boundary = s.ink;
  s.fill_mode = rng.Chance(0.5)
                    ? FillMode::kHatched
                    : (rng.Chance(0.6) ? FillMode::kNone : FillMode::kSolid);
  FillAll(s, Mix(s.paper, s.ink, s.fill_mode == FillMode::kHatched ? 0.9 : 0.6),
          4, rng);
  for (Colour& t : s.tint) t = s.paper;
}

void MakeInsurance(HandStyle& s, Rng& rng) {
  s.paper = Vary({246, 240, 224}, 5, rng);
  s.street = s.paper;
  s.fill = {Vary({236, 172, 160}, 6, rng), Vary({240, 214, 120}, 6, rng),
            Vary({176, 190, 206}, 6, rng), Vary({238, 182, 168}, 6, rng),
            Vary({200, 190, 180}, 6, rng)};
  s.public_fill = Vary({226, 150, 140}, 6, rng);
  s.fills_by_building = true;
  ChooseLetters(rng.Chance(0.6) ? Alphabet::kHandwritten : Alphabet::kGrotesque,
                s, rng);
  if (rng.Chance(0.4)) std::swap(s.fill[0], s.fill[1]);
  s.ridges = rng.Chance(0.4);
  s.parcel_line_px = 0.6;
  for (Colour& t : s.tint) t = s.paper;
}

using Maker = void (*)(HandStyle&, Rng&);
struct Hand {
  const char* name;
  double weight;
  Maker make;
};

const std::vector<Hand>& Hands() {
  static const std::vector<Hand> kHands = {
      {"solid-black", 1.4,
       [](HandStyle& s, Rng& rng) {
         FillAll(s, Vary({44, 40, 40}, 14, rng), 6, rng);
         // Black on black would hide where one house ends.
         s.outline_px = 0.0;
         s.parts = true;
         s.outline = Mix(s.fill[0], s.paper, rng.Uniform(0.5, 1.0));
         s.shades = false;
       }},
      {"carmine", 1.4,
       [](HandStyle& s, Rng& rng) {
         const std::vector<Colour> reds = {
             {206, 84, 78}, {198, 100, 96}, {222, 120, 100}, {190, 70, 84}};
         FillAll(s, Vary(rng.Pick(reds), 8, rng), 8, rng);
         s.tints_blocks = rng.Chance(0.7);
         s.tints_parcels = s.tints_blocks;
         const std::vector<Colour> tints = {{238, 214, 170},
                                            {226, 226, 190},
                                            {244, 212, 196},
                                            {214, 224, 190},
                                            {232, 220, 208}};
         for (Colour& t : s.tint) t = Mix(s.paper, rng.Pick(tints), 0.7);
         s.outline = Mix(s.ink, {120, 30, 30}, rng.Uniform(0.0, 0.8));
       }},
      {"cadastre", 2.0, MakeCadastre},
      {"hatched", 1.0,
       [](HandStyle& s, Rng& rng) {
         s.fill_mode = FillMode::kHatched;
         FillAll(s, s.ink, 0, rng);
         s.public_fill = s.ink;
         s.outline_px = std::max(s.outline_px, 0.9);
       }},
      {"outline", 1.0,
       [](HandStyle& s, Rng& rng) {
         s.fill_mode = FillMode::kNone;
         FillAll(s, s.paper, 0, rng);
         // Yards would be houses here.
         s.yards = 0.0;
         s.outline_px = std::max(s.outline_px, 1.0) * rng.Uniform(1.0, 1.4);
         s.parcel_line = Mix(s.ink, s.paper, rng.Uniform(0.45, 0.65));
         s.shades = rng.Chance(0.6);
       }},
      {"grey-block", 1.2,
       [](HandStyle& s, Rng& rng) {
         const double g = rng.Uniform(110, 190);
         FillAll(s,
                 Vary({static_cast<float>(g), static_cast<float>(g * 0.98),
                       static_cast<float>(g * 0.95)},
                      6, rng),
                 5, rng);
         s.outline_px *= rng.Uniform(0.6, 1.0);
         s.outline = Mix(s.ink, s.fill[0], rng.Uniform(0.0, 0.4));
       }},
      {"blueprint", 0.5, MakeBlueprint},
      {"stippled", 0.6,
       [](HandStyle& s, Rng& rng) {
         s.fill_mode = FillMode::kStippled;
         FillAll(s, s.ink, 0, rng);
         s.public_fill = s.ink;
         s.outline_px = std::max(s.outline_px, 0.9);
       }},
      {"brown-double", 0.8,
       [](HandStyle& s, Rng& rng) {
         s.ink = Vary({104, 66, 40}, 10, rng);
         s.letter = s.water_letter = s.ink;
         s.outline = s.ink;
         s.block_line = Mix(s.ink, s.paper, 0.3);
         s.parcel_line = Mix(s.ink, s.paper, 0.5);
         s.fill_mode = rng.Chance(0.6) ? FillMode::kSolid : FillMode::kNone;
         FillAll(s, Mix(s.paper, {196, 150, 104}, rng.Uniform(0.3, 0.9)), 5,
                 rng);
         s.doubles = true;
       }},
      {"insurance", 0.8, MakeInsurance},
  };
  return kHands;
}

}  // namespace

std::vector<std::string> HandNames() {
  std::vector<std::string> names;
  for (const Hand& hand : Hands()) names.emplace_back(hand.name);
  return names;
}

Colour Mix(Colour a, Colour b, double share_of_b) {
  const auto s = static_cast<float>(share_of_b);
  return a * (1.0f - s) + b * s;
}

Colour Vary(Colour c, double sigma, Rng& rng) {
  // Mostly lighter or darker, a little towards another hue.
  const double all = rng.Normal(0.0, sigma);
  for (int i = 0; i < 3; ++i) {
    c[i] = static_cast<float>(
        std::clamp(c[i] + all + rng.Normal(0.0, sigma * 0.4), 0.0, 255.0));
  }
  return c;
}

cv::Scalar ToScalar(Colour c) { return {c[0], c[1], c[2]}; }

double HandWeight(const std::string& hand) {
  for (const Hand& h : Hands())
    if (hand == h.name) return h.weight;
  return 0.0;
}

HandStyle MakeHandStyle(const std::string& hand, double building_px, Rng rng) {
  for (const Hand& h : Hands()) {
    if (hand != h.name) continue;
    HandStyle style = CommonStyle(building_px, rng);
    h.make(style, rng);
    return style;
  }
  throw Error(ErrorCode::kUsage, "there is no map hand named \"" + hand + "\"",
              "use one of the names that HandNames() lists");
}

}  // namespace mapweave::synth
