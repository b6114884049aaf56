// SPDX-License-Identifier: MIT
#include "synth/typeface.h"

#include "core/error.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <unordered_map>

// Bounds of the embedded files, see embedded_fonts.S.
#define MAPWEAVE_FONT(name)                                      \
  extern "C" const unsigned char mapweave_font_##name##_begin[]; \
  extern "C" const unsigned char mapweave_font_##name##_end[];
MAPWEAVE_FONT(roman)
MAPWEAVE_FONT(roman_bold)
MAPWEAVE_FONT(italic)
MAPWEAVE_FONT(didone)
MAPWEAVE_FONT(garalde_italic)
MAPWEAVE_FONT(bookletter)
MAPWEAVE_FONT(grotesque)
MAPWEAVE_FONT(slab)
MAPWEAVE_FONT(script)
MAPWEAVE_FONT(cursive)
MAPWEAVE_FONT(hand)
#undef MAPWEAVE_FONT

namespace mapweave::synth {
namespace {

struct Bytes {
  const unsigned char* begin;
  const unsigned char* end;
};

// In the order of Typeface.
#define MAPWEAVE_FONT(name) \
  Bytes { mapweave_font_##name##_begin, mapweave_font_##name##_end }
const std::array<Bytes, kTypefaces> kFiles = {MAPWEAVE_FONT(roman),
                                              MAPWEAVE_FONT(roman_bold),
                                              MAPWEAVE_FONT(italic),
                                              MAPWEAVE_FONT(didone),
                                              MAPWEAVE_FONT(garalde_italic),
                                              MAPWEAVE_FONT(bookletter),
                                              MAPWEAVE_FONT(grotesque),
                                              MAPWEAVE_FONT(slab),
                                              MAPWEAVE_FONT(script),
                                              MAPWEAVE_FONT(cursive),
                                              MAPWEAVE_FONT(hand)};
#undef MAPWEAVE_FONT

void Check(FT_Error error, const char* what) {
  if (error == 0) return;
  throw Error(ErrorCode::kFailure,
              fmt::format("FreeType cannot {} (error {})", what, error),
              "The program is damaged: build it again.");
}

// Collects the contours of FT_Outline_Decompose as polygons.
class Flattener {
 public:
  explicit Flattener(double units_per_cap) : scale_(1.0 / units_per_cap) {}

  std::vector<Ring> Flatten(FT_Outline& outline) {
    FT_Outline_Funcs callbacks{};
    callbacks.move_to = [](const FT_Vector* to, void* self) {
      static_cast<Flattener*>(self)->Move(*to);
      return 0;
    };
    callbacks.line_to = [](const FT_Vector* to, void* self) {
      static_cast<Flattener*>(self)->Add(
          static_cast<Flattener*>(self)->At(*to));
      return 0;
    };
    callbacks.conic_to = [](const FT_Vector* c, const FT_Vector* to,
                            void* self) {
      auto* f = static_cast<Flattener*>(self);
      const Point2d p = f->rings_.back().back();
      const Point2d q = f->At(*to);
      const Point2d m = f->At(*c);
      // A quadratic curve as a cubic one.
      f->Curve(Between(p, m, 2.0 / 3), Between(q, m, 2.0 / 3), q);
      return 0;
    };
    callbacks.cubic_to = [](const FT_Vector* c, const FT_Vector* d,
                            const FT_Vector* to, void* self) {
      auto* f = static_cast<Flattener*>(self);
      f->Curve(f->At(*c), f->At(*d), f->At(*to));
      return 0;
    };
    Check(FT_Outline_Decompose(&outline, &callbacks, this),
          "read an outline of an embedded font");
    std::erase_if(rings_, [](const Ring& ring) { return ring.size() < 3; });
    return std::move(rings_);
  }

 private:
  static Point2d Between(Point2d a, Point2d b, double t) {
    return {a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t};
  }
  Point2d At(const FT_Vector& v) const {
    return {static_cast<double>(v.x) * scale_,
            -static_cast<double>(v.y) * scale_};
  }
  void Move(const FT_Vector& to) { rings_.push_back({At(to)}); }
  void Add(Point2d p) { rings_.back().push_back(p); }
  void Curve(Point2d c, Point2d d, Point2d q) {
    const Point2d p = rings_.back().back();
    const double reach = std::hypot(c.x - p.x, c.y - p.y) +
                         std::hypot(d.x - c.x, d.y - c.y) +
                         std::hypot(q.x - d.x, q.y - d.y);
    // Letters on maps are a few pixels high: an eighth of a capital is fine.
    const int steps = std::clamp(static_cast<int>(reach * 8.0) + 1, 2, 8);
    for (int i = 1; i <= steps; ++i) {
      const double t = static_cast<double>(i) / steps;
      const double u = 1.0 - t;
      const double w[] = {u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t};
      Add({w[0] * p.x + w[1] * c.x + w[2] * d.x + w[3] * q.x,
           w[0] * p.y + w[1] * c.y + w[2] * d.y + w[3] * q.y});
    }
  }

  double scale_;
  std::vector<Ring> rings_;
};

using Library = std::unique_ptr<FT_LibraryRec_, decltype(&FT_Done_FreeType)>;
using Face = std::unique_ptr<FT_FaceRec_, decltype(&FT_Done_Face)>;

constexpr char32_t kFallback = U'?';
constexpr std::array<std::pair<char32_t, char32_t>, 4> kRanges = {
    {{0x20, 0x7E}, {0xA0, 0xFF}, {0x152, 0x153}, {0x2013, 0x2019}}};

using GlyphTable = std::unordered_map<char32_t, Glyph>;

FT_Outline& LoadOutline(FT_Face face, char32_t letter) {
  Check(FT_Load_Char(face, letter, FT_LOAD_NO_SCALE | FT_LOAD_NO_HINTING),
        "load a letter of an embedded font");
  return face->glyph->outline;
}

GlyphTable LoadTypeface(FT_Library library, Bytes bytes) {
  FT_Face raw = nullptr;
  Check(FT_New_Memory_Face(library, bytes.begin, bytes.end - bytes.begin, 0,
                           &raw),
        "open an embedded font");
  const Face face(raw, &FT_Done_Face);
  FT_BBox box{};
  FT_Outline_Get_CBox(&LoadOutline(face.get(), U'H'), &box);
  const auto cap = static_cast<double>(box.yMax);
  GlyphTable table;
  for (const auto& [first, last] : kRanges) {
    for (char32_t c = first; c <= last; ++c) {
      if (FT_Get_Char_Index(face.get(), c) == 0) continue;
      Glyph& glyph = table[c];
      glyph.rings = Flattener(cap).Flatten(LoadOutline(face.get(), c));
      glyph.advance =
          static_cast<double>(face->glyph->metrics.horiAdvance) / cap;
    }
  }
  return table;
}

std::array<GlyphTable, kTypefaces> LoadTypefaces() {
  FT_Library raw = nullptr;
  Check(FT_Init_FreeType(&raw), "start");
  const Library library(raw, &FT_Done_FreeType);
  std::array<GlyphTable, kTypefaces> tables;
  for (size_t i = 0; i < tables.size(); ++i)
    tables[i] = LoadTypeface(library.get(), kFiles[i]);
  return tables;
}

}  // namespace

const Glyph& GlyphOf(Typeface typeface, char32_t letter) {
  static const std::array<GlyphTable, kTypefaces> kTables = LoadTypefaces();
  constexpr auto kComplete = static_cast<size_t>(Typeface::kRoman);
  for (const size_t i : {static_cast<size_t>(typeface), kComplete}) {
    const auto found = kTables[i].find(letter);
    if (found != kTables[i].end()) return found->second;
  }
  return kTables[kComplete].at(kFallback);
}

std::u32string Decode(const std::string& utf8) {
  std::u32string out;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = [&](size_t k) {
      return k < utf8.size() ? static_cast<unsigned char>(utf8[k]) : 0u;
    };
    const auto is_tail = [&](size_t k) { return (byte(k) & 0xC0u) == 0x80u; };
    const unsigned lead = byte(i);
    if (lead >= 0xC2u && lead < 0xE0u && is_tail(i + 1)) {
      out += static_cast<char32_t>((lead & 0x1Fu) << 6 | (byte(i + 1) & 0x3Fu));
      i += 1;
    } else if (lead >= 0xE0u && lead < 0xF0u && is_tail(i + 1) &&
               is_tail(i + 2)) {
      out += static_cast<char32_t>((lead & 0x0Fu) << 12 |
                                   (byte(i + 1) & 0x3Fu) << 6 |
                                   (byte(i + 2) & 0x3Fu));
      i += 2;
    } else {
      out += static_cast<char32_t>(lead);
    }
  }
  return out;
}

}  // namespace mapweave::synth
