// SPDX-License-Identifier: MIT
//
// The part of Painter for what is on a sheet beside the town: frame, legend,
// title, scale bar, north arrow, and what later hands put on it: stamps,
// pencil, blots. Nothing opaque is put on the drawing of a town, so that no
// building in the truth is hidden.
#include "synth/painter.h"
#include "synth/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

enum Stream : uint64_t {
  kMarginStream = 300,
  kNoteStream,
  kCollarStream,
};

constexpr double kTurn = 2.0 * std::numbers::pi;

std::vector<Point2d> Arc(Point2d middle, double radius, double from,
                         double to) {
  std::vector<Point2d> line;
  const int steps =
      std::clamp(static_cast<int>(radius * std::abs(to - from) / 2.0), 8, 90);
  for (int i = 0; i <= steps; ++i)
    line.push_back(middle + Unit(from + (to - from) * i / steps) * radius);
  return line;
}

// A line drawn by hand.
std::vector<Point2d> Shaky(Point2d a, Point2d b, double sigma, Rng& rng) {
  std::vector<Point2d> line;
  const double length = Norm(b - a);
  const int steps = std::clamp(static_cast<int>(length / 8.0), 3, 200);
  double drift = 0.0;
  for (int i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    drift = drift * 0.85 + rng.Normal(0.0, sigma);
    line.push_back(a + (b - a) * t + Perp(b - a) * (drift / length));
  }
  return line;
}

}  // namespace

void Painter::PaintFrame(Canvas& canvas, cv::Rect window) const {
  if (options_.frame.neatline.empty()) return;
  const Ring neat = Placed(options_.frame.neatline);
  const Box far{window.x - 50.0, window.y - 50.0,
                window.x + window.width + 50.0,
                window.y + window.height + 50.0};
  canvas.Fill({RectangleRing(far), neat}, style_.paper);
  canvas.Stroke(neat, true, style_.ink, 0.8);
  canvas.Stroke(OffsetInward(neat, -style_.frame_px * 2.0), true, style_.ink,
                style_.frame_px);
  canvas.Stroke(OffsetInward(neat, -style_.frame_px * 3.5), true, style_.ink,
                0.8);
  if (options_.lettering <= 0.0) return;
  // Ticks and numbers of the grid in the collar.
  Rng rng = rng_.Fork(kCollarStream);
  if (!rng.Chance(0.6)) return;
  const Ring row =
      OffsetInward(neat, -style_.frame_px * 3.5 - style_.letter_px);
  const double step = rng.Uniform(30.0, 110.0);
  int number = static_cast<int>(rng.Int(1, 90));
  for (const Point2d& p : Densify(row, step, true)) {
    ++number;
    if (!canvas.Sees({p}, 30.0)) continue;
    const Lettering l = LetterStraight(std::to_string(number), p, 0.0,
                                       LetterRole::kNumber, style_);
    canvas.Text(l.text, l.path, l.style, style_.ink);
  }
}

void Painter::PaintMarginalia(Canvas& canvas) const {
  if (options_.lettering <= 0.0) return;
  Rng rng = rng_.Fork(kMarginStream);
  const WorldOptions& o = world_.options;
  const auto spot = [&] {
    const double x = rng.Uniform(0.0, 0.8) * o.width_px;
    return Placed({{x, rng.Uniform(0.05, 0.8) * o.height_px}})[0];
  };
  if (rng.Chance(0.1)) PaintStamp(canvas, spot(), rng);
  if (o.density > 0.0) return;
  if (rng.Chance(0.35)) PaintLegend(canvas, spot(), rng);
  if (rng.Chance(0.2)) PaintCartouche(canvas, spot(), rng);
  if (rng.Chance(0.25)) PaintScaleBar(canvas, spot(), rng);
  if (rng.Chance(0.2)) PaintArrow(canvas, spot(), rng);
}

