// SPDX-License-Identifier: MIT
#include "synth/alterations.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mapweave::synth {
namespace {

constexpr int kTries = 8;
// Walls that touch are no collision.
constexpr double kTouch = 0.05;
// What a house must measure at least, in pixels.
constexpr double kMinDepthPx = 1.2;
constexpr double kMinPartPx2 = 12.0;

double Cross(Point2d a, Point2d b) { return a.x * b.y - a.y * b.x; }

struct Edge {
  Point2d from;
  Point2d along;  // of length one
  Point2d out;    // of length one, away from the building
  double length = 0.0;
};

Edge EdgeOf(const Ring& shell, size_t i) {
  Edge edge;
  edge.from = shell[i];
  const Point2d d = shell[(i + 1) % shell.size()] - edge.from;
  edge.length = std::max(1e-9, Norm(d));
  edge.along = d * (1.0 / edge.length);
  edge.out = Perp(edge.along) * -1.0;
  return edge;
}

size_t PickEdge(const Ring& shell, Rng& rng) {
  std::vector<double> lengths;
  for (size_t i = 0; i < shell.size(); ++i)
    lengths.push_back(EdgeOf(shell, i).length);
  return rng.Choice(lengths);
}

Edge LongestEdgeOf(const Ring& shell) {
  Edge best;
  for (size_t i = 0; i < shell.size(); ++i) {
    const Edge edge = EdgeOf(shell, i);
    if (edge.length > best.length) best = edge;
  }
  return best;
}

double ExtentAlong(const Ring& ring, Point2d axis) {
  const auto [low, high] =
      std::ranges::minmax(ring, {}, [&](Point2d p) { return Dot(p, axis); });
  return Dot(high - low, axis);
}

std::optional<Polygon> Single(MultiPolygon parts) {
  if (parts.size() != 1) return std::nullopt;
  return std::move(parts[0]);
}

// Whether a cut did what it was meant to; beside a parallel edge it may not.
bool Keeps(const Polygon& before, const Polygon& after, double share) {
  return std::abs(AreaOf(after) - share * AreaOf(before)) <
         0.02 * AreaOf(before);
}

// A wing of `area` on some edge.
std::optional<Polygon> AddWing(const Polygon& outline, double area,
                               const GroundCheck& is_free, Rng& rng) {
  const Edge edge = EdgeOf(outline.shell, PickEdge(outline.shell, rng));
  const double share = rng.Chance(0.45) ? 1.0 : rng.Uniform(0.35, 0.75);
  const double width = edge.length * share;
  const double depth = area / width;
  if (depth < kMinDepthPx || depth > 2.5 * width) return std::nullopt;
  const double places[] = {0.0, 1.0, rng.Uniform()};
  const Point2d a = edge.from + edge.along * ((edge.length - width) *
                                              places[rng.Choice({1, 1, 1})]);
  const Point2d b = share == 1.0 ? edge.from + edge.along * edge.length
                                 : a + edge.along * width;
  const Polygon wing{{b, a, a + edge.out * depth, b + edge.out * depth}, {}};
  if (Collide(wing, outline, kTouch) || !is_free(wing)) return std::nullopt;
  return Single(Dissolve({outline, wing}));
}

// `outline` without the corner beyond two lines at right angles.
std::optional<Polygon> CutCorner(const Polygon& outline, double share,
                                 Rng& rng) {
  const Edge edge = EdgeOf(outline.shell, PickEdge(outline.shell, rng));
  const Point2d u = rng.Chance(0.5) ? edge.along : edge.along * -1.0;
  const Point2d v = rng.Chance(0.5) ? edge.out : edge.out * -1.0;
  const double side_share = std::sqrt(share) * rng.Uniform(0.8, 1.25);
  const double at_u = OffsetOfShare(outline, u, side_share);
  const auto strip = Single(CutOutline(outline, u * at_u, u));
  const auto rest = Single(CutOutline(outline, u * at_u, u * -1.0));
  if (!strip || !rest) return std::nullopt;
  const double corner = share * AreaOf(outline) / AreaOf(*strip);
  if (corner >= 0.85) return std::nullopt;
  const double at_v = OffsetOfShare(*strip, v, corner);
  const auto kept = Single(CutOutline(*strip, v * at_v, v * -1.0));
  if (!kept) return std::nullopt;
  auto cut = Single(Dissolve({*rest, *kept}));
  if (!cut || !Keeps(outline, *cut, 1.0 - share)) return std::nullopt;
  return cut;
}

std::optional<Polygon> FillNotch(const Polygon& outline,
                                 const GroundCheck& is_free, Rng& rng) {
  const Ring& shell = outline.shell;
  const size_t n = shell.size();
  if (n < 6) return std::nullopt;
  const auto i = static_cast<size_t>(rng.Int(0, static_cast<int64_t>(n) - 1));
  const Point2d at = shell[i];
  const Point2d before = shell[(i + n - 1) % n];
  const Point2d after = shell[(i + 1) % n];
  const double area = -Cross(at - before, after - at);  // > 0: a notch
  if (area < 2.0 || area > 0.22 * AreaOf(outline)) return std::nullopt;
  const Polygon notch{{before, before + after - at, after, at}, {}};
  if (Collide(notch, outline, kTouch) || !is_free(notch)) return std::nullopt;
  return Single(Dissolve({outline, notch}));
}

std::optional<Polygon> DropBay(const Polygon& outline, Rng& rng) {
  const size_t n = outline.shell.size();
  if (n < 8) return std::nullopt;
  const auto i = static_cast<size_t>(rng.Int(0, static_cast<int64_t>(n) - 1));
  const auto turn = [&](size_t k) {
    const Ring& r = outline.shell;
    return Cross(r[k % n] - r[(k + n - 1) % n], r[(k + 1) % n] - r[k % n]);
  };
  if (turn(i) > 0 || turn(i + 1) < 0 || turn(i + 2) < 0 || turn(i + 3) > 0)
    return std::nullopt;
  Polygon without{{}, outline.holes};
  for (size_t k = 3; k <= n; ++k)
    without.shell.push_back(outline.shell[(i + k) % n]);
  without = Tidy(without);
  const double lost = AreaOf(outline) - AreaOf(without);
  if (lost < 1.0 || lost > 0.22 * AreaOf(outline)) return std::nullopt;
  return without;
}

std::optional<Polygon> Chamfer(const Polygon& outline, Rng& rng) {
  const size_t n = outline.shell.size();
  const auto i = static_cast<size_t>(rng.Int(0, static_cast<int64_t>(n) - 1));
  const Edge before = EdgeOf(outline.shell, (i + n - 1) % n);
  const Edge after = EdgeOf(outline.shell, i);
  if (Cross(before.along, after.along) < 0.5) return std::nullopt;
  const double d =
      std::min(before.length, after.length) * rng.Uniform(0.25, 0.5);
  if (d < 1.5) return std::nullopt;
  Polygon cut = outline;
  cut.shell[i] = after.from - before.along * d;
  cut.shell.insert(cut.shell.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                   after.from + after.along * d);
  return cut;
}

// Whether what shares a corner of the graph of overlaps is one group, and each
// is in it.
bool HangTogether(const std::vector<std::vector<bool>>& tied) {
  const size_t rows = tied.size();
  const size_t columns = tied[0].size();
  std::vector<bool> row_in(rows, false);
  std::vector<bool> column_in(columns, false);
  row_in[0] = true;
  for (size_t round = 0; round < rows + columns; ++round) {
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < columns; ++j) {
        if (!tied[i][j] || row_in[i] == column_in[j]) continue;
        row_in[i] = column_in[j] = true;
      }
    }
  }
  return std::ranges::all_of(row_in, std::identity{}) &&
         std::ranges::all_of(column_in, std::identity{});
}

