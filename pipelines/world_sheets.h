// SPDX-License-Identifier: MIT
//
// The plan of a simulated series: its town, how the window is cut into sheets,
// how each is drawn, and how wrongly each is georeferenced. Nothing is drawn or
// written here.
//
// Frames, all x right, y down: world pixels (of the window, true places); the
// same pixels as a sheet's georeference has them ("nominal"); sheet pixels.
#pragma once

#include "core/date.h"
#include "core/geometry.h"
#include "geo/grid.h"
#include "pipelines/worlds.h"
#include "synth/placement.h"
#include "synth/render.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct WorldSheet {
  std::string file_name;
  // The sheet's whole error, in world pixels.
  synth::Placement nominal_from_true;
  // Top left corner of the raster in nominal pixels.
  Point2d origin;
  // Sheet pixels per world pixel.
  double scale = 1.0;
  cv::Size size;  // sheet pixels

  synth::Placement SheetFromWorld() const;
  // What the raster shows, in world pixels, not cut at the window.
  Ring Covered() const;
  geo::Grid GridIn(const geo::Grid& window) const;
};

struct WorldEdition {
  std::string label;
  DateRange date;
  std::string hand;
  uint64_t drawing_seed = 0;
  std::vector<WorldSheet> sheets;
  std::vector<std::string> missing;  // file names
  // The mean error of the sheets at their middles, in world pixels.
  Point2d shift;

  // What alignment has to find: the opposite of the shift, x east and y north,
  // in the unit of `pixel_side`.
  Point2d Correction(double pixel_side) const;

  // Of the edition without any error, on the window.
  synth::RenderOptions Drawing(const synth::World& world) const;
  // Of one sheet of it.
  synth::RenderOptions Drawing(const synth::World& world,
                               const WorldSheet& sheet) const;
};

// A series as it is to be drawn and written: a pure function of its options.
struct WorldSeries {
  WorldSeriesOptions options;  // with the window's size
  geo::Grid grid;              // of the window
  synth::World world;
  std::vector<WorldEdition> editions;
  FootprintCounts footprints;  // zeros without them
};

// Throws what WriteWorldSeries throws of options.
WorldSeries PlanSeries(const WorldSeriesOptions& options);

// Names of street plans, as WorldSeriesOptions::plan has them.
const std::map<std::string, synth::PlanFamily>& StreetPlans();

}  // namespace mapweave::pipelines
