// SPDX-License-Identifier: MIT
//
// Letter shapes of the typefaces in synth/fonts, which are part of the
// program, so that a clip looks the same on every machine. Internal to synth.
#pragma once

#include "core/geometry.h"

#include <string>
#include <vector>

namespace mapweave::synth {

enum class Typeface {
  kRoman,
  kRomanBold,
  kItalic,
  kDidone,
  kGaraldeItalic,
  kBookletter,
  kGrotesque,
  kSlab,
  kScript,
  kCursive,
  kHand,
};
constexpr int kTypefaces = 11;

// One letter, in heights of the typeface's capitals, y down; the pen starts at
// (0, 0) on the base line. Rings are flattened outlines; what winds around
// zero times is outside.
struct Glyph {
  std::vector<Ring> rings;
  double advance = 0.0;
};

// Letters that a typeface lacks are those of kRoman, or its question mark.
// Thread-safe; the reference stays valid.
const Glyph& GlyphOf(Typeface typeface, char32_t letter);

// Code points of UTF-8 text; a byte that is no UTF-8 is read as Latin-1.
std::u32string Decode(const std::string& utf8);

}  // namespace mapweave::synth
