// SPDX-License-Identifier: MIT
#include "synth/painter.h"

#include "synth/shapes.h"
#include "tracking/mask.h"

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

enum Stream : uint64_t {
  kStyleStream = 1,
  kBlockStream,
  kBuildingStream,
  kLetteringStream,
  kLegendStream,
};

constexpr uint64_t kWhole = ~uint64_t{0};

// All rings of a polygon, moved into the built-up side by `distance`.
std::vector<Ring> InsetRings(const Polygon& polygon, double distance) {
  std::vector<Ring> rings = {OffsetInward(polygon.shell, distance)};
  for (const Ring& hole : polygon.holes)
    rings.push_back(OffsetInward(hole, -distance));
  return rings;
}

}  // namespace

Painter::Painter(const World& world, size_t edition,
                 const RenderOptions& options)
    : world_(world),
      edition_(edition),
      options_(options),
      scale_(options.placement.Scale()),
      building_px_(world.options.building_px * scale_),
      rng_(options.seed, 0x7061696e74ULL),
      style_(
          MakeHandStyle(options.hand, building_px_, rng_.Fork(kStyleStream))),
      lettering_(MakeLettering(world, edition,
                               {style_, options.placement, options.lettering},
                               rng_.Fork(kLetteringStream))) {
  PrepareBlocks();
  PrepareBuildings();
}

std::vector<Point2d> Painter::OnSheet(
    const std::vector<Point2d>& points) const {
  std::vector<Point2d> out;
  out.reserve(points.size());
  for (const Point2d& p : points)
    out.push_back(
        options_.placement.Apply(world_.distortion[edition_].Apply(p)));
  return out;
}

Ring Painter::Placed(Ring ring) const {
  for (Point2d& p : ring) p = options_.placement.Apply(p);
  return ring;
}

void Painter::PrepareBlocks() {
  const Rng base = rng_.Fork(kBlockStream);
  Rng whole = base.Fork(kWhole);
  const double tint_share = whole.Chance(0.7) ? 0.92 : 0.5;
  for (size_t i = 0; i < world_.blocks.size(); ++i) {
    const WorldBlock& block = world_.blocks[i];
    Rng rng = base.Fork(i);
    BlockShape shape;
    shape.seed = rng.Next();
    shape.outline = OnSheet(block.outline);
    shape.use = block.use;
    const bool open = block.since > static_cast<int>(edition_);
    shape.drawn = !open || rng.Chance(0.5);
    if (open) shape.use = BlockUse::kField;
    const bool tinted = style_.tints_blocks && !open && rng.Chance(tint_share);
    shape.tint =
        tinted ? Vary(style_.tint[static_cast<size_t>(block.owner)], 3, rng)
               : style_.paper;
    if (!open) PrepareParcels(block, tinted, rng, shape);
    PrepareTrees(shape, rng);
    blocks_.push_back(std::move(shape));
  }
}

void Painter::PrepareParcels(const WorldBlock& block, bool tinted, Rng& rng,
                             BlockShape& shape) const {
  if (style_.parcel_line_px <= 0.0 && !style_.tints_parcels) return;
  const double b = world_.options.building_px;  // parcels are in the world
  for (const Ring& parcel : block.parcels) {
    shape.parcels.push_back(OnSheet(parcel));
    Colour tint = shape.tint;
    if (style_.tints_parcels && tinted && rng.Chance(style_.other_owners)) {
      tint = rng.Chance(0.5) ? style_.paper
                             : style_.tint[static_cast<size_t>(rng.Int(0, 4))];
    }
    shape.parcel_tints.push_back(Vary(tint, 1.5, rng));
    if (!rng.Chance(style_.yards)) continue;
    const Box box = BoundsOf(parcel);
    const Point2d middle = MeanPoint(parcel);
    const double side = std::min(box.max_x - box.min_x, box.max_y - box.min_y);
    const double w = side * rng.Uniform(0.12, 0.3);
    const double h = std::max(b * 0.3, side * rng.Uniform(0.1, 0.3));
    const Point2d d = parcel[1] - parcel[0];
    const Ring yard =
        MapRing({{-w, -h}, {w, -h}, {w, h * 0.3}, {w * 0.4, h}, {-w, h}},
                {0, 0}, std::atan2(d.y, d.x),
                middle + Point2d{rng.Normal(0.0, side * 0.12),
                                 rng.Normal(0.0, side * 0.12)},
                1.0);
    shape.yards.push_back(OnSheet(yard));
  }
}

