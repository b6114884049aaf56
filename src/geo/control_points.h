// SPDX-License-Identifier: MIT
//
// Ground control points from files that lie beside a scan: QGIS .points files
// and IIIF georeference annotations.
#pragma once

#include "core/geometry.h"
#include "geo/crs.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

struct ControlPoint {
  Point2d pixel;  // edges at integers, y downwards
  Point2d ground;
};

struct ControlPointFile {
  std::vector<ControlPoint> points;
  // Of the ground coordinates; none if the file does not say.
  std::optional<Crs> crs;
  // True where the format itself fixes the CRS, so that none may replace it.
  bool crs_is_fixed = false;
  // The fit that the file asks for: "polynomial1", "polynomial2",
  // "thinPlateSpline", or empty.
  std::string fit;
  // Outline of the legible map in pixels; empty if the file has none.
  Ring cutline;
};

// Reads a file of either kind; an annotation is known by its JSON. `width` and
// `height` are those of the scan at hand, to which an annotation's pixels are
// scaled when it was made on another size.
//
// QGIS: "mapX,mapY,pixelX,pixelY,enable" with pixelY negative downwards, an
// optional first line "#CRS: ..."; points with enable = 0 are left out.
// IIIF Georeference Extension 1.0: an Annotation, or an AnnotationPage with
// one; its longitudes and latitudes are brought to EPSG:3857, in which Allmaps
// fits them.
// Throws Error{kBadInput} naming the file and the fault.
ControlPointFile ReadControlPoints(const std::filesystem::path& path, int width,
                                   int height);

}  // namespace mapweave::geo
