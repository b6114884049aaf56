// SPDX-License-Identifier: MIT
//
// The part of Painter below the houses: blocks, waters, railways, paths.
#include "synth/painter.h"
#include "synth/shapes.h"

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

enum Stream : uint64_t {
  kTrafficStream = 100,
  kRailStream,
  kPathStream,
};

// Heavier lines lie away from a light in the upper left.
constexpr Point2d kLight{-0.6, -0.8};

}  // namespace

void Painter::StrokeShaded(Canvas& canvas, const Ring& ring, Colour colour,
                           double width_px) const {
  const double side = SignedArea(ring) > 0 ? -1.0 : 1.0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d a = ring[i];
    const Point2d b = ring[(i + 1) % ring.size()];
    if (Dot(Perp(b - a) * side, kLight) < 0)
      canvas.Stroke({a, b}, false, colour, width_px);
  }
}

void Painter::PaintGround(Canvas& canvas, const BlockShape& block) const {
  Rng rng(block.seed);
  const Colour ink = Mix(style_.ink, style_.paper, 0.35);
  const double b = building_px_;
  const std::vector<Ring> rings = {block.outline};
  switch (block.use) {
    case BlockUse::kGarden: {
      canvas.Fill(rings, Mix(block.tint, style_.garden, rng.Uniform(0, 0.8)));
      const Texture texture = rng.Chance(0.5)   ? Texture::kScribble
                              : rng.Chance(0.5) ? Texture::kTrees
                                                : Texture::kDots;
      canvas.FillTexture(rings, texture,
                         rng.Chance(0.25) ? style_.water_line : ink,
                         rng.Uniform(0.4, 0.9));
      PaintWalks(canvas, block.outline, rng);
      break;
    }
    case BlockUse::kCemetery: {
      canvas.Fill(rings, Mix(block.tint, style_.garden, 0.7));
      const Point2d d = block.outline[1] - block.outline[0];
      const double angle = std::atan2(d.y, d.x);
      const double step = std::max(6.0, b * rng.Uniform(0.7, 1.5));
      canvas.Hatch(rings, {style_.street, step, angle, 0.18});
      canvas.Hatch(rings, {style_.street, step, angle + 1.5708, 0.18});
      canvas.Hatch(rings, {ink, step / 2, angle, 0.12});
      break;
    }
    case BlockUse::kOrchard:
      if (rng.Chance(0.5))
        canvas.Fill(rings, Mix(block.tint, style_.wood, 0.7));
      if (!style_.draws_trees)
        canvas.FillTexture(rings, Texture::kTrees, ink, 0.8);
      break;
    case BlockUse::kField:
      if (rng.Chance(0.35)) {
        canvas.FillTexture(
            rings, rng.Chance(0.5) ? Texture::kTufts : Texture::kLines,
            rng.Chance(0.4) ? style_.water_line : ink, rng.Uniform(0.3, 0.7));
      } else if (rng.Chance(0.15)) {
        canvas.Hatch(rings,
                     {ink, rng.Uniform(3.0, 7.0), rng.Uniform(0.0, 3.1), 0.15});
      }
      break;
    case BlockUse::kSquare:
      if (rng.Chance(0.4)) canvas.FillTexture(rings, Texture::kDots, ink, 0.5);
      PaintWalks(canvas, block.outline, rng);
      break;
    default:
      break;
  }
}

