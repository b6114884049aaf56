// SPDX-License-Identifier: MIT
//
// The part of Painter that draws houses. What it draws stays inside the
// footprint, which is the truth; only colour plates may miss it by a little
// where an outline shows where the house is.
#include "synth/painter.h"
#include "synth/shapes.h"

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

// All rings of a polygon, moved into the built-up side by `distance`.
std::vector<Ring> InsetRings(const Polygon& polygon, double distance) {
  std::vector<Ring> rings = {OffsetInward(polygon.shell, distance)};
  for (const Ring& hole : polygon.holes)
    rings.push_back(OffsetInward(hole, -distance));
  return rings;
}

}  // namespace

Ring Painter::OnPlate(Ring ring) const {
  for (Point2d& p : ring) p = p + style_.plate_shift;
  return ring;
}

void Painter::PaintBody(Canvas& canvas, const BuildingShape& shape) const {
  // A quarter pixel takes back what antialiased filling adds.
  std::vector<Ring> body = InsetRings(shape.footprint, 0.25);
  if (style_.outline_px > 0.0) {
    for (Ring& ring : body) ring = OnPlate(std::move(ring));
  }
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
  if (style_.pools && style_.fill_mode == FillMode::kSolid) {
    for (const Ring& ring : InsetRings(shape.footprint, 0.8)) {
      canvas.GlazeLine(Densify(ring, 1e9, true),
                       Mix(shape.fill, style_.ink, 0.4), 1.2, 0.4);
    }
  }
  if (shape.is_public && style_.public_hatched)
    canvas.Hatch(body,
                 {style_.outline, std::max(2.0, style_.hatch_px), 0.785, 0.25});
}

void Painter::PaintBuilding(Canvas& canvas, const BuildingShape& shape) const {
  const double line = style_.outline_px;
  PaintBody(canvas, shape);
  if (style_.parts) {
    for (const Ring& ring : InsetRings(shape.footprint, 0.0))
      canvas.Stroke(ring, true, style_.part_line, 0.5);
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
  if (style_.crosses_sheds) {  // as insurance plans do
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

}  // namespace mapweave::synth
