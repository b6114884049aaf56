// SPDX-License-Identifier: MIT
#include "tracking/outline_fit.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr double kPi = 3.14159265358979323846;
// Lines that meet at a smaller angle (its sine) have no reliable intersection.
constexpr double kMinSine = 0.3;
// A corner stays within this many tolerances of where the pixels have it.
constexpr double kMaxCornerShift = 2.5;
// The middles of a straight wall's cracks lie within about 0.6 pixels of it.
constexpr double kMaxWallDistance = 0.75;
// Only walls that meet at less than 35 degrees are one, unless one is a scrap.
constexpr double kMinMergeCosine = 0.82;
constexpr double kMaxScrapPx = 1.5;
// Shorter walls between two that would meet without them are cut corners: the
// pixels' doing.
constexpr double kMaxCutCornerPx = 3.2;
// Off-square walls shorter than this are the pixels' noise.
constexpr double kMinOffSquarePx = 3.5;

struct Vec {
  double x = 0.0;
  double y = 0.0;
};
Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y}; }
Vec operator-(Vec a, Vec b) { return {a.x - b.x, a.y - b.y}; }
Vec operator*(double s, Vec a) { return {s * a.x, s * a.y}; }
double Dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y; }
double Cross(Vec a, Vec b) { return a.x * b.y - a.y * b.x; }
double Length(Vec a) { return std::hypot(a.x, a.y); }
Vec ToVec(cv::Point p) {
  return {static_cast<double>(p.x), static_cast<double>(p.y)};
}

// A straight piece of the outline.
struct Wall {
  Vec through;          // a point of its line
  Vec along;            // unit direction of travel
  Vec begins;           // where the pixels' outline enters it ...
  Vec ends;             // ... and leaves it
  double weight = 0.0;  // length in pixels
  // Which of the two directions it was turned into; -1: neither.
  int axis = -1;
  // Cracks of the outline from begin to before end; the outline's length is
  // added to what lies past its end.
  size_t begin = 0;
  size_t end = 0;
};

double DistanceToChord(Vec p, Vec a, Vec b) {
  const Vec chord = b - a;
  const double length = Length(chord);
  return length == 0.0 ? Length(p - a) : std::abs(Cross(chord, p - a)) / length;
}