// Winding paths of a park, from edge to edge.
void Painter::PaintWalks(Canvas& canvas, const Ring& outline, Rng& rng) const {
  const int walks = static_cast<int>(rng.Int(0, 4));
  const double width = std::max(1.5, building_px_ * 0.2);
  const Point2d middle = MeanPoint(outline);
  const auto last = static_cast<int64_t>(outline.size()) - 1;
  for (int k = 0; k < walks; ++k) {
    const Point2d a = outline[static_cast<size_t>(rng.Int(0, last))];
    const Point2d b = outline[static_cast<size_t>(rng.Int(0, last))];
    const Point2d bend = middle + (a - b) * rng.Uniform(-0.2, 0.2) +
                         Perp(a - b) * rng.Uniform(-0.3, 0.3);
    std::vector<Point2d> walk;
    for (int i = 0; i <= 12; ++i) {
      const double t = i / 12.0;
      walk.push_back(a * ((1 - t) * (1 - t)) + bend * (2 * t * (1 - t)) +
                     b * (t * t));
    }
    canvas.Stroke(walk, false, Mix(style_.ink, style_.paper, 0.4), width + 1.0);
    canvas.Stroke(walk, false, style_.street, width);
  }
}

void Painter::PaintBlock(Canvas& canvas, const BlockShape& block) const {
  if (!block.drawn) return;
  if (block.tint != style_.street)
    canvas.Fill({OnPlate(block.outline)}, block.tint);
  PaintGround(canvas, block);
  if (style_.tints_parcels) {
    for (size_t i = 0; i < block.parcels.size(); ++i)
      canvas.Fill({OnPlate(block.parcels[i])}, block.parcel_tints[i]);
  }
  for (const Ring& parcel : block.parcels)
    canvas.Stroke(parcel, true, style_.parcel_line, style_.parcel_line_px);
  for (const Ring& yard : block.yards)
    canvas.Stroke(yard, true, style_.parcel_line, style_.parcel_line_px);
  canvas.Stroke(block.outline, true, style_.block_line, style_.block_line_px);
  if (style_.shades) {
    StrokeShaded(canvas, block.outline, style_.block_line,
                 style_.block_line_px + 0.6);
  }
}

void Painter::PaintWaters(Canvas& canvas) const {
  const Colour base = style_.tints_water ? style_.water : style_.street;
  for (const WorldWater& water : world_.waters) {
    const Ring outline = OnSheet(water.outline);
    if (!canvas.Sees(outline, 4)) continue;
    if (!water.centreline.empty()) {
      PaintRiver(canvas, water);
      PaintTraffic(canvas, water);
      continue;
    }
    canvas.Fill({outline}, base);
    if (style_.hatches_water) {
      for (double d = 2.0; d < 9.0; d += 2.2) {
        canvas.Stroke(OffsetInward(outline, d), true,
                      Mix(style_.water_line, base, d / 12), 0.5);
      }
    }
    canvas.Stroke(outline, true, style_.water_line, 0.9);
  }
}

// Colour runs out from the banks to the middle, with lines along them.
void Painter::PaintRiver(Canvas& canvas, const WorldWater& river) const {
  const Colour base = style_.tints_water ? style_.water : style_.street;
  const double width = river.width_px * scale_;
  const double half = width / 2;
  const std::vector<Point2d> middle = OnSheet(river.centreline);
  canvas.Stroke(middle, false, base, width);
  if (style_.tints_water && half > 6.0) {
    for (int k = 1; k <= 4; ++k) {
      canvas.Stroke(middle, false, Mix(base, style_.paper, 0.13 * k),
                    width * (1.0 - 0.18 * k));
    }
  }
  for (double side : {-1.0, 1.0}) {
    canvas.Stroke(ParallelLine(middle, side * half), false, style_.water_line,
                  1.0);
    if (!style_.hatches_water) continue;
    double step = 1.6;
    for (double d = step; d < half; d += step) {
      canvas.Stroke(ParallelLine(middle, side * (half - d)), false,
                    Mix(style_.water_line, base, std::min(0.75, 0.3 + d / 60)),
                    0.5);
      step *= 1.12;
    }
  }
}

