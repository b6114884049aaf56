// SPDX-License-Identifier: MIT
#include "synth/painter.h"

#include "synth/shapes.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace mapweave::synth {
namespace {

enum Stream : uint64_t {
  kStyleStream = 1,
  kBlockColours,
  kBuildingColours,
  kLetteringStream,
  kTreeStream,
  kLimitStream,
};

// Heavier lines lie away from a light in the upper left.
constexpr Point2d kLight{-0.6, -0.8};

std::string MakeWord(Rng& rng, int syllables) {
  static const std::vector<std::string> kParts = {
      "ma",  "rin", "to",  "la", "ber", "na",  "so",  "vil", "de", "char",
      "les", "mon", "sai", "ba", "kur", "an",  "hof", "lin", "os", "tra",
      "pe",  "gu",  "ro",  "ni", "el",  "dou", "tan", "mi",  "qu", "fer"};
  std::string word;
  for (int i = 0; i < syllables; ++i) word += rng.Pick(kParts);
  return word;
}

std::string Capitals(std::string word) {
  for (char& c : word) c = static_cast<char>(std::toupper(c));
  return word;
}

std::string Title(std::string word) {
  if (!word.empty()) word[0] = static_cast<char>(std::toupper(word[0]));
  return word;
}

// Letters stand upright for the reader.
double Upright(double angle) {
  constexpr double kPi = 3.14159265358979;
  while (angle > kPi / 2) angle -= kPi;
  while (angle < -kPi / 2) angle += kPi;
  return angle;
}

double Length(const std::vector<Point2d>& line) {
  double sum = 0.0;
  for (size_t i = 0; i + 1 < line.size(); ++i)
    sum += Norm(line[i + 1] - line[i]);
  return sum;
}

// Scanline fill of the pixels whose centres lie inside.
void PaintLabel(cv::Mat& labels, cv::Point origin,
                const std::vector<Ring>& rings, int32_t value) {
  Box box{1e300, 1e300, -1e300, -1e300};
  for (const Ring& ring : rings) {
    const Box b = BoundsOf(ring);
    box.min_y = std::min(box.min_y, b.min_y);
    box.max_y = std::max(box.max_y, b.max_y);
  }
  const int first = std::max(0, static_cast<int>(box.min_y) - origin.y - 1);
  const int last =
      std::min(labels.rows, static_cast<int>(box.max_y) - origin.y + 2);
  std::vector<double> crossings;
  for (int row = first; row < last; ++row) {
    const double y = origin.y + row + 0.5;
    crossings.clear();
    for (const Ring& ring : rings) {
      for (size_t i = 0; i < ring.size(); ++i) {
        const Point2d& a = ring[i];
        const Point2d& b = ring[(i + 1) % ring.size()];
        if ((a.y > y) == (b.y > y)) continue;
        crossings.push_back(a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y));
      }
    }
    std::ranges::sort(crossings);
    int32_t* out = labels.ptr<int32_t>(row);
    for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const int from = std::max(
          0, static_cast<int>(std::ceil(crossings[i] - 0.5)) - origin.x);
      const int to = std::min(
          labels.cols,
          static_cast<int>(std::ceil(crossings[i + 1] - 0.5)) - origin.x);
      for (int x = from; x < to; ++x) out[x] = value;
    }
  }
}

}  // namespace

Painter::Painter(const World& world, size_t edition,
                 const RenderOptions& options)
    : world_(world),
      edition_(edition),
      options_(options),
      rng_(options.seed, 0x7061696e74ULL),
      style_(MakeHandStyle(options.hand, world.options.building_px,
                           rng_.Fork(kStyleStream))) {
  PrepareBlocks();
  PrepareBuildings();
  PrepareLettering();
}

Ring Painter::OnSheet(const std::vector<Point2d>& points) const {
  Ring out;
  out.reserve(points.size());
  for (const Point2d& p : points)
    out.push_back(world_.distortion[edition_].Apply(p) + options_.shift);
  return out;
}