// What of `polygon` lies between two lines across `normal`.
std::optional<Polygon> Slice(const Polygon& polygon, Point2d normal, double low,
                             double high) {
  const auto upper = Single(CutOutline(polygon, normal * low, normal));
  if (!upper) return std::nullopt;
  return Single(CutOutline(*upper, normal * high, normal * -1.0));
}

double SliceArea(const Polygon& polygon, Point2d normal, double low,
                 double high) {
  double area = 0.0;
  for (const Polygon& part : CutOutline(polygon, normal * low, normal))
    for (const Polygon& slice : CutOutline(part, normal * high, normal * -1.0))
      area += AreaOf(slice);
  return area;
}

}  // namespace

std::optional<Polygon> Enlarge(const Polygon& outline,
                               const GroundCheck& is_free, Rng& rng) {
  const double area = AreaOf(outline);
  for (int i = 0; i < kTries; ++i) {
    if (auto larger =
            AddWing(outline, area * rng.Uniform(0.2, 0.5), is_free, rng)) {
      return larger;
    }
  }
  return std::nullopt;
}

std::optional<Polygon> Reduce(const Polygon& outline, Rng& rng) {
  for (int i = 0; i < kTries; ++i) {
    const Edge edge = EdgeOf(outline.shell, PickEdge(outline.shell, rng));
    const double share = rng.Uniform(0.55, 0.8);
    const Point2d normal = rng.Chance(0.5) ? edge.out : edge.along;
    const Point2d side = rng.Chance(0.5) ? normal : normal * -1.0;
    const double at = OffsetOfShare(outline, side, share);
    auto kept = Single(CutOutline(outline, side * at, side));
    if (kept && AreaOf(*kept) >= kMinPartPx2 && Keeps(outline, *kept, share))
      return kept;
  }
  return std::nullopt;
}

