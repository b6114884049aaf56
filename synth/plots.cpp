// SPDX-License-Identifier: MIT
#include "synth/plots.h"

#include "synth/plan.h"

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

constexpr double kMinSide = 3.2;
constexpr double kMaxSide = 130.0;

double Inward(const Ring& ring, size_t edge, Point2d& along, Point2d& inward) {
  const Point2d d = ring[(edge + 1) % ring.size()] - ring[edge];
  const double length = Norm(d);
  along = d * (1.0 / std::max(1e-9, length));
  inward = Perp(along) * (SignedArea(ring) > 0 ? 1.0 : -1.0);
  return length;
}

double LogNormal(Rng& rng, double median, double sigma) {
  return std::clamp(median * std::exp(rng.Normal(0.0, sigma)), kMinSide,
                    kMaxSide);
}

// Radius of the largest circle around the middle of a convex ring.
double InnerRadius(const Ring& ring) {
  const Point2d middle = MeanPoint(ring);
  double radius = 1e300;
  for (size_t i = 0; i < ring.size(); ++i) {
    Point2d along, inward;
    if (Inward(ring, i, along, inward) < 1e-6) continue;
    radius = std::min(radius, Dot(middle - ring[i], inward));
  }
  return radius;
}

bool Inside(const Ring& block, const Quad& quad) {
  return std::ranges::all_of(quad,
                             [&](Point2d p) { return Contains(block, p); });
}

Quad MakeQuad(Point2d centre, Point2d along, double width, double depth) {
  const Point2d u = along * (width / 2);
  const Point2d v = Perp(along) * (depth / 2);
  return {centre - u - v, centre + u - v, centre + u + v, centre - u + v};
}

void FillPlan(Plot& plot, Rng& rng) {
  const double width = Norm(plot.quad[1] - plot.quad[0]);
  const double depth = Norm(plot.quad[3] - plot.quad[0]);
  plot.plan.shape = PickShape(rng, width, depth, plot.is_public);
  plot.plan.a = rng.Uniform(0.32, 0.68);
  plot.plan.b = rng.Uniform(0.32, 0.68);
  plot.plan.mirrored = rng.Chance(0.5);
}

// Houses wall to wall along the edges of the block.
void LayRows(const Ring& block, const PlotOptions& options, Rng& rng,
             BlockPlots& out) {
  const double b = options.building_px;
  const double setback = rng.Chance(0.55) ? 0.0 : b * rng.Uniform(0.05, 0.3);
  const Ring front = InsetConvex(block, setback);
  if (front.size() < 3) return;
  const double strip =
      std::min(b * rng.Uniform(0.8, 1.8), InnerRadius(front) * 0.9);
  if (strip < kMinSide) return;
  // Some draughtsmen and some builders make one long house of a row.
  const double pitch =
      b * (rng.Chance(0.15) ? rng.Uniform(2.0, 6.0) : rng.Uniform(0.55, 1.3));
  for (size_t e = 0; e < front.size(); ++e) {
    Point2d along, inward;
    const double length = Inward(front, e, along, inward);
    if (length < pitch || rng.Chance(0.12)) continue;
    double s = 0.0;
    while (s < length - kMinSide) {
      double width = LogNormal(rng, pitch, 0.3);
      if (length - s - width < pitch * 0.5) width = length - s;
      Plot plot;
      plot.attached = true;
      const Point2d origin = front[e] + along * s;
      plot.quad = {origin, origin + along * width,
                   origin + along * width + inward * strip,
                   origin + inward * strip};
      plot.plan.v1 = rng.Chance(0.4) ? 1.0 : rng.Uniform(0.5, 1.0);
      plot.plan.a = rng.Uniform(0.35, 0.65);
      plot.plan.b = rng.Uniform(0.35, 0.65);
      plot.plan.mirrored = rng.Chance(0.5);
      if (width > 9.0 && strip > 9.0 && rng.Chance(0.25))
        plot.plan.shape = rng.Chance(0.7) ? PlanShape::kL : PlanShape::kU;
      if (width > 22.0 && strip > 22.0 && rng.Chance(0.2))
        plot.plan.shape = PlanShape::kCourt;
      Ring ring(plot.quad.begin(), plot.quad.end());
      // The first edge of a corner takes the corner.
      for (size_t k = 0; k < front.size() && !ring.empty(); ++k) {
        if (k == e) continue;
        Point2d other_along, other_inward;
        if (Inward(front, k, other_along, other_inward) < 1e-6) continue;
        const double keep = k < e ? strip : 0.0;
        ring = CutConvex(ring, front[k] + other_inward * keep, other_inward);
      }
      const double area = std::abs(SignedArea(ring));
      if (!ring.empty() && area > kMinSide * kMinSide) {
        if (area < width * strip * 0.995) plot.cut = ring;
        if (area > width * strip * 0.35) out.plots.push_back(plot);
      }
      s += width + (rng.Chance(0.12) ? pitch * rng.Uniform(0.2, 0.7) : 0.0);
    }
  }
}