void Painter::PrepareBlocks() {
  const Rng base = rng_.Fork(kBlockColours);
  Rng all = base.Fork(~uint64_t{0});
  const double tint_share = all.Chance(0.7) ? 0.92 : 0.5;
  const double parcel_share = all.Uniform(0.0, 0.35);
  const bool draws_parcels =
      style_.parcel_line_px > 0.0 || style_.tints_parcels;
  Rng tree_rng = rng_.Fork(kTreeStream);
  tree_px_ = std::clamp(world_.options.building_px * 0.1, 1.0, 3.0) *
             tree_rng.Uniform(0.8, 1.4);
  tree_filled_ = tree_rng.Chance(0.5);
  const bool draws_trees = tree_rng.Chance(0.5);
  for (size_t i = 0; i < world_.blocks.size(); ++i) {
    const WorldBlock& block = world_.blocks[i];
    Rng rng = base.Fork(i);
    BlockShape shape;
    shape.outline = OnSheet(block.outline);
    shape.use = block.use;
    const bool open = block.since > static_cast<int>(edition_);
    shape.drawn = !open || rng.Chance(0.5);
    if (open) shape.use = BlockUse::kField;
    const auto owner = static_cast<size_t>(block.owner);
    const bool tinted = style_.tints_blocks && !open && rng.Chance(tint_share);
    shape.tint = tinted ? Vary(style_.tint[owner], 3, rng) : style_.paper;
    if (draws_parcels && !open) {
      for (const Ring& parcel : block.parcels) {
        shape.parcels.push_back(OnSheet(parcel));
        Colour tint = shape.tint;
        if (style_.tints_parcels && tinted && rng.Chance(parcel_share)) {
          tint = rng.Chance(0.5)
                     ? style_.paper
                     : style_.tint[static_cast<size_t>(rng.Int(0, 4))];
        }
        shape.parcel_tints.push_back(Vary(tint, 1.5, rng));
      }
    }
    const bool green = shape.use == BlockUse::kGarden ||
                       shape.use == BlockUse::kSquare ||
                       (shape.use == BlockUse::kField && rng.Chance(0.2));
    if (draws_trees && green && shape.drawn) {
      const Box box = BoundsOf(shape.outline);
      const double area = (box.max_x - box.min_x) * (box.max_y - box.min_y);
      const int count = static_cast<int>(
          std::min(600.0, area / (tree_px_ * tree_px_ * 70.0)));
      for (int k = 0; k < count; ++k) {
        const Point2d p{rng.Uniform(box.min_x, box.max_x),
                        rng.Uniform(box.min_y, box.max_y)};
        if (Contains(shape.outline, p)) trees_.push_back(p);
      }
    }
    blocks_.push_back(std::move(shape));
  }
}

void Painter::PrepareBuildings() {
  const Rng base = rng_.Fork(kBuildingColours);
  Rng all = base.Fork(~uint64_t{0});
  const bool follows = all.Chance(0.5);  // hatching along the walls
  for (size_t i = 0; i < world_.buildings.size(); ++i) {
    const WorldBuilding& building = world_.buildings[i];
    if (building.footprint[edition_].empty()) continue;
    Rng rng = base.Fork(building.identity);
    const WorldBlock& block = world_.blocks[building.block];
    for (const Polygon& polygon : building.footprint[edition_]) {
      BuildingShape shape;
      shape.identity = static_cast<int32_t>(building.identity);
      shape.rings.push_back(polygon.shell);
      for (const Ring& hole : polygon.holes) shape.rings.push_back(hole);
      for (Ring& ring : shape.rings)
        for (Point2d& p : ring) p = p + options_.shift;
      Colour fill = style_.fill[static_cast<size_t>(block.owner)];
      if (style_.fills_by_building)
        fill = style_.fill[rng.Choice({0.55, 0.22, 0.08, 0.1, 0.05})];
      if (building.is_public && rng.Chance(0.6)) fill = style_.public_fill;
      shape.fill = Vary(fill, style_.fill_spread, rng);
      shape.hatch_angle = style_.hatch_angle;
      if (follows && polygon.shell.size() > 1) {
        const Point2d d = polygon.shell[1] - polygon.shell[0];
        shape.hatch_angle = std::atan2(d.y, d.x) + 0.785;
      }
      buildings_.push_back(std::move(shape));
    }
  }
}

void Painter::AddText(std::string text, Point2d at, double height, double angle,
                      double spacing, int font) {
  Lettering lettering;
  lettering.style = {font, height, angle, spacing, 1.0};
  lettering.reach_px = Canvas::TextWidth(text, lettering.style) / 2 + height;
  lettering.text = std::move(text);
  lettering.at = at + options_.shift;
  lettering_.push_back(std::move(lettering));
}

