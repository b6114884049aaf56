// SPDX-License-Identifier: MIT
//
// The part of Painter for the shape of the land and the lines on it: contours,
// hachures, embankments, walls, moats, hedges and tracks.
#include "synth/painter.h"
#include "synth/shapes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mapweave::synth {
namespace {

constexpr uint64_t kLineStream = 200;
constexpr uint64_t kHachureStream = 201;

// Contours further apart than this need no hachures.
constexpr double kGentlePx = 26.0;

// Metres between neighbouring contours.
double IntervalOf(const std::vector<Contour>& contours) {
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 1; i < contours.size(); ++i) {
    const double d = std::abs(contours[i].metres - contours[0].metres);
    if (d > 1e-6) least = std::min(least, d);
  }
  return std::isfinite(least) ? least : 5.0;
}

}  // namespace

void Painter::PaintRelief(Canvas& canvas) const {
  if (world_.relief.contours.empty()) return;
  if (style_.relief == ReliefMode::kContours ||
      style_.relief == ReliefMode::kBoth) {
    PaintContours(canvas);
  }
  if (style_.relief == ReliefMode::kHachures ||
      style_.relief == ReliefMode::kBoth) {
    PaintHachures(canvas);
  }
}

void Painter::PaintContours(Canvas& canvas) const {
  for (const Contour& contour : world_.relief.contours) {
    const auto line = OnSheet(contour.line);
    if (!canvas.Sees(line, 4) || line.size() < 2) continue;
    canvas.Stroke(line, contour.closed, style_.relief_line,
                  style_.relief_px * (contour.index ? 1.6 : 1.0));
    if (!contour.index || options_.lettering <= 0.0) continue;
    // The height stands on its line.
    Lettering height = LetterStraight(
        std::to_string(static_cast<int>(std::lround(contour.metres))),
        line[line.size() / 2], 0.0, LetterRole::kNumber, style_);
    height.style.height_px = std::clamp(height.style.height_px, 3.5, 6.5);
    const size_t at = line.size() / 2;
    height.path = {line[at > 0 ? at - 1 : 0], line[at]};
    if (height.path[1].x < height.path[0].x)
      std::swap(height.path[0], height.path[1]);
    if (height.path[0] == height.path[1]) continue;
    canvas.Text(height.text, height.path, height.style, style_.relief_line);
  }
}

// Short lines downhill, the heavier the steeper.
void Painter::PaintHachures(Canvas& canvas) const {
  const auto& contours = world_.relief.contours;
  const double interval = IntervalOf(contours);
  Rng rng = rng_.Fork(kHachureStream);
  const double step = rng.Uniform(2.0, 4.0) / scale_;
  for (const Contour& contour : contours) {
    if (!canvas.Sees(OnSheet(contour.line), 30.0)) continue;
    Rng jitter = rng.Fork(static_cast<uint64_t>(contour.line.size()));
    for (const Point2d& p : Densify(contour.line, step, contour.closed)) {
      const double shake = jitter.Uniform(0.75, 1.0);
      const Point2d slope = world_.relief.field.Slope(p);
      const double steep = Norm(slope);
      // Gentle slopes stay white.
      if (steep * kGentlePx < interval * scale_) continue;
      const double reach =
          std::clamp(interval / steep * 0.8, 2.0, 16.0 / scale_) * shake;
      const Point2d q = p - slope * (reach / steep);
      const auto line = OnSheet({p, q});
      if (!canvas.Sees(line, 2)) continue;
      const double weight =
          std::clamp(6.0 * steep / (interval * scale_), 0.0, 1.0);
      canvas.Stroke(line, false, style_.relief_line, 0.5 + 0.6 * weight);
    }
  }
}

// Ticks to the right of a crest line.
void Painter::PaintSlope(Canvas& canvas, const std::vector<Point2d>& crest,
                         double reach, Colour colour) const {
  bool full = true;
  for (size_t i = 0; i + 1 < crest.size(); ++i) {
    const Point2d d = crest[i + 1] - crest[i];
    const double length = Norm(d);
    if (length < 1e-6) continue;
    const Point2d out = Perp(d) * (reach / length);
    canvas.Stroke({crest[i], crest[i] + out * (full ? 1.0 : 0.6)}, false,
                  colour, 0.5);
    full = !full;
  }
}

void Painter::PaintLines(Canvas& canvas) const {
  const Rng base = rng_.Fork(kLineStream);
  for (size_t i = 0; i < world_.lines.size(); ++i) {
    Rng rng = base.Fork(i);
    if (canvas.Sees(OnSheet(world_.lines[i].line), 20.0))
      PaintLine(canvas, world_.lines[i], rng);
  }
}

void Painter::PaintLine(Canvas& canvas, const WorldLine& line, Rng& rng) const {
  std::vector<Point2d> path = OnSheet(line.line);
  if (path.size() < 2) return;
  if (line.closed) path.push_back(path.front());
  const double width = std::max(1.0, line.width_px * scale_);
  switch (line.kind) {
    case LineKind::kEmbankment: {
      const auto dense = Densify(path, 2.4, false);
      for (double side : {-1.0, 1.0}) {
        auto crest = ParallelLine(dense, side * width * 0.2);
        if (side < 0) std::reverse(crest.begin(), crest.end());
        canvas.Stroke(crest, false, style_.relief_line, 0.5);
        PaintSlope(canvas, crest, std::clamp(width * 0.5, 2.0, 8.0),
                   style_.relief_line);
      }
      break;
    }
    case LineKind::kWall:
      canvas.Stroke(path, false, style_.ink, std::min(width, 3.0));
      if (width > 2.2 && rng.Chance(0.5))
        canvas.Stroke(path, false, style_.paper, std::min(width, 3.0) - 1.2);
      break;
    case LineKind::kMoat: {
      canvas.Stroke(path, false, style_.water_line, width + 1.0);
      canvas.Stroke(path, false,
                    style_.tints_water ? style_.water : style_.paper,
                    width - 0.6);
      if (style_.hatches_water && width > 5.0) {
        for (double side : {-0.3, 0.0, 0.3}) {
          canvas.Stroke(ParallelLine(path, side * width), false,
                        Mix(style_.water_line, style_.water, 0.5), 0.5);
        }
      }
      break;
    }
    case LineKind::kTrack:
      for (double side : {-0.5, 0.5}) {
        canvas.Dash(ParallelLine(path, side * width),
                    {style_.ink, 0.5, 3.5, 2.0});
      }
      break;
    case LineKind::kPath:
      canvas.Dash(path, {style_.ink, 0.6, 2.5, 2.2});
      break;
    case LineKind::kHedge: {
      const Colour leaf = style_.fills_trees
                              ? Mix(style_.wood, style_.ink, 0.35)
                              : Mix(style_.ink, style_.paper, 0.25);
      for (const Point2d& p : Densify(path, 2.6, false)) {
        const Point2d q =
            p + Point2d{rng.Normal(0.0, 0.5), rng.Normal(0.0, 0.5)};
        canvas.Disc(q, rng.Uniform(0.6, 1.3), leaf,
                    style_.fills_trees ? 0.0 : 0.5);
      }
      break;
    }
  }
}

}  // namespace mapweave::synth
