// SPDX-License-Identifier: MIT
//
// Lines are found by a Hough transform on offset and slope over the shares of
// short blocks in which a ridge is seen, and each is fitted again as a slightly
// bent curve.
#include "geo/neatline_lines.h"

#include "core/geometry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace mapweave::geo {
namespace {

constexpr double kSlopes = 0.05;  // steepest slope, about three degrees
constexpr size_t kLinesPerSide = 12;

// A straight line of the Hough transform.
struct Candidate {
  Curve course;
  double score = 0.0;  // length in blocks, less for each gap
  int first_block = 0;
  int end_block = 0;
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

}  // namespace

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

double SeenWithin(const Line& line, double from, double to) {
  const int first = std::max(0, static_cast<int>(std::ceil(from / kBlock)));
  const int last = std::min(static_cast<int>(line.seen.size()),
                            static_cast<int>(std::floor(to / kBlock)));
  if (first >= last) return 0.0;
  double sum = 0.0;
  for (int i = first; i < last; ++i) sum += line.seen[static_cast<size_t>(i)];
  return sum / (last - first);
}

}  // namespace mapweave::geo