void Painter::PrepareLettering() {
  Rng rng = rng_.Fork(kLetteringStream);
  const double amount = options_.lettering;
  if (amount <= 0.0) return;
  const double h = style_.letter_px;
  static const std::vector<std::string> kStreets = {
      "Rue de ", "Rue ", "Str. ", "Via ", "Boulevard ", "Quai ", "Calle "};
  const std::string& kind = rng.Pick(kStreets);
  const double spacing = rng.Uniform(0.0, 0.5);
  for (const WorldStreet& street : world_.streets) {
    const double length = Length(street.centreline);
    if (street.centreline.size() < 2 || !rng.Chance(0.55 * amount)) continue;
    const double height = std::min(h, std::max(4.0, street.width_px * 0.8));
    const size_t places =
        1 + static_cast<size_t>(length / std::max(200.0, h * 60.0));
    for (size_t k = 0; k < std::min<size_t>(places, 12); ++k) {
      const auto i = static_cast<size_t>(
          rng.Int(0, static_cast<int64_t>(street.centreline.size()) - 2));
      const Point2d a = street.centreline[i];
      const Point2d d = street.centreline[i + 1] - a;
      const double angle = Upright(std::atan2(d.y, d.x));
      AddText(kind + Title(MakeWord(rng, static_cast<int>(rng.Int(2, 3)))),
              a + d * rng.Uniform() + Perp(Unit(angle)) * (height * 0.4),
              height, angle, spacing, style_.font);
    }
  }
  const bool numbers = rng.Chance(0.3);
  for (const WorldBlock& block : world_.blocks) {
    const Point2d middle = MeanPoint(block.outline);
    const Point2d d = block.outline[1] - block.outline[0];
    const double angle = rng.Chance(0.6) ? Upright(std::atan2(d.y, d.x)) : 0.0;
    const bool named = block.use != BlockUse::kDwellings || rng.Chance(0.15);
    if (named && rng.Chance(0.55 * amount)) {
      const int lines = static_cast<int>(rng.Int(1, 3));
      for (int k = 0; k < lines; ++k) {
        AddText(Capitals(MakeWord(rng, static_cast<int>(rng.Int(2, 4)))),
                middle + Perp(Unit(angle)) * (h * 1.5 * (k - 1)),
                h * rng.Uniform(0.7, 1.1), angle, rng.Uniform(0.0, 0.4),
                style_.font);
      }
    }
    if (!numbers) continue;
    for (const Ring& parcel : block.parcels) {
      if (!rng.Chance(0.6 * amount)) continue;
      AddText(std::to_string(rng.Int(1, 240)), MeanPoint(parcel),
              std::max(4.0, h * 0.65), angle, 0.0, cv::FONT_HERSHEY_SIMPLEX);
    }
  }
  // Names of districts in large spaced capitals across everything.
  const WorldOptions& o = world_.options;
  const double area = static_cast<double>(o.width_px) * o.height_px;
  const int districts =
      static_cast<int>(amount * (area / 500000.0 + rng.Uniform(0.0, 1.3)));
  for (int k = 0; k < std::min(districts, 60); ++k) {
    AddText(Capitals(MakeWord(rng, static_cast<int>(rng.Int(2, 4)))),
            {rng.Uniform(0.0, o.width_px), rng.Uniform(0.0, o.height_px)},
            h * rng.Uniform(1.4, 3.2), rng.Normal(0.0, 0.3),
            rng.Uniform(0.2, 2.5), style_.font);
  }
  if (rng.Chance(0.15)) graticule_px_ = rng.Uniform(90.0, 400.0);
}

