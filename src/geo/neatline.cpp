// SPDX-License-Identifier: MIT
//
// The four sides are chosen together among the long lines near the paper's
// edges.
#include "geo/neatline.h"

#include "core/error.h"
#include "geo/neatline_lines.h"
#include "geo/neatline_ridges.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

namespace mapweave::geo {
namespace {

constexpr double kZone = 0.35;  // of the paper, in which a side is sought
constexpr double kSeen = 0.75;  // share of a side along which it is seen

// The extent of the paper along rows or columns.
struct Extent {
  int first = 0;
  int end = 0;
  int Length() const { return end - first; }
};

// True where a line goes on past the ends of a side to where the paper ends.
bool GoesOn(const Line& line, double from, double to, const Extent& paper) {
  constexpr double kBeyond = 0.7;
  // The outer lines of the frame lie right beyond.
  constexpr double kClear = kBlock / 2.0;
  return SeenWithin(line, paper.first, from - kClear) > kBeyond ||
         SeenWithin(line, to + kClear, paper.end) > kBeyond;
}

// The lines of one choice: left and right give a column for each row.
struct Sides {
  const Line* left;
  const Line* top;
  const Line* right;
  const Line* bottom;
};

// `across` gives a row for each column, `down` a column for each row; both are
// nearly straight and at right angles.
Point2d Meet(const Line& across, const Line& down) {
  Point2d p{down.At(across.course.a), across.course.a};
  for (int i = 0; i < 8; ++i) p = {down.At(p.y), across.At(p.x)};
  return p;
}

struct Quad {
  Sides sides{};
  Point2d top_left, top_right, bottom_right, bottom_left;
  double seen = 0.0;  // the least of the sides

