// SPDX-License-Identifier: MIT
#include "synth/outline.h"

#include "tracking/mask.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace mapweave::synth {
namespace {

// Points nearer than this are one point; far below what any map resolves, far
// above what arithmetic loses.
constexpr double kSame = 1e-6;

double Cross(Point2d a, Point2d b) { return a.x * b.y - a.y * b.x; }

// Without vertices that repeat or lie on the line between their neighbours.
Ring Cleaned(const Ring& ring) {
  Ring out = ring;
  bool changed = true;
  while (changed && out.size() >= 3) {
    changed = false;
    for (size_t i = 0; i < out.size() && out.size() >= 3; ++i) {
      const size_t n = out.size();
      const Point2d before = out[i] - out[(i + n - 1) % n];
      const Point2d after = out[(i + 1) % n] - out[i];
      const double reach = std::max(Norm(before), Norm(after));
      if (std::abs(Cross(before, after)) > kSame * reach) continue;
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
      changed = true;
      break;
    }
  }
  if (out.size() < 3) out.clear();
  return out;
}

void Orient(Ring& ring, double sign) {
  if (SignedArea(ring) * sign < 0) std::ranges::reverse(ring);
}

// A stretch of a ring on the kept side of a line, from where it comes in to
// where it goes out; the ends are positions along the line.
struct Chain {
  Ring points;
  double in = 0.0;
  double out = 0.0;
};

// Appends the kept stretches of `ring`. False: all of it lies on one side.
bool AddChains(const Ring& ring, Point2d at, Point2d normal,
               std::vector<Chain>& chains) {
  const size_t n = ring.size();
  const Point2d along{normal.y, -normal.x};
  const auto side = [&](size_t i) { return Dot(ring[i % n] - at, normal); };
  size_t entry = n;
  for (size_t i = 0; i < n && entry == n; ++i)
    if (side(i) < 0 && side(i + 1) >= 0) entry = i;
  if (entry == n) return false;
  const auto crossing = [&](size_t i) {
    const Point2d p = ring[i % n];
    const double d = side(i);
    return p + (ring[(i + 1) % n] - p) * (d / (d - side(i + 1)));
  };
  for (size_t k = 0; k < n; ++k) {
    const size_t i = entry + k;
    const bool now = side(i) >= 0;
    const bool next = side(i + 1) >= 0;
    if (!now && next) {
      chains.emplace_back();
      chains.back().points.push_back(crossing(i));
      chains.back().in = Dot(chains.back().points[0] - at, along);
    }
    if (next) chains.back().points.push_back(ring[(i + 1) % n]);
    if (now && !next) {
      chains.back().points.push_back(crossing(i));
      chains.back().out = Dot(chains.back().points.back() - at, along);
    }
  }
  return true;
}

// Joins the stretches along the line into rings. The line is walked with the
// kept side to the left: from where one stretch goes out to the next place
// where one comes in. None if the places do not alternate.
std::optional<std::vector<Ring>> JoinChains(const std::vector<Chain>& chains) {
  std::vector<size_t> ins(chains.size());
  for (size_t i = 0; i < ins.size(); ++i) ins[i] = i;
  std::vector<size_t> outs = ins;
  std::ranges::sort(ins, {}, [&](size_t i) { return chains[i].in; });
  std::ranges::sort(outs, {}, [&](size_t i) { return chains[i].out; });
  std::vector<size_t> next(chains.size());
  for (size_t k = 0; k < chains.size(); ++k) {
    const double from = chains[outs[k]].out;
    const double to = chains[ins[k]].in;
    if (from >= to) return std::nullopt;
    if (k + 1 < chains.size() && chains[outs[k + 1]].out < to)
      return std::nullopt;
    next[outs[k]] = ins[k];
  }
  std::vector<Ring> rings;
  std::vector<bool> used(chains.size(), false);
  for (size_t i = 0; i < chains.size(); ++i) {
    if (used[i]) continue;
    Ring ring;
    for (size_t k = i; !used[k]; k = next[k]) {
      used[k] = true;
      ring.insert(ring.end(), chains[k].points.begin(), chains[k].points.end());
    }
    rings.push_back(std::move(ring));
  }
  return rings;
}

// Puts every hole into the shell around it.
MultiPolygon Assemble(std::vector<Ring> shells, std::vector<Ring> holes) {
  MultiPolygon out;
  for (Ring& shell : shells) {
    shell = Cleaned(shell);
    if (!shell.empty()) out.push_back({std::move(shell), {}});
  }
  for (Ring& hole : holes) {
    hole = Cleaned(hole);
    if (hole.empty()) continue;
    const Point2d middle = (hole[0] + hole[1]) * 0.5;
    for (Polygon& polygon : out) {
      if (!Contains(polygon.shell, middle)) continue;
      polygon.holes.push_back(hole);
      break;
    }
  }
  return out;
}

MultiPolygon FromRings(std::vector<Ring> rings) {
  std::vector<Ring> shells;
  std::vector<Ring> holes;
  for (Ring& ring : rings)
    (SignedArea(ring) > 0 ? shells : holes).push_back(std::move(ring));
  return Assemble(std::move(shells), std::move(holes));
}

// The edges of polygons as pairs of numbered points.
class EdgeSet {
 public:
  using Edge = std::pair<size_t, size_t>;