std::optional<Polygon> Reshape(const Polygon& outline,
                               const GroundCheck& is_free, Rng& rng) {
  const double area = AreaOf(outline);
  for (int i = 0; i < kTries; ++i) {
    const auto cut = CutCorner(outline, rng.Uniform(0.17, 0.28), rng);
    if (!cut) continue;
    // The wing stands on new ground, not in the corner that was given up.
    const GroundCheck is_new = [&](const Polygon& wing) {
      return !Collide(wing, outline, kTouch) && is_free(wing);
    };
    if (auto changed =
            AddWing(*cut, area * rng.Uniform(0.17, 0.28), is_new, rng)) {
      return changed;
    }
  }
  return std::nullopt;
}

std::optional<Polygon> Generalise(const Polygon& outline,
                                  const GroundCheck& is_free, Rng& rng) {
  const double area = AreaOf(outline);
  for (int i = 0; i < kTries; ++i) {
    std::optional<Polygon> drawn;
    switch (rng.Choice({0.3, 0.25, 0.2, 0.15, 0.1})) {
      case 0:
        if (outline.holes.empty()) continue;
        drawn = Polygon{outline.shell, {}};
        break;
      case 1:
        drawn = FillNotch(outline, is_free, rng);
        break;
      case 2:
        drawn = DropBay(outline, rng);
        break;
      case 3:
        drawn = Chamfer(outline, rng);
        break;
      default:
        drawn = AddWing(outline, area * rng.Uniform(0.05, 0.1), is_free, rng);
        break;
    }
    if (!drawn) continue;
    const double ratio = AreaOf(*drawn) / area;
    if (std::min(ratio, 1.0 / ratio) >= 0.7) return drawn;
  }
  return std::nullopt;
}

std::optional<Polygon> RebuildWithin(const Polygon& outline, Rng& rng) {
  if (AreaOf(outline) < 2.5 * kMinPartPx2) return std::nullopt;
  for (int i = 0; i < kTries; ++i) {
    const Edge edge = EdgeOf(outline.shell, PickEdge(outline.shell, rng));
    const Point2d side = rng.Chance(0.7) ? edge.out : edge.along;
    const double share = rng.Uniform(0.4, 0.6);
    const double at = OffsetOfShare(outline, side, share);
    auto part = Single(CutOutline(outline, side * at, side));
    if (part && Keeps(outline, *part, share)) return part;
  }
  return std::nullopt;
}

Parts Split(const Polygon& outline, Rng& rng) {
  const double area = AreaOf(outline);
  const Edge longest = LongestEdgeOf(outline.shell);
  const double along = ExtentAlong(outline.shell, longest.along);
  const double across = ExtentAlong(outline.shell, longest.out);
  const bool lengthwise = along >= across * rng.Uniform(0.7, 1.1);
  const Point2d axis = lengthwise ? longest.along : longest.out;
  const double extent = lengthwise ? along : across;
  const double ratio = extent / std::max(1.0, lengthwise ? across : along);
  for (int i = 0; i < kTries; ++i) {
    const size_t parts = ratio > 2.0 && rng.Chance(0.35) ? 3 : 2;
    if (area < kMinPartPx2 * 1.3 * static_cast<double>(parts)) return {};
    Parts out;
    out.share_walls = extent < 10.0 ? rng.Chance(0.9) : rng.Chance(0.55);
    const double gap =
        out.share_walls ? 0.0 : std::min(rng.Uniform(1.0, 3.0), extent * 0.12);
    double low = -1e9;
    double share = 1.0;
    for (size_t k = 0; k < parts; ++k) {
      const bool last = k + 1 == parts;
      share -= parts == 3 ? rng.Uniform(0.26, 0.4) : rng.Uniform(0.3, 0.7);
      const double high = last ? 1e9 : OffsetOfShare(outline, axis, share);
      const auto part = Slice(outline, axis, low + (k > 0 ? gap / 2 : 0.0),
                              high - (last ? 0.0 : gap / 2));
      if (!part || AreaOf(*part) < kMinPartPx2) break;
      out.outlines.push_back(*part);
      low = high;
    }
    if (out.outlines.size() == parts) return out;
  }
  return {};
}