void Painter::PaintGround(Canvas& canvas, const BlockShape& block) const {
  Rng rng = rng_.Fork(kLimitStream)
                .Fork(static_cast<uint64_t>(
                    static_cast<int64_t>(block.outline[0].x * 16)));
  const Colour ink = Mix(style_.ink, style_.paper, 0.35);
  const double b = world_.options.building_px;
  switch (block.use) {
    case BlockUse::kGarden: {
      canvas.Fill({block.outline}, Mix(block.tint, style_.garden, 0.6));
      const Texture texture = rng.Chance(0.5)   ? Texture::kScribble
                              : rng.Chance(0.5) ? Texture::kTrees
                                                : Texture::kDots;
      canvas.FillTexture({block.outline}, texture, ink, rng.Uniform(0.4, 0.9));
      break;
    }
    case BlockUse::kCemetery: {
      canvas.Fill({block.outline}, Mix(block.tint, style_.garden, 0.7));
      const Point2d d = block.outline[1] - block.outline[0];
      const double angle = std::atan2(d.y, d.x);
      const double step = std::max(6.0, b * rng.Uniform(0.7, 1.5));
      canvas.Hatch({block.outline}, style_.street, step, angle, 0.18);
      canvas.Hatch({block.outline}, style_.street, step, angle + 1.5708, 0.18);
      canvas.Hatch({block.outline}, ink, step / 2, angle, 0.12);
      break;
    }
    case BlockUse::kField:
      if (rng.Chance(0.3)) {
        canvas.FillTexture({block.outline},
                           rng.Chance(0.5) ? Texture::kTufts : Texture::kLines,
                           ink, rng.Uniform(0.3, 0.7));
      } else if (rng.Chance(0.12)) {
        canvas.Hatch({block.outline}, ink, rng.Uniform(3.0, 7.0),
                     rng.Uniform(0.0, 3.1), 0.15);
      }
      break;
    case BlockUse::kSquare:
      if (rng.Chance(0.4)) {
        canvas.FillTexture({block.outline}, Texture::kDots, ink, 0.5);
      }
      break;
    default:
      break;
  }
}

void Painter::PaintBlock(Canvas& canvas, const BlockShape& block) const {
  if (!block.drawn) return;
  canvas.Fill({block.outline}, block.tint);
  PaintGround(canvas, block);
  for (size_t i = 0; i < block.parcels.size(); ++i) {
    if (block.parcel_tints[i] != block.tint && style_.tints_parcels)
      canvas.Fill({block.parcels[i]}, block.parcel_tints[i]);
  }
  for (const Ring& parcel : block.parcels)
    canvas.Stroke(parcel, true, style_.parcel_line, style_.parcel_line_px);
  canvas.Stroke(block.outline, true, style_.block_line, style_.block_line_px);
  if (style_.shades) {
    const double side = SignedArea(block.outline) > 0 ? -1.0 : 1.0;
    for (size_t i = 0; i < block.outline.size(); ++i) {
      const Point2d a = block.outline[i];
      const Point2d b = block.outline[(i + 1) % block.outline.size()];
      const Point2d outward = Perp(b - a) * side;
      if (Dot(outward, kLight) < 0)
        canvas.Stroke({a, b}, false, style_.block_line,
                      style_.block_line_px + 0.7);
    }
  }
}

