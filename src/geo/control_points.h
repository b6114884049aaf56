// SPDX-License-Identifier: MIT
//
// Ground control points from files that lie beside a scan: QGIS .points files,
// tables (CSV) and IIIF georeference annotations.
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

// What a file of control points says.
struct ControlPointFile {
  std::vector<ControlPoint> points;
  // Of the ground coordinates; none if the file does not say.
  std::optional<Crs> crs;
  // True where the format itself fixes the CRS, so that none may replace it.
  bool crs_is_fixed = false;
  // True where the columns are longitudes and latitudes by name, so that only
  // a geographic CRS can be theirs.
  bool is_geographic = false;
  // The fit that the file asks for: "polynomial1", "polynomial2",
  // "polynomial3", "thinPlateSpline", another of Allmaps' names, or empty.
  std::string fit;
  // Outline of the legible map in pixels; empty if the file has none.
  Ring cutline;
  // What the user should know about the file, one sentence each.
  std::vector<std::string> warnings;
};

struct ControlPointOptions {
  // Of the scan at hand in pixels, to which an annotation's pixels are scaled
  // when it was made on another size.
  int width = 0;
  int height = 0;
  // Which annotation of a page: its number, counted from 1, or its id. By
  // default the only one that is made on an image of this size.
  std::optional<std::string> annotation;
};

// Reads a file of any kind; an annotation is known by its JSON, the others by
// their header line. docs/georeferencing.md has the columns.
//
// QGIS: "mapX,mapY,pixelX,pixelY[,enable...]", or "sourceX,sourceY" for the
// pixels as of QGIS 3.26, with the row negative downwards and an optional first
// line "#CRS: ..."; points with enable = 0 are left out.
// Table: one column each for column and row in the scan (row downwards) and for
// the two ground coordinates; "lon" and "lat" are of EPSG:4326 unless a "#CRS:"
// line names another geographic one. IIIF Georeference Extension 1.0 and its
// drafts: an Annotation or an AnnotationPage; longitudes and latitudes are
// brought to EPSG:3857, in which Allmaps fits them. Throws Error{kBadInput}
// naming the file, the line or field, and the fault.
ControlPointFile ReadControlPoints(const std::filesystem::path& path,
                                   const ControlPointOptions& options);
// The same for a text that is at hand; errors name `path`, which is not opened.
ControlPointFile ParseControlPoints(const std::string& text,
                                    const std::filesystem::path& path,
                                    const ControlPointOptions& options);

}  // namespace mapweave::geo