  double Area() const {
    return std::abs(
        SignedArea({top_left, top_right, bottom_right, bottom_left}));
  }
};

std::optional<Quad> MakeQuad(const Sides& s, const Extent& cols,
                             const Extent& rows) {
  // Of opposite sides, and of neighbours from the right angle.
  constexpr double kParallel = 0.02;
  constexpr double kSmallest = 0.3;
  if (std::abs(s.top->Slope() - s.bottom->Slope()) > kParallel ||
      std::abs(s.left->Slope() - s.right->Slope()) > kParallel ||
      std::abs(s.top->Slope() + s.left->Slope()) > kParallel) {
    return std::nullopt;
  }
  Quad quad{s, Meet(*s.top, *s.left), Meet(*s.top, *s.right),
            Meet(*s.bottom, *s.right), Meet(*s.bottom, *s.left)};
  quad.seen =
      std::min({SeenWithin(*s.top, quad.top_left.x, quad.top_right.x),
                SeenWithin(*s.bottom, quad.bottom_left.x, quad.bottom_right.x),
                SeenWithin(*s.left, quad.top_left.y, quad.bottom_left.y),
                SeenWithin(*s.right, quad.top_right.y, quad.bottom_right.y)});
  const double paper =
      static_cast<double>(cols.Length()) * static_cast<double>(rows.Length());
  if (quad.seen < kSeen || quad.Area() < kSmallest * paper ||
      GoesOn(*s.top, quad.top_left.x, quad.top_right.x, cols) ||
      GoesOn(*s.bottom, quad.bottom_left.x, quad.bottom_right.x, cols) ||
      GoesOn(*s.left, quad.top_left.y, quad.bottom_left.y, rows) ||
      GoesOn(*s.right, quad.top_right.y, quad.bottom_right.y, rows)) {
    return std::nullopt;
  }
  return quad;
}

// Visible and large: no rectangle within the map is both.
const Quad& BestOf(const std::vector<Quad>& quads) {
  const double largest = std::max_element(quads.begin(), quads.end(),
                                          [](const Quad& a, const Quad& b) {
                                            return a.Area() < b.Area();
                                          })
                             ->Area();
  static constexpr double kClear = 0.9;
  const auto merit = [largest](const Quad& quad) {
    return std::min(kClear, quad.seen) + quad.Area() / largest;
  };
  return *std::max_element(
      quads.begin(), quads.end(),
      [&merit](const Quad& a, const Quad& b) { return merit(a) < merit(b); });
}

// One side of the frame: its chosen line, the others that were found near it,
// and which way the map lies.
struct SideView {
  const Line* chosen;
  const std::vector<Line>* others;
  double from;  // along the line, corner to corner
  double to;
  double inward;  // 1 or -1
};

// A line of the frame further in, by how much.
struct Inner {
  double gap;
  const Line* line;
};

std::vector<Inner> InnerLines(const SideView& side, double widest) {
  std::vector<Inner> inner;
  for (const Line& line : *side.others) {
    const double at_start =
        side.inward * (line.At(side.from) - side.chosen->At(side.from));
    const double at_end =
        side.inward * (line.At(side.to) - side.chosen->At(side.to));
    constexpr double kUneven = 2.0;
    const double gap = (at_start + at_end) / 2.0;
    if (gap >= 0.0 && gap <= widest && std::abs(at_start - at_end) < kUneven &&
        SeenWithin(line, side.from, side.to) >= kSeen) {
      inner.push_back({gap, &line});
    }
  }
  return inner;
}

// The lines of a frame keep the same distance from each other on all sides;
// streets and buildings along it do not. So the innermost line is the one
// furthest in that at least three sides have at one distance from the chosen
// lines. A side that does not show it is moved in by as much.
std::array<Line, 4> InnermostLines(const std::array<SideView, 4>& sides,
                                   double widest) {
  constexpr double kSame = 1.5;
  std::array<std::vector<Inner>, 4> inner;
  for (size_t i = 0; i < 4; ++i) inner[i] = InnerLines(sides[i], widest);
  const auto nearest = [&inner](size_t side, double gap) -> const Inner* {
    const Inner* best = nullptr;
    for (const Inner& candidate : inner[side]) {
      const double off = std::abs(candidate.gap - gap);
      if (off <= kSame && (!best || off < std::abs(best->gap - gap))) {
        best = &candidate;
      }
    }
    return best;
  };
  double deepest = 0.0;
  for (const auto& of_side : inner) {
    for (const Inner& candidate : of_side) {
      int sharing = 0;
      for (size_t i = 0; i < 4; ++i) {
        sharing += nearest(i, candidate.gap) != nullptr;
      }
      if (sharing >= 3) deepest = std::max(deepest, candidate.gap);
    }
  }
  std::array<Line, 4> lines;
  for (size_t i = 0; i < 4; ++i) {
    const Inner* own = nearest(i, deepest);
    lines[i] = own != nullptr ? *own->line : *sides[i].chosen;
    if (own == nullptr) lines[i].course.a += sides[i].inward * deepest;
  }
  return lines;
}

constexpr int kPointsPerSide = 8;

// Appends the way from one corner to the next, without the latter.
void AppendAcross(const Line& line, Point2d from, Point2d to, Ring& ring) {
  for (int i = 0; i < kPointsPerSide; ++i) {
    const double x = from.x + (to.x - from.x) * i / kPointsPerSide;
    ring.push_back({x, line.At(x)});
  }
}

void AppendDown(const Line& line, Point2d from, Point2d to, Ring& ring) {
  for (int i = 0; i < kPointsPerSide; ++i) {
    const double y = from.y + (to.y - from.y) * i / kPointsPerSide;
    ring.push_back({line.At(y), y});
  }
}

Neatline Outlined(const std::array<Line, 4>& sides, double seen, int width,
                  int height) {
  const auto& [left, top, right, bottom] = sides;
  const Point2d a = Meet(top, left);
  const Point2d b = Meet(top, right);
  const Point2d c = Meet(bottom, right);
  const Point2d d = Meet(bottom, left);
  Neatline neatline;
  AppendAcross(top, a, b, neatline.outline);
  AppendDown(right, b, c, neatline.outline);
  AppendAcross(bottom, c, d, neatline.outline);
  AppendDown(left, d, a, neatline.outline);
  neatline.confidence = seen;
  neatline.margins = {(a.x + d.x) / 2.0, (a.y + b.y) / 2.0,
                      width - (b.x + c.x) / 2.0, height - (c.y + d.y) / 2.0};
  return neatline;
}

// Share of pixels with the ridge of a line among those that `include` holds;
// none if these are few.
template <typename Include>
std::optional<double> ShareOfLines(const Plane& across, const Plane& down,
                                   Include&& include) {
  constexpr float kLine = 2.0f * kFaintest;
  constexpr int kFew = 1000;
  int all = 0;
  int lines = 0;
  for (int row = 0; row < across.height; ++row) {
    for (int col = 0; col < across.width; ++col) {
      if (!include(col, row)) continue;
      ++all;
      lines += across.At(col, row) >= kLine || down.At(row, col) >= kLine;
    }
  }
  if (all < kFew) return std::nullopt;
  return lines / static_cast<double>(all);
}

// True if what lies beyond the frame is as full of lines as what it holds:
// then the map goes on there, and the sides are streets or creases.
bool MapGoesOn(const Quad& quad, const Plane& across, const Plane& down,
               const ImageU8& paper, double widest) {
  constexpr double kAsFull = 0.6;
  const auto depth = [&quad](int col, int row) {
    const double x = col + 0.5;
    const double y = row + 0.5;
    return std::min({x - quad.sides.left->At(y), quad.sides.right->At(y) - x,
                     y - quad.sides.top->At(x), quad.sides.bottom->At(x) - y});
  };
  const auto inside = ShareOfLines(across, down, [&](int col, int row) {
    return *paper.At(col, row) && depth(col, row) > widest;
  });
  const auto beyond = ShareOfLines(across, down, [&](int col, int row) {
    return *paper.At(col, row) && depth(col, row) < -widest / 2.0;
  });
  return inside && beyond && *beyond > kAsFull * *inside;
}

// First and last column with paper.
Extent ColumnsOf(const ImageU8& paper) {
  Extent extent{paper.width, 0};
  for (int row = 0; row < paper.height; ++row) {
    for (int col = 0; col < paper.width; ++col) {
      if (!*paper.At(col, row)) continue;
      extent.first = std::min(extent.first, col);
      extent.end = std::max(extent.end, col + 1);
    }
  }
  return extent;
}

Extent RowsOf(const ImageU8& paper) {
  Extent extent{paper.height, 0};
  for (int row = 0; row < paper.height; ++row) {
    if (std::find(paper.At(0, row), paper.At(0, row) + paper.width, 1) ==
        paper.At(0, row) + paper.width) {
      continue;
    }
    extent.first = std::min(extent.first, row);
    extent.end = row + 1;
  }
  return extent;
}

// Lines near the beginning and near the end of `extent`.
std::pair<std::vector<Line>, std::vector<Line>> BothSides(
    const Plane& ridges, const Extent& extent) {
  const Plane shares = SharesSeen(ridges);
  const int zone = static_cast<int>(kZone * extent.Length());
  return {FindLines(ridges, shares, extent.first, extent.first + zone),
          FindLines(ridges, shares, extent.end - zone, extent.end)};
}

}  // namespace

std::optional<Neatline> FindNeatline(const ImageU8& rgb, const ImageU8& paper) {
  MAPWEAVE_CHECK(rgb.channels == 3 && paper.channels == 1);
  MAPWEAVE_CHECK(rgb.width == paper.width && rgb.height == paper.height);
  const Extent cols = ColumnsOf(paper);
  const Extent rows = RowsOf(paper);
  constexpr int kSmallest = 8 * kBlock;
  if (cols.Length() < kSmallest || rows.Length() < kSmallest) {
    return std::nullopt;
  }
  const Plane ink = InkOf(rgb, paper);
  const Plane across = RidgesAlongRows(ink);
  const Plane down = RidgesAlongRows(Transposed(ink));
  const auto [tops, bottoms] = BothSides(across, rows);
  const auto [lefts, rights] = BothSides(down, cols);
  std::vector<Quad> quads;
  for (const Line& left : lefts) {
    for (const Line& top : tops) {
      for (const Line& right : rights) {
        for (const Line& bottom : bottoms) {
          const auto quad =
              MakeQuad({&left, &top, &right, &bottom}, cols, rows);
          if (quad) quads.push_back(*quad);
        }
      }
    }
  }
  if (quads.empty()) return std::nullopt;
  const Quad& best = BestOf(quads);
  const auto& [a, b, c, d] = std::tie(best.top_left, best.top_right,
                                      best.bottom_right, best.bottom_left);
  // A frame's width, of the longer side.
  constexpr double kWidestFrame = 0.03;
  const double widest = kWidestFrame * std::max(rgb.width, rgb.height);
  if (MapGoesOn(best, across, down, paper, widest)) return std::nullopt;
  const std::array<Line, 4> innermost =
      InnermostLines({{{best.sides.left, &lefts, a.y, d.y, 1.0},
                       {best.sides.top, &tops, a.x, b.x, 1.0},
                       {best.sides.right, &rights, b.y, c.y, -1.0},
                       {best.sides.bottom, &bottoms, d.x, c.x, -1.0}}},
                     widest);
  return Outlined(innermost, best.seen, rgb.width, rgb.height);
}

}  // namespace mapweave::geo
