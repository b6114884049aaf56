// SPDX-License-Identifier: MIT
//
// Private to src/geo: long, nearly straight lines of a sheet, among which the
// sides of the frame around a map are sought.
#pragma once

#include "geo/neatline_ridges.h"

#include <vector>

namespace mapweave::geo {

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

// A candidate that was followed along its crest.
struct Line {
  Curve course;
  std::vector<float> seen;  // share per block
  double length = 0.0;      // sum of the shares

  double At(double col) const { return course.At(col); }
  double Slope() const { return course.b; }
};

// The most visible lines along rows whose middle lies in rows [from, to), the
// longest first; `shares` is SharesSeen(ridges). None is steeper than three
// degrees.
std::vector<Line> FindLines(const Plane& ridges, const Plane& shares, int from,
                            int to);

// Mean share seen over the blocks within [from, to); 0 if there is none.
double SeenWithin(const Line& line, double from, double to);

}  // namespace mapweave::geo
