// SPDX-License-Identifier: MIT
#include "geo/control_points.h"

#include "core/error.h"
#include "core/json.h"
#include "geo/file_access.h"
#include "geo/iiif_annotation.h"
#include "geo/points_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::geo {
namespace {

constexpr const char* kHint =
    "Give a QGIS .points file, a IIIF georeference annotation or a CSV.";

// Rows that are counted upwards, or points of another scan.
void CheckPixels(const ControlPointFile& file, const std::string& origin,
                 const ControlPointOptions& options) {
  if (options.width <= 0 || file.points.empty()) return;
  const double w = options.width;
  const double h = options.height;
  const bool any_on_sheet = std::any_of(
      file.points.begin(), file.points.end(), [w, h](const ControlPoint& p) {
        return p.pixel.x >= 0.0 && p.pixel.x <= w && p.pixel.y >= 0.0 &&
               p.pixel.y <= h;
      });
  const auto astray = std::find_if(
      file.points.begin(), file.points.end(), [w, h](const ControlPoint& p) {
        return p.pixel.x < -w || p.pixel.x > 2.0 * w || p.pixel.y < -h ||
               p.pixel.y > 2.0 * h;
      });
  if (any_on_sheet && astray == file.points.end()) return;
  const auto& named = any_on_sheet ? *astray : file.points.front();
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("{}: {} point {} lies at column {:.1f} and row {:.1f}, but "
                  "the sheet has {} x {} pixels",
                  origin, any_on_sheet ? "its" : "no point is on the sheet:",
                  &named - file.points.data() + 1, named.pixel.x, named.pixel.y,
                  options.width, options.height),
      "Give the points of this scan. Rows count downwards; only in QGIS's own "
      "files are they negative.");
}

ControlPointFile ReadText(const std::string& text, const std::string& origin,
                          const ControlPointOptions& options) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) {
    throw Error(ErrorCode::kBadInput, fmt::format("{}: it is empty", origin),
                kHint);
  }
  if (text[first] == '{' || text[first] == '[') {
    return ReadAnnotation(ParseJson(text, origin), origin, options);
  }
  return ReadPointsTable(text, origin);
}

}  // namespace

ControlPointFile ReadControlPoints(const std::filesystem::path& path,
                                   const ControlPointOptions& options) {
  return ParseControlPoints(ReadText(path), path, options);
}

ControlPointFile ParseControlPoints(const std::string& text,
                                    const std::filesystem::path& path,
                                    const ControlPointOptions& options) {
  const std::string origin = path.string();
  try {
    ControlPointFile file = ReadText(text, origin, options);
    CheckPixels(file, origin, options);
    return file;
  } catch (const Error& e) {
    // The parts that know no remedy of their own.
    throw Error(e.Code(), e.Message(), e.Hint().empty() ? kHint : e.Hint());
  }
}

}  // namespace mapweave::geo
