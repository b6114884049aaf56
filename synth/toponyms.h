// SPDX-License-Identifier: MIT
//
// Names as maps of several countries write them, put together from parts.
// Internal to synth.
#pragma once

#include "core/random.h"

#include <string>

namespace mapweave::synth {

enum class Language {
  kFrench,
  kGerman,
  kDutch,
  kItalian,
  kEnglish,
  kSpanish,
  kVietnamese,  // as on French colonial plans
};
constexpr int kLanguages = 7;

// What a name is given to.
enum class NameKind {
  kStreet,
  kDistrict,
  kPublic,  // churches, schools, works, often abbreviated
  kWater,
  kField,
  kWord,  // one plain name, as of an owner
};

// UTF-8. Draws from `rng`.
std::string MakeName(Language language, NameKind kind, Rng& rng);

// Upper case of ASCII and of the letters of Latin-1, in UTF-8.
std::string Capitals(std::string utf8);

}  // namespace mapweave::synth
