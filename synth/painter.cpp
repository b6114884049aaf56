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
};

constexpr uint64_t kWhole = ~uint64_t{0};

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
  if (shape.use == BlockUse::kOrchard) {
    const Point2d along =
        Unit(std::atan2(shape.outline[1].y - shape.outline[0].y,
                        shape.outline[1].x - shape.outline[0].x));
    const double step =
        std::max(tree * 3.2, building_px_ * rng.Uniform(0.3, 0.6));
    const Box box = BoundsOf(shape.outline);
    const double reach = std::min(
        60.0 * step, std::hypot(box.max_x - box.min_x, box.max_y - box.min_y));
    for (double u = 0.0; u < reach; u += step) {
      for (double v = -reach; v < reach; v += step) {
        const Point2d p = shape.outline[0] + along * u + Perp(along) * v;
        if (Contains(shape.outline, p)) trees_.push_back(p);
      }
    }
  }
  // Avenues: a row of trees before the houses.
  if (!rng.Chance(style_.avenues)) return;
  const Ring row = OffsetInward(shape.outline, -tree * 1.8);
  for (const Point2d& p : Densify(row, tree * 5.0, true)) trees_.push_back(p);
}

Colour Painter::FillOf(const WorldBuilding& building, Rng& rng) const {
  const WorldBlock& block = world_.blocks[building.block];
  Colour fill = style_.fill[static_cast<size_t>(block.owner)];
  if (style_.fills_by_building)
    fill = style_.fill[rng.Choice({0.55, 0.22, 0.08, 0.1, 0.05})];
  if (building.is_public && rng.Chance(style_.other_publics))
    fill = style_.public_fill;
  if (building.is_outbuilding && rng.Chance(style_.other_sheds))
    fill = style_.shed_fill;
  return Vary(fill, style_.fill_spread, rng);
}

void Painter::PrepareBuildings() {
  const Rng base = rng_.Fork(kBuildingStream);
  Rng whole = base.Fork(kWhole);
  const bool hatch_follows_walls = whole.Chance(0.5);
  for (const WorldBuilding& building : world_.buildings) {
    if (building.footprint[edition_].empty()) continue;
    Rng rng = base.Fork(building.identity);
    for (const Polygon& polygon : building.footprint[edition_]) {
      BuildingShape shape;
      shape.identity = static_cast<int32_t>(building.identity);
      shape.footprint.shell = Placed(polygon.shell);
      for (const Ring& hole : polygon.holes)
        shape.footprint.holes.push_back(Placed(hole));
      shape.is_public = building.is_public;
      shape.is_shed = building.is_outbuilding;
      shape.fill = FillOf(building, rng);
      shape.hatch_angle = style_.hatch_angle;
      if (hatch_follows_walls) {
        const Point2d d = shape.footprint.shell[1] - shape.footprint.shell[0];
        shape.hatch_angle = std::atan2(d.y, d.x) + 0.785;
      }
      buildings_.push_back(std::move(shape));
    }
  }
}

cv::Mat Painter::Paint(cv::Rect window) const {
  Canvas canvas(window, style_.street);
  for (const BlockShape& block : blocks_)
    if (canvas.Sees(block.outline, 4)) PaintBlock(canvas, block);
  if (!style_.relief_on_top) PaintRelief(canvas);
  PaintWaters(canvas);
  PaintLines(canvas);
  PaintRailways(canvas);
  for (const BuildingShape& shape : buildings_)
    if (canvas.Sees(shape.footprint.shell, 4)) PaintBuilding(canvas, shape);
  if (style_.relief_on_top) PaintRelief(canvas);
  PaintPaths(canvas);
  PaintTrees(canvas);
  PaintGraticule(canvas);
  for (const Lettering& text : lettering_) {
    if (canvas.Sees({text.middle}, text.reach_px))
      canvas.Text(text.text, text.path, text.style, text.colour);
  }
  PaintFrame(canvas, window);
  PaintMarginalia(canvas);
  PaintNotes(canvas);
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