// Boxes in the colours of the buildings, each with a line of text.
void Painter::PaintLegend(Canvas& canvas, Point2d corner, Rng& rng) const {
  const double h = style_.letter_px;
  const double step = h * rng.Uniform(1.6, 2.6);
  const int rows = static_cast<int>(rng.Int(3, 6));
  const double angle = rng.Normal(0.0, 0.02);
  const auto at = [&](double x, double y) {
    return corner + Unit(angle) * x + Perp(Unit(angle)) * y;
  };
  const double wide = h * rng.Uniform(12.0, 22.0);
  const double box_w = h * rng.Uniform(1.5, 2.8);
  canvas.Fill({{at(-h, -h * 2), at(wide, -h * 2), at(wide, step * rows + h),
                at(-h, step * rows + h)}},
              style_.paper);
  for (int k = 0; k < rows; ++k) {
    const double y = step * k;
    const Ring box = {at(0, y), at(box_w, y), at(box_w, y + h * 1.2),
                      at(0, y + h * 1.2)};
    const auto owner = static_cast<size_t>(k) % kOwners;
    canvas.Fill({box},
                rng.Chance(0.6) ? style_.fill[owner] : style_.tint[owner]);
    if (style_.fill_mode == FillMode::kHatched && rng.Chance(0.5)) {
      canvas.Hatch({box}, {style_.ink, style_.hatch_px, style_.hatch_angle,
                           style_.hatch_share});
    }
    canvas.Stroke(box, true, style_.outline, std::max(0.6, style_.outline_px));
    const NameKind kind =
        rng.Chance(0.5) ? NameKind::kPublic : NameKind::kField;
    Lettering l = LetterStraight(MakeName(LanguageOf(world_), kind, rng), {},
                                 angle, LetterRole::kStreet, style_);
    l.style.height_px = h * 0.8;
    const double width = Canvas::TextWidth(l.text, l.style);
    canvas.Text(l.text, {at(box_w + h, y + h), at(box_w + h + width, y + h)},
                l.style, style_.ink);
  }
}

// A title in lines of several sizes, some in a double frame.
void Painter::PaintCartouche(Canvas& canvas, Point2d middle, Rng& rng) const {
  const double h = style_.letter_px;
  const int rows = static_cast<int>(rng.Int(2, 4));
  const Language language = LanguageOf(world_);
  double y = 0.0;
  double half = h * 4.0;
  std::vector<Lettering> lines;
  for (int k = 0; k < rows; ++k) {
    const LetterRole role =
        k == 1 ? LetterRole::kDistrict : LetterRole::kPublic;
    Lettering l = LetterStraight(MakeName(language, NameKind::kDistrict, rng),
                                 middle + Point2d{0.0, y}, 0.0, role, style_);
    l.style.spacing = std::min(l.style.spacing, 0.4);
    half = std::max(half, Canvas::TextWidth(l.text, l.style) / 2 + h);
    y += l.style.height_px * 1.9;
    lines.push_back(std::move(l));
  }
  if (rng.Chance(0.6)) {
    const Ring frame = RectangleRing({middle.x - half - h, middle.y - 2.5 * h,
                                      middle.x + half + h, middle.y + y + h});
    canvas.Fill({frame}, style_.paper);
    canvas.Stroke(frame, true, style_.ink, 1.4);
    canvas.Stroke(OffsetInward(frame, 2.5), true, style_.ink, 0.5);
  }
  for (const Lettering& l : lines)
    canvas.Text(l.text, l.path, l.style, style_.letter);
  canvas.Stroke({{middle.x - half / 3, middle.y + y},
                 {middle.x + half / 3, middle.y + y}},
                false, style_.ink, 0.8);
}

void Painter::PaintScaleBar(Canvas& canvas, Point2d corner, Rng& rng) const {
  const double part = rng.Uniform(8.0, 30.0);
  const double high = rng.Uniform(1.5, 4.5);
  const int parts = static_cast<int>(rng.Int(3, 7));
  const int unit =
      static_cast<int>(rng.Pick(std::vector<int>{10, 50, 100, 200}));
  for (int k = 0; k < parts; ++k) {
    const double x = corner.x + part * k;
    const Ring box = RectangleRing({x, corner.y, x + part, corner.y + high});
    canvas.Fill({box}, k % 2 == 0 ? style_.ink : style_.paper);
    canvas.Stroke(box, true, style_.ink, 0.6);
    const Lettering l = LetterStraight(std::to_string(unit * k),
                                       {x, corner.y - style_.letter_px * 0.8},
                                       0.0, LetterRole::kNumber, style_);
    canvas.Text(l.text, l.path, l.style, style_.ink);
  }
}

void Painter::PaintArrow(Canvas& canvas, Point2d middle, Rng& rng) const {
  const double size = rng.Uniform(14.0, 40.0);
  const double angle = -std::numbers::pi / 2 + rng.Normal(0.0, 0.4);
  const Point2d up = Unit(angle);
  const Point2d side = Perp(up);
  if (rng.Chance(0.5)) {
    canvas.Stroke(Arc(middle, size * 0.7, 0.0, kTurn), false, style_.ink, 0.7);
  }
  canvas.Fill({{middle + up * size, middle + side * (size * 0.13), middle}},
              style_.ink);
  canvas.Fill({{middle - up * size, middle - side * (size * 0.13), middle}},
              style_.ink);
  canvas.Stroke({middle + up * size, middle - side * (size * 0.13),
                 middle - up * size, middle + side * (size * 0.13)},
                true, style_.ink, 0.6);
  const Lettering n = LetterStraight("N", middle + up * (size * 1.25), 0.0,
                                     LetterRole::kDistrict, style_);
  canvas.Text(n.text, n.path, n.style, style_.ink);
}

