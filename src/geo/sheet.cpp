// SPDX-License-Identifier: MIT
#include "geo/sheet.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/gdal_handles.h"
#include "geo/georeference.h"
#include "geo/polygon_ops.h"
#include "geo/raster_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <system_error>
#include <utility>

namespace mapweave::geo {
namespace {

[[noreturn]] void Refuse(const SheetInfo& sheet, const std::string& fault,
                         const std::string& hint) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("{}: {}", sheet.path.string(), fault), hint);
}

// Adds the file's name to errors of the parts that do not know it.
template <typename Function>
auto NamingSheet(const SheetInfo& sheet, Function&& function) {
  try {
    return function();
  } catch (const Error& e) {
    throw Error(e.Code(),
                fmt::format("{}: {}", sheet.path.string(), e.Message()),
                e.Hint());
  }
}

std::optional<std::filesystem::path> FindPointsFile(
    const std::filesystem::path& sheet) {
  std::filesystem::path appended = sheet;
  appended += ".points";
  std::filesystem::path replaced = sheet;
  replaced.replace_extension(".points");
  for (const auto& candidate : {appended, replaced}) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate;
  }
  return std::nullopt;
}

struct Placement {
  std::optional<GeoTransform> affine;
  ControlPointFile points;
};

std::vector<ControlPoint> PointsOf(GDALDataset& dataset) {
  std::vector<ControlPoint> points;
  const GDAL_GCP* gcps = dataset.GetGCPs();
  for (int i = 0; i < dataset.GetGCPCount(); ++i) {
    points.push_back({{gcps[i].dfGCPPixel, gcps[i].dfGCPLine},
                      {gcps[i].dfGCPX, gcps[i].dfGCPY}});
  }
  return points;
}

// In this order: the points that the user names, the file's affine map or
// world file, the file's own points, a .points file beside it.
Placement FindPlacement(GDALDataset& dataset, const SheetInfo& sheet) {
  Placement placement;
  if (sheet.options.control_points) {
    placement.points = ReadControlPoints(
        *sheet.options.control_points,
        {sheet.width, sheet.height, sheet.options.annotation});
    return placement;
  }
  std::array<double, 6> c{};
  const std::array<double, 6> none{0, 1, 0, 0, 0, 1};
  if (dataset.GetGeoTransform(c.data()) == CE_None && c != none) {
    placement.affine = NamingSheet(sheet, [&c] { return GeoTransform(c); });
    placement.points.crs = CrsFactory::FromSrs(dataset.GetSpatialRef());
    return placement;
  }
  if (dataset.GetGCPCount() > 0) {
    placement.points.points = PointsOf(dataset);
    placement.points.crs = CrsFactory::FromSrs(dataset.GetGCPSpatialRef());
    return placement;
  }
  if (const auto beside = FindPointsFile(sheet.path)) {
    placement.points = ReadControlPoints(
        *beside, {sheet.width, sheet.height, sheet.options.annotation});
    if (!placement.points.crs) {
      placement.points.crs = CrsFactory::FromSrs(dataset.GetSpatialRef());
    }
    return placement;
  }
  const bool models = dataset.GetMetadata("RPC") != nullptr ||
                      dataset.GetMetadata("GEOLOCATION") != nullptr;
  Refuse(sheet,
         models ? "georeferenced by a sensor model only, which is not supported"
                : "no georeference",
         models ? "Warp the sheet first, for instance with gdalwarp."
                : "Georeference it (for instance with QGIS or Allmaps), or put "
                  "a world file or a QGIS .points file beside it.");
}

// `stated` is what the control points' own file asks for.
Georef ChosenFit(const SheetInfo& sheet, const std::string& stated) {
  if (sheet.options.gcp_fit) {
    if (*sheet.options.gcp_fit == Georef::kAffine) {
      throw Error(ErrorCode::kUsage,
                  "affine is not a way to fit control points",
                  "Choose gcp-poly1, gcp-poly2, gcp-poly3 or tps.");
    }
    return *sheet.options.gcp_fit;
  }
  if (stated == "polynomial1") return Georef::kGcpPoly1;
  if (stated == "polynomial2") return Georef::kGcpPoly2;
  if (stated == "thinPlateSpline") return Georef::kTps;
  const Georef fit = ChooseFit(sheet.control_points);
  if (!stated.empty()) {
    LogWarning("{}: the transformation \"{}\" is not supported; using {}",
               sheet.path.string(), stated, GeorefName(fit));
  }
  return fit;
}

