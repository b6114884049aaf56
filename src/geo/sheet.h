// SPDX-License-Identifier: MIT
//
// One scanned, georeferenced sheet: what the file says about itself, checked.
// Pixels are read by EditionReader.
#pragma once

#include "core/geometry.h"
#include "geo/control_points.h"
#include "geo/crs.h"
#include "geo/geo_transform.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

// How pixels are placed on the ground.
enum class Georef {
  kAffine,    // the file's own affine map or its world file
  kGcpPoly1,  // least-squares affine map through ground control points
  kGcpPoly2,  // second-order polynomial through them
  kTps,       // thin-plate spline through them; meets each one exactly
};

// "affine", "gcp-poly1", "gcp-poly2", "tps".
const char* GeorefName(Georef georef);

struct SheetOptions {
  // Replaces the CRS that the file states.
  std::optional<Crs> crs_override;
  // How to fit ground control points. By default kGcpPoly1, or kGcpPoly2 when
  // there are at least 10 and it predicts left-out points better by a fifth.
  // kAffine is not a choice here.
  std::optional<Georef> gcp_fit;
  // Ground control points instead of the file's own georeference: a QGIS
  // .points file or a IIIF georeference annotation. A .points file named
  // SHEET.points or SHEET.EXT.points is found by itself when the sheet has no
  // georeference.
  std::optional<std::filesystem::path> control_points;
  // For FootprintIn and for readers of this sheet; see TransformOptions.
  bool allow_ballpark = false;
};

struct SheetInfo {
  std::filesystem::path path;
  // What it was opened with, so that readers open it the same way.
  SheetOptions options;
  int width = 0;  // pixels
  int height = 0;
  int bands = 0;
  Crs crs;
  Georef georef = Georef::kAffine;
  // kAffine and kGcpPoly1: crs_from_pixel. Else the best affine approximation.
  GeoTransform transform;
  // What a fit was made through, in `crs`; empty for kAffine.
  std::vector<ControlPoint> control_points;
  // Outline of the legible map in pixels, if an annotation states one; what
  // lies outside counts as not covered.
  Ring cutline;
  // Root mean square of the control points' residuals in ground metres; for a
  // spline, which has none, of the leave-one-out residuals. None for kAffine
  // and for fits that leave no residual to see.
  std::optional<double> rmse_m;
  // Outline of the raster in `crs`, one polygon, shell counter-clockwise.
  MultiPolygon footprint;
  // Side of a pixel in CRS units, at the sheet's centre.
  double resolution = 0.0;
  // The survey's date as text, if the file states one: its SURVEY_DATE item,
  // or its TIFF DateTime tag where that lies before TIFF itself (1986) and so
  // cannot be the day of scanning.
  std::optional<std::string> survey_date;

  // The outline in another CRS, with points inserted along the edges. Same
  // errors as Transformer.
  MultiPolygon FootprintIn(const Crs& target) const;
};

// Opens `path` and checks all that can be checked without reading its pixels.
// Throws Error{kBadInput} naming the file and the remedy: missing, not a
// raster, unsupported pixels, no georeference, no CRS, control points that
// fold the sheet over itself.
SheetInfo InspectSheet(const std::filesystem::path& path,
                       const SheetOptions& options = {});

}  // namespace mapweave::geo