  void Add(const Ring& ring) {
    for (size_t i = 0; i < ring.size(); ++i) {
      const Edge edge{Number(ring[i]), Number(ring[(i + 1) % ring.size()])};
      if (edge.first != edge.second) edges_.push_back(edge);
    }
  }

  void Add(const Polygon& polygon) {
    Add(polygon.shell);
    for (const Ring& hole : polygon.holes) Add(hole);
  }

  size_t Size() const { return edges_.size(); }
  Point2d Middle(const Edge& edge) const {
    return (points_[edge.first] + points_[edge.second]) * 0.5;
  }
  void Keep(std::vector<Edge> edges) { edges_ = std::move(edges); }

  // Makes points of the places where the first `count` edges cross the others.
  void AddCrossings(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const Point2d p = points_[edges_[i].first];
      const Point2d d = points_[edges_[i].second] - p;
      for (size_t j = count; j < edges_.size(); ++j) {
        const Point2d q = points_[edges_[j].first];
        const Point2d e = points_[edges_[j].second] - q;
        const double turn = Cross(d, e);
        if (std::abs(turn) < kSame) continue;
        const double s = Cross(q - p, e) / turn;
        const double t = Cross(q - p, d) / turn;
        if (s >= 0.0 && s <= 1.0 && t >= 0.0 && t <= 1.0) Number(p + d * s);
      }
    }
  }

  // Edges [from, to) cut at the points on them, sorted.
  std::vector<Edge> Cut(size_t from, size_t to) const {
    std::vector<Edge> cut;
    for (size_t i = from; i < to; ++i) CutAtPoints(edges_[i], cut);
    std::ranges::sort(cut);
    return cut;
  }

  // Cuts every edge at the points on it, then takes out what is there both
  // ways.
  void Cancel() {
    const std::vector<Edge> cut = Cut(0, edges_.size());
    edges_.clear();
    for (const Edge& edge : cut) {
      if (!std::ranges::binary_search(cut, Edge{edge.second, edge.first}))
        edges_.push_back(edge);
    }
  }

  // Closed rings of what is left; where several meet in a point, each keeps to
  // its own inside.
  std::vector<Ring> Trace() const {
    std::vector<Ring> rings;
    std::vector<bool> used(edges_.size(), false);
    for (size_t start = 0; start < edges_.size(); ++start) {
      if (used[start]) continue;
      Ring ring;
      size_t at = start;
      while (!used[at]) {
        used[at] = true;
        ring.push_back(points_[edges_[at].first]);
        const std::optional<size_t> next = Next(edges_[at], used);
        if (!next) break;
        at = *next;
      }
      if (ring.size() >= 3) rings.push_back(std::move(ring));
    }
    return rings;
  }

 private:
  size_t Number(Point2d p) {
    for (size_t i = 0; i < points_.size(); ++i)
      if (Norm(points_[i] - p) < kSame) return i;
    points_.push_back(p);
    return points_.size() - 1;
  }