// A library's stamp: a ring or oval with words, in thin ink.
void Painter::PaintStamp(Canvas& canvas, Point2d middle, Rng& rng) const {
  const Colour ink = Hsv(rng.Pick(std::vector<double>{0, 225, 275, 340}),
                         rng.Uniform(0.4, 0.8), rng.Uniform(0.4, 0.7));
  const double radius = rng.Uniform(14.0, 34.0);
  const double opacity = rng.Uniform(0.3, 0.75);
  const double turn = rng.Uniform(0.0, kTurn);
  canvas.GlazeLine(Arc(middle, radius, 0.0, kTurn), ink, 1.2, opacity);
  canvas.GlazeLine(Arc(middle, radius * 0.66, 0.0, kTurn), ink, 0.7, opacity);
  Lettering l =
      LetterStraight(MakeName(LanguageOf(world_), NameKind::kPublic, rng),
                     middle, 0.0, LetterRole::kPublic, style_);
  l.style.typeface = Typeface::kGrotesque;
  l.style.height_px = radius * 0.2;
  l.style.opacity = opacity;
  canvas.Text(
      Decode(Capitals(MakeName(LanguageOf(world_), NameKind::kDistrict, rng))),
      Arc(middle, radius * 0.74, turn, turn + 3.6), l.style, ink);
  canvas.Text(l.text, l.path, l.style, ink);
}

// What readers left: pencil lines, rings around things, words, blots.
void Painter::PaintNotes(Canvas& canvas) const {
  Rng rng = rng_.Fork(kNoteStream);
  if (options_.wear <= 0.0 || !rng.Chance(0.16)) return;
  const cv::Size sheet = SheetSize(world_, options_.placement);
  Pencil pencil;
  pencil.colour = rng.Chance(0.6)
                      ? Hsv(rng.Uniform(-10, 12), 0.75, rng.Uniform(0.6, 0.85))
                  : rng.Chance(0.5) ? Hsv(220, 0.7, 0.6)
                                    : Colour{70, 70, 74};
  pencil.opacity = rng.Uniform(0.35, 0.85);
  const int notes =
      static_cast<int>(rng.Int(1, 3) + std::min(40, sheet.area() / 120000));
  for (int k = 0; k < notes; ++k) {
    const double x = rng.Uniform(0.0, sheet.width);
    PaintNote(canvas, {x, rng.Uniform(0.0, sheet.height)}, pencil, rng);
  }
}

void Painter::PaintNote(Canvas& canvas, Point2d at, const Pencil& pencil,
                        Rng& rng) const {
  const double reach = rng.Uniform(20.0, 160.0);
  const double width = rng.Uniform(0.7, 2.0);
  switch (rng.Choice({0.4, 0.2, 0.25, 0.15})) {
    case 0:
      canvas.GlazeLine(
          Shaky(at, at + Unit(rng.Uniform(0.0, kTurn)) * reach, 0.3, rng),
          pencil.colour, width, pencil.opacity);
      break;
    case 1: {
      auto ring =
          Arc(at, std::min(reach, 40.0), 0.0, kTurn * rng.Uniform(0.9, 1.1));
      for (Point2d& p : ring) {
        p.x += rng.Normal(0.0, 0.5);
        p.y += rng.Normal(0.0, 0.5);
      }
      canvas.GlazeLine(ring, pencil.colour, width, pencil.opacity);
      break;
    }
    case 2: {
      const std::string words =
          rng.Chance(0.5) ? MakeName(LanguageOf(world_), NameKind::kWord, rng)
                          : std::to_string(rng.Int(2, 1900));
      Lettering l = LetterStraight(words, at, rng.Normal(0.0, 0.3),
                                   LetterRole::kField, style_);
      l.style.typeface = rng.Chance(0.5) ? Typeface::kCursive : Typeface::kHand;
      l.style.height_px = rng.Uniform(7.0, 18.0);
      l.style.wobble = 1.0;
      l.style.opacity = pencil.opacity;
      canvas.Text(l.text, l.path, l.style, pencil.colour);
      break;
    }
    default: {  // a blot with a ragged edge
      Ring blot;
      const double radius = rng.Uniform(1.0, 5.0);
      for (int i = 0; i < 14; ++i) {
        blot.push_back(at +
                       Unit(kTurn * i / 14) * (radius * rng.Uniform(0.7, 1.2)));
      }
      canvas.Glaze({blot}, Mix(style_.ink, Colour{30, 30, 60}, 0.5), 0.9);
    }
  }
}

}  // namespace mapweave::synth
