// SPDX-License-Identifier: MIT
//
// Lines are found by a Hough transform on offset and slope over the shares of
// short blocks in which a ridge is seen; the four sides are then chosen
// together, and each is fitted again as a slightly bent curve.
#include "geo/neatline.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <tuple>
#include <utility>
#include <vector>

namespace mapweave::geo {
namespace {

constexpr int kBlock = 16;         // pixels along a line that are judged as one
constexpr double kSlopes = 0.05;   // steepest slope, about three degrees
constexpr double kZone = 0.35;     // of the paper, in which a side is sought
constexpr float kFaintest = 5.0f;  // grey levels of a line above its sides
constexpr double kSeen = 0.75;     // share of a side along which it is seen
constexpr size_t kLinesPerSide = 12;

// Single values per pixel, row-major.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<float> values;

  Plane(int w, int h)
      : width(w),
        height(h),
        values(static_cast<size_t>(w) * static_cast<size_t>(h)) {}
  float& At(int col, int row) {
    return values[static_cast<size_t>(row) * static_cast<size_t>(width) +
                  static_cast<size_t>(col)];
  }
  float At(int col, int row) const {
    return const_cast<Plane*>(this)->At(col, row);
  }
};

Plane Transposed(const Plane& plane) {
  Plane out(plane.height, plane.width);
  for (int row = 0; row < plane.height; ++row) {
    for (int col = 0; col < plane.width; ++col) {
      out.At(row, col) = plane.At(col, row);
    }
  }
  return out;
}

// Darkness of the ink: 0 is the paper's end of the scale, whichever that is.
// Beyond the paper it is that of its commonest shade, so that no line is seen
// along the paper's edge.
Plane InkOf(const ImageU8& rgb, const ImageU8& paper) {
  Plane ink(rgb.width, rgb.height);
  std::vector<float> on_paper;
  for (size_t i = 0; i < ink.values.size(); ++i) {
    const uint8_t* p = &rgb.data[3 * i];
    ink.values[i] = 255.0f - (0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]);
    if (paper.data[i]) on_paper.push_back(ink.values[i]);
  }
  if (on_paper.empty()) return ink;
  const auto middle =
      on_paper.begin() + static_cast<std::ptrdiff_t>(on_paper.size() / 2);
  std::nth_element(on_paper.begin(), middle, on_paper.end());
  constexpr float kDarkPaper = 255.0f - 110.0f;
  const float sign = *middle > kDarkPaper ? -1.0f : 1.0f;
  for (size_t i = 0; i < ink.values.size(); ++i) {
    ink.values[i] = sign * (paper.data[i] ? ink.values[i] : *middle);
  }
  return ink;
}

// Means over a few pixels along each row: noise goes, lines along it stay.
Plane SmoothedAlongRows(const Plane& in) {
  constexpr int kReach = 4;
  Plane out(in.width, in.height);
  for (int row = 0; row < in.height; ++row) {
    float sum = 0.0f;
    int count = 0;
    for (int col = -kReach; col < in.width; ++col) {
      if (col + kReach < in.width) {
        sum += in.At(col + kReach, row);
        ++count;
      }
      if (col - kReach > 0) {
        sum -= in.At(col - kReach - 1, row);
        --count;
      }
      if (col >= 0) out.At(col, row) = sum / static_cast<float>(count);
    }
  }
  return out;
}

// How much darker each pixel is than what lies above and below it, for lines
// along rows of several widths; 0 where it is not.
Plane RidgesAlongRows(const Plane& ink) {
  const Plane smooth = SmoothedAlongRows(ink);
  Plane ridges(ink.width, ink.height);
  for (const int reach : {1, 2, 4, 8}) {
    for (int row = reach; row + reach < ink.height; ++row) {
      for (int col = 0; col < ink.width; ++col) {
        const float here = smooth.At(col, row);
        const float ridge = here - std::max(smooth.At(col, row - reach),
                                            smooth.At(col, row + reach));
        ridges.At(col, row) = std::max(ridges.At(col, row), ridge);
      }
    }
  }
  return ridges;
}

