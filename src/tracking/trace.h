// SPDX-License-Identifier: MIT
//
// Outlines of masks as clean polygons. Straight walls become straight, corners
// that are nearly right become right, and nothing is invented: what cannot be
// cleaned within the bounds keeps its exact pixel outline.
#pragma once

#include "core/geometry.h"
#include "tracking/mask.h"

namespace mapweave::tracking {

struct TraceOptions {
  // Farthest that the outline may lie from the pixels' outline, about; on
  // average it stays within about a third of it. 0 gives the exact pixel
  // outline.
  double tolerance_px = 1.0;
  // Walls within this angle of the building's two main directions are turned
  // into them; 0 switches squaring off.
  double square_deg = 15.0;
  // Squaring is tried where at least this share of the outline is that near.
  double min_square_share = 0.8;
  // Smaller holes are filled.
  double min_hole_px = 3.0;
  // A cleaned polygon is taken only if its area differs from the mask's by at
  // most this share or this many pixels, whichever is more ...
  double max_area_change = 0.08;
  double max_area_change_px = 3.0;
  // ... and if its pixels and the mask's have at least this IoU. Else a
  // less tolerance is tried, and in the end the exact pixel outline kept.
  double min_iou = 0.9;

  // Throws Error{kUsage} that names the value out of range.
  void Validate() const;
};

// One polygon per 4-connected part, in the order of the parts' first pixels.
// Coordinates are the mask's pixels with pixel edges at integers (pixel (0, 0)
// is the square from (0, 0) to (1, 1)), y down. Each polygon is valid in the
// OGC sense: rings are simple, do not cross, and touch at most in points.
// Shells run with negative SignedArea here and holes with positive, so that
// shells are counter-clockwise once the y axis points up. Moving the mask
// moves the polygons.
MultiPolygon TracePolygons(const Mask& mask, const TraceOptions& options = {});

}  // namespace mapweave::tracking