void Painter::PrepareTrees(const BlockShape& shape, Rng& rng) {
  if (!style_.draws_trees || !shape.drawn) return;
  const double tree = style_.tree_px;
  const bool green = shape.use == BlockUse::kGarden ||
                     shape.use == BlockUse::kSquare ||
                     (shape.use == BlockUse::kField && rng.Chance(0.2));
  if (green) {
    const Box box = BoundsOf(shape.outline);
    const double area = (box.max_x - box.min_x) * (box.max_y - box.min_y);
    const int count =
        static_cast<int>(std::min(600.0, area / (tree * tree * 70.0)));
    for (int k = 0; k < count; ++k) {
      const Point2d p{rng.Uniform(box.min_x, box.max_x),
                      rng.Uniform(box.min_y, box.max_y)};
      if (Contains(shape.outline, p)) trees_.push_back(p);
    }
  }
  // Avenues: a row of trees before the houses.
  if (!rng.Chance(style_.avenues)) return;
  const Ring row = OffsetInward(shape.outline, -tree * 1.8);
  for (const Point2d& p : Densify(row, tree * 5.0, true)) trees_.push_back(p);
}

void Painter::PrepareBuildings() {
  const Rng base = rng_.Fork(kBuildingStream);
  Rng whole = base.Fork(kWhole);
  const bool hatch_follows_walls = whole.Chance(0.5);
  for (const WorldBuilding& building : world_.buildings) {
    if (building.footprint[edition_].empty()) continue;
    Rng rng = base.Fork(building.identity);
    const WorldBlock& block = world_.blocks[building.block];
    for (const Polygon& polygon : building.footprint[edition_]) {
      BuildingShape shape;
      shape.identity = static_cast<int32_t>(building.identity);
      shape.footprint.shell = Placed(polygon.shell);
      for (const Ring& hole : polygon.holes)
        shape.footprint.holes.push_back(Placed(hole));
      Colour fill = style_.fill[static_cast<size_t>(block.owner)];
      if (style_.fills_by_building)
        fill = style_.fill[rng.Choice({0.55, 0.22, 0.08, 0.1, 0.05})];
      if (building.is_public && rng.Chance(0.6)) fill = style_.public_fill;
      shape.fill = Vary(fill, style_.fill_spread, rng);
      shape.hatch_angle = style_.hatch_angle;
      if (hatch_follows_walls) {
        const Point2d d = shape.footprint.shell[1] - shape.footprint.shell[0];
        shape.hatch_angle = std::atan2(d.y, d.x) + 0.785;
      }
      buildings_.push_back(std::move(shape));
    }
  }
}

void Painter::PaintBuilding(Canvas& canvas, const BuildingShape& shape) const {
  // Outlines are drawn inside the footprint, which includes them. A quarter
  // pixel takes back what antialiased filling adds.
  const double line = style_.outline_px;
  const std::vector<Ring> body = InsetRings(shape.footprint, 0.25);
  switch (style_.fill_mode) {
    case FillMode::kSolid:
      canvas.Fill(body, shape.fill);
      break;
    case FillMode::kHatched:
      canvas.Hatch(body, {shape.fill, style_.hatch_px, shape.hatch_angle,
                          style_.hatch_share});
      break;
    case FillMode::kStippled:
      canvas.FillTexture(body, Texture::kDots, shape.fill, 0.95);
      break;
    case FillMode::kNone:
      break;
  }
  if (style_.parts) {
    for (const Ring& ring : InsetRings(shape.footprint, 0.0))
      canvas.Stroke(ring, true, style_.outline, 0.5);
  }
  if (style_.ridges) PaintRoof(canvas, shape);
  if (line > 0.0) {
    for (const Ring& ring : InsetRings(shape.footprint, line / 2))
      canvas.Stroke(ring, true, style_.outline, line);
    if (style_.doubles && building_px_ > 9.0) {
      for (const Ring& ring : InsetRings(shape.footprint, line * 2.6))
        canvas.Stroke(ring, true, style_.outline, 0.5);
    }
  }
  if (!style_.shades) return;
  for (const Ring& ring : InsetRings(shape.footprint, 0.3 + line / 2))
    StrokeShaded(canvas, ring, style_.outline, line + 0.5);
}