// Per row and block of columns, the share of columns with the crest of a ridge
// in this row or the one above or below.
Plane SharesSeen(const Plane& ridges) {
  std::vector<uint8_t> crest(ridges.values.size());
  const auto at = [&ridges](int col, int row) {
    return static_cast<size_t>(row) * static_cast<size_t>(ridges.width) +
           static_cast<size_t>(col);
  };
  for (int row = 1; row + 1 < ridges.height; ++row) {
    for (int col = 0; col < ridges.width; ++col) {
      const float ridge = ridges.At(col, row);
      if (ridge < kFaintest || ridge < ridges.At(col, row - 1) ||
          ridge < ridges.At(col, row + 1)) {
        continue;
      }
      for (int k = -1; k <= 1; ++k) crest[at(col, row + k)] = 1;
    }
  }
  Plane shares(ridges.width / kBlock, ridges.height);
  for (int row = 0; row < shares.height; ++row) {
    for (int block = 0; block < shares.width; ++block) {
      const auto first =
          crest.begin() + static_cast<std::ptrdiff_t>(at(block * kBlock, row));
      shares.At(block, row) =
          static_cast<float>(std::count(first, first + kBlock, 1)) / kBlock;
    }
  }
  return shares;
}

// row = a + b t + c t^2 with t = col - middle.
struct Curve {
  double middle = 0.0;
  double a = 0.0;
  double b = 0.0;
  double c = 0.0;

  double At(double col) const {
    const double t = col - middle;
    return a + t * (b + t * c);
  }
};

// A straight line of the Hough transform.
struct Candidate {
  Curve course;
  double score = 0.0;  // length in blocks, less for each gap
  int first_block = 0;
  int end_block = 0;
};

// A candidate that was followed along its crest.
struct Line {
  Curve course;
  std::vector<float> seen;  // share per block
  double length = 0.0;      // sum of the shares

  double At(double col) const { return course.At(col); }
  double Slope() const { return course.b; }
};

double BlockMiddle(int block) { return (block + 0.5) * kBlock; }

double ShareAt(const Plane& shares, const Curve& course, int block) {
  const double row = std::floor(course.At(BlockMiddle(block)));
  return row >= 0.0 && row < shares.height
             ? shares.At(block, static_cast<int>(row))
             : 0.0;
}

// The longest stretch along which a line is seen, gaps counted against it.
void FindStretch(const Plane& shares, Candidate& line) {
  constexpr double kNeutral = 0.6;
  double running = 0.0;
  int start = 0;
  for (int block = 0; block < shares.width; ++block) {
    running += ShareAt(shares, line.course, block) - kNeutral;
    if (running <= 0.0) {
      running = 0.0;
      start = block + 1;
    }
    if (running > line.score) {
      line.score = running;
      line.first_block = start;
      line.end_block = block + 1;
    }
  }
}

bool AreAlike(const Curve& a, const Curve& b, double width) {
  constexpr double kApart = 1.5;
  return std::abs(a.At(0.25 * width) - b.At(0.25 * width)) < kApart &&
         std::abs(a.At(0.75 * width) - b.At(0.75 * width)) < kApart;
}

