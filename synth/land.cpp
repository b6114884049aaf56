// SPDX-License-Identifier: MIT
#include "synth/land.h"

#include "synth/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <utility>

namespace mapweave::synth {
namespace {

// A winding line through the region, from edge to edge.
std::vector<Point2d> WindingLine(Box region, double straightness, Rng& rng) {
  const Point2d centre{rng.Uniform(region.min_x, region.max_x),
                       rng.Uniform(region.min_y, region.max_y)};
  const double reach =
      std::hypot(region.max_x - region.min_x, region.max_y - region.min_y);
  const double angle = rng.Uniform(0.0, 2.0 * std::numbers::pi);
  const Point2d along = Unit(angle);
  const double length = rng.Uniform(0.25, 0.7) * reach;
  const double swing = length * rng.Uniform(0.03, 0.16) * (1 - straightness);
  const double phase = rng.Uniform(0.0, 6.28);
  const double phase2 = rng.Uniform(0.0, 6.28);
  std::vector<Point2d> line;
  const int steps = std::max(8, static_cast<int>(reach / 6.0));
  for (int i = 0; i <= steps; ++i) {
    const double s = (2.0 * i / steps - 1.0) * reach;
    const double off = swing * (std::sin(phase + s * 6.28 / length) +
                                0.35 * std::sin(phase2 + s * 17.0 / length));
    line.push_back(centre + along * s + Perp(along) * off);
  }
  return line;
}

// Heights at the corners of square cells.
class HeightGrid {
 public:
  HeightGrid(const HeightField& field, Box region, double step)
      : region_(region), step_(step) {
    columns_ = static_cast<int>((region.max_x - region.min_x) / step) + 2;
    rows_ = static_cast<int>((region.max_y - region.min_y) / step) + 2;
    for (int y = 0; y < rows_; ++y)
      for (int x = 0; x < columns_; ++x)
        heights_.push_back(field.Height(Corner(x, y)));
  }

  std::pair<double, double> Range() const {
    const auto [low, high] = std::ranges::minmax(heights_);
    return {low, high};
  }

  // The lines of one height: marching squares (Lorensen & Cline, 1987, in the
  // plane), cells joined by the edges that they share.
  std::vector<Contour> Trace(double metres) const {
    std::map<int, int> next;  // from the edge a line enters a cell by
    for (int y = 0; y + 1 < rows_; ++y)
      for (int x = 0; x + 1 < columns_; ++x) AddCell(x, y, metres, next);
    std::map<int, int> previous;
    for (const auto& [from, to] : next) previous[to] = from;
    std::vector<Contour> contours;
    while (!next.empty()) {
      int start = next.begin()->first;
      for (int k = start; previous.contains(k);) {
        k = previous[k];
        if (k == next.begin()->first) break;
        start = k;
      }
      Contour contour;
      contour.metres = metres;
      contour.closed = previous.contains(start);
      int at = start;
      contour.line.push_back(Crossing(at, metres));
      for (auto it = next.find(at); it != next.end(); it = next.find(at)) {
        previous.erase(it->second);
        at = it->second;
        next.erase(it);
        if (contour.closed && at == start) break;
        contour.line.push_back(Crossing(at, metres));
      }
      contours.push_back(std::move(contour));
    }
    return contours;
  }

 private:
  Point2d Corner(int x, int y) const {
    return {region_.min_x + x * step_, region_.min_y + y * step_};
  }
  double At(int x, int y) const {
    return heights_[static_cast<size_t>(y) * static_cast<size_t>(columns_) +
                    static_cast<size_t>(x)];
  }

  // Edges are numbered by their upper or left corner; odd ones run down.
  int EdgeId(int x, int y, bool down) const {
    return 2 * (y * columns_ + x) + (down ? 1 : 0);
  }
  Point2d Crossing(int edge, double metres) const {
    const int x = edge / 2 % columns_;
    const int y = edge / 2 / columns_;
    const bool down = edge % 2 == 1;
    const double a = At(x, y);
    const double b = down ? At(x, y + 1) : At(x + 1, y);
    const Point2d p = Corner(x, y);
    const Point2d q = down ? Corner(x, y + 1) : Corner(x + 1, y);
    return p + (q - p) * ((metres - a) / (b - a));
  }

  // Lines through the cell, higher ground to one and the same side.
  void AddCell(int x, int y, double metres, std::map<int, int>& next) const {
    // Corners and edges in turn: upper left, upper, upper right, right ...
    const std::array<bool, 4> high = {
        At(x, y) >= metres, At(x + 1, y) >= metres, At(x + 1, y + 1) >= metres,
        At(x, y + 1) >= metres};
    const std::array<int, 4> edges = {
        EdgeId(x, y, false), EdgeId(x + 1, y, true), EdgeId(x, y + 1, false),
        EdgeId(x, y, true)};
    for (size_t i = 0; i < 4; ++i) {
      // In by the edge where the ground falls, out by the next where it rises.
      if (!high[i] || high[(i + 1) % 4]) continue;
      size_t k = (i + 1) % 4;
      while (high[k] || !high[(k + 1) % 4]) k = (k + 1) % 4;
      next[edges[i]] = edges[k];
    }
  }