// Root mean square in ground metres; none when the fit has no freedom left.
std::optional<double> GroundRmse(const SheetInfo& sheet,
                                 const GroundScale& scale) {
  const size_t count = sheet.control_points.size();
  const size_t determined = sheet.georef == Georef::kGcpPoly3   ? 10
                            : sheet.georef == Georef::kGcpPoly2 ? 6
                                                                : 3;
  if (count <= determined) return std::nullopt;
  const Residuals kind = sheet.georef == Georef::kTps ? Residuals::kLeaveOneOut
                                                      : Residuals::kOfTheFit;
  double sum = 0.0;
  for (const Point2d& r :
       FitResiduals(sheet.control_points, sheet.georef, kind)) {
    sum += r.x * r.x * scale.x * scale.x + r.y * r.y * scale.y * scale.y;
  }
  return std::sqrt(sum / static_cast<double>(count));
}

// The point of the largest leave-one-out residual, counted from 1.
size_t WorstPoint(const std::vector<ControlPoint>& points) {
  size_t worst = 0;
  double largest = -1.0;
  const std::vector<Point2d> residuals =
      points.size() > 3
          ? FitResiduals(points, Georef::kGcpPoly1, Residuals::kLeaveOneOut)
          : std::vector<Point2d>(points.size());
  for (size_t i = 0; i < residuals.size(); ++i) {
    const double size = std::hypot(residuals[i].x, residuals[i].y);
    if (size > largest) {
      largest = size;
      worst = i;
    }
  }
  return worst + 1;
}

Georeference MakeGeoreference(const SheetInfo& sheet) {
  return sheet.georef == Georef::kAffine
             ? Georeference(sheet.transform)
             : Georeference(sheet.control_points, sheet.georef);
}

// The raster's edge in the sheet's CRS, `per_edge` points an edge.
Ring Edge(const SheetInfo& sheet, const Georeference& map, int per_edge) {
  const double w = sheet.width;
  const double h = sheet.height;
  const Point2d corners[] = {{0, 0}, {0, h}, {w, h}, {w, 0}};
  Ring ring;
  for (int side = 0; side < 4; ++side) {
    const Point2d a = corners[side];
    const Point2d b = corners[(side + 1) % 4];
    for (int i = 0; i < per_edge; ++i) {
      const double t = i / static_cast<double>(per_edge);
      ring.push_back(
          map.CrsFromPixel({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)}));
    }
  }
  return ring;
}

constexpr int kPointsPerCurvedEdge = 16;

void CheckPlace(const SheetInfo& sheet) {
  const char* hint =
      "Check the CRS (--crs) and that x is easting or longitude.";
  for (const Point2d& p : sheet.footprint[0].shell) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y)) {
      Refuse(sheet, "its edge does not lie at finite coordinates", hint);
    }
    const double degrees_per_unit =
        sheet.crs.IsGeographic() ? sheet.crs.MetresPerUnit() / 111319.49 : 0.0;
    if (std::abs(p.y) * degrees_per_unit > 90.5 ||
        std::abs(p.x) * degrees_per_unit > 540.0) {
      Refuse(sheet,
             fmt::format("({}, {}) is not a longitude and latitude of {}", p.x,
                         p.y, sheet.crs.Label()),
             hint);
    }
  }
}

// Years before TIFF (1986) cannot be when a scan was made.
std::optional<std::string> SurveyDateOf(GDALDataset& dataset) {
  if (const char* own = dataset.GetMetadataItem("SURVEY_DATE")) return own;
  const char* tag = dataset.GetMetadataItem("TIFFTAG_DATETIME");
  if (tag == nullptr) return std::nullopt;
  const std::string text(tag);  // "YYYY:MM:DD HH:MM:SS"
  constexpr int kFirstScan = 1986;
  const int year = std::atoi(text.substr(0, 4).c_str());
  if (text.size() < 10 || year < 1000 || year >= kFirstScan) {
    return std::nullopt;
  }
  return text.substr(0, 4) + "-" + text.substr(5, 2) + "-" + text.substr(8, 2);
}

