// SPDX-License-Identifier: MIT
//
// Private to src/geo: which control points to doubt, and which kind of fit to
// take when nobody says.
#pragma once

#include "geo/fit_residuals.h"
#include "geo/sheet.h"

#include <cstddef>
#include <string>
#include <vector>

namespace mapweave::geo {

// Points that lie so far from where all others put them that they must be
// wrong: further than 3 pixels and 6 times the median of the others. Taken off
// one at a time, at most a fifth of the points; by rising index. Empty with too
// few points to tell.
std::vector<Suspect> SuspectPoints(const FitSite& site);

struct FitChoice {
  Georef fit = Georef::kGcpPoly1;
  std::string reason;
};

// Chooses by leave-one-out cross-validation among kGcpPoly1, kGcpPoly2 (at
// least 10 points), kGcpPoly3 (16) and kTps (10): each must be free of faults
// and predict left-out points better by a fifth, and by 0.05 pixels, than the
// best of those before it. Suspect points neither vote nor let a spline, which
// would go through them, be chosen.
FitChoice ChooseFit(const FitSite& site, const std::vector<Suspect>& suspects);

}  // namespace mapweave::geo
