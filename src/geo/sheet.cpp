// SPDX-License-Identifier: MIT
#include "geo/sheet.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/cutline.h"
#include "geo/fit_choice.h"
#include "geo/fit_faults.h"
#include "geo/fit_residuals.h"
#include "geo/gdal_handles.h"
#include "geo/georeference.h"
#include "geo/placement.h"
#include "geo/polygon_ops.h"
#include "geo/raster_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace mapweave::geo {
namespace {

[[noreturn]] void Refuse(const SheetInfo& sheet, const std::string& fault,
                         const std::string& hint) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("{}: {}", sheet.path.string(), fault), hint);
}

// Adds the sheet's name to errors of the parts that do not know it.
template <typename Function>
auto NamingSheet(const SheetInfo& sheet, Function&& function) {
  try {
    return function();
  } catch (const Error& e) {
    const bool named =
        e.Message().find(sheet.path.string()) != std::string::npos;
    if (named) throw;
    throw Error(e.Code(),
                fmt::format("{}: {}", sheet.path.string(), e.Message()),
                e.Hint());
  }
}

// What the control points' own file asks for, in our words; none if it leaves
// the choice open or asks for what does not exist here.
std::optional<Georef> StatedFit(const std::string& stated, SheetInfo& sheet) {
  if (stated.empty()) return std::nullopt;
  if (stated == "polynomial1") return Georef::kGcpPoly1;
  if (stated == "polynomial2") return Georef::kGcpPoly2;
  if (stated == "polynomial3") return Georef::kGcpPoly3;
  if (stated == "thinPlateSpline") return Georef::kTps;
  sheet.warnings.push_back(fmt::format(
      "the transformation \"{}\" of its control points is not supported",
      stated));
  return std::nullopt;
}

void DecideFit(const std::string& stated, const FitSite& site,
               const std::vector<Suspect>& suspects, SheetInfo& sheet) {
  if (sheet.options.gcp_fit) {
    if (*sheet.options.gcp_fit == Georef::kAffine) {
      throw Error(ErrorCode::kUsage,
                  "affine is not a way to fit control points",
                  "Choose gcp-poly1, gcp-poly2, gcp-poly3 or tps.");
    }
    sheet.georef = *sheet.options.gcp_fit;
    sheet.georef_reason = "chosen by the user";
  } else if (const auto fit = StatedFit(stated, sheet)) {
    sheet.georef = *fit;
    sheet.georef_reason = "asked for by the file of control points";
  } else {
    FitChoice choice = ChooseFit(site, suspects);
    sheet.georef = choice.fit;
    sheet.georef_reason = std::move(choice.reason);
  }
}

// The middle of the control points on the ground.
Point2d MiddleOf(const std::vector<ControlPoint>& points) {
  Point2d middle;
  for (const ControlPoint& p : points) {
    middle.x += p.ground.x / static_cast<double>(points.size());
    middle.y += p.ground.y / static_cast<double>(points.size());
  }
  return middle;
}

