// SPDX-License-Identifier: MIT
//
// The four sides are chosen together among the long lines near the paper's
// edges; where no four will do, three and the end of the paper.
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

// The end of the paper in place of a side, along `at`.
Line EndOfPaper(double at) {
  Line line;
  line.course.a = at;
  return line;
}

bool IsEnd(const Line& line) { return line.seen.empty(); }

struct Quad {
  Sides sides{};
  Point2d top_left, top_right, bottom_right, bottom_left;
  double seen = 0.0;  // the least of the sides

  double Area() const {
    return std::abs(
        SignedArea({top_left, top_right, bottom_right, bottom_left}));
  }
  bool IsOpen() const {
    return IsEnd(*sides.left) || IsEnd(*sides.top) || IsEnd(*sides.right) ||
           IsEnd(*sides.bottom);
  }
};

// Opposite sides are parallel, neighbours at right angles.
bool IsSquare(const Sides& s) {
  constexpr double kOff = 0.02;
  const auto differ = [](const Line& a, const Line& b, double sign) {
    return !IsEnd(a) && !IsEnd(b) &&
           std::abs(a.Slope() - sign * b.Slope()) > kOff;
  };
  const Line& across = IsEnd(*s.top) ? *s.bottom : *s.top;
  const Line& down = IsEnd(*s.left) ? *s.right : *s.left;
  return !differ(*s.top, *s.bottom, 1.0) && !differ(*s.left, *s.right, 1.0) &&
         !differ(across, down, -1.0);
}

// True where a side that should reach the end of the paper stops short of it.
bool StopsShort(const Line& line, const Line& before, const Line& after,
                double from, double to) {
  constexpr double kLast = 0.2;  // of the side
  constexpr double kSeenThere = 0.6;
  const double last = kLast * (to - from);
  return (IsEnd(before) && SeenWithin(line, from, from + last) < kSeenThere) ||
         (IsEnd(after) && SeenWithin(line, to - last, to) < kSeenThere);
}