  Box region_;
  double step_;
  int columns_ = 0;
  int rows_ = 0;
  std::vector<double> heights_;
};

void AddLine(World& world, LineKind kind, std::vector<Point2d> line,
             bool closed, double width_px) {
  if (line.size() >= 2)
    world.lines.push_back({kind, std::move(line), closed, width_px});
}

// From one side of a block to the other, swinging a little.
std::vector<Point2d> CrossBlock(const Ring& outline, Rng& rng) {
  const auto last = static_cast<int64_t>(outline.size()) - 1;
  const Point2d a = outline[static_cast<size_t>(rng.Int(0, last))];
  const Point2d b = outline[static_cast<size_t>(rng.Int(0, last))];
  const double swing = rng.Uniform(-0.15, 0.15);
  const double waves = rng.Uniform(1.0, 2.5) * std::numbers::pi;
  std::vector<Point2d> line;
  constexpr int kSteps = 14;
  for (int i = 0; i <= kSteps; ++i) {
    const double t = static_cast<double>(i) / kSteps;
    line.push_back(a + (b - a) * t +
                   Perp(b - a) * (swing * std::sin(waves * t) *
                                  std::sin(std::numbers::pi * t)));
  }
  return line;
}

void AddFieldLines(World& world, const WorldBlock& block, Rng& rng) {
  const double b = world.options.building_px;
  if (rng.Chance(0.4)) {
    for (const Ring& parcel : block.parcels) {
      if (rng.Chance(0.5))
        AddLine(world, LineKind::kHedge, parcel, true, 0.15 * b);
    }
  }
  if (rng.Chance(0.35)) {
    AddLine(world, LineKind::kTrack, CrossBlock(block.outline, rng), false,
            b * rng.Uniform(0.2, 0.4));
  }
  if (rng.Chance(0.35)) {
    AddLine(world, LineKind::kPath, CrossBlock(block.outline, rng), false, 1.0);
  }
}

void AddBlockLines(World& world, const WorldBlock& block, Rng& rng) {
  const double b = world.options.building_px;
  switch (block.use) {
    case BlockUse::kField:
      AddFieldLines(world, block, rng);
      break;
    case BlockUse::kOrchard:
      AddLine(world, LineKind::kHedge, OffsetInward(block.outline, 1.0), true,
              0.15 * b);
      break;
    case BlockUse::kGarden:
    case BlockUse::kPublic:
    case BlockUse::kCemetery:
    case BlockUse::kWorks:
      if (rng.Chance(0.35)) {
        AddLine(world, LineKind::kWall,
                OffsetInward(block.outline, b * rng.Uniform(0.02, 0.12) + 0.5),
                true, rng.Uniform(0.8, 1.6));
      } else if (rng.Chance(0.08)) {
        AddLine(world, LineKind::kMoat, OffsetInward(block.outline, 0.2 * b),
                true, b * rng.Uniform(0.2, 0.5));
      }
      break;
    default:
      break;
  }
}

}  // namespace

void AddWaters(World& world, Box region, Rng rng) {
  const WorldOptions& options = world.options;
  const double b = options.building_px;
  if (rng.Chance(options.water)) {
    WorldWater river;
    river.width_px = b * std::exp(rng.Uniform(0.0, 2.3));
    river.centreline = WindingLine(region, 0.0, rng);
    const auto left = ParallelLine(river.centreline, river.width_px / 2);
    const auto right = ParallelLine(river.centreline, -river.width_px / 2);
    river.outline = left;
    river.outline.insert(river.outline.end(), right.rbegin(), right.rend());
    world.waters.push_back(std::move(river));
  }
  const double area = (region.max_x - region.min_x) *
                      (region.max_y - region.min_y) / (b * b * 900.0);
  const int ponds = static_cast<int>(
      options.water * area * rng.Uniform(0.0, 1.2) + rng.Uniform());
  for (int i = 0; i < ponds; ++i) {
    WorldWater pond;
    const Point2d at{rng.Uniform(region.min_x, region.max_x),
                     rng.Uniform(region.min_y, region.max_y)};
    const double radius = b * rng.Uniform(0.6, 2.2);
    const double p1 = rng.Uniform(0.0, 6.28);
    const double p2 = rng.Uniform(0.0, 6.28);
    if (rng.Chance(0.3)) {  // a dock
      const double side = radius * rng.Uniform(0.5, 1.5);
      pond.outline = MapRing(
          {{-radius, -side}, {radius, -side}, {radius, side}, {-radius, side}},
          {0, 0}, options.angle_rad, at, 1.0);
      world.waters.push_back(std::move(pond));
      continue;
    }
    for (int k = 0; k < 24; ++k) {
      const double a = 6.2832 * k / 24;
      const double r = radius * (1.0 + 0.25 * std::sin(2 * a + p1) +
                                 0.15 * std::sin(3 * a + p2));
      pond.outline.push_back(at + Unit(a) * r);
    }
    world.waters.push_back(std::move(pond));
  }
}

void AddRailway(World& world, Box region, Rng rng) {
  if (!rng.Chance(0.25)) return;
  std::vector<Point2d> line = WindingLine(region, 0.8, rng);
  if (rng.Chance(0.5)) {
    const auto length = static_cast<int64_t>(line.size());
    const auto from = static_cast<size_t>(rng.Int(0, length / 2));
    const auto count = static_cast<size_t>(rng.Int(length / 6, length / 2));
    AddLine(world, LineKind::kEmbankment,
            {line.begin() + static_cast<std::ptrdiff_t>(from),
             line.begin() + static_cast<std::ptrdiff_t>(from + count)},
            false, world.options.building_px * rng.Uniform(0.6, 1.2));
  }
  world.railways.push_back(std::move(line));
}

void AddRelief(World& world, Box region, Rng rng) {
  if (!rng.Chance(world.options.relief)) return;
  // Valleys and hills far wider than houses; contours some houses apart.
  const double b = world.options.building_px;
  const double wide = std::max(120.0, b * rng.Uniform(12.0, 30.0));
  double steepest = 0.0;
  constexpr int kWaves = 5;
  for (int i = 0; i < kWaves; ++i) {
    const double length = wide * rng.Uniform(0.7, 2.5);
    const Point2d k = Unit(rng.Uniform(0.0, 2.0 * std::numbers::pi)) *
                      (2.0 * std::numbers::pi / length);
    const double metres = length * 0.02 * rng.Uniform(0.3, 1.0);
    world.relief.field.waves.push_back(
        {k.x, k.y, rng.Uniform(0.0, 2.0 * std::numbers::pi), metres});
    steepest += metres * Norm(k);
  }
  const double spacing = rng.Uniform(5.0, 16.0);
  const double interval = steepest * 0.6 * spacing;
  const HeightGrid grid(world.relief.field, region, std::max(6.0, wide / 24.0));
  const auto [low, high] = grid.Range();
  for (int n = static_cast<int>(std::ceil(low / interval)); n * interval < high;
       ++n) {
    for (Contour& contour : grid.Trace(n * interval)) {
      contour.index = n % 5 == 0;
      world.relief.contours.push_back(std::move(contour));
    }
  }
}

void AddLines(World& world, Box region, Rng rng) {
  for (size_t i = 0; i < world.blocks.size(); ++i) {
    Rng block_rng = rng.Fork(i);
    AddBlockLines(world, world.blocks[i], block_rng);
  }
  for (const WorldWater& water : world.waters) {
    if (water.centreline.empty() || !rng.Chance(0.25)) continue;
    const double side = rng.Chance(0.5) ? 1.0 : -1.0;
    const double width = world.options.building_px * rng.Uniform(0.5, 1.0);
    AddLine(world, LineKind::kEmbankment,
            ParallelLine(water.centreline,
                         side * (water.width_px / 2 + width * 0.7)),
            false, width);
  }
  if (world.options.plan != PlanFamily::kRural &&
      world.options.plan != PlanFamily::kVillage) {
    return;
  }
  const double open = (region.max_x - region.min_x) *
                      (region.max_y - region.min_y) /
                      std::pow(world.options.building_px * 60.0, 2.0);
  const int tracks =
      static_cast<int>(open * rng.Uniform(0.0, 1.5) + rng.Uniform(0.0, 1.2));
  for (int i = 0; i < tracks; ++i) {
    AddLine(world, LineKind::kTrack, WindingLine(region, 0.4, rng), false,
            world.options.building_px * rng.Uniform(0.2, 0.4));
  }
}

double HeightField::Height(Point2d p) const {
  double height = 0.0;
  for (const Wave& w : waves)
    height += w.metres * std::sin(w.kx * p.x + w.ky * p.y + w.phase);
  return height;
}

Point2d HeightField::Slope(Point2d p) const {
  Point2d slope;
  for (const Wave& w : waves) {
    const double c = w.metres * std::cos(w.kx * p.x + w.ky * p.y + w.phase);
    slope = slope + Point2d{w.kx, w.ky} * c;
  }
  return slope;
}

}  // namespace mapweave::synth