// Straight lines whose middle lies in rows [from, to), longest first.
std::vector<Candidate> FindStraight(const Plane& shares, int from, int to) {
  constexpr double kShortest = 0.1;  // of the width, as a score
  const double width = static_cast<double>(shares.width) * kBlock;
  const int steepest = static_cast<int>(kSlopes * width);
  std::vector<Candidate> lines;
  for (int rise = -steepest; rise <= steepest; rise += 2) {
    for (int row = from; row < to; ++row) {
      Candidate line;
      line.course = {width / 2.0, row + 0.5, rise / width, 0.0};
      FindStretch(shares, line);
      if (line.score >= kShortest * shares.width) lines.push_back(line);
    }
  }
  std::stable_sort(
      lines.begin(), lines.end(),
      [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  return lines;
}

// Least squares on the points; `otherwise` if they are few.
Curve FitCurve(const std::vector<Point2d>& points, const Curve& otherwise) {
  constexpr size_t kFew = 6;
  if (points.size() < kFew) return otherwise;
  Curve curve;
  for (const Point2d& p : points) curve.middle += p.x;
  curve.middle /= static_cast<double>(points.size());
  double s[5] = {};  // sums of t^k; s[1] is 0 by the choice of the middle
  double r[3] = {};  // sums of y t^k
  for (const Point2d& p : points) {
    double power = 1.0;
    for (int k = 0; k < 5; ++k) {
      s[k] += power;
      if (k < 3) r[k] += p.y * power;
      power *= p.x - curve.middle;
    }
  }
  const double det = s[0] * (s[2] * s[4] - s[3] * s[3]) - s[2] * s[2] * s[2];
  if (!(det > 0.0)) return otherwise;
  curve.c = (s[0] * (s[2] * r[2] - s[3] * r[1]) - s[2] * s[2] * r[0]) / det;
  curve.b = (r[1] - curve.c * s[3]) / s[2];
  curve.a = (r[0] - curve.c * s[2]) / s[0];
  return curve;
}

// Row of the crest near `course` within a block, to a part of a pixel; none
// where the ridge rises towards another line.
std::optional<double> CrestNear(const Plane& ridges, double course, int block) {
  constexpr int kReach = 2;
  const int middle = static_cast<int>(std::floor(course));
  if (middle - kReach - 1 < 0 || middle + kReach + 1 >= ridges.height) {
    return std::nullopt;
  }
  std::array<double, 2 * kReach + 3> sums{};
  for (size_t i = 0; i < sums.size(); ++i) {
    const int row = middle - kReach - 1 + static_cast<int>(i);
    for (int col = block * kBlock; col < (block + 1) * kBlock; ++col) {
      sums[i] += ridges.At(col, row);
    }
  }
  const auto best = std::max_element(sums.begin() + 1, sums.end() - 1);
  const double before = *(best - 1);
  const double after = *(best + 1);
  if (*best < kFaintest * kBlock || before > *best || after > *best) {
    return std::nullopt;
  }
  const double bend = before - 2.0 * *best + after;
  const double part = bend < 0.0 ? 0.5 * (before - after) / bend : 0.0;
  return middle - kReach - 1 + static_cast<double>(best - sums.begin()) + part +
         0.5;
}

// The course along the crests of blocks [first, end), slightly bent.
Curve Followed(const Plane& ridges, Curve course, int first, int end) {
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Point2d> points;
    for (int block = first; block < end; ++block) {
      const double x = BlockMiddle(block);
      const auto crest = CrestNear(ridges, course.At(x), block);
      if (crest) points.push_back({x, *crest});
    }
    course = FitCurve(points, course);
    // Once more without what lies off it: lettering, roads that end there.
    std::erase_if(points, [&course](const Point2d& p) {
      return std::abs(p.y - course.At(p.x)) > 1.0;
    });
    course = FitCurve(points, course);
  }
  return course;
}

// True if the lines meet or nearly do: one of them has strayed from its crest,
// or is no line of the frame.
bool Touch(const Curve& a, const Curve& b, double width) {
  constexpr double kApart = 1.5;
  const double start = a.At(0.1 * width) - b.At(0.1 * width);
  const double end = a.At(0.9 * width) - b.At(0.9 * width);
  return std::min(std::abs(start), std::abs(end)) < kApart ||
         (start < 0.0) != (end < 0.0);
}

// The most visible lines whose middle lies in rows [from, to).
std::vector<Line> FindLines(const Plane& ridges, const Plane& shares, int from,
                            int to) {
  // Neighbours of a strong line in the transform lead to the same crest.
  constexpr size_t kFollowed = 400;
  const double width = static_cast<double>(shares.width) * kBlock;
  std::vector<Curve> tried;
  std::vector<Line> followed;
  for (const Candidate& candidate : FindStraight(shares, from, to)) {
    if (tried.size() == kFollowed) break;
    if (std::any_of(tried.begin(), tried.end(), [&](const Curve& other) {
          return AreAlike(candidate.course, other, width);
        })) {
      continue;
    }
    tried.push_back(candidate.course);
    Line line;
    line.course = Followed(ridges, candidate.course, candidate.first_block,
                           candidate.end_block);
    if (std::abs(line.Slope()) > kSlopes) continue;
    for (int block = 0; block < shares.width; ++block) {
      line.seen.push_back(
          static_cast<float>(ShareAt(shares, line.course, block)));
      line.length += line.seen.back();
    }
    followed.push_back(std::move(line));
  }
  std::stable_sort(
      followed.begin(), followed.end(),
      [](const Line& a, const Line& b) { return a.length > b.length; });
  std::vector<Line> lines;
  for (Line& line : followed) {
    if (lines.size() == kLinesPerSide) break;
    if (std::none_of(lines.begin(), lines.end(), [&](const Line& other) {
          return Touch(line.course, other.course, width);
        })) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

// Mean share seen over the blocks within [from, to); 0 if there is none.
double SeenWithin(const Line& line, double from, double to) {
  const int first = std::max(0, static_cast<int>(std::ceil(from / kBlock)));
  const int last = std::min(static_cast<int>(line.seen.size()),
                            static_cast<int>(std::floor(to / kBlock)));
  if (first >= last) return 0.0;
  double sum = 0.0;
  for (int i = first; i < last; ++i) sum += line.seen[static_cast<size_t>(i)];
  return sum / (last - first);
}

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