// Positions of the corners that Douglas-Peucker keeps, ascending.
std::vector<size_t> DivideOutline(const CrackRing& ring, double tolerance) {
  const auto at = [&](size_t i) { return ToVec(ring[i % ring.size()]); };
  const auto farthest_from = [&](size_t from) {
    size_t best = from;
    for (size_t i = 0; i < ring.size(); ++i) {
      if (Length(at(i) - at(from)) > Length(at(best) - at(from))) best = i;
    }
    return best;
  };
  // Two opposite corners, found as the ends of a long diagonal.
  const size_t one = farthest_from(0);
  const size_t other = farthest_from(one);
  const size_t first = std::min(one, other);
  const size_t second = std::max(one, other);
  std::vector<size_t> kept = {first, second};
  std::vector<std::pair<size_t, size_t>> open = {{first, second},
                                                 {second, first + ring.size()}};
  while (!open.empty()) {
    const auto [begin, end] = open.back();
    open.pop_back();
    size_t worst = begin;
    double distance = tolerance;
    for (size_t i = begin + 1; i < end; ++i) {
      const double d = DistanceToChord(at(i), at(begin), at(end));
      if (d > distance + 1e-9) {
        distance = d;
        worst = i;
      }
    }
    if (worst == begin) continue;
    kept.push_back(worst % ring.size());
    open.emplace_back(begin, worst);
    open.emplace_back(worst, end);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

// Least squares of the distances from the cracks' middles. A crack is one pixel
// long, so all weigh the same.
Wall FitWall(const CrackRing& ring, size_t begin, size_t end) {
  const auto at = [&](size_t i) { return ToVec(ring[i % ring.size()]); };
  const double count = static_cast<double>(end - begin);
  const Vec chord = at(end) - at(begin);
  Vec mean;
  for (size_t i = begin; i < end; ++i) {
    mean = mean + (0.5 / count) * (at(i) + at(i + 1));
  }
  double xx = 0.0;
  double xy = 0.0;
  double yy = 0.0;
  for (size_t i = begin; i < end; ++i) {
    const Vec d = 0.5 * (at(i) + at(i + 1)) - mean;
    xx += d.x * d.x;
    xy += d.x * d.y;
    yy += d.y * d.y;
  }
  Vec along = (1.0 / Length(chord)) * chord;
  if (xx + yy > 0.0) {
    const double angle = 0.5 * std::atan2(2.0 * xy, xx - yy);
    along = {std::cos(angle), std::sin(angle)};
    if (Dot(along, chord) < 0.0) along = -1.0 * along;
  }
  return {mean, along, at(begin), at(end), Length(chord), -1, begin, end};
}

// Farthest of the cracks' middles from the wall's line.
double WorstDistance(const CrackRing& ring, const Wall& wall) {
  double worst = 0.0;
  for (size_t i = wall.begin; i < wall.end; ++i) {
    const Vec middle = 0.5 * (ToVec(ring[i % ring.size()]) +
                              ToVec(ring[(i + 1) % ring.size()]));
    worst = std::max(worst, std::abs(Cross(wall.along, middle - wall.through)));
  }
  return worst;
}

// Division cannot see past the pixels' steps: neighbours that one line fits as
// well become one, the best fits first.
void MergeStraight(const CrackRing& ring, double tolerance,
                   std::vector<Wall>& walls) {
  const auto merged = [&](size_t i) -> std::optional<Wall> {
    const Wall& a = walls[i];
    const Wall& b = walls[(i + 1) % walls.size()];
    const bool is_long = std::min(a.weight, b.weight) > kMaxScrapPx;
    if (is_long && Dot(a.along, b.along) < kMinMergeCosine) return {};
    const size_t length = b.end - b.begin;
    Wall wall = FitWall(ring, a.begin, a.end + length);
    if (WorstDistance(ring, wall) > kMaxWallDistance * tolerance) return {};
    return wall;
  };
  while (walls.size() > 3) {
    std::optional<Wall> best;
    double best_distance = 0.0;
    size_t best_at = 0;
    for (size_t i = 0; i < walls.size(); ++i) {
      const std::optional<Wall> wall = merged(i);
      if (!wall) continue;
      const double distance = WorstDistance(ring, *wall);
      if (!best || distance < best_distance) {
        best = wall;
        best_distance = distance;
        best_at = i;
      }
    }
    if (!best) return;
    const size_t next = (best_at + 1) % walls.size();
    walls[best_at] = *best;
    walls.erase(walls.begin() + static_cast<ptrdiff_t>(next));
  }
}

void DropCutCorners(std::vector<Wall>& walls) {
  for (size_t i = 0; i < walls.size() && walls.size() > 3;) {
    const Wall& before = walls[(i + walls.size() - 1) % walls.size()];
    const Wall& after = walls[(i + 1) % walls.size()];
    if (walls[i].weight <= kMaxCutCornerPx &&
        std::abs(Cross(before.along, after.along)) >= kMinSine) {
      walls.erase(walls.begin() + static_cast<ptrdiff_t>(i));
      i = 0;
    } else {
      ++i;
    }
  }
}

std::vector<Wall> FitWalls(const CrackRing& ring, double tolerance) {
  const std::vector<size_t> corners = DivideOutline(ring, tolerance);
  std::vector<Wall> walls;
  for (size_t i = 0; i < corners.size(); ++i) {
    const bool is_last = i + 1 == corners.size();
    const size_t end = is_last ? corners[0] + ring.size() : corners[i + 1];
    walls.push_back(FitWall(ring, corners[i], end));
  }
  MergeStraight(ring, tolerance, walls);
  DropCutCorners(walls);
  return walls;
}

// Angle to the nearest multiple of a right angle from `direction`: in
// [-pi/4, pi/4], and whether that is an odd multiple.
std::pair<double, int> OffSquare(Vec along, double direction) {
  const double turned = std::atan2(along.y, along.x) - direction;
  const double quarters = std::round(turned / (kPi / 2));
  return {turned - quarters * (kPi / 2),
          std::abs(static_cast<int>(quarters)) % 2};
}

Vec AxisVector(double direction, int axis) {
  const double angle = direction + axis * kPi / 2;
  return {std::cos(angle), std::sin(angle)};
}

// Turns the walls that are nearly square; leaves out the short ones that are
// not.
std::vector<Wall> TurnWalls(const std::vector<Wall>& walls,
                            const FitOptions& options) {
  std::vector<Wall> turned;
  for (Wall wall : walls) {
    const auto [off, axis] = OffSquare(wall.along, *options.direction);
    if (std::abs(off) <= options.square_rad) {
      const Vec square = AxisVector(*options.direction, axis);
      wall.along = Dot(square, wall.along) < 0.0 ? -1.0 * square : square;
      wall.axis = axis;
    } else if (wall.weight < kMinOffSquarePx) {
      continue;
    }
    turned.push_back(wall);
  }
  return turned;
}

// Distance from line a to line b, both of one direction.
double Offset(const Wall& a, const Wall& b) {
  return Cross(a.along, b.through - a.through);
}

Wall Merged(const Wall& a, const Wall& b) {
  const double weight = a.weight + b.weight;
  Wall merged = a;
  merged.ends = b.ends;
  merged.end = b.end;
  merged.through =
      (1.0 / weight) * (a.weight * a.through + b.weight * b.through);
  merged.weight = weight;
  return merged;
}

// Neighbours of one direction become one wall, or get a step between them.
std::vector<Wall> JoinParallels(const std::vector<Wall>& walls,
                                const FitOptions& options) {
  const auto is_one_wall = [&](const Wall& a, const Wall& b) {
    return a.axis >= 0 && a.axis == b.axis && Dot(a.along, b.along) > 0.0 &&
           std::abs(Offset(a, b)) <= options.tolerance_px;
  };
  std::vector<Wall> joined;
  for (const Wall& wall : walls) {
    if (!joined.empty() && is_one_wall(joined.back(), wall)) {
      joined.back() = Merged(joined.back(), wall);
    } else {
      joined.push_back(wall);
    }
  }
  // The outline may begin in the middle of a wall.
  if (joined.size() > 1 && is_one_wall(joined.back(), joined.front())) {
    joined.front() = Merged(joined.back(), joined.front());
    joined.pop_back();
  }
  std::vector<Wall> stepped;
  for (size_t i = 0; i < joined.size(); ++i) {
    const Wall& wall = joined[i];
    const Wall& last = joined[(i + joined.size() - 1) % joined.size()];
    if (joined.size() > 1 && wall.axis >= 0 && wall.axis == last.axis) {
      const double offset = Offset(last, wall);
      const Vec across = {-last.along.y, last.along.x};
      Wall step;
      step.through = 0.5 * (last.ends + wall.begins);
      step.along = offset < 0.0 ? -1.0 * across : across;
      step.begins = last.ends;
      step.ends = wall.begins;
      step.weight = std::abs(offset);
      step.axis = 1 - wall.axis;
      stepped.push_back(step);
    }
    stepped.push_back(wall);
  }
  return stepped;
}

Vec Onto(const Wall& wall, Vec p) {
  return wall.through + Dot(p - wall.through, wall.along) * wall.along;
}

// Where two neighbouring walls meet, near to where the pixels' outline goes
// from one to the other.
Vec Corner(const Wall& a, const Wall& b, double tolerance) {
  const Vec pixel_corner = 0.5 * (a.ends + b.begins);
  const double sine = Cross(a.along, b.along);
  if (std::abs(sine) >= kMinSine) {
    const double reach = Cross(b.through - a.through, b.along) / sine;
    const Vec meeting = a.through + reach * a.along;
    // A cut corner that was left out lies between the two.
    const double cut = Length(b.begins - a.ends);
    if (Length(meeting - pixel_corner) <= kMaxCornerShift * tolerance + cut) {
      return meeting;
    }
  }
  return 0.5 * (Onto(a, pixel_corner) + Onto(b, pixel_corner));
}

}  // namespace

Ring FitOutline(const CrackRing& outline, const FitOptions& options) {
  std::vector<Wall> walls = FitWalls(outline, options.tolerance_px);
  if (options.direction) {
    walls = JoinParallels(TurnWalls(walls, options), options);
  }
  Ring ring;
  for (size_t i = 0; i < walls.size(); ++i) {
    const Wall& last = walls[(i + walls.size() - 1) % walls.size()];
    const Vec corner = Corner(last, walls[i], options.tolerance_px);
    ring.push_back({corner.x, corner.y});
  }
  return ring;
}

MainDirection FindMainDirection(const CrackRing& outline, double tolerance_px,
                                double square_rad) {
  const std::vector<Wall> walls = FitWalls(outline, tolerance_px);
  // Four times the angle is the same for all four sides of a rectangle. Long
  // walls tell the direction better, hence the square.
  Vec sum;
  double total = 0.0;
  for (const Wall& wall : walls) {
    const double angle = 4.0 * std::atan2(wall.along.y, wall.along.x);
    sum =
        sum + wall.weight * wall.weight * Vec{std::cos(angle), std::sin(angle)};
    total += wall.weight;
  }
  MainDirection main;
  main.angle = std::atan2(sum.y, sum.x) / 4.0;
  // Rounding must not tilt what lies along the pixels.
  if (std::abs(main.angle) < 1e-9) main.angle = 0.0;
  double square = 0.0;
  for (const Wall& wall : walls) {
    if (std::abs(OffSquare(wall.along, main.angle).first) <= square_rad) {
      square += wall.weight;
    }
  }
  main.share = square / total;
  return main;
}

}  // namespace mapweave::tracking