std::optional<Quad> MakeQuad(const Sides& s, const Extent& cols,
                             const Extent& rows) {
  constexpr double kSmallest = 0.3;
  if (!IsSquare(s)) return std::nullopt;
  Quad quad{s, Meet(*s.top, *s.left), Meet(*s.top, *s.right),
            Meet(*s.bottom, *s.right), Meet(*s.bottom, *s.left)};
  quad.seen = 1.0;
  const auto is_side = [&quad](const Line& line, const Line& before,
                               const Line& after, double from, double to,
                               const Extent& paper) {
    if (IsEnd(line)) return true;
    quad.seen = std::min(quad.seen, SeenWithin(line, from, to));
    return quad.seen >= kSeen && !GoesOn(line, from, to, paper) &&
           !StopsShort(line, before, after, from, to);
  };
  const double paper =
      static_cast<double>(cols.Length()) * static_cast<double>(rows.Length());
  const bool is_frame =
      is_side(*s.top, *s.left, *s.right, quad.top_left.x, quad.top_right.x,
              cols) &&
      is_side(*s.bottom, *s.left, *s.right, quad.bottom_left.x,
              quad.bottom_right.x, cols) &&
      is_side(*s.left, *s.top, *s.bottom, quad.top_left.y, quad.bottom_left.y,
              rows) &&
      is_side(*s.right, *s.top, *s.bottom, quad.top_right.y,
              quad.bottom_right.y, rows) &&
      quad.Area() >= kSmallest * paper;
  return is_frame ? std::optional(quad) : std::nullopt;
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

// A line along the side, and how much further in it lies.
struct Parallel {
  double gap;
  const Line* line;
};

std::vector<Parallel> ParallelsOf(const SideView& side, double widest) {
  std::vector<Parallel> parallels;
  for (const Line& line : *side.others) {
    const double at_start =
        side.inward * (line.At(side.from) - side.chosen->At(side.from));
    const double at_end =
        side.inward * (line.At(side.to) - side.chosen->At(side.to));
    constexpr double kUneven = 2.0;
    const double gap = (at_start + at_end) / 2.0;
    if (std::abs(gap) <= widest && std::abs(at_start - at_end) < kUneven &&
        SeenWithin(line, side.from, side.to) >= kSeen) {
      parallels.push_back({gap, &line});
    }
  }
  return parallels;
}

struct Frame {
  std::array<Line, 4> innermost;
  bool is_single = true;  // of one line
};

// The lines of a frame keep the same distance from each other on all sides;
// streets and buildings along it do not. So the innermost line is the one
// furthest in that at least three sides have at one distance from the chosen
// lines. A side that does not show it is moved in by as much.
Frame LinesOf(const std::array<SideView, 4>& sides, double widest) {
  constexpr double kSame = 1.5;
  std::array<std::vector<Parallel>, 4> parallels;
  for (size_t i = 0; i < 4; ++i) {
    if (!IsEnd(*sides[i].chosen)) parallels[i] = ParallelsOf(sides[i], widest);
  }
  const auto nearest = [&parallels](size_t side, double gap) {
    const Parallel* best = nullptr;
    for (const Parallel& candidate : parallels[side]) {
      const double off = std::abs(candidate.gap - gap);
      if (off <= kSame && (!best || off < std::abs(best->gap - gap))) {
        best = &candidate;
      }
    }
    return best;
  };
  Frame frame;
  double deepest = 0.0;
  for (const auto& of_side : parallels) {
    for (const Parallel& candidate : of_side) {
      int sharing = 0;
      for (size_t i = 0; i < 4; ++i) {
        sharing += nearest(i, candidate.gap) != nullptr;
      }
      if (sharing < 3) continue;
      deepest = std::max(deepest, candidate.gap);
      if (std::abs(candidate.gap) > kSame) frame.is_single = false;
    }
  }
  for (size_t i = 0; i < 4; ++i) {
    Line& line = frame.innermost[i];
    line = *sides[i].chosen;
    if (IsEnd(line)) continue;
    const Parallel* own = nearest(i, deepest);
    if (own != nullptr) {
      line = *own->line;
    } else {
      line.course.a += sides[i].inward * deepest;
    }
  }
  return frame;
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
  neatline.sides =
      4 - static_cast<int>(std::count_if(sides.begin(), sides.end(), IsEnd));
  neatline.confidence = seen;
  neatline.margins = {(a.x + d.x) / 2.0, (a.y + b.y) / 2.0,
                      width - (b.x + c.x) / 2.0, height - (c.y + d.y) / 2.0};
  return neatline;
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
struct Choice {
  std::vector<Line> first;
  std::vector<Line> last;
};

Choice BothSides(const Plane& ridges, const Extent& extent) {
  const Plane shares = SharesSeen(ridges);
  const int zone = static_cast<int>(kZone * extent.Length());
  return {FindLines(ridges, shares, extent.first, extent.first + zone),
          FindLines(ridges, shares, extent.end - zone, extent.end)};
}

// Where a sheet is searched for a frame.
struct Search {
  const ImageU8& paper;
  Extent cols;
  Extent rows;
  Plane across;  // ridges
  Plane down;
  double widest;  // a frame's width
};

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
bool MapGoesOn(const Quad& quad, const Search& search) {
  constexpr double kAsFull = 0.6;
  const auto depth = [&quad](int col, int row) {
    const double x = col + 0.5;
    const double y = row + 0.5;
    return std::min({x - quad.sides.left->At(y), quad.sides.right->At(y) - x,
                     y - quad.sides.top->At(x), quad.sides.bottom->At(x) - y});
  };
  const auto inside =
      ShareOfLines(search.across, search.down, [&](int col, int row) {
        return *search.paper.At(col, row) && depth(col, row) > search.widest;
      });
  const auto beyond =
      ShareOfLines(search.across, search.down, [&](int col, int row) {
        return *search.paper.At(col, row) &&
               depth(col, row) < -search.widest / 2.0;
      });
  return inside && beyond && *beyond > kAsFull * *inside;
}

Frame FrameOf(const Quad& quad, const Choice& across, const Choice& down,
              double widest) {
  const auto& [a, b, c, d] = std::tie(quad.top_left, quad.top_right,
                                      quad.bottom_right, quad.bottom_left);
  const Sides& sides = quad.sides;
  return LinesOf({{{sides.left, &down.first, a.y, d.y, 1.0},
                   {sides.top, &across.first, a.x, b.x, 1.0},
                   {sides.right, &down.last, b.y, c.y, -1.0},
                   {sides.bottom, &across.last, d.x, c.x, -1.0}}},
                 widest);
}

std::vector<Quad> QuadsOf(const Search& search, const Choice& across,
                          const Choice& down) {
  std::vector<Quad> quads;
  for (const Line& left : down.first) {
    for (const Line& top : across.first) {
      for (const Line& right : down.last) {
        for (const Line& bottom : across.last) {
          const auto quad = MakeQuad({&left, &top, &right, &bottom},
                                     search.cols, search.rows);
          if (!quad) continue;
          // Three single lines may be streets or the edges of a strip of paper.
          if (quad->IsOpen() &&
              FrameOf(*quad, across, down, search.widest).is_single) {
            continue;
          }
          quads.push_back(*quad);
        }
      }
    }
  }
  return quads;
}

// The frame with its sides among these lines.
std::optional<Neatline> FrameAmong(const Search& search, const Choice& across,
                                   const Choice& down) {
  const std::vector<Quad> quads = QuadsOf(search, across, down);
  if (quads.empty()) return std::nullopt;
  const Quad& best = BestOf(quads);
  if (MapGoesOn(best, search)) return std::nullopt;
  const Frame frame = FrameOf(best, across, down, search.widest);
  return Outlined(frame.innermost, best.seen, search.paper.width,
                  search.paper.height);
}

// As above, one of the sides being the end of the paper; the largest of them.
std::optional<Neatline> OpenFrameAmong(const Search& search,
                                       const Choice& across,
                                       const Choice& down) {
  std::optional<Neatline> largest;
  const auto offer = [&](const Choice& rows, const Choice& cols) {
    std::optional<Neatline> found = FrameAmong(search, rows, cols);
    if (found && (!largest || std::abs(SignedArea(found->outline)) >
                                  std::abs(SignedArea(largest->outline)))) {
      largest = std::move(found);
    }
  };
  offer({{EndOfPaper(search.rows.first)}, across.last}, down);
  offer({across.first, {EndOfPaper(search.rows.end)}}, down);
  offer(across, {{EndOfPaper(search.cols.first)}, down.last});
  offer(across, {down.first, {EndOfPaper(search.cols.end)}});
  return largest;
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
  constexpr double kWidestFrame = 0.03;  // of the longer side
  const Plane ink = InkOf(rgb, paper);
  const Search search{paper,
                      cols,
                      rows,
                      RidgesAlongRows(ink),
                      RidgesAlongRows(Transposed(ink)),
                      kWidestFrame * std::max(rgb.width, rgb.height)};
  const Choice across = BothSides(search.across, rows);
  const Choice down = BothSides(search.down, cols);
  std::optional<Neatline> closed = FrameAmong(search, across, down);
  return closed ? closed : OpenFrameAmong(search, across, down);
}

}  // namespace mapweave::geo
