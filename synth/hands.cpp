// SPDX-License-Identifier: MIT
//
// The hands, one function each. They start from a common style and set what
// makes them what they are; colours have wide ranges, because prints of one
// plate, hand colouring and a century of light differ as much.
#include "synth/hand.h"

#include <algorithm>

namespace mapweave::synth {
namespace {

void FillAll(HandStyle& s, Colour c, double spread, Rng& rng) {
  for (Colour& f : s.fill) f = c;
  s.public_fill = rng.Chance(0.5) ? c : Vary(Mix(c, s.ink, 0.4), 8, rng);
  s.shed_fill = Mix(c, s.paper, rng.Uniform(0.2, 0.6));
  s.fill_spread = spread;
}

void SetInk(HandStyle& s, Colour ink, Rng& rng) {
  s.ink = s.outline = s.letter = s.water_letter = ink;
  s.block_line = Mix(ink, s.paper, rng.Uniform(0.1, 0.4));
  s.parcel_line = Mix(ink, s.paper, rng.Uniform(0.3, 0.6));
}

// Touching houses of one fill need a line to be told apart; few sheets have
// none.
void PartHouses(HandStyle& s, double share_with, Rng& rng) {
  s.parts = rng.Chance(share_with);
  s.part_line = rng.Chance(0.6) ? Mix(s.fill[0], s.paper, rng.Uniform(0.5, 1.0))
                                : Mix(s.fill[0], s.ink, rng.Uniform(0.4, 0.9));
}

Colour Red(Rng& rng) {
  return Hsv(rng.Uniform(-12, 16), rng.Uniform(0.35, 0.7),
             rng.Uniform(0.68, 0.92));
}

Colour Grey(Rng& rng, double low, double high) {
  return Hsv(rng.Uniform(0, 240), rng.Uniform(0.0, 0.07),
             rng.Uniform(low, high));
}

// Siegfried and its kin: all houses black, a few colours for the land.
void MakeSolidBlack(HandStyle& s, Rng& rng) {
  FillAll(s, Mix(s.ink, Grey(rng, 0.1, 0.3), 0.5), 5, rng);
  s.public_fill = s.fill[0];
  s.outline_px = 0.0;
  // Black on black would hide where one house ends.
  s.parts = rng.Chance(0.95);
  s.part_line = Mix(s.fill[0], s.paper, rng.Uniform(0.55, 1.0));
  s.shades = false;
  s.outline = s.ink;
  s.ridges = false;
  s.relief_line =
      Hsv(rng.Uniform(12, 34), rng.Uniform(0.4, 0.8), rng.Uniform(0.45, 0.75));
}

void MakeCarmine(HandStyle& s, Rng& rng) {
  s.tints_blocks = rng.Chance(0.7);
  s.tints_parcels = s.tints_blocks;
  for (Colour& t : s.tint) {
    t = Mix(s.paper, Hsv(rng.Uniform(10, 110), rng.Uniform(0.1, 0.35), 0.92),
            rng.Uniform(0.2, 0.8));
  }
  const Colour red = Red(rng);
  // From full carmine to a faded pink.
  FillAll(s,
          Mix(s.paper, red,
              rng.Chance(0.3) ? rng.Uniform(0.3, 0.55) : rng.Uniform(0.6, 1.0)),
          rng.Uniform(2, 9), rng);
  s.outline = Mix(s.ink, Colour{120, 30, 30}, rng.Uniform(0.0, 0.8));
  s.pools = rng.Chance(0.35);
  s.other_sheds = rng.Chance(0.5) ? rng.Uniform(0.3, 1.0) : 0.0;
  if (rng.Chance(0.5)) s.shed_fill = Grey(rng, 0.55, 0.75);
}

// Blocks in owner tints, buildings in the same hue but stronger.
void MakeCadastre(HandStyle& s, Rng& rng) {
  const double deep = rng.Uniform(0.5, 1.3);
  const auto tint = [&](double hue, double saturation) {
    return Mix(s.paper,
               Hsv(hue + rng.Normal(0, 7), std::min(1.0, saturation * deep),
                   rng.Uniform(0.86, 0.98)),
               rng.Uniform(0.75, 1.0));
  };
  s.tint = {tint(14, 0.24), tint(212, 0.18), tint(88, 0.2), s.paper,
            tint(40, 0.06)};
  const double strength = rng.Uniform(0.25, 1.0);
  const std::array<Colour, kOwners> strong = {
      Colour{222, 100, 72}, Colour{96, 132, 178}, Colour{116, 158, 110},
      Mix(s.paper, {225, 205, 170}, 0.6), Colour{132, 130, 130}};
  for (size_t i = 0; i < kOwners; ++i) {
    s.fill[i] = Vary(Mix(s.tint[i], strong[i], strength), 5, rng);
  }
  // Unowned ground: bare, its houses in the common colour or in outline.
  s.fill[3] = rng.Chance(0.25) ? s.paper : s.fill[0];
  s.public_fill = Grey(rng, 0.45, 0.6);
  s.shed_fill = s.tint[4];
  s.tints_blocks = true;
  s.tints_parcels = true;
  s.outline = Mix(s.ink, s.fill[0], rng.Uniform(0.0, 0.6));
  s.shades = rng.Chance(0.6);
  s.tints_water = true;
  s.fill_spread = rng.Uniform(2.0, 7.0);
  s.pools = rng.Chance(0.3);
}

void MakeHatched(HandStyle& s, Rng& rng) {
  s.fill_mode = FillMode::kHatched;
  FillAll(s, Mix(s.ink, s.paper, rng.Uniform(0.0, 0.3)), 0, rng);
  s.public_fill = s.ink;
  s.outline_px = std::max(s.outline_px, 0.9);
}

void MakeOutline(HandStyle& s, Rng& rng) {
  s.fill_mode = FillMode::kNone;
  FillAll(s, s.paper, 0, rng);
  // Yards would be houses here.
  s.yards = 0.0;
  s.outline_px = std::max(s.outline_px, 1.0) * rng.Uniform(1.0, 1.4);
  s.parcel_line = Mix(s.ink, s.paper, rng.Uniform(0.45, 0.65));
  s.shades = rng.Chance(0.6);
  s.public_hatched = rng.Chance(0.5);
}

// Built-up ground in grey; courts and gardens stay white.
void MakeGreyBlock(HandStyle& s, Rng& rng) {
  FillAll(s, Grey(rng, 0.38, 0.82), rng.Uniform(0, 5), rng);
  s.other_publics = rng.Uniform(0.0, 1.0);
  s.public_fill = Mix(s.fill[0], s.ink, rng.Uniform(0.3, 0.7));
  s.outline_px *= rng.Uniform(0.6, 1.0);
  s.outline = Mix(s.ink, s.fill[0], rng.Uniform(0.0, 0.4));
  s.parcel_line_px = rng.Chance(0.4) ? s.parcel_line_px : 0.0;
  s.yards = 0.0;
  if (rng.Chance(0.35)) {
    s.outline_px = 0.0;
    PartHouses(s, 0.9, rng);
  }
  // White courts show best on a sheet whose streets are toned.
  if (rng.Chance(0.4)) {
    s.tints_blocks = true;
    for (Colour& t : s.tint) t = Mix(s.paper, {255, 255, 255}, 0.8);
    s.street = Mix(s.paper, Hsv(rng.Uniform(20, 60), 0.25, 0.85), 0.5);
  }
}

void MakeBlueprint(HandStyle& s, Rng& rng) {
  s.paper = Hsv(rng.Uniform(205, 232), rng.Uniform(0.5, 0.82),
                rng.Uniform(0.32, 0.62));
  s.street = s.paper;
  SetInk(s, Mix(s.paper, {226, 234, 244}, rng.Uniform(0.75, 1.0)), rng);
  ChooseLetters(rng.Chance(0.5) ? Alphabet::kGrotesque : Alphabet::kHandwritten,
                s, rng);
  s.water = Mix(s.paper, {90, 130, 190}, 0.5);
  s.water_line = Mix(s.ink, s.paper, 0.4);
  s.garden = s.wood = Mix(s.paper, s.ink, 0.15);
  s.relief_line = Mix(s.ink, s.paper, 0.4);
  s.boundary = s.ink;
  s.fill_mode = rng.Chance(0.5)
                    ? FillMode::kHatched
                    : (rng.Chance(0.6) ? FillMode::kNone : FillMode::kSolid);
  FillAll(s, Mix(s.paper, s.ink, s.fill_mode == FillMode::kHatched ? 0.9 : 0.6),
          4, rng);
  for (Colour& t : s.tint) t = s.paper;
}

void MakeStippled(HandStyle& s, Rng& rng) {
  s.fill_mode = FillMode::kStippled;
  FillAll(s, s.ink, 0, rng);
  s.public_fill = s.ink;
  s.outline_px = std::max(s.outline_px, 0.9);
}

void MakeBrownDouble(HandStyle& s, Rng& rng) {
  SetInk(
      s,
      Hsv(rng.Uniform(14, 34), rng.Uniform(0.45, 0.75), rng.Uniform(0.3, 0.55)),
      rng);
  s.fill_mode = rng.Chance(0.6) ? FillMode::kSolid : FillMode::kNone;
  FillAll(s,
          Mix(s.paper, Hsv(rng.Uniform(20, 42), 0.45, rng.Uniform(0.7, 0.85)),
              rng.Uniform(0.2, 0.9)),
          5, rng);
  s.doubles = true;
}

// Every house in the colour of what it is built of.
void MakeInsurance(HandStyle& s, Rng& rng) {
  s.paper = Mix(s.paper, {246, 240, 224}, 0.6);
  s.street = s.paper;
  const double pale = rng.Uniform(0.0, 0.5);
  s.fill = {Mix(Hsv(rng.Uniform(-10, 14), 0.34, 0.92), s.paper, pale),
            Mix(Hsv(rng.Uniform(40, 54), 0.5, 0.94), s.paper, pale),
            Mix(Hsv(212, 0.2, 0.8), s.paper, pale),
            Mix(Hsv(rng.Uniform(-10, 14), 0.28, 0.93), s.paper, pale),
            Mix(Hsv(30, 0.12, 0.78), s.paper, pale)};
  s.public_fill = Mix(Hsv(350, 0.4, 0.88), s.paper, pale);
  s.shed_fill = s.fill[1];
  s.other_sheds = rng.Uniform(0.2, 0.8);
  s.fills_by_building = true;
  ChooseLetters(rng.Chance(0.6) ? Alphabet::kHandwritten : Alphabet::kGrotesque,
                s, rng);
  if (rng.Chance(0.4)) std::swap(s.fill[0], s.fill[1]);
  s.ridges = s.crosses_sheds = rng.Chance(0.4);
  s.parcel_line_px = 0.6;
  for (Colour& t : s.tint) t = s.paper;
}

// French colonial cadastre: private blocks pink with slightly darker small
// houses, public blocks grey or blue with their buildings darker, thin lines.
void MakeColonial(HandStyle& s, Rng& rng) {
  const Colour pink = Mix(
      s.paper,
      Hsv(rng.Uniform(2, 22), rng.Uniform(0.16, 0.34), rng.Uniform(0.84, 0.96)),
      rng.Uniform(0.7, 1.0));
  const Colour blue = Mix(s.paper,
                          Hsv(rng.Uniform(205, 235), rng.Uniform(0.03, 0.24),
                              rng.Uniform(0.7, 0.86)),
                          rng.Uniform(0.7, 1.0));
  const Colour green = Mix(s.paper, Hsv(90, rng.Uniform(0.06, 0.2), 0.82), 0.8);
  s.tint = {pink, blue, green, s.paper, rng.Chance(0.5) ? blue : pink};
  const double strength = rng.Uniform(0.22, 0.7);
  const Colour red =
      Hsv(rng.Uniform(4, 18), rng.Uniform(0.5, 0.7), rng.Uniform(0.66, 0.86));
  const Colour slate =
      Hsv(rng.Uniform(205, 225), rng.Uniform(0.2, 0.4), rng.Uniform(0.5, 0.66));
  s.fill = {Mix(pink, red, strength), Mix(blue, slate, strength + 0.25),
            Mix(green, Colour{120, 140, 110}, strength + 0.2),
            Mix(s.paper, rng.Chance(0.5) ? red : slate,
                rng.Chance(0.2) ? 0.0 : strength),
            Mix(s.tint[4], slate, strength + 0.2)};
  s.public_fill = Mix(blue, slate, std::min(1.0, strength + 0.4));
  s.shed_fill = s.fill[0];
  s.other_publics = rng.Uniform(0.0, 0.7);
  s.tints_blocks = true;
  s.tints_parcels = rng.Chance(0.5);
  s.other_owners = rng.Uniform(0.0, 0.15);
  if (rng.Chance(0.5)) {
    s.street = Mix(s.paper, Hsv(rng.Uniform(38, 50), 0.25, 0.97), 0.7);
  }
  s.outline = Mix(s.ink, s.fill[0], rng.Uniform(0.0, 0.55));
  s.outline_px = rng.Uniform(0.5, 0.9);
  s.block_line = Mix(s.ink, pink, rng.Uniform(0.05, 0.5));
  s.block_line_px = rng.Uniform(0.5, 0.9);
  s.parcel_line = Mix(s.ink, pink, rng.Uniform(0.35, 0.7));
  s.shades = rng.Chance(0.6);
  s.tints_water = true;
  s.fill_spread = rng.Uniform(1.0, 5.0);
  ChooseLetters(Alphabet::kEngraved, s, rng);
}

// Black and one spot colour from a second plate that does not quite fit.
void MakeTwoColour(HandStyle& s, Rng& rng) {
  const double hue = rng.Chance(0.5)   ? rng.Uniform(-10, 30)
                     : rng.Chance(0.5) ? rng.Uniform(190, 230)
                                       : rng.Uniform(30, 160);
  const Colour spot = Hsv(hue, rng.Uniform(0.3, 0.8), rng.Uniform(0.6, 0.95));
  SetInk(s, Grey(rng, 0.1, 0.22), rng);
  FillAll(s, Mix(s.paper, spot, rng.Uniform(0.4, 1.0)), 1, rng);
  s.public_fill = rng.Chance(0.5) ? s.ink : spot;
  s.plate_shift.x = rng.Normal(0.0, 0.8);
  s.plate_shift.y = rng.Normal(0.0, 0.8);
  for (Colour& t : s.tint) t = s.paper;
  if (rng.Chance(0.3)) {
    s.tints_blocks = true;
    for (Colour& t : s.tint) t = Mix(s.paper, spot, 0.2);
  }
  // Nobody prints rivers red.
  const bool cool = hue > 150.0;
  s.water = cool ? Mix(s.paper, spot, 0.4) : Mix(s.paper, s.ink, 0.12);
  s.water_line = cool ? spot : s.ink;
  s.tints_water = cool || rng.Chance(0.3);
  s.garden = s.wood = Mix(s.paper, hue > 60.0 ? spot : s.ink, 0.15);
  s.relief_line = rng.Chance(0.6) ? spot : Mix(s.ink, s.paper, 0.4);
  s.boundary = spot;
  s.outline_px = std::max(0.6, s.outline_px);
}

// Steel plate: everything in fine lines of one ink.
void MakeEngraved(HandStyle& s, Rng& rng) {
  SetInk(
      s,
      Hsv(rng.Uniform(10, 40), rng.Uniform(0.05, 0.4), rng.Uniform(0.12, 0.3)),
      rng);
  s.paper = Mix(s.paper, Hsv(42, 0.1, 0.93), 0.5);
  s.street = s.paper;
  for (Colour& t : s.tint) t = s.paper;
  const bool black = rng.Chance(0.3);
  s.fill_mode = black ? FillMode::kSolid : FillMode::kHatched;
  FillAll(s, Mix(s.ink, s.paper, rng.Uniform(0.0, 0.25)), 0, rng);
  s.public_fill = s.ink;
  s.hatch_px = rng.Uniform(1.2, 2.1);
  s.hatch_share = rng.Uniform(0.35, 0.6);
  if (rng.Chance(0.4)) s.hatch_angle = 1.5708;
  s.outline_px = rng.Uniform(0.5, 0.75);
  s.block_line_px = s.parcel_line_px = 0.5;
  s.shades = rng.Chance(0.8);
  s.parts = black;
  s.part_line = Mix(s.ink, s.paper, rng.Uniform(0.6, 1.0));
  s.tints_water = false;
  s.hatches_water = true;
  s.water_line = Mix(s.ink, s.paper, 0.2);
  s.garden = s.wood = s.paper;
  s.relief = rng.Chance(0.8) ? ReliefMode::kHachures : ReliefMode::kContours;
  s.relief_line = Mix(s.ink, s.paper, rng.Uniform(0.1, 0.4));
  s.boundary = s.ink;
  s.draws_trees = rng.Chance(0.8);
  s.fills_trees = false;
  s.avenues = rng.Chance(0.5) ? rng.Uniform(0.1, 0.8) : 0.0;
  ChooseLetters(Alphabet::kEngraved, s, rng);
}

// Large-scale national survey, coloured by hand: brick carmine, timber grey,
// public buildings hatched, trees one by one.
void MakeOrdnance(HandStyle& s, Rng& rng) {
  const bool coloured = rng.Chance(0.6);
  const Colour brick =
      coloured ? Mix(s.paper, Red(rng), rng.Uniform(0.35, 0.9)) : s.ink;
  FillAll(s, brick, coloured ? 4 : 0, rng);
  s.fill_mode = coloured ? FillMode::kSolid : FillMode::kHatched;
  s.hatch_px = rng.Uniform(1.6, 2.8);
  s.hatch_share = rng.Uniform(0.25, 0.4);
  s.hatch_angle = 0.785;
  s.shed_fill = coloured ? Grey(rng, 0.5, 0.72) : s.ink;
  s.other_sheds = rng.Uniform(0.4, 1.0);
  s.public_hatched = rng.Chance(0.5);
  s.outline_px = rng.Uniform(0.5, 0.9);
  s.block_line_px = rng.Uniform(0.5, 0.8);
  s.parcel_line = Mix(s.ink, s.paper, rng.Uniform(0.05, 0.35));
  s.parcel_line_px = rng.Uniform(0.5, 0.7);
  for (Colour& t : s.tint) t = s.paper;
  if (coloured && rng.Chance(0.5))
    s.street = Mix(s.paper, Hsv(rng.Uniform(26, 40), 0.45, 0.85), 0.5);
  s.draws_trees = true;
  s.avenues = rng.Chance(0.4) ? rng.Uniform(0.0, 0.3) : 0.0;
  s.shades = rng.Chance(0.2);
}

// A drawn and washed plan: brushed colour that pools, a pen that shakes.
void MakeManuscript(HandStyle& s, Rng& rng) {
  s.paper = Mix(
      s.paper,
      Hsv(rng.Uniform(28, 46), rng.Uniform(0.14, 0.3), rng.Uniform(0.8, 0.93)),
      0.6);
  s.street = s.paper;
  SetInk(
      s,
      Hsv(rng.Uniform(14, 40), rng.Uniform(0.3, 0.7), rng.Uniform(0.16, 0.4)),
      rng);
  const Colour rose = rng.Chance(0.75) ? Red(rng) : Grey(rng, 0.4, 0.65);
  FillAll(s, Mix(s.paper, rose, rng.Uniform(0.3, 0.8)), rng.Uniform(5, 12),
          rng);
  s.pools = true;
  s.plate_shift.x = rng.Normal(0.0, 0.5);
  s.plate_shift.y = rng.Normal(0.0, 0.5);
  s.tints_blocks = rng.Chance(0.4);
  s.tints_parcels = s.tints_blocks;
  for (Colour& t : s.tint) {
    t = Mix(s.paper, Hsv(rng.Uniform(20, 120), 0.25, 0.85),
            rng.Uniform(0.1, 0.6));
  }
  s.shades = rng.Chance(0.5);
  s.draws_trees = rng.Chance(0.7);
  ChooseLetters(rng.Chance(0.7) ? Alphabet::kHandwritten : Alphabet::kBook, s,
                rng);
}

// A state's topographic sheet: black houses, red or yellow roads, green woods,
// brown contours, built-up ground in a tone.
void MakeTopographic(HandStyle& s, Rng& rng) {
  s.paper = Mix(s.paper, {250, 248, 240}, 0.5);
  FillAll(s,
          rng.Chance(0.65) ? Mix(s.ink, Grey(rng, 0.1, 0.35), 0.5)
                           : Hsv(rng.Uniform(-6, 30), rng.Uniform(0.4, 0.75),
                                 rng.Uniform(0.5, 0.85)),
          3, rng);
  s.outline_px = 0.0;
  PartHouses(s, 0.85, rng);
  s.street = rng.Chance(0.5) ? Colour{252, 250, 244}
                             : Hsv(rng.Uniform(-4, 52), rng.Uniform(0.25, 0.6),
                                   rng.Uniform(0.9, 0.98));
  s.tints_blocks = true;
  const Colour built =
      rng.Chance(0.5)
          ? Mix(s.paper, Hsv(rng.Uniform(6, 40), 0.3, 0.95), rng.Uniform(0, 1))
          : s.paper;
  for (Colour& t : s.tint) t = built;
  s.wood = Hsv(rng.Uniform(85, 135), rng.Uniform(0.15, 0.45),
               rng.Uniform(0.78, 0.92));
  s.garden = s.wood;
  s.tints_water = true;
  s.relief = ReliefMode::kContours;
  s.relief_line =
      Hsv(rng.Uniform(14, 34), rng.Uniform(0.4, 0.75), rng.Uniform(0.5, 0.75));
  s.relief_on_top = rng.Chance(0.6);
  s.parcel_line_px = rng.Chance(0.3) ? 0.5 : 0.0;
  s.shades = false;
  ChooseLetters(rng.Chance(0.5) ? Alphabet::kGrotesque : Alphabet::kBook, s,
                rng);
}

// Copied from a gelatine plate: all in one violet that has bled, houses hatched
// or washed in it.
void MakeHectograph(HandStyle& s, Rng& rng) {
  SetInk(s,
         Hsv(rng.Uniform(258, 288), rng.Uniform(0.35, 0.7),
             rng.Uniform(0.3, 0.55)),
         rng);
  const bool hatched = rng.Chance(0.6);
  s.fill_mode = hatched ? FillMode::kHatched : FillMode::kSolid;
  s.hatch_angle = rng.Uniform(0.3, 1.2);
  FillAll(s, hatched ? s.ink : Mix(s.paper, s.ink, rng.Uniform(0.3, 0.6)), 6,
          rng);
  s.pools = !hatched;
  s.public_fill = s.ink;
  s.outline_px = std::max(s.outline_px, 1.0);
  s.parcel_line = Mix(s.ink, s.paper, rng.Uniform(0.2, 0.5));
  s.street = s.paper;
  s.relief = ReliefMode::kNone;
  ChooseLetters(Alphabet::kHandwritten, s, rng);
}

// Printed from stones in tones of one another: blocks in buff, houses in a
// deeper tone of it, public ones deeper still, thin brown lines.
void MakeLithograph(HandStyle& s, Rng& rng) {
  const double hue = rng.Uniform(18, 44);
  SetInk(s, Hsv(hue, rng.Uniform(0.4, 0.7), rng.Uniform(0.2, 0.35)), rng);
  const Colour buff = Hsv(hue, rng.Uniform(0.12, 0.22), 0.93);
  for (Colour& t : s.tint) t = Vary(buff, 3.0, rng);
  s.tints_blocks = true;
  FillAll(s, Hsv(hue - 8.0, rng.Uniform(0.32, 0.5), rng.Uniform(0.72, 0.85)), 4,
          rng);
  s.public_fill = Hsv(hue - 12.0, 0.6, rng.Uniform(0.45, 0.6));
  s.outline = Mix(s.ink, s.fill[0], rng.Uniform(0.0, 0.3));
  s.outline_px = rng.Uniform(0.6, 1.1);
  s.street = Mix(s.paper, {252, 250, 244}, 0.5);
  s.tints_water = true;
  ChooseLetters(Alphabet::kBook, s, rng);
}

}  // namespace

const std::vector<Hand>& Hands() {
  static const std::vector<Hand> kHands = {
      {"solid-black", 1.4, MakeSolidBlack},
      {"carmine", 1.4, MakeCarmine},
      {"cadastre", 1.3, MakeCadastre},
      {"hatched", 1.0, MakeHatched},
      {"outline", 1.0, MakeOutline},
      {"grey-block", 1.2, MakeGreyBlock},
      {"blueprint", 0.4, MakeBlueprint},
      {"stippled", 0.5, MakeStippled},
      {"brown-double", 0.7, MakeBrownDouble},
      {"insurance", 0.8, MakeInsurance},
      {"colonial", 1.5, MakeColonial},
      {"two-colour", 0.9, MakeTwoColour},
      {"engraved", 0.9, MakeEngraved},
      {"ordnance", 0.9, MakeOrdnance},
      {"manuscript", 0.8, MakeManuscript},
      {"topographic", 0.9, MakeTopographic},
      {"hectograph", 0.3, MakeHectograph, true},
      {"lithograph", 1.0, MakeLithograph, true},
  };
  return kHands;
}

}  // namespace mapweave::synth