// Bridges and boats.
void Painter::PaintTraffic(Canvas& canvas, const WorldWater& river) const {
  Rng rng = rng_.Fork(kTrafficStream);
  const double half = river.width_px / 2;
  for (size_t i = 5; i + 5 < river.centreline.size(); i += 6) {
    const Point2d at = river.centreline[i];
    const Point2d d = river.centreline[i + 1] - at;
    const Point2d u = d * (1.0 / std::max(1e-9, Norm(d)));
    if (rng.Chance(0.06)) {
      const double w = rng.Uniform(2.0, 5.0);
      const Point2d reach = Perp(u) * (half + 6.0);
      canvas.Fill({OnSheet({at - reach - u * w, at + reach - u * w,
                            at + reach + u * w, at - reach + u * w})},
                  style_.street);
      for (double s : {-w, w}) {
        canvas.Stroke(OnSheet({at - reach + u * s, at + reach + u * s}), false,
                      style_.ink, 0.9);
      }
    } else if (half > 12.0 && rng.Chance(0.1)) {
      const double l = rng.Uniform(4.0, 9.0);
      const Point2d c = at + Perp(u) * (half * rng.Uniform(-0.5, 0.5));
      const Ring boat = OnSheet({c - u * l, c + Perp(u) * (l * 0.25), c + u * l,
                                 c - Perp(u) * (l * 0.25)});
      canvas.Fill({boat}, rng.Chance(0.5) ? style_.paper : style_.ink);
      canvas.Stroke(boat, true, style_.ink, 0.7);
    }
  }
}

void Painter::PaintRailways(Canvas& canvas) const {
  Rng rng = rng_.Fork(kRailStream);
  const double gauge = rng.Uniform(1.2, 2.4);
  const bool two_lines = rng.Chance(0.5);
  for (const auto& railway : world_.railways) {
    const auto line = OnSheet(railway);
    if (two_lines) {
      for (double side : {-gauge, gauge})
        canvas.Stroke(ParallelLine(line, side), false, style_.ink, 0.7);
      canvas.Dash(line, {style_.ink, gauge * 1.6, 3.0, 4.0});
      continue;
    }
    canvas.Stroke(line, false, style_.ink, 1.0);
    for (size_t i = 0; i + 1 < line.size(); ++i) {
      const Point2d d = line[i + 1] - line[i];
      const Point2d tick = Perp(d) * (gauge * 1.6 / std::max(1.0, Norm(d)));
      canvas.Stroke({line[i] - tick, line[i] + tick}, false, style_.ink, 0.7);
    }
  }
}

// Dashed limits of wards, and tracks.
void Painter::PaintPaths(Canvas& canvas) const {
  Rng rng = rng_.Fork(kPathStream);
  if (!rng.Chance(0.35)) return;
  const double on = rng.Uniform(2.0, 6.0);
  const double width = rng.Uniform(0.8, 1.7);
  for (const WorldStreet& street : world_.streets) {
    if (!rng.Chance(0.15)) continue;
    const auto line =
        OnSheet(ParallelLine(street.centreline, street.width_px * 0.4));
    if (canvas.Sees(line, 4))
      canvas.Dash(line, {style_.boundary, width, on, on * 0.8});
  }
}

void Painter::PaintTrees(Canvas& canvas) const {
  const Colour crown = style_.fills_trees ? Mix(style_.garden, style_.ink, 0.3)
                                          : Mix(style_.ink, style_.paper, 0.25);
  for (const Point2d& p : trees_) {
    if (canvas.Sees({p}, 8.0))
      canvas.Disc(p, style_.tree_px, crown, style_.fills_trees ? 0.0 : 0.5);
  }
}

void Painter::PaintGraticule(Canvas& canvas) const {
  const double step = style_.graticule_px / scale_;
  if (step <= 0.0) return;
  const double w = world_.options.width_px + 100.0;
  const double h = world_.options.height_px + 100.0;
  const Colour colour = Mix(style_.ink, style_.paper, 0.3);
  for (double x = 31.0; x < w; x += step)
    canvas.Stroke(OnSheet({{x, -100}, {x, h}}), false, colour, 0.6);
  for (double y = 17.0; y < h; y += step)
    canvas.Stroke(OnSheet({{-100, y}, {w, y}}), false, colour, 0.6);
}

}  // namespace mapweave::synth