  void CutAtPoints(const Edge& edge, std::vector<Edge>& out) const {
    const Point2d a = points_[edge.first];
    const Point2d d = points_[edge.second] - a;
    const double length = Norm(d);
    std::vector<std::pair<double, size_t>> stops;
    for (size_t i = 0; i < points_.size(); ++i) {
      if (i == edge.first || i == edge.second) continue;
      const double along = Dot(points_[i] - a, d) / length;
      if (along <= 0.0 || along >= length) continue;
      if (std::abs(Cross(points_[i] - a, d)) > kSame * length) continue;
      stops.emplace_back(along, i);
    }
    std::ranges::sort(stops);
    size_t from = edge.first;
    for (const auto& [along, i] : stops) {
      out.emplace_back(from, i);
      from = i;
    }
    out.emplace_back(from, edge.second);
  }

  std::optional<size_t> Next(const Edge& edge,
                             const std::vector<bool>& used) const {
    const Point2d d = points_[edge.second] - points_[edge.first];
    std::optional<size_t> best;
    double best_turn = -4.0;
    for (size_t i = 0; i < edges_.size(); ++i) {
      if (used[i] || edges_[i].first != edge.second) continue;
      const Point2d e = points_[edges_[i].second] - points_[edges_[i].first];
      const double turn = std::atan2(Cross(d, e), Dot(d, e));
      if (turn <= best_turn) continue;
      best = i;
      best_turn = turn;
    }
    return best;
  }

  std::vector<Point2d> points_;
  std::vector<Edge> edges_;
};

MultiPolygon CutTidy(const Polygon& tidy, Point2d at, Point2d normal) {
  if (tidy.shell.empty()) return {};
  std::vector<Chain> chains;
  const auto kept = [&](const Ring& ring) {
    return Dot(ring[0] - at, normal) >= 0;
  };
  if (!AddChains(tidy.shell, at, normal, chains)) {
    return kept(tidy.shell) ? MultiPolygon{tidy} : MultiPolygon{};
  }
  std::vector<Ring> whole;
  for (const Ring& hole : tidy.holes) {
    if (!AddChains(hole, at, normal, chains) && kept(hole))
      whole.push_back(hole);
  }
  std::optional<std::vector<Ring>> rings = JoinChains(chains);
  if (!rings) return {};
  return Assemble(std::move(*rings), std::move(whole));
}

bool IsInside(const Polygon& polygon, Point2d p) {
  return Contains(polygon.shell, p) &&
         std::ranges::none_of(polygon.holes, [&](const Ring& hole) {
           return Contains(hole, p);
         });
}