void Painter::PaintWaters(Canvas& canvas) const {
  const Colour base = style_.tints_water ? style_.water : style_.street;
  for (const WorldWater& water : world_.waters) {
    const Ring outline = OnSheet(water.outline);
    if (!canvas.Sees(outline, 4)) continue;
    canvas.Fill({outline}, base);
    if (water.centreline.empty()) {
      if (style_.hatches_water) {
        for (double d = 2.0; d < 9.0; d += 2.2)
          canvas.Stroke(OffsetInward(outline, d), true,
                        Mix(style_.water_line, base, d / 12), 0.5);
      }
      canvas.Stroke(outline, true, style_.water_line, 0.9);
      continue;
    }
    const double half = water.width_px / 2;
    // Colour runs out from the banks, with lines along them.
    if (style_.tints_water && half > 6.0) {
      for (int k = 1; k <= 4; ++k) {
        const double d = half * 0.18 * k;
        const auto left = OnSheet(ParallelLine(water.centreline, half - d));
        auto right = OnSheet(ParallelLine(water.centreline, d - half));
        Ring inner = left;
        inner.insert(inner.end(), right.rbegin(), right.rend());
        canvas.Fill({inner}, Mix(base, style_.paper, 0.13 * k));
      }
    }
    for (double side : {-1.0, 1.0}) {
      canvas.Stroke(OnSheet(ParallelLine(water.centreline, side * half)), false,
                    style_.water_line, 1.0);
      if (!style_.hatches_water) continue;
      double step = 1.6;
      for (double d = step; d < half; d += step) {
        canvas.Stroke(
            OnSheet(ParallelLine(water.centreline, side * (half - d))), false,
            Mix(style_.water_line, base, std::min(0.75, 0.3 + d / 60)), 0.5);
        step *= 1.12;
      }
    }
    // Boats and bridges.
    Rng rng = rng_.Fork(kLimitStream).Fork(7);
    for (size_t i = 5; i + 5 < water.centreline.size(); i += 6) {
      const Point2d at = water.centreline[i];
      const Point2d d = water.centreline[i + 1] - at;
      const Point2d u = d * (1.0 / std::max(1e-9, Norm(d)));
      if (rng.Chance(0.06)) {
        const double w = rng.Uniform(2.0, 5.0);
        const Point2d reach = Perp(u) * (half + 6.0);
        canvas.Fill({OnSheet({at - reach - u * w, at + reach - u * w,
                              at + reach + u * w, at - reach + u * w})},
                    style_.street);
        for (double s : {-1.0, 1.0}) {
          canvas.Stroke(
              OnSheet({at - reach + u * (w * s), at + reach + u * (w * s)}),
              false, style_.ink, 0.9);
        }
      } else if (half > 12.0 && rng.Chance(0.1)) {
        const double l = rng.Uniform(4.0, 9.0);
        const Point2d c = at + Perp(u) * (half * rng.Uniform(-0.5, 0.5));
        const Ring boat = OnSheet({c - u * l, c + Perp(u) * (l * 0.25),
                                   c + u * l, c - Perp(u) * (l * 0.25)});
        canvas.Fill({boat}, style_.paper);
        canvas.Stroke(boat, true, style_.ink, 0.7);
      }
    }
  }
}

void Painter::PaintRailways(Canvas& canvas) const {
  for (const auto& railway : world_.railways) {
    const auto line = OnSheet(railway);
    Rng rng = rng_.Fork(kLimitStream).Fork(11);
    const double gauge = rng.Uniform(1.2, 2.4);
    if (rng.Chance(0.5)) {
      for (double side : {-1.0, 1.0})
        canvas.Stroke(ParallelLine(line, side * gauge), false, style_.ink, 0.7);
      canvas.Dash(line, style_.ink, gauge * 1.6, 3.0, 4.0);
    } else {
      canvas.Stroke(line, false, style_.ink, 1.0);
      for (size_t i = 0; i + 1 < line.size(); ++i) {
        const Point2d d = line[i + 1] - line[i];
        const Point2d tick = Perp(d) * (gauge * 1.6 / std::max(1.0, Norm(d)));
        canvas.Stroke({line[i] - tick, line[i] + tick}, false, style_.ink, 0.7);
      }
    }
  }
}

void Painter::PaintLimits(Canvas& canvas) const {
  Rng rng = rng_.Fork(kLimitStream).Fork(13);
  if (!rng.Chance(0.3)) return;
  const double on = rng.Uniform(2.0, 6.0);
  const double width = rng.Uniform(0.9, 1.8);
  for (const WorldStreet& street : world_.streets) {
    if (!rng.Chance(0.15)) continue;
    const auto line =
        OnSheet(ParallelLine(street.centreline, street.width_px * 0.4));
    if (canvas.Sees(line, 4))
      canvas.Dash(line, style_.boundary, width, on, on * 0.8);
  }
}

void Painter::PaintBuilding(Canvas& canvas, const BuildingShape& shape) const {
  // Outlines are drawn inside the footprint: it includes them. The offset of
  // a quarter pixel takes back what antialiased filling adds.
  const auto inset = [&](double d) {
    std::vector<Ring> rings;
    for (size_t i = 0; i < shape.rings.size(); ++i)
      rings.push_back(OffsetInward(shape.rings[i], i == 0 ? d : -d));
    return rings;
  };
  const double line = style_.outline_px;
  const std::vector<Ring> body = inset(0.25);
  switch (style_.fill_mode) {
    case FillMode::kSolid:
      canvas.Fill(body, shape.fill);
      break;
    case FillMode::kHatched:
      canvas.Hatch(body, shape.fill, style_.hatch_px, shape.hatch_angle,
                   style_.hatch_share);
      break;
    case FillMode::kStippled:
      canvas.FillTexture(body, Texture::kDots, shape.fill, 0.95);
      break;
    case FillMode::kNone:
      break;
  }
  if (line > 0.0) {
    for (const Ring& ring : inset(line / 2))
      canvas.Stroke(ring, true, style_.outline, line);
    if (style_.doubles && world_.options.building_px > 9.0) {
      for (const Ring& ring : inset(line * 2.6))
        canvas.Stroke(ring, true, style_.outline, 0.5);
    }
  }
  if (!style_.shades) return;
  for (const Ring& ring : inset(0.6)) {
    const double side = SignedArea(ring) > 0 ? -1.0 : 1.0;
    for (size_t i = 0; i < ring.size(); ++i) {
      const Point2d a = ring[i];
      const Point2d b = ring[(i + 1) % ring.size()];
      if (Dot(Perp(b - a) * side, kLight) < 0)
        canvas.Stroke({a, b}, false, style_.outline, line + 0.5);
    }
  }
}

