// SPDX-License-Identifier: MIT
//
// Control points: QGIS .points files, tables and IIIF annotations, which one
// reader tells apart; each kind has a corpus of its own. Every number that is
// read is finite.
#include "geo/control_points.h"

#include "fuzz.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace {

// PROJ takes a thousand times as long to understand a CRS as the reader takes
// for the rest of a file, and has a fuzzer of its own (crs.cpp). So #CRS:
// lines hold a good code, nothing, or what is refused at once.
std::string WithPlainCrs(std::string text) {
  constexpr std::string_view kMark = "#CRS:";
  for (size_t at = text.find(kMark); at != std::string::npos;
       at = text.find(kMark, at)) {
    at += kMark.size();
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view crs(text.data() + at, end - at);
    if (crs == " EPSG:2056" || crs.find_first_not_of(" \t\r") == crs.npos) {
      continue;
    }
    text.replace(at, crs.size(), "none");
  }
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mapweave::fuzz::Feed([&] {
    mapweave::geo::ControlPointOptions options;
    options.width = 1000;
    options.height = 800;
    const auto file = mapweave::geo::ParseControlPoints(
        WithPlainCrs(mapweave::fuzz::TextOf(data, size)), "input.points",
        options);
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
