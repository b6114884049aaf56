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
#include <string_view>
#include <vector>

namespace mapweave::geo {

// How pixels are placed on the ground.
enum class Georef {
  kAffine,    // the file's own affine map or its world file
  kGcpPoly1,  // least-squares affine map through ground control points
  kGcpPoly2,  // least-squares polynomial of order 2 through them
  kGcpPoly3,  // the same of order 3
  kTps,       // thin-plate spline through them; meets each one exactly
};

// "affine", "gcp-poly1", "gcp-poly2", "gcp-poly3", "tps".
const char* GeorefName(Georef georef);
// The kind of that name; none if there is no such kind.
std::optional<Georef> GeorefFromName(std::string_view name);

struct SheetOptions {
  // Replaces the CRS that the file states, but not the one that the format of
  // the control points fixes (IIIF annotations): a warning says so. For columns
  // named lon and lat it must be geographic.
  std::optional<Crs> crs_override;
  // How to fit ground control points; kAffine is not a choice here. By default
  // what their file asks for, else the one of kGcpPoly1, kGcpPoly2, kGcpPoly3
  // and kTps that predicts left-out points best; see georeference.h.
  std::optional<Georef> gcp_fit;
  // Ground control points instead of the file's own georeference: a QGIS
  // .points file, a IIIF georeference annotation or a table (CSV). A file named
  // SHEET.points or SHEET.EXT.points is found by itself when the sheet has no
  // georeference.
  std::optional<std::filesystem::path> control_points;
  // Which annotation of a page with several: its number, counted from 1, or
  // its id. By default the only one that is made on an image of this size.
  std::optional<std::string> annotation;
  // Outline of the legible map: every polygon in a vector file that GDAL
  // reads. It takes the place of an annotation's own mask.
  std::optional<std::filesystem::path> cutline;
  // Leave nothing out: neither what readers would find to be background or
  // margin, nor what an annotation's own mask cuts off.
  bool keep_all = false;
  // For FootprintIn and for readers of this sheet; see TransformOptions.
  bool allow_ballpark = false;
};

// How well a fit meets one of its control points.
struct ControlPointResidual {
  Point2d pixel;   // edges at integers, y downwards
  Point2d ground;  // in the sheet's CRS
  // Where the point lies as seen from where the fit puts it, in ground metres
  // along the CRS's axes.
  Point2d residual_m;
  // Distance in ground metres to where the fit through all other points puts
  // it; none where those do not determine a fit.
  std::optional<double> leave_one_out_m;

  // Length of residual_m.
  double Distance() const;
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
  // Why it is that kind, as one sentence for people.
  std::string georef_reason;
  // kAffine and kGcpPoly1: crs_from_pixel. Else the best affine approximation.
  GeoTransform transform;
  // What a fit was made through, in `crs`; empty for kAffine.
  std::vector<ControlPoint> control_points;
  // The same points in the same order, with their residuals.
  std::vector<ControlPointResidual> residuals;
  // What a user should look at in this georeference, one sentence each.
  std::vector<std::string> warnings;
  // Outline of the legible map in pixels (y downwards), if one is given; what
  // lies outside, or in a hole, counts as not covered. Rings do not cross.
  MultiPolygon cutline;
  // Root mean square of the control points' residuals in ground metres; for a
  // spline, which has none, of the leave-one-out residuals. None for kAffine
  // and for fits that leave no residual to see.
  std::optional<double> rmse_m;
  // Root mean square of the leave-one-out distances; none for kAffine and where
  // the points without one of them do not determine a fit.
  std::optional<double> loo_rmse_m;
  // Outline of the raster in `crs`, one polygon, shell counter-clockwise.
  MultiPolygon footprint;
  // Side of a pixel in CRS units, at the sheet's centre.
  double resolution = 0.0;
  // The survey's date as text, if the file states one: its SURVEY_DATE item,
  // or as much of its TIFF DateTime tag as is a date, where that lies before
  // TIFF itself (1986) and so cannot be the day of scanning, and is not where
  // clocks begin to count.
  std::optional<std::string> survey_date;
  // It is from the DateTime tag, which a scanner with a wrong clock may have
  // written.
  bool survey_date_is_tag = false;

  // The outline in another CRS, with points inserted along the edges. Same
  // errors as Transformer.
  MultiPolygon FootprintIn(const Crs& target) const;
};

// Opens `path` and checks all that can be checked without reading its pixels.
// Throws Error{kBadInput} naming the file and the remedy: missing, not a
// raster, unsupported pixels, no georeference, no CRS, control points that
// fold the legible map over itself or leave parts of it to guesswork, a
// cutline that cannot be placed.
SheetInfo InspectSheet(const std::filesystem::path& path,
                       const SheetOptions& options = {});

}  // namespace mapweave::geo
