// SPDX-License-Identifier: MIT
//
// The letters of the hands: which typeface is used for what.
#include "synth/hand.h"

namespace mapweave::synth {
namespace {

struct Cut {
  Typeface upright;
  Typeface slanted;  // waters, often streets
  Typeface script;   // fields, country
  Typeface heavy;    // districts
};

Cut CutOf(Alphabet alphabet, Rng& rng) {
  using enum Typeface;
  switch (alphabet) {
    case Alphabet::kEngraved:
      return {rng.Chance(0.6) ? kRoman : kDidone, kItalic,
              rng.Chance(0.5) ? kScript : kItalic,
              rng.Chance(0.4) ? kRomanBold : kDidone};
    case Alphabet::kBook:
      return {rng.Chance(0.5) ? kBookletter : kRoman, kGaraldeItalic,
              kGaraldeItalic, rng.Chance(0.5) ? kBookletter : kRomanBold};
    case Alphabet::kGrotesque:
      return {kGrotesque, kGrotesque, kGrotesque, kGrotesque};
    case Alphabet::kSlab:
      return {kSlab, rng.Chance(0.5) ? kSlab : kItalic, kItalic, kSlab};
    case Alphabet::kHandwritten:
      return {rng.Chance(0.5) ? kHand : kGaraldeItalic,
              rng.Chance(0.3) ? kCursive : kGaraldeItalic,
              rng.Chance(0.4) ? kCursive : kScript,
              rng.Chance(0.3) ? kHand : kBookletter};
  }
  return {};
}

}  // namespace

void ChooseLetters(Alphabet alphabet, HandStyle& style, Rng& rng) {
  const Cut cut = CutOf(alphabet, rng);
  const bool slants = rng.Chance(0.5);  // typefaces without an italic
  const double condense = rng.Chance(0.3) ? rng.Uniform(0.65, 0.9) : 1.0;
  const auto lean = [&](Typeface t) {
    const bool upright = t == Typeface::kGrotesque || t == Typeface::kSlab ||
                         t == Typeface::kHand;
    return upright && slants ? 0.25 : 0.0;
  };
  const auto set = [&](LetterRole role, LetterStyle letters) {
    letters.condense = condense * rng.Uniform(0.92, 1.05);
    style.letters[static_cast<size_t>(role)] = letters;
  };
  const Typeface street = rng.Chance(0.45) ? cut.slanted : cut.upright;
  set(LetterRole::kStreet,
      {street, rng.Chance(0.25), 1.0,
       rng.Chance(0.3) ? rng.Uniform(0.1, 0.6) : rng.Uniform(0.0, 0.1), 1.0,
       lean(street)});
  set(LetterRole::kDistrict, {cut.heavy, rng.Chance(0.8), rng.Uniform(1.3, 2.6),
                              rng.Uniform(0.15, 2.4), 1.0, 0.0});
  const bool small_capitals = rng.Chance(0.6);
  set(LetterRole::kPublic,
      {small_capitals || rng.Chance(0.5) ? cut.upright : cut.slanted,
       small_capitals, rng.Uniform(0.65, 1.0), rng.Uniform(0.03, 0.3), 1.0,
       0.0});
  set(LetterRole::kWater, {cut.slanted, rng.Chance(0.2), rng.Uniform(1.0, 2.0),
                           rng.Uniform(0.1, 0.9), 1.0, lean(cut.slanted)});
  set(LetterRole::kField, {cut.script, false, rng.Uniform(0.8, 1.5),
                           rng.Uniform(0.0, 0.3), 1.0, lean(cut.script)});
  const Typeface number = rng.Chance(0.4)   ? cut.slanted
                          : rng.Chance(0.5) ? Typeface::kHand
                                            : cut.upright;
  set(LetterRole::kNumber,
      {number, false, rng.Uniform(0.6, 1.0), 0.0, 1.0, lean(number)});
  style.letter_wobble = alphabet == Alphabet::kHandwritten
                            ? rng.Uniform(0.3, 1.0)
                            : (rng.Chance(0.3) ? rng.Uniform(0.0, 0.3) : 0.0);
}

}  // namespace mapweave::synth