void Painter::PaintTrees(Canvas& canvas) const {
  const Colour crown = tree_filled_ ? Mix(style_.garden, style_.ink, 0.3)
                                    : Mix(style_.ink, style_.paper, 0.25);
  for (const Point2d& p : trees_) {
    if (canvas.Sees({p}, 8.0))
      canvas.Disc(p, tree_px_, crown, tree_filled_ ? 0.0 : 0.5);
  }
}

void Painter::PaintGraticule(Canvas& canvas) const {
  if (graticule_px_ <= 0.0) return;
  const double w = world_.options.width_px + 100.0;
  const double h = world_.options.height_px + 100.0;
  const Colour colour = Mix(style_.ink, style_.paper, 0.3);
  for (double x = 31.0; x < w; x += graticule_px_)
    canvas.Stroke(OnSheet({{x, -100}, {x, h}}), false, colour, 0.6);
  for (double y = 17.0; y < h; y += graticule_px_)
    canvas.Stroke(OnSheet({{-100, y}, {w, y}}), false, colour, 0.6);
}

cv::Mat Painter::Paint(cv::Rect window) const {
  Canvas canvas(window, style_.street);
  for (const BlockShape& block : blocks_)
    if (canvas.Sees(block.outline, 4)) PaintBlock(canvas, block);
  PaintWaters(canvas);
  PaintRailways(canvas);
  for (const BuildingShape& shape : buildings_)
    if (canvas.Sees(shape.rings[0], 4)) PaintBuilding(canvas, shape);
  PaintLimits(canvas);
  PaintTrees(canvas);
  PaintGraticule(canvas);
  for (const Lettering& text : lettering_)
    if (canvas.Sees({text.at}, text.reach_px))
      canvas.Text(text.text, text.at, text.style, style_.ink);
  const SheetFrame& frame = options_.frame;
  if (!frame.neatline.empty()) {
    const Box far = {window.x - 50.0, window.y - 50.0,
                     window.x + window.width + 50.0,
                     window.y + window.height + 50.0};
    Ring neat = frame.neatline;
    for (Point2d& p : neat) p = p + options_.shift;
    if (canvas.Sees(neat, 40)) {
      canvas.Fill({RectangleRing(far), neat}, style_.paper);
      canvas.Stroke(neat, true, style_.ink, 0.8);
      canvas.Stroke(OffsetInward(neat, -6.0), true, style_.ink, 3.0);
      canvas.Stroke(OffsetInward(neat, -10.0), true, style_.ink, 0.8);
    }
  }
  return canvas.Finish();
}

cv::Mat Painter::Labels(cv::Rect window) const {
  cv::Mat labels(window.size(), CV_32SC1, cv::Scalar(0));
  for (const BuildingShape& shape : buildings_) {
    const Box box = BoundsOf(shape.rings[0]);
    if (box.max_x < window.x || box.min_x > window.x + window.width) continue;
    PaintLabel(labels, window.tl(), shape.rings, shape.identity);
  }
  if (!options_.frame.neatline.empty()) {
    cv::Mat inside(window.size(), CV_32SC1, cv::Scalar(0));
    Ring neat = options_.frame.neatline;
    for (Point2d& p : neat) p = p + options_.shift;
    PaintLabel(inside, window.tl(), {neat}, 1);
    labels = labels.mul(inside);
  }
  return labels;
}

}  // namespace mapweave::synth