void CheckDegrees(const SheetInfo& sheet, Point2d p) {
  const char* hint =
      "Check the CRS (--crs) and that x is easting or longitude.";
  if (!std::isfinite(p.x) || !std::isfinite(p.y)) {
    Refuse(sheet, "it does not lie at finite coordinates", hint);
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

// Fits the sheet's control points, which are set, and finds its cutline, which
// depends on the fit when it is given on the ground.
void Fit(const std::string& stated, SheetInfo& sheet) {
  if (sheet.control_points.empty()) {
    Refuse(sheet, "there is no control point in what should place it",
           "Give at least 3 control points, spread over the sheet.");
  }
  const Point2d middle = MiddleOf(sheet.control_points);
  CheckDegrees(sheet, middle);
  FitSite site{sheet.control_points, ScaleAt(sheet.crs, middle), {}};
  const std::vector<Suspect> suspects = SuspectPoints(site);
  const auto find_legible = [&sheet, &site] {
    if (sheet.options.cutline) {
      sheet.cutline = ReadCutline(*sheet.options.cutline, sheet);
    }
    site.pixels = LegiblePixels(sheet.width, sheet.height, sheet.cutline);
  };
  sheet.georef = Georef::kGcpPoly1;
  find_legible();
  DecideFit(stated, site, suspects, sheet);
  if (sheet.georef != Georef::kGcpPoly1) find_legible();
  if (const auto fault = FaultOf(site, sheet.georef)) {
    Refuse(sheet, fault->fault, fault->hint);
  }
  sheet.transform = Georeference(sheet).Affine();
  sheet.residuals = Residuals(site, sheet.georef);
  sheet.rmse_m = Rmse(sheet.residuals, sheet.georef);
  sheet.loo_rmse_m = LooRmse(sheet.residuals);
  for (std::string& doubt : Doubts(site, sheet.georef, suspects)) {
    sheet.warnings.push_back(std::move(doubt));
  }
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
  for (const Point2d& p : sheet.footprint[0].shell) CheckDegrees(sheet, p);
}

// What of a TIFF DateTime, "YYYY:MM:DD HH:MM:SS", dates a survey: as much as is
// a date, "1882" of "1882:00:00 00:00:00".
std::optional<std::string> DateOfTag(const std::string& tag) {
  constexpr size_t kDayLength = 10;
  if (tag.size() < kDayLength) return std::nullopt;
  const std::string day = tag.substr(0, kDayLength);
  // Where clocks that nobody has set begin, west of Greenwich a day earlier.
  for (const char* epoch : {"1969:12:31", "1970:01:01", "1980:01:01"}) {
    if (day == epoch) return std::nullopt;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(std::atoi(day.substr(0, 4).c_str())),
      std::chrono::month(
          static_cast<unsigned>(std::atoi(day.substr(5, 2).c_str()))),
      std::chrono::day(
          static_cast<unsigned>(std::atoi(day.substr(8, 2).c_str())))};
  // Years before TIFF cannot be when a scan was made.
  constexpr std::chrono::year kFirstYear(1000);
  constexpr std::chrono::year kFirstScan(1986);
  if (date.year() < kFirstYear || date.year() >= kFirstScan) {
    return std::nullopt;
  }
  std::string text = day.substr(0, 4);
  if (date.month().ok()) text += "-" + day.substr(5, 2);
  if (date.ok()) text += "-" + day.substr(8, 2);
  return text;
}

void FindSurveyDate(GDALDataset& dataset, SheetInfo& sheet) {
  if (const char* own = dataset.GetMetadataItem("SURVEY_DATE")) {
    sheet.survey_date = own;
  } else if (const char* tag = dataset.GetMetadataItem("TIFFTAG_DATETIME")) {
    sheet.survey_date = DateOfTag(tag);
    sheet.survey_date_is_tag = sheet.survey_date.has_value();
  }
}

// The mask that an annotation states, on the raster.
void TakeMask(const Ring& mask, SheetInfo& sheet) {
  if (mask.empty() || sheet.options.keep_all) return;
  sheet.cutline = CutAtRaster({{mask, {}}}, sheet.width, sheet.height);
  if (sheet.cutline.empty()) {
    Refuse(sheet, "the mask of its annotation does not touch the sheet",
           "Correct the mask, or give a cutline (--cutline).");
  }
}

// What the user says is in vain only where the format of the points fixes it.
void ChooseCrs(const ControlPointFile& points, SheetInfo& sheet) {
  const std::optional<Crs>& asked = sheet.options.crs_override;
  if (asked && points.is_geographic && !asked->IsGeographic()) {
    Refuse(sheet,
           fmt::format("its control points are longitudes and latitudes, but "
                       "{} is projected",
                       asked->Label()),
           "Give a geographic CRS (--crs), or none for WGS 84.");
  }
  if (asked && !points.crs_is_fixed) {
    sheet.crs = *asked;
  } else if (points.crs && points.crs->IsDefined()) {
    sheet.crs = *points.crs;
  } else {
    Refuse(sheet, "no coordinate reference system",
           "Say which one it is in, for instance --crs EPSG:2056.");
  }
  if (asked && points.crs_is_fixed && !asked->IsSame(sheet.crs) &&
      !asked->IsSame(Crs::Wgs84())) {
    sheet.warnings.push_back(
        fmt::format("the CRS {} is not used, because the format of its control "
                    "points fixes theirs",
                    asked->Label()));
  }
}

void Place(GDALDataset& dataset, SheetInfo& sheet) {
  Placement placement = FindPlacement(dataset, sheet);
  sheet.warnings = std::move(placement.points.warnings);
  ChooseCrs(placement.points, sheet);
  if (placement.affine) {
    sheet.georef = Georef::kAffine;
    sheet.georef_reason = placement.origin.empty()
                              ? "stated by the file"
                              : "stated by " + placement.origin;
    sheet.transform = *placement.affine;
    if (sheet.options.gcp_fit) {
      sheet.warnings.push_back(
          fmt::format("{} is not used, because the sheet has an affine map and "
                      "no control points are given",
                      GeorefName(*sheet.options.gcp_fit)));
    }
    if (sheet.options.cutline) {
      sheet.cutline = ReadCutline(*sheet.options.cutline, sheet);
    }
    return;
  }
  sheet.control_points = std::move(placement.points.points);
  TakeMask(placement.points.cutline, sheet);
  Fit(placement.points.fit, sheet);
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
  FindSurveyDate(*dataset, sheet);
  NamingSheet(sheet, [&] { Place(*dataset, sheet); });

  const Georeference map(sheet);
  const int per_edge = map.IsAffine() ? 1 : kPointsPerCurvedEdge;
  sheet.footprint = Oriented({{Edge(sheet, map, per_edge), {}}});
  CheckPlace(sheet);
  // A curved sheet may fold in its margins, outside the cutline.
  if (!IsValid(sheet.footprint)) sheet.footprint = MakeValid(sheet.footprint);
  sheet.resolution = sheet.transform.Resolution();
  // Proves that the CRS is defined there.
  NamingSheet(sheet, [&] {
    ScaleAt(sheet.crs,
            map.CrsFromPixel({sheet.width / 2.0, sheet.height / 2.0}));
  });
  for (const std::string& warning : sheet.warnings) {
    LogWarning("{}: {}", path.string(), warning);
  }
  if (sheet.georef != Georef::kAffine) {
    LogInfo("{}: {}, {}", path.string(), GeorefName(sheet.georef),
            sheet.georef_reason);
  }
  return sheet;
}

MultiPolygon SheetInfo::FootprintIn(const Crs& target) const {
  return NamingSheet(*this, [&] {
    TransformOptions transform_options;
    transform_options.allow_ballpark = options.allow_ballpark;
    transform_options.area = Bounds(footprint);
    const Transformer target_from_crs(crs, target, transform_options);
    if (target_from_crs.IsIdentity()) return footprint;
    const Ring edge = Edge(*this, Georeference(*this), kPointsPerCurvedEdge);
    return Reprojected({{edge, {}}}, target_from_crs);
  });
}

}  // namespace mapweave::geo
