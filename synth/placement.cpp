// SPDX-License-Identifier: MIT
#include "synth/placement.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>

namespace mapweave::synth {
namespace {

constexpr double kLargestScale = 20.0;

}  // namespace

Placement Placement::Shift(Point2d by) {
  Placement p;
  p.tx = by.x;
  p.ty = by.y;
  return p;
}

Point2d Placement::Apply(Point2d p) const {
  return {a * p.x + b * p.y + tx, c * p.x + d * p.y + ty};
}

Point2d Placement::ApplyInverse(Point2d p) const { return Inverse().Apply(p); }

Placement Placement::Inverse() const {
  const double det = a * d - b * c;
  Placement out;
  out.a = d / det;
  out.b = -b / det;
  out.c = -c / det;
  out.d = a / det;
  out.tx = -(out.a * tx + out.b * ty);
  out.ty = -(out.c * tx + out.d * ty);
  return out;
}

Placement Placement::Then(const Placement& next) const {
  Placement out;
  out.a = next.a * a + next.b * c;
  out.b = next.a * b + next.b * d;
  out.c = next.c * a + next.d * c;
  out.d = next.c * b + next.d * d;
  const Point2d t = next.Apply({tx, ty});
  out.tx = t.x;
  out.ty = t.y;
  return out;
}

double Placement::Scale() const { return std::sqrt(std::abs(a * d - b * c)); }

void Placement::Validate() const {
  for (double v : {a, b, c, d, tx, ty}) {
    if (std::isfinite(v)) continue;
    throw Error(ErrorCode::kUsage,
                "the placement of a sheet has a number that is not finite",
                "give six finite numbers, in pixels");
  }
  const double scale = Scale();
  if (a * d - b * c > 0.0 && scale >= 1.0 / kLargestScale &&
      scale <= kLargestScale) {
    return;
  }
  throw Error(
      ErrorCode::kUsage,
      fmt::format("the placement of a sheet has the determinant {}",
                  a * d - b * c),
      fmt::format("it must not mirror and must scale by 1/{0} to {0} at most",
                  kLargestScale));
}

Placement MakePlacement(const PlacementParts& parts) {
  const double cosine = std::cos(parts.rotation_rad);
  const double sine = std::sin(parts.rotation_rad);
  Placement paper;
  paper.a = parts.stretch_x;
  paper.b = parts.shear;
  paper.d = parts.stretch_y;
  Placement turn;
  turn.a = cosine;
  turn.b = -sine;
  turn.c = sine;
  turn.d = cosine;
  turn.tx = parts.centre.x + parts.shift.x;
  turn.ty = parts.centre.y + parts.shift.y;
  Placement scan;
  scan.a = scan.d = parts.scale;
  return Placement::Shift({-parts.centre.x, -parts.centre.y})
      .Then(paper)
      .Then(turn)
      .Then(scan);
}

}  // namespace mapweave::synth
