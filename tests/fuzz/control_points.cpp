// SPDX-License-Identifier: MIT
//
// Control points: QGIS .points files, tables and IIIF annotations, which one
// reader tells apart; each kind has a corpus of its own. Every number that is
// read is finite.
#include "geo/control_points.h"

#include "fuzz.h"

#include <cmath>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mapweave::fuzz::Feed([&] {
    mapweave::geo::ControlPointOptions options;
    options.width = 1000;
    options.height = 800;
    const auto file = mapweave::geo::ParseControlPoints(
        mapweave::fuzz::TextOf(data, size), "input.points", options);
    for (const auto& point : file.points) {
      if (!std::isfinite(point.pixel.x) || !std::isfinite(point.pixel.y) ||
          !std::isfinite(point.ground.x) || !std::isfinite(point.ground.y)) {
        std::abort();
      }
    }
    for (const auto& corner : file.cutline) {
      if (!std::isfinite(corner.x) || !std::isfinite(corner.y)) std::abort();
    }
  });
  return 0;
}
