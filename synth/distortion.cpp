// SPDX-License-Identifier: MIT
#include "synth/distortion.h"

#include "synth/outline.h"
#include "synth/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {

// Waves whose displacements sum to at most `reach`.
DistortionField MakeField(double reach, double min_length, double max_length,
                          Rng& rng) {
  DistortionField field;
  constexpr int kWaves = 3;
  for (int i = 0; i < kWaves; ++i) {
    const double length = rng.Uniform(min_length, max_length);
    const Point2d k = Unit(rng.Uniform(0.0, 2.0 * std::numbers::pi)) *
                      (2.0 * std::numbers::pi / length);
    const Point2d d = Unit(rng.Uniform(0.0, 2.0 * std::numbers::pi)) *
                      (reach / kWaves * rng.Uniform(0.3, 1.0));
    field.waves.push_back(
        {k.x, k.y, rng.Uniform(0.0, 2.0 * std::numbers::pi), d.x, d.y});
  }
  return field;
}

void Bend(const DistortionField& field, std::vector<Point2d>& points) {
  for (Point2d& p : points) p = field.Apply(p);
}

std::vector<DistortionField> MakeDistortion(const WorldOptions& options,
                                            Rng rng) {
  // Paper and survey do not bend a line by more than a few per cent.
  const double shortest = std::max(90.0, options.distortion_px * 42.0);
  std::vector<DistortionField> fields;
  for (size_t t = 0; t < options.editions.size(); ++t) {
    fields.push_back(MakeField(options.distortion_px, shortest,
                               std::max(400.0, 3.0 * shortest), rng));
  }
  return fields;
}

void DistortBuildings(World& world) {
  for (WorldBuilding& building : world.buildings) {
    for (size_t t = 0; t < building.footprint.size(); ++t) {
      for (Polygon& polygon : building.footprint[t]) {
        ForEachRing(polygon,
                    [&](Ring& ring) { Bend(world.distortion[t], ring); });
      }
    }
  }
}

Point2d DistortionField::Apply(Point2d p) const {
  Point2d moved = p;
  for (const Wave& w : waves) {
    const double s = std::sin(w.kx * p.x + w.ky * p.y + w.phase);
    moved.x += w.dx * s;
    moved.y += w.dy * s;
  }
  return moved;
}

}  // namespace mapweave::synth
