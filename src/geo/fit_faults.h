// SPDX-License-Identifier: MIT
//
// Private to src/geo: whether a fit through control points can be trusted all
// over the legible map.
#pragma once

#include "core/geometry.h"
#include "geo/fit_residuals.h"
#include "geo/sheet.h"

#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

// Pixels on a lattice over the legible map, its corners and points along its
// edge: all of a raster of this size where `cutline` is empty.
std::vector<Point2d> LegiblePixels(int width, int height,
                                   const MultiPolygon& cutline);

// What makes a fit unusable, and what to do.
struct FitFault {
  std::string fault;
  std::string hint;
};

// In this order: the fit folds the legible map over itself; it stretches or
// shears it beyond four times the sheet's scale somewhere; it stretches the
// whole sheet over four times more one way than the other, or misses its points
// by over a twentieth of the distance that they span; its predicted
// standard error at the legible map's farthest corner is over 1 % of the map's
// diagonal because the points cover only a part of it. None if it is usable.
// Throws Error{kBadInput} if the points do not determine the fit.
std::optional<FitFault> FaultOf(const FitSite& site, Georef fit);

// What is usable but looks wrong: suspect points, a mirrored or lopsided map, a
// predicted error well above the points' own. One sentence each. `suspects` are
// those that SuspectPoints finds.
std::vector<std::string> Doubts(const FitSite& site, Georef fit,
                                const std::vector<Suspect>& suspects);

}  // namespace mapweave::geo
