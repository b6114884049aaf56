// SPDX-License-Identifier: MIT
//
// Real buildings for a simulated series: outlines with the dates of their life
// from a vector file, on the pixels of a window made for them.
#pragma once

#include "geo/grid.h"
#include "pipelines/worlds.h"
#include "synth/footprints.h"

#include <vector>

namespace mapweave::pipelines {

struct RealTown {
  // Holds all buildings that are taken, with the margin around them.
  geo::Grid grid;
  // Of those that stand on some edition, in the file's order.
  std::vector<synth::FootprintLife> lives;
  FootprintCounts counts;
};

// `options.footprints` is set; the editions are valid. A building stands on an
// edition if its life, first and last date included, meets the days of the
// survey. Warns with the number of unknown dates. Throws Error{kBadInput}
// naming the file if it cannot be read, has no CRS, lacks a field, holds a
// value that is no date or a life that ends before it starts, or if nothing of
// it stands on any edition or lies in the bbox.
RealTown ReadRealTown(const WorldSeriesOptions& options);

}  // namespace mapweave::pipelines
