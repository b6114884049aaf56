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

// The part of a strip along edge `e` of a convex ring, `depth` deep, that is
// left when earlier edges take the corners.
Ring CornerCut(const Ring& front, size_t e, double depth, Ring strip) {
  for (size_t k = 0; k < front.size() && !strip.empty(); ++k) {
    if (k == e) continue;
    Point2d along, inward;
    if (Inward(front, k, along, inward) < 1e-6) continue;
    const double keep = k < e ? depth : 0.0;
    strip = CutConvex(strip, front[k] + inward * keep, inward);
  }
  return strip;
}

struct RowStyle {
  double setback = 0.0;
  double strip = 10.0;      // depth of the houses at most
  double yard = 0.0;        // depth of the parcels; 0: no parcels
  double pitch = 10.0;      // typical width
  double gaps = 0.12;       // chance of a gap after a house
  double skipped = 0.12;    // chance that an edge has no row
  double wings = 0.25;      // chance of a wing at the back
  double back_house = 0.0;  // chance of a building at the end of the yard
};

RowStyle DrawRowStyle(const Ring& block, const PlotOptions& options, Rng& rng) {
  const double b = options.building_px;
  const bool crowded = options.housing == Housing::kPerimeter;
  RowStyle style;
  style.setback =
      rng.Chance(crowded ? 0.8 : 0.55) ? 0.0 : b * rng.Uniform(0.05, 0.3);
  const double radius = InnerRadius(block) - style.setback;
  style.strip = std::min(b * rng.Uniform(0.8, 1.8), radius * 0.9);
  // Some draughtsmen and some builders make one long house of a row.
  style.pitch =
      b * (rng.Chance(crowded ? 0.05 : 0.15) ? rng.Uniform(2.0, 6.0)
                                             : rng.Uniform(0.55, 1.3));
  if (crowded) {
    style.gaps = 0.05;
    style.skipped = 0.03;
    style.wings = 0.5;
    style.back_house = rng.Uniform(0.2, 0.7);
  } else {
    style.back_house = rng.Uniform(0.0, 0.35);
  }
  if (rng.Chance(crowded ? 0.9 : 0.7)) {
    style.yard =
        std::min(style.strip + b * rng.Uniform(0.6, 1.8), radius * 0.97);
  }
  return style;
}

// A shed or back building across the end of a yard.
void AddBackHouse(const Quad& yard, double strip, Rng& rng, BlockPlots& out) {
  const double width = Norm(yard[1] - yard[0]);
  const double depth = Norm(yard[3] - yard[0]);
  const double room = depth - strip - 1.0;
  const double house = std::min(room, width * rng.Uniform(0.5, 1.1));
  const double share = rng.Uniform(0.4, 1.0);
  if (house < kMinSide || width * share < kMinSide) return;
  const Point2d along = yard[1] - yard[0];
  const Point2d inward = (yard[3] - yard[0]) * (1.0 / depth);
  Plot plot;
  plot.is_outbuilding = true;
  plot.attached = true;
  plot.chance = 0.85;
  const Point2d back = yard[3] + along * (rng.Chance(0.5) ? 0.0 : 1.0 - share);
  const Point2d front = back - inward * house;
  plot.quad = {front, front + along * share, back + along * share, back};
  out.plots.push_back(plot);
}

Plot RowHouse(const Quad& quad, const RowStyle& style, Rng& rng) {
  Plot plot;
  plot.attached = true;
  plot.quad = quad;
  const double width = Norm(quad[1] - quad[0]);
  plot.plan.v1 = rng.Chance(0.4) ? 1.0 : rng.Uniform(0.5, 1.0);
  plot.plan.a = rng.Uniform(0.35, 0.65);
  plot.plan.b = rng.Uniform(0.35, 0.65);
  plot.plan.mirrored = rng.Chance(0.5);
  if (width > 9.0 && style.strip > 9.0 && rng.Chance(style.wings))
    plot.plan.shape = rng.Chance(0.7) ? PlanShape::kL : PlanShape::kU;
  if (width > 22.0 && style.strip > 22.0 && rng.Chance(0.2))
    plot.plan.shape = PlanShape::kCourt;
  return plot;
}