// Free-standing houses and their sheds, one parcel after the other.
void LayDetached(const Ring& block, const PlotOptions& options, Rng& rng,
                 BlockPlots& out) {
  const double b = options.building_px;
  const double parcel_side =
      b * rng.Uniform(1.4, 2.4) / std::sqrt(std::max(0.15, options.density));
  out.parcels = CutParcels(block, parcel_side, rng.Uniform(0.1, 0.9), rng);
  for (const Ring& parcel : out.parcels) {
    const Ring room = InsetConvex(parcel, std::max(0.8, b * 0.06));
    if (room.size() < 3) continue;
    Point2d along, inward;
    size_t edge = 0;
    double longest = 0.0;
    for (size_t i = 0; i < room.size(); ++i) {
      const double length = Inward(room, i, along, inward);
      if (length > longest) {
        longest = length;
        edge = i;
      }
    }
    Inward(room, edge, along, inward);
    const Point2d middle = MeanPoint(room);
    const double radius = InnerRadius(room);
    const bool turned = rng.Chance(0.08);
    if (turned) along = Unit(rng.Uniform(0.0, 6.28));
    Plot main;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const double shrink = 1.0 - 0.2 * attempt;
      const double width = LogNormal(rng, b, 0.38) * shrink;
      const double depth =
          std::clamp(width * rng.Uniform(0.5, 1.1), kMinSide, kMaxSide);
      const Point2d toward = turned ? Point2d{} : inward * -radius;
      const Point2d centre = middle + toward * rng.Uniform(-0.2, 0.7) +
                             along * (radius * rng.Uniform(-0.5, 0.5));
      main.quad = MakeQuad(centre, along, width, depth);
      if (!Inside(room, main.quad)) continue;
      FillPlan(main, rng);
      main.chance = 0.85;
      out.plots.push_back(main);
      break;
    }
    const int sheds = static_cast<int>(rng.Int(0, 2));
    for (int k = 0; k < sheds; ++k) {
      Plot shed;
      const double width = LogNormal(rng, b * 0.5, 0.3);
      const Point2d at = middle + Unit(rng.Uniform(0.0, 6.28)) *
                                      (radius * rng.Uniform(0.3, 1.2));
      shed.quad = MakeQuad(at, along, width, std::max(kMinSide, width * 0.65));
      shed.chance = 0.6;
      const bool free = Inside(room, shed.quad) &&
                        std::ranges::none_of(out.plots, [&](const Plot& p) {
                          return Overlap(shed.quad, p.quad, 1.5);
                        });
      if (free) out.plots.push_back(shed);
    }
  }
}

// Barracks, hospitals, works: few large buildings in order on a free ground.
void LayPublic(const Ring& block, const PlotOptions& options, Rng& rng,
               BlockPlots& out) {
  const double b = options.building_px;
  const Ring room = InsetConvex(block, b * 0.3);
  if (room.size() < 3) return;
  Point2d along, inward;
  Inward(room, 0, along, inward);
  const Point2d middle = MeanPoint(room);
  const double radius = InnerRadius(room);
  if (radius < b * 0.5) return;
  const auto add = [&](Point2d at, double width, double depth, bool plain) {
    Plot plot;
    plot.is_public = true;
    plot.quad = MakeQuad(at, along, std::clamp(width, kMinSide, kMaxSide),
                         std::clamp(depth, kMinSide, kMaxSide));
    if (!Inside(room, plot.quad) ||
        std::ranges::any_of(out.plots, [&](const Plot& p) {
          return Overlap(plot.quad, p.quad, b * 0.15);
        })) {
      return;
    }
    FillPlan(plot, rng);
    if (plain) plot.plan.shape = PlanShape::kRectangle;
    out.plots.push_back(plot);
  };
  const bool barracks = rng.Chance(0.45);
  if (barracks) {
    const double depth = b * rng.Uniform(0.7, 1.2);
    const double width = radius * rng.Uniform(0.8, 1.5);
    const double step = depth * rng.Uniform(1.6, 2.6);
    for (double y = -radius; y <= radius; y += step) {
      add(middle + inward * y - along * (width * 0.55), width, depth, true);
      add(middle + inward * y + along * (width * 0.55), width, depth, true);
    }
  } else {
    add(middle, radius * rng.Uniform(0.7, 1.4), radius * rng.Uniform(0.7, 1.3),
        false);
  }
  for (int k = 0; k < 8; ++k) {
    add(middle + along * (radius * rng.Uniform(-1.4, 1.4)) +
            inward * (radius * rng.Uniform(-1.1, 1.1)),
        LogNormal(rng, b * 1.1, 0.5), LogNormal(rng, b * 0.9, 0.4),
        rng.Chance(0.5));
  }
}

}  // namespace

BlockPlots LayPlots(const Ring& block, const PlotOptions& options, Rng& rng) {
  BlockPlots out;
  if (block.size() < 3) return out;
  const double b = options.building_px;
  switch (options.use) {
    case BlockUse::kDwellings: {
      const double rows = std::clamp((options.density - 0.35) * 2.2, 0.0, 0.9);
      if (!rng.Chance(rows)) {
        LayDetached(block, options, rng, out);
        break;
      }
      LayRows(block, options, rng, out);
      const double radius = InnerRadius(block);
      if (rng.Chance(0.6))
        out.parcels = CutParcels(block, b * rng.Uniform(1.5, 3.0), 0.3, rng);
      // Back buildings in the courts.
      const Ring court = InsetConvex(block, b * 2.1);
      if (radius > b * 2.8 && court.size() >= 3)
        LayDetached(court, options, rng, out);
      break;
    }
    case BlockUse::kPublic:
    case BlockUse::kWorks:
      LayPublic(block, options, rng, out);
      break;
    case BlockUse::kField:
    case BlockUse::kGarden:
    case BlockUse::kOrchard:
      // A farm or a pavilion now and then.
      if (rng.Chance(0.35)) {
        PlotOptions sparse = options;
        sparse.density = 0.1;
        LayDetached(block, sparse, rng, out);
        for (Plot& plot : out.plots) plot.chance *= 0.25;
      } else {
        out.parcels = CutParcels(block, b * rng.Uniform(3.0, 8.0), 0.6, rng);
      }
      break;
    case BlockUse::kCemetery:
    case BlockUse::kSquare:
      break;
  }
  return out;
}

}  // namespace mapweave::synth