bool EdgesCross(const Ring& a, const Ring& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const Point2d p = a[i];
    const Point2d d = a[(i + 1) % a.size()] - p;
    for (size_t j = 0; j < b.size(); ++j) {
      const Point2d q = b[j];
      const Point2d e = b[(j + 1) % b.size()] - q;
      if (Cross(d, q - p) * Cross(d, q + e - p) < 0 &&
          Cross(e, p - q) * Cross(e, p + d - q) < 0) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

double AreaOf(const Polygon& polygon) {
  double area = std::abs(SignedArea(polygon.shell));
  for (const Ring& hole : polygon.holes) area -= std::abs(SignedArea(hole));
  return area;
}

Polygon Tidy(const Polygon& polygon) {
  Polygon out{Cleaned(polygon.shell), {}};
  Orient(out.shell, 1.0);
  for (const Ring& hole : polygon.holes) {
    Ring clean = Cleaned(hole);
    if (clean.empty()) continue;
    Orient(clean, -1.0);
    out.holes.push_back(std::move(clean));
  }
  return out;
}

MultiPolygon CutOutline(const Polygon& polygon, Point2d at, Point2d normal) {
  return CutTidy(Tidy(polygon), at, normal);
}

double OffsetOfShare(const Polygon& polygon, Point2d normal, double share) {
  double low = std::numeric_limits<double>::max();
  double high = -low;
  for (const Point2d& p : polygon.shell) {
    low = std::min(low, Dot(p, normal));
    high = std::max(high, Dot(p, normal));
  }
  const Polygon tidy = Tidy(polygon);
  const double wanted = share * AreaOf(tidy);
  constexpr int kSteps = 16;
  for (int i = 0; i < kSteps; ++i) {
    const double middle = (low + high) / 2;
    double area = 0.0;
    for (const Polygon& part : CutTidy(tidy, normal * middle, normal))
      area += AreaOf(part);
    (area > wanted ? low : high) = middle;
  }
  return (low + high) / 2;
}

MultiPolygon Dissolve(const std::vector<Polygon>& polygons) {
  EdgeSet edges;
  for (const Polygon& polygon : polygons) edges.Add(Tidy(polygon));
  edges.Cancel();
  return FromRings(edges.Trace());
}

MultiPolygon Subtract(const Polygon& a, const Polygon& b) {
  using Edge = EdgeSet::Edge;
  const Polygon from = Tidy(a);
  const Polygon what = Tidy(b);
  EdgeSet edges;
  edges.Add(from);
  const size_t count = edges.Size();
  edges.Add(what);
  edges.AddCrossings(count);
  const std::vector<Edge> own = edges.Cut(0, count);
  const std::vector<Edge> other = edges.Cut(count, edges.Size());
  const auto has = [](const std::vector<Edge>& in, const Edge& edge) {
    return std::ranges::binary_search(in, edge);
  };
  const auto turned = [](const Edge& edge) {
    return Edge{edge.second, edge.first};
  };
  std::vector<Edge> kept;
  for (const Edge& edge : own) {
    const bool shared = has(other, edge);
    const bool back_to_back = has(other, turned(edge));
    if (back_to_back || (!shared && !IsInside(what, edges.Middle(edge))))
      kept.push_back(edge);
  }
  for (const Edge& edge : other) {
    if (!has(own, edge) && !has(own, turned(edge)) &&
        IsInside(from, edges.Middle(edge))) {
      kept.push_back(turned(edge));
    }
  }
  edges.Keep(std::move(kept));
  return FromRings(edges.Trace());
}

bool Collide(const Polygon& a, const Polygon& b, double inset) {
  const Box box_a = BoundsOf(a.shell);
  const Box box_b = BoundsOf(b.shell);
  const double reach = std::max(0.0, -2.0 * inset);
  if (box_a.max_x + reach < box_b.min_x || box_b.max_x + reach < box_a.min_x ||
      box_a.max_y + reach < box_b.min_y || box_b.max_y + reach < box_a.min_y) {
    return false;
  }
  Polygon moved = a;
  moved.shell = OffsetInward(a.shell, inset);
  const auto rings = [](const Polygon& polygon) {
    std::vector<const Ring*> out = {&polygon.shell};
    for (const Ring& hole : polygon.holes) out.push_back(&hole);
    return out;
  };
  for (const Ring* ring_a : rings(moved))
    for (const Ring* ring_b : rings(b))
      if (EdgesCross(*ring_a, *ring_b)) return true;
  return std::ranges::any_of(moved.shell,
                             [&](Point2d p) { return IsInside(b, p); }) ||
         std::ranges::any_of(b.shell,
                             [&](Point2d p) { return IsInside(moved, p); });
}

double OverlapArea(const MultiPolygon& a, const MultiPolygon& b) {
  Box box{-1e300, -1e300, 1e300, 1e300};
  for (const MultiPolygon* shape : {&a, &b}) {
    Box own{1e300, 1e300, -1e300, -1e300};
    for (const Polygon& polygon : *shape) {
      const Box part = BoundsOf(polygon.shell);
      own = {std::min(own.min_x, part.min_x), std::min(own.min_y, part.min_y),
             std::max(own.max_x, part.max_x), std::max(own.max_y, part.max_y)};
    }
    box = {std::max(box.min_x, own.min_x), std::max(box.min_y, own.min_y),
           std::min(box.max_x, own.max_x), std::min(box.max_y, own.max_y)};
  }
  const double side = std::max(box.max_x - box.min_x, box.max_y - box.min_y);
  if (box.max_x <= box.min_x || box.max_y <= box.min_y) return 0.0;
  constexpr double kPixels = 96.0;
  const double scale = kPixels / side;
  const auto mask = [&](MultiPolygon shape) {
    for (Polygon& polygon : shape) {
      ForEachRing(polygon, [&](Ring& ring) {
        for (Point2d& p : ring)
          p = {(p.x - box.min_x) * scale, (p.y - box.min_y) * scale};
      });
    }
    return tracking::Mask::FromPolygons(shape);
  };
  return static_cast<double>(mask(a).IntersectionArea(mask(b))) /
         (scale * scale);
}

}  // namespace mapweave::synth