void Place(GDALDataset& dataset, SheetInfo& sheet) {
  Placement placement = FindPlacement(dataset, sheet);
  if (sheet.options.crs_override && !placement.points.crs_is_fixed) {
    sheet.crs = *sheet.options.crs_override;
  } else if (placement.points.crs && placement.points.crs->IsDefined()) {
    sheet.crs = *placement.points.crs;
  } else {
    Refuse(sheet, "no coordinate reference system",
           "Say which one it is in, for instance --crs EPSG:2056.");
  }
  if (placement.affine) {
    sheet.georef = Georef::kAffine;
    sheet.transform = *placement.affine;
    return;
  }
  sheet.control_points = std::move(placement.points.points);
  if (!placement.points.cutline.empty()) {
    sheet.cutline = {{std::move(placement.points.cutline), {}}};
  }
  sheet.georef = ChosenFit(sheet, placement.points.fit);
  const Georeference map =
      NamingSheet(sheet, [&sheet] { return MakeGeoreference(sheet); });
  if (!IsOneToOne(map, sheet.width, sheet.height)) {
    Refuse(sheet,
           fmt::format("the {} fit through its {} control points folds the "
                       "sheet over itself; point {} fits worst",
                       GeorefName(sheet.georef), sheet.control_points.size(),
                       WorstPoint(sheet.control_points)),
           "Correct or remove the wrong point, or fit with gcp-poly1.");
  }
  sheet.transform = map.Affine();
}

}  // namespace

const char* GeorefName(Georef georef) {
  switch (georef) {
    case Georef::kAffine:
      return "affine";
    case Georef::kGcpPoly1:
      return "gcp-poly1";
    case Georef::kGcpPoly2:
      return "gcp-poly2";
    case Georef::kGcpPoly3:
      return "gcp-poly3";
    case Georef::kTps:
      return "tps";
  }
  return "affine";
}

std::optional<Georef> GeorefFromName(std::string_view name) {
  for (const Georef georef :
       {Georef::kAffine, Georef::kGcpPoly1, Georef::kGcpPoly2,
        Georef::kGcpPoly3, Georef::kTps}) {
    if (name == GeorefName(georef)) return georef;
  }
  return std::nullopt;
}

double ControlPointResidual::Distance() const {
  return std::hypot(residual_m.x, residual_m.y);
}

SheetInfo InspectSheet(const std::filesystem::path& path,
                       const SheetOptions& options) {
  const DatasetPtr dataset = OpenRaster(path);
  CplErrorScope errors;
  SheetInfo sheet;
  sheet.path = path;
  sheet.options = options;
  sheet.width = dataset->GetRasterXSize();
  sheet.height = dataset->GetRasterYSize();
  sheet.bands = dataset->GetRasterCount();
  sheet.survey_date = SurveyDateOf(*dataset);
  Place(*dataset, sheet);

  const Georeference map = MakeGeoreference(sheet);
  const int per_edge = map.IsAffine() ? 1 : kPointsPerCurvedEdge;
  sheet.footprint = Oriented({{Edge(sheet, map, per_edge), {}}});
  CheckPlace(sheet);
  sheet.resolution = sheet.transform.Resolution();
  const Point2d centre =
      map.CrsFromPixel({sheet.width / 2.0, sheet.height / 2.0});
  // Also proves that the CRS is defined there.
  const GroundScale scale =
      NamingSheet(sheet, [&] { return ScaleAt(sheet.crs, centre); });
  if (sheet.georef != Georef::kAffine) sheet.rmse_m = GroundRmse(sheet, scale);
  return sheet;
}

MultiPolygon SheetInfo::FootprintIn(const Crs& target) const {
  return NamingSheet(*this, [&] {
    TransformOptions transform_options;
    transform_options.allow_ballpark = options.allow_ballpark;
    transform_options.area = Bounds(footprint);
    const Transformer target_from_crs(crs, target, transform_options);
    if (target_from_crs.IsIdentity()) return footprint;
    const Ring edge =
        Edge(*this, MakeGeoreference(*this), kPointsPerCurvedEdge);
    return Reprojected({{edge, {}}}, target_from_crs);
  });
}

}  // namespace mapweave::geo
