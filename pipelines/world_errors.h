// SPDX-License-Identifier: MIT
//
// The true georeferencing errors of a simulated series, for judging an
// alignment: as affine maps per sheet, and as displacement fields per edition.
#pragma once

#include "core/geometry.h"
#include "core/json.h"
#include "geo/geotiff_writer.h"
#include "geo/grid.h"
#include "pipelines/world_sheets.h"
#include "synth/world.h"

#include <cstddef>
#include <string>

namespace mapweave::pipelines {

// The document georef_error.json. All in units of the CRS, y up:
//   origin: [x, y], about which the matrices turn
//   editions: [{edition, hand, metres_per_px, correction: [dx, dy] of the
//     whole, distortion_m, field: file name or null, missing: [names],
//     sheets: [{path, matrix: [[a, b], [c, d]], shift: [dx, dy]}]}]
// What a sheet places at p lies at origin + matrix (p - origin) + shift, but
// for the local distortion of its drawing.
Json GeoreferenceErrors(const WorldSeries& series);

// "error_1860.tif"
std::string ErrorFieldName(const WorldEdition& edition);

// The place on the drawing of edition `to`, in world pixels, of what the
// drawing of edition `from` shows at `drawn`.
Point2d OnDrawing(const synth::World& world, size_t to, size_t from,
                  Point2d drawn);

struct ErrorField {
  geo::Grid grid;  // 8 pixels of the window per cell
  geo::FloatBands bands;
};

// Two bands, dx and dy in units of the CRS: what is to be added to a place on
// the edition's sheets for the place of the same thing in the frame of the
// newest edition, with the local distortion of both drawings. NaN where the
// edition has no sheet; where sheets overlap, the first counts.
ErrorField ErrorFieldOf(const WorldSeries& series, size_t edition);

}  // namespace mapweave::pipelines
