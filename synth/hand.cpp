// SPDX-License-Identifier: MIT
#include "synth/hand.h"

#include "core/error.h"
#include "synth/render.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

Colour DrawPaper(Rng& rng) {
  switch (rng.Choice({0.62, 0.2, 0.1, 0.08})) {
    case 0:  // cream
      return Hsv(rng.Uniform(30, 54), rng.Uniform(0.04, 0.2),
                 rng.Uniform(0.88, 0.99));
    case 1:  // browned
      return Hsv(rng.Uniform(26, 46), rng.Uniform(0.16, 0.34),
                 rng.Uniform(0.76, 0.93));
    case 2:  // white
      return Hsv(rng.Uniform(40, 70), rng.Uniform(0.0, 0.04),
                 rng.Uniform(0.94, 1.0));
    default:  // grey, bluish or greenish
      return Hsv(rng.Uniform(50, 200), rng.Uniform(0.01, 0.07),
                 rng.Uniform(0.8, 0.94));
  }
}

void DrawLines(HandStyle& s, double building_px, Rng& rng) {
  s.ink = Hsv(rng.Chance(0.85) ? rng.Uniform(0, 40) : rng.Uniform(200, 260),
              rng.Uniform(0.05, 0.5), rng.Uniform(0.1, 0.32));
  s.outline = s.ink;
  // Pens do not grow with houses; now and then one is broad.
  const double line = rng.Chance(0.2) ? std::clamp(building_px * 0.06, 0.9, 1.6)
                                      : rng.Uniform(0.5, 0.95);
  s.outline_px = line * rng.Uniform(0.8, 1.5);
  s.block_line = Mix(s.ink, s.paper, rng.Uniform(0.0, 0.35));
  s.block_line_px = line * rng.Uniform(0.8, 1.6);
  s.parcel_line = Mix(s.ink, s.paper, rng.Uniform(0.15, 0.6));
  s.parcel_line_px = rng.Chance(0.8) ? rng.Uniform(0.5, 1.0) : 0.0;
  s.boundary = rng.Chance(0.6) ? Hsv(rng.Uniform(-8, 14), rng.Uniform(0.5, 0.8),
                                     rng.Uniform(0.6, 0.9))
                               : s.ink;
  s.shades = rng.Chance(0.4);
  s.hatch_angle = rng.Uniform(0.0, 3.14);
  s.hatch_px = rng.Uniform(1.8, 3.6);
  s.hatch_share = rng.Uniform(0.28, 0.5);
}

void DrawNature(HandStyle& s, double building_px, Rng& rng) {
  s.water =
      Hsv(rng.Chance(0.75) ? rng.Uniform(198, 226) : rng.Uniform(150, 198),
          rng.Uniform(0.08, 0.42), rng.Uniform(0.68, 0.92));
  s.water_line = rng.Chance(0.5)
                     ? Mix(s.ink, s.paper, 0.3)
                     : Hsv(rng.Uniform(195, 230), rng.Uniform(0.3, 0.7),
                           rng.Uniform(0.4, 0.7));
  s.tints_water = rng.Chance(0.65);
  s.hatches_water = !s.tints_water || rng.Chance(0.6);
  s.garden = Hsv(rng.Uniform(62, 130), rng.Uniform(0.08, 0.35),
                 rng.Uniform(0.7, 0.88));
  s.wood = Mix(s.garden, Hsv(110, 0.4, 0.55), rng.Uniform(0.1, 0.6));
  static const std::vector<ReliefMode> kReliefs = {
      ReliefMode::kNone, ReliefMode::kContours, ReliefMode::kHachures,
      ReliefMode::kBoth};
  s.relief = kReliefs[rng.Choice({0.15, 0.5, 0.3, 0.05})];
  s.relief_line = rng.Chance(0.55)
                      ? Hsv(rng.Uniform(14, 36), rng.Uniform(0.35, 0.75),
                            rng.Uniform(0.45, 0.75))
                      : Mix(s.ink, s.paper, rng.Uniform(0.2, 0.6));
  s.relief_px = rng.Uniform(0.5, 0.9);
  s.relief_on_top = rng.Chance(0.25);
  s.draws_trees = rng.Chance(0.5);
  s.fills_trees = rng.Chance(0.5);
  s.tree_px = std::clamp(building_px * 0.1, 1.0, 3.0) * rng.Uniform(0.8, 1.4);
  s.avenues = rng.Chance(0.3) ? rng.Uniform(0.0, 0.5) : 0.0;
}

// What most hands share: a cream sheet, brown-black ink, thin lines.
HandStyle CommonStyle(double building_px, Rng& rng) {
  HandStyle s;
  s.paper = DrawPaper(rng);
  s.street = s.paper;
  if (rng.Chance(0.16)) {
    s.street =
        Mix(s.paper, Hsv(rng.Uniform(24, 54), rng.Uniform(0.2, 0.5), 0.92),
            rng.Uniform(0.2, 0.7));
  } else if (rng.Chance(0.08)) {
    s.street = Mix(s.paper, {176, 166, 156}, rng.Uniform(0.15, 0.5));
  }
  DrawLines(s, building_px, rng);
  DrawNature(s, building_px, rng);
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
  s.public_hatched = rng.Chance(0.08);
  s.other_publics = rng.Chance(0.3) ? 1.0 : rng.Uniform(0.0, 0.9);
  s.graticule_px = rng.Chance(0.12) ? rng.Uniform(90.0, 400.0) : 0.0;
  s.frame_px = rng.Uniform(1.0, 5.0);
  for (Colour& t : s.tint) t = s.paper;
  // Colour plates rarely meet the lines, hand colouring never does.
  const double off = rng.Chance(0.6) ? 0.15 : rng.Uniform(0.2, 0.7);
  s.plate_shift.x = rng.Normal(0.0, off);
  s.plate_shift.y = rng.Normal(0.0, off);
  return s;
}

}  // namespace

namespace {

std::vector<std::string> NamesOfHands(bool held_out) {
  std::vector<std::string> names;
  for (const Hand& hand : Hands()) {
    if (hand.held_out == held_out) names.emplace_back(hand.name);
  }
  return names;
}

}  // namespace

std::vector<std::string> HandNames() { return NamesOfHands(false); }

std::vector<std::string> HeldOutHandNames() { return NamesOfHands(true); }

bool IsHand(const std::string& name) {
  return std::ranges::any_of(
      Hands(), [&](const Hand& hand) { return name == hand.name; });
}

Colour Hsv(double hue, double saturation, double value) {
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue / 60.0 + 12.0, 6.0);
    const double dip = std::clamp(std::min(k, 4.0 - k), 0.0, 1.0);
    return static_cast<float>(255.0 * value * (1.0 - saturation * dip));
  };
  return {channel(5), channel(3), channel(1)};
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
              fmt::format("use one of {}", fmt::join(HandNames(), ", ")));
}

}  // namespace mapweave::synth