std::optional<Polygon> Join(const Polygon& a, const Polygon& b, double max_gap,
                            const GroundCheck& is_free) {
  if (!Collide(a, b, -max_gap) || Collide(a, b, kTouch)) return std::nullopt;
  if (auto joined = Single(Dissolve({a, b}))) return joined;
  std::optional<Polygon> bridge;
  double widest = 0.0;
  for (size_t i = 0; i < a.shell.size(); ++i) {
    const Edge wall = EdgeOf(a.shell, i);
    for (size_t j = 0; j < b.shell.size(); ++j) {
      const Edge other = EdgeOf(b.shell, j);
      const double facing = Dot(wall.along, other.along);
      if (facing > -0.94) continue;
      // Where along the wall the other begins, and how far off it is.
      const Point2d d = other.from - wall.from;
      const double begin = Dot(d, wall.along);
      const double end = begin + facing * other.length;
      const double low = std::max(0.0, end);
      const double high = std::min(wall.length, begin);
      const double near = Dot(d, wall.out);
      const double far = near + Dot(other.along, wall.out) * other.length;
      if (std::min(near, far) < kTouch || std::max(near, far) > max_gap ||
          high - low < std::max(2.0, 0.5 * std::min(wall.length, other.length)))
        continue;
      if (high - low <= widest) continue;
      const auto on_other = [&](double s) {
        return other.from + other.along * ((s - begin) / facing);
      };
      Polygon span{{wall.from + wall.along * high, wall.from + wall.along * low,
                    on_other(low), on_other(high)},
                   {}};
      if (Collide(span, a, kTouch) || Collide(span, b, kTouch)) continue;
      widest = high - low;
      bridge = std::move(span);
    }
  }
  if (!bridge || !is_free(*bridge)) return std::nullopt;
  return Single(Dissolve({a, *bridge, b}));
}

Recomposition Recompose(const std::vector<Polygon>& before,
                        const Polygon& whole, Rng& rng) {
  const Edge longest = LongestEdgeOf(whole.shell);
  constexpr int kCuts = 16;
  for (int i = 0; i < kCuts; ++i) {
    const Point2d axis = rng.Chance(0.5) ? longest.along : longest.out;
    const size_t parts = rng.Chance(0.4) ? 3 : 2;
    Recomposition out;
    out.overlap.resize(before.size());
    std::vector<std::vector<bool>> tied(before.size());
    double low = -1e9;
    double share = 1.0;
    double best = 0.0;
    for (size_t k = 0; k < parts; ++k) {
      share -= parts == 3 ? rng.Uniform(0.2, 0.5) : rng.Uniform(0.25, 0.75);
      if (share < 0.1 && k + 1 < parts) break;
      const double high =
          k + 1 == parts ? 1e9 : OffsetOfShare(whole, axis, share);
      const auto part = Slice(whole, axis, low, high);
      if (!part || AreaOf(*part) < kMinPartPx2) break;
      for (size_t old = 0; old < before.size(); ++old) {
        const double common = SliceArea(before[old], axis, low, high);
        const double area = AreaOf(before[old]);
        out.overlap[old].push_back(common);
        // A little above one half: drawings are not that exact.
        tied[old].push_back(common >= 0.55 * std::min(area, AreaOf(*part)));
        best = std::max(best, common / (area + AreaOf(*part) - common));
      }
      out.outlines.push_back(*part);
      low = high;
    }
    // Walls that stay in their places are no recomposition.
    if (out.outlines.size() == parts && best < 0.8 && HangTogether(tied))
      return out;
  }
  return {};
}

}  // namespace mapweave::synth