// Ridge and hips of a roof, or the diagonals of a shed.
void Painter::PaintRoof(Canvas& canvas, const BuildingShape& shape) const {
  const Ring& r = shape.footprint.shell;
  if (r.size() != 4 || !shape.footprint.holes.empty()) return;
  const bool long_first = Norm(r[1] - r[0]) >= Norm(r[2] - r[1]);
  const size_t o = long_first ? 0 : 1;
  const Point2d a = (r[o] + r[(o + 3) % 4]) * 0.5;
  const Point2d b = (r[(o + 1) % 4] + r[(o + 2) % 4]) * 0.5;
  const double half = Norm(r[(o + 3) % 4] - r[o]) / 2;
  if (half < 4.0) return;
  if (style_.fills_by_building) {  // insurance plans cross out sheds
    canvas.Stroke({r[0], r[2]}, false, style_.outline, 0.5);
    canvas.Stroke({r[1], r[3]}, false, style_.outline, 0.5);
    return;
  }
  const double share = std::min(0.5, half / std::max(1.0, Norm(b - a)));
  const Point2d p = a + (b - a) * share;
  const Point2d q = b + (a - b) * share;
  canvas.Stroke({p, q}, false, style_.outline, 0.5);
  canvas.Stroke({r[o], p, r[(o + 3) % 4]}, false, style_.outline, 0.5);
  canvas.Stroke({r[(o + 1) % 4], q, r[(o + 2) % 4]}, false, style_.outline,
                0.5);
}

// Boxes in the colours of the buildings, each with a line of text.
void Painter::PaintLegend(Canvas& canvas) const {
  if (world_.options.density > 0.0 || options_.lettering <= 0.0) return;
  Rng rng = rng_.Fork(kLegendStream);
  if (!rng.Chance(0.4)) return;
  const WorldOptions& o = world_.options;
  const double h = style_.letter_px;
  const Point2d corner = Placed({{rng.Uniform(0.0, 0.6) * o.width_px,
                                  rng.Uniform(0.0, 0.5) * o.height_px}})[0];
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
}

cv::Mat Painter::Paint(cv::Rect window) const {
  Canvas canvas(window, style_.street);
  for (const BlockShape& block : blocks_)
    if (canvas.Sees(block.outline, 4)) PaintBlock(canvas, block);
  PaintWaters(canvas);
  PaintRailways(canvas);
  for (const BuildingShape& shape : buildings_)
    if (canvas.Sees(shape.footprint.shell, 4)) PaintBuilding(canvas, shape);
  PaintPaths(canvas);
  PaintTrees(canvas);
  PaintGraticule(canvas);
  for (const Lettering& text : lettering_) {
    if (canvas.Sees({text.middle}, text.reach_px))
      canvas.Text(text.text, text.path, text.style, text.colour);
  }
  PaintLegend(canvas);
  PaintFrame(canvas, window);
  return canvas.Finish();
}

cv::Mat Painter::Labels(cv::Rect window) const {
  using tracking::Mask;
  cv::Mat labels(window.size(), CV_32SC1, cv::Scalar(0));
  for (const BuildingShape& shape : buildings_) {
    const Box box = BoundsOf(shape.footprint.shell);
    if (box.max_x < window.x || box.min_x > window.x + window.width ||
        box.max_y < window.y || box.min_y > window.y + window.height) {
      continue;
    }
    Mask::FromPolygons({shape.footprint})
        .Paint(labels, shape.identity, window.tl());
  }
  if (!options_.frame.neatline.empty()) {
    cv::Mat inside(window.size(), CV_32SC1, cv::Scalar(0));
    const Polygon neat{Placed(options_.frame.neatline), {}};
    Mask::FromPolygons({neat}).Paint(inside, 1, window.tl());
    labels = labels.mul(inside);
  }
  return labels;
}

}  // namespace mapweave::synth