// Houses wall to wall along the edges of the block, each with its yard.
void LayRows(const Ring& block, const RowStyle& style, Rng& rng,
             BlockPlots& out) {
  const Ring front = InsetConvex(block, style.setback);
  if (front.size() < 3 || style.strip < kMinSide) return;
  for (size_t e = 0; e < front.size(); ++e) {
    Point2d along, inward;
    const double length = Inward(front, e, along, inward);
    if (length < style.pitch || rng.Chance(style.skipped)) continue;
    double s = 0.0;
    while (s < length - kMinSide) {
      double width = LogNormal(rng, style.pitch, 0.3);
      if (length - s - width < style.pitch * 0.5) width = length - s;
      const Point2d origin = front[e] + along * s;
      const auto deep = [&](double depth) {
        return Quad{origin, origin + along * width,
                    origin + along * width + inward * depth,
                    origin + inward * depth};
      };
      const Quad quad = deep(style.strip);
      Plot plot = RowHouse(quad, style, rng);
      // The first edge of a corner takes the corner.
      const Ring ring =
          CornerCut(front, e, style.strip, Ring(quad.begin(), quad.end()));
      const double area = std::abs(SignedArea(ring));
      if (!ring.empty() && area > kMinSide * kMinSide) {
        if (area < width * style.strip * 0.995) plot.cut = ring;
        if (area > width * style.strip * 0.35) out.plots.push_back(plot);
      }
      if (style.yard > style.strip) {
        const Quad yard = deep(style.yard);
        Ring parcel =
            CornerCut(front, e, style.yard, Ring(yard.begin(), yard.end()));
        const double whole = width * style.yard;
        const bool is_cut = std::abs(SignedArea(parcel)) < whole * 0.995;
        if (!is_cut && rng.Chance(style.back_house))
          AddBackHouse(yard, style.strip, rng, out);
        if (parcel.size() >= 3) out.parcels.push_back(std::move(parcel));
      }
      s += width +
           (rng.Chance(style.gaps) ? style.pitch * rng.Uniform(0.2, 0.7) : 0.0);
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
      shed.is_outbuilding = true;
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

// Farmhouses along the road, gable or eaves to the front, with barns and sheds
// behind them.
void LayRoadside(const Ring& block, const PlotOptions& options, Rng& rng,
                 BlockPlots& out) {
  const double b = options.building_px;
  const double radius = InnerRadius(block);
  const double depth = std::min(b * rng.Uniform(2.2, 4.5), radius * 0.95);
  const double pitch = b * rng.Uniform(1.5, 3.2);
  const bool gable = rng.Chance(0.5);
  if (depth < b) return;
  const auto add = [&](Quad quad, double chance, bool is_outbuilding) {
    Plot plot;
    plot.quad = quad;
    plot.is_outbuilding = is_outbuilding;
    plot.chance = chance;
    FillPlan(plot, rng);
    if (rng.Chance(0.5)) plot.plan.shape = PlanShape::kRectangle;
    if (std::ranges::none_of(out.plots, [&](const Plot& other) {
          return Overlap(plot.quad, other.quad, 1.0);
        })) {
      out.plots.push_back(plot);
    }
  };
  for (size_t e = 0; e < block.size(); ++e) {
    Point2d along, inward;
    const double length = Inward(block, e, along, inward);
    if (rng.Chance(0.15)) continue;
    for (double s = 0.0; s + pitch * 0.6 < length;) {
      const double width = std::min(LogNormal(rng, pitch, 0.25), length - s);
      const auto place = [&](double u, double v, double w, double d) {
        return MakeQuad(
            block[e] + along * (s + u * width) + inward * (v * depth), along, w,
            d);
      };
      const Point2d origin = block[e] + along * s;
      const Ring parcel = CornerCut(
          block, e, depth,
          {origin, origin + along * width,
           origin + along * width + inward * depth, origin + inward * depth});
      if (std::abs(SignedArea(parcel)) > width * depth * 0.995) {
        const double a = std::min(b * rng.Uniform(0.8, 1.3), width * 0.8);
        const double c = a * rng.Uniform(0.5, 0.8);
        const double setback = rng.Uniform(0.05, 0.3) * b / depth;
        const double front = gable ? a : c;
        add(place(rng.Uniform(0.4, 0.5), setback + front / 2 / depth,
                  gable ? c : a, front),
            0.85, false);
        const double barn = std::min(width * 0.85, b * rng.Uniform(0.9, 1.6));
        const double barn_depth = barn * rng.Uniform(0.4, 0.6);
        add(place(0.5, 1.0 - barn_depth / depth, barn, barn_depth), 0.6, true);
        if (rng.Chance(0.5)) {
          const double shed = std::max(kMinSide, b * rng.Uniform(0.3, 0.5));
          add(place(rng.Uniform(0.7, 0.85), rng.Uniform(0.4, 0.6), shed, shed),
              0.6, true);
        }
        out.parcels.push_back(parcel);
      }
      s += width * (rng.Chance(0.25) ? rng.Uniform(1.2, 2.5) : 1.0);
    }
  }
}

// A lonely farm: house, barns and stables around a yard.
void LayFarm(const Ring& block, const PlotOptions& options, Rng& rng,
             BlockPlots& out) {
  const double b = options.building_px;
  const double yard = b * rng.Uniform(0.7, 1.3);
  if (InnerRadius(block) < yard * 3.0) return;
  Point2d along, inward;
  Inward(block, 0, along, inward);
  const Point2d middle = MeanPoint(block);
  for (int side = 0; side < 4; ++side) {
    if (side > 0 && rng.Chance(0.25)) continue;
    Plot plot;
    plot.is_outbuilding = side > 0;
    const double depth = b * rng.Uniform(0.5, 0.8);
    const double width = 2.0 * yard * rng.Uniform(0.6, 0.95);
    const Point2d out_of_yard = side % 2 == 0 ? inward : along;
    const Point2d off =
        out_of_yard * ((side < 2 ? 1.0 : -1.0) * (yard + depth / 2));
    plot.quad = MakeQuad(middle + off, Perp(out_of_yard), width, depth);
    FillPlan(plot, rng);
    out.plots.push_back(plot);
  }
  out.parcels = CutParcels(block, b * rng.Uniform(4.0, 8.0), 0.6, rng);
}

// Halls side by side, with sheds around them.
void LayWorks(const Ring& block, const PlotOptions& options, Rng& rng,
              BlockPlots& out) {
  const double b = options.building_px;
  const Ring room = InsetConvex(block, b * 0.25);
  if (room.size() < 3) return;
  Point2d along, inward;
  Inward(room, 0, along, inward);
  const Point2d middle = MeanPoint(room);
  const double radius = InnerRadius(room);
  if (radius < b * 0.6) return;
  const auto add = [&](Point2d at, double width, double depth, bool is_shed) {
    Plot plot;
    plot.is_public = !is_shed;
    plot.is_outbuilding = is_shed;
    plot.quad = MakeQuad(at, along, std::clamp(width, kMinSide, kMaxSide),
                         std::clamp(depth, kMinSide, kMaxSide));
    if (!Inside(room, plot.quad) ||
        std::ranges::any_of(out.plots, [&](const Plot& p) {
          return Overlap(plot.quad, p.quad, 1.0);
        })) {
      return;
    }
    FillPlan(plot, rng);
    plot.plan.shape = is_shed || rng.Chance(0.6) ? PlanShape::kRectangle
                      : rng.Chance(0.5)          ? PlanShape::kComb
                                                 : PlanShape::kStepped;
    out.plots.push_back(plot);
  };
  const int halls = static_cast<int>(rng.Int(1, 3));
  const double width = radius * rng.Uniform(0.9, 1.5);
  const double depth = 2.0 * radius / halls * rng.Uniform(0.55, 0.85);
  for (int k = 0; k < halls; ++k) {
    const double v = (k + 0.5) / halls * 2.0 - 1.0;
    add(middle + inward * (v * radius * 0.85), width * rng.Uniform(0.7, 1.0),
        depth, false);
  }
  const int sheds = static_cast<int>(rng.Int(2, 9));
  for (int k = 0; k < sheds; ++k) {
    add(middle + along * (radius * rng.Uniform(-1.5, 1.5)) +
            inward * (radius * rng.Uniform(-1.0, 1.0)),
        LogNormal(rng, b * 0.7, 0.4), LogNormal(rng, b * 0.5, 0.3), true);
  }
}

void LayChurch(const Ring& block, const PlotOptions& options, Rng& rng,
               BlockPlots& out) {
  const double length = std::min(options.building_px * rng.Uniform(1.4, 3.0),
                                 InnerRadius(block) * 1.3);
  if (length < 8.0) return;
  Plot plot;
  plot.is_public = true;
  plot.quad = MakeQuad(MeanPoint(block), Unit(rng.Uniform(0.0, 6.28)),
                       length * rng.Uniform(0.45, 0.65), length);
  plot.plan.shape = PlanShape::kChurch;
  if (Inside(block, plot.quad)) out.plots.push_back(plot);
}

void LayDwellings(const Ring& block, const PlotOptions& options, Rng& rng,
                  BlockPlots& out) {
  const double rows = std::clamp((options.density - 0.35) * 2.2, 0.0, 0.9);
  if (options.housing == Housing::kRoadside) {
    LayRoadside(block, options, rng, out);
    return;
  }
  if (options.housing == Housing::kByDensity && !rng.Chance(rows)) {
    LayDetached(block, options, rng, out);
    return;
  }
  const RowStyle style = DrawRowStyle(block, options, rng);
  LayRows(block, style, rng, out);
  // Free-standing houses in large courts.
  const double b = options.building_px;
  const double used = style.setback + std::max(style.strip, style.yard);
  const Ring court = InsetConvex(block, used + b * 0.15);
  if (InnerRadius(block) <= used + b * 0.7 || court.size() < 3) return;
  BlockPlots inside;
  LayDetached(court, options, rng, inside);
  out.plots.insert(out.plots.end(), inside.plots.begin(), inside.plots.end());
  out.parcels.insert(out.parcels.end(), inside.parcels.begin(),
                     inside.parcels.end());
}

}  // namespace

BlockPlots LayPlots(const Ring& block, const PlotOptions& options, Rng& rng) {
  BlockPlots out;
  if (block.size() < 3) return out;
  const double b = options.building_px;
  switch (options.use) {
    case BlockUse::kDwellings:
      LayDwellings(block, options, rng, out);
      break;
    case BlockUse::kPublic:
      LayPublic(block, options, rng, out);
      break;
    case BlockUse::kWorks:
      LayWorks(block, options, rng, out);
      break;
    case BlockUse::kField:
    case BlockUse::kGarden:
    case BlockUse::kOrchard:
      // A farm or a pavilion now and then.
      if (rng.Chance(0.2)) {
        PlotOptions sparse = options;
        sparse.density = 0.1;
        LayDetached(block, sparse, rng, out);
        for (Plot& plot : out.plots) plot.chance *= 0.25;
      } else if (rng.Chance(0.2)) {
        LayFarm(block, options, rng, out);
      } else {
        out.parcels = CutParcels(block, b * rng.Uniform(3.0, 8.0), 0.6, rng);
      }
      break;
    case BlockUse::kCemetery:
    case BlockUse::kSquare:
      if (rng.Chance(0.4)) LayChurch(block, options, rng, out);
      break;
  }
  return out;
}

}  // namespace mapweave::synth
