// SPDX-License-Identifier: MIT
#include "geo/crs.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "geo/gdal_handles.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <geodesic.h>
#include <numbers>
#include <vector>

namespace mapweave::geo {
namespace {

constexpr double kDegreesPerRadian = 180.0 / std::numbers::pi;

std::string ExportWkt(const OGRSpatialReference& srs, const char* format) {
  const std::string format_option = std::string("FORMAT=") + format;
  const char* options[] = {format_option.c_str(), "MULTILINE=NO", nullptr};
  char* text = nullptr;
  const OGRErr status = srs.exportToWkt(&text, options);
  std::string wkt = status == OGRERR_NONE && text != nullptr ? text : "";
  CPLFree(text);
  return wkt;
}

// A definition without a code that is a registered one to the letter of its
// parameters is taken for that, so that PROJ finds the register's
// transformations for it.
void AdoptCode(OGRSpatialReference& srs) {
  if (srs.GetAuthorityCode(nullptr) != nullptr) return;
  constexpr int kSameParameters = 90;  // per cent, as FindMatches defines it
  OGRSpatialReference* match = srs.FindBestMatch(kSameParameters, "EPSG");
  if (match == nullptr) return;
  srs = *match;
  match->Release();
}

std::string Shortened(const std::string& text) {
  constexpr size_t kLongest = 60;
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

// Both axes of a polar CRS point north, or both south, each along a meridian:
// that is no mirror.
bool AxesPointEastAndNorth(const OGRSpatialReference& srs) {
  OGRAxisOrientation axes[2] = {OAO_Other, OAO_Other};
  for (int i = 0; i < 2; ++i) srs.GetAxis(nullptr, i, &axes[i]);
  const auto any = [&axes](OGRAxisOrientation direction) {
    return axes[0] == direction || axes[1] == direction;
  };
  return !any(OAO_West) && !(any(OAO_South) && any(OAO_East));
}

[[noreturn]] void ThrowNoCrs(const std::string& text,
                             const std::string& reason) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("\"{}\" is not a coordinate reference system: {}",
                          Shortened(text), reason),
              "Give a code such as EPSG:2056, a WKT or PROJ string, or a file "
              "that holds one.");
}

}  // namespace

// Plain values, taken out of GDAL's type when the Crs is made: even const
// calls of OGRSpatialReference write to caches, so it cannot be shared.
struct Crs::Definition {
  std::string wkt;
  std::string wkt1;
  std::string name;
  std::string authority;
  std::string code;
  bool geographic = false;
  bool east_and_north = true;
  double metres_per_unit = 1.0;
};

Crs CrsFactory::FromSrs(const OGRSpatialReference* source) {
  if (source == nullptr || source->IsEmpty()) return {};
  OGRSpatialReference srs(*source);
  if (srs.IsCompound()) srs.StripVertical();
  srs.DemoteTo2D(nullptr);
  if (!srs.IsGeographic() && !srs.IsProjected()) return {};
  AdoptCode(srs);

  auto definition = std::make_shared<Crs::Definition>();
  definition->wkt = ExportWkt(srs, "WKT2_2019");
  if (definition->wkt.empty()) return {};
  definition->wkt1 = ExportWkt(srs, "WKT1_GDAL");
  if (definition->wkt1.empty()) definition->wkt1 = definition->wkt;
  const char* name = srs.GetName();
  definition->name = name != nullptr ? name : "unnamed";
  const char* authority = srs.GetAuthorityName(nullptr);
  const char* code = srs.GetAuthorityCode(nullptr);
  if (authority != nullptr && code != nullptr) {
    definition->authority = authority;
    definition->code = code;
  }
  definition->geographic = srs.IsGeographic() != 0;
  definition->east_and_north = AxesPointEastAndNorth(srs);
  definition->metres_per_unit = definition->geographic
                                    ? srs.GetAngularUnits() * srs.GetSemiMajor()
                                    : srs.GetLinearUnits();
  return Crs(std::move(definition));
}

OGRSpatialReference CrsFactory::ToSrs(const Crs& crs) {
  OGRSpatialReference srs;
  // A code carries the area of use, which some writers want; WKT does not
  // always survive the way back to it.
  const auto authority = crs.AuthorityName();
  const bool by_code =
      authority == "EPSG" &&
      srs.importFromEPSG(std::atoi(crs.Code()->c_str())) == OGRERR_NONE;
  if (!by_code) srs.importFromWkt(crs.Wkt().c_str());
  srs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return srs;
}

Crs Crs::FromUserInput(const std::string& text) {
  std::error_code ignored;
  return FromText(std::filesystem::is_regular_file(text, ignored)
                      ? ReadFile(text)
                      : text);
}

Crs Crs::FromText(const std::string& text) {
  EnsureGdal();
  CplErrorScope errors;
  std::string definition = text;
  const auto first = definition.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string::npos) ThrowNoCrs(text, "it is empty");
  definition.erase(0, first);
  definition.erase(definition.find_last_not_of(" \t\r\n") + 1);

  OGRSpatialReference srs;
  const char* options[] = {"ALLOW_NETWORK_ACCESS=NO", "ALLOW_FILE_ACCESS=NO",
                           nullptr};
  if (srs.SetFromUserInput(definition.c_str(), options) != OGRERR_NONE) {
    ThrowNoCrs(text, errors.Text("it was not understood"));
  }
  Crs crs = CrsFactory::FromSrs(&srs);
  if (!crs.IsDefined()) {
    ThrowNoCrs(text, "it is neither geographic nor projected");
  }
  return crs;
}

Crs Crs::UtmAt(double longitude, double latitude) {
  if (!(std::abs(latitude) <= 84.0) || !std::isfinite(longitude)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("no UTM zone covers latitude {}", latitude),
                "Choose a projected CRS yourself (--crs).");
  }
  const double wrapped =
      longitude - 360.0 * std::floor((longitude + 180.0) / 360.0);
  const int zone = static_cast<int>(std::floor((wrapped + 180.0) / 6.0)) + 1;
  const int base = latitude >= 0.0 ? 32600 : 32700;
  return FromUserInput(fmt::format("EPSG:{}", base + zone));
}

Crs Crs::Wgs84() { return FromUserInput("EPSG:4326"); }

const Crs::Definition& Crs::Get() const {
  MAPWEAVE_CHECK(definition_ != nullptr);
  return *definition_;
}

std::string Crs::Wkt() const { return Get().wkt; }
std::string Crs::Wkt1() const { return Get().wkt1; }
std::string Crs::Name() const { return Get().name; }

std::optional<std::string> Crs::AuthorityName() const {
  if (Get().authority.empty()) return std::nullopt;
  return Get().authority;
}

std::optional<std::string> Crs::Code() const {
  if (Get().code.empty()) return std::nullopt;
  return Get().code;
}

std::string Crs::Label() const {
  const Definition& definition = Get();
  return definition.code.empty() ? definition.name
                                 : definition.authority + ":" + definition.code;
}

bool Crs::IsGeographic() const { return Get().geographic; }
bool Crs::PointsEastAndNorth() const { return Get().east_and_north; }
double Crs::MetresPerUnit() const { return Get().metres_per_unit; }

bool Crs::IsSame(const Crs& other) const {
  if (!IsDefined() || !other.IsDefined())
    return IsDefined() == other.IsDefined();
  if (definition_ == other.definition_ || Get().wkt == other.Get().wkt) {
    return true;
  }
  EnsureGdal();
  CplErrorScope errors;
  const OGRSpatialReference a = CrsFactory::ToSrs(*this);
  const OGRSpatialReference b = CrsFactory::ToSrs(other);
  // Axis order is the same for all by this project's convention.
  const char* options[] = {"IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES",
                           "CRITERION=EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS",
                           nullptr};
  return a.IsSame(&b, options) != 0;
}

double GroundScale::Length() const { return std::sqrt(x * y); }

struct GroundMeasure::Impl {
  PjContextPtr context;
  PjPtr geodetic_from_crs;  // null for a geographic CRS
  double degrees_per_unit = 1.0;
  double step = 1.0;  // CRS units
  geod_geodesic ellipsoid{};
  std::string label;

  Point2d LonLatDegrees(Point2d place) const {
    PJ_COORD c = proj_coord(place.x, place.y, 0, 0);
    if (geodetic_from_crs) {
      c = proj_trans(geodetic_from_crs.get(), PJ_FWD, c);
    }
    return {c.xy.x * degrees_per_unit, c.xy.y * degrees_per_unit};
  }

  // Metres per CRS unit along `direction`, a unit vector.
  double Along(Point2d place, Point2d direction) const {
    const double half = step / 2.0;
    const Point2d a = LonLatDegrees(
        {place.x - half * direction.x, place.y - half * direction.y});
    const Point2d b = LonLatDegrees(
        {place.x + half * direction.x, place.y + half * direction.y});
    double metres = 0.0;
    geod_inverse(&ellipsoid, a.y, a.x, b.y, b.x, &metres, nullptr, nullptr);
    return metres / step;
  }
};

GroundMeasure::GroundMeasure(const Crs& crs) : impl_(std::make_unique<Impl>()) {
  EnsureGdal();
  impl_->context = MakePjContext();
  impl_->label = crs.Label();
  // About ten metres: far above rounding, far below the change of scale.
  impl_->step = 10.0 / crs.MetresPerUnit();
  PJ_CONTEXT* context = impl_->context.get();
  const PjPtr source = MakePj(context, crs);
  const PjPtr geodetic(proj_crs_get_geodetic_crs(context, source.get()));
  const PjPtr ellipsoid(proj_get_ellipsoid(context, geodetic.get()));
  double semi_major = 0.0;
  double inverse_flattening = 0.0;
  proj_ellipsoid_get_parameters(context, ellipsoid.get(), &semi_major, nullptr,
                                nullptr, &inverse_flattening);
  geod_init(&impl_->ellipsoid, semi_major,
            inverse_flattening > 0.0 ? 1.0 / inverse_flattening : 0.0);
  {
    CplErrorScope errors;
    const OGRSpatialReference srs = CrsFactory::ToSrs(crs);
    impl_->degrees_per_unit = srs.GetAngularUnits() * kDegreesPerRadian;
  }
  if (crs.IsGeographic()) return;
  const PjPtr operation(proj_create_crs_to_crs_from_pj(
      context, source.get(), geodetic.get(), nullptr, nullptr));
  if (operation) {
    impl_->geodetic_from_crs.reset(
        proj_normalize_for_visualization(context, operation.get()));
  }
  if (!impl_->geodetic_from_crs) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("PROJ cannot invert the CRS {}", crs.Label()),
                "Choose another projected CRS (--crs).");
  }
}

GroundMeasure::~GroundMeasure() = default;
GroundMeasure::GroundMeasure(GroundMeasure&&) noexcept = default;
GroundMeasure& GroundMeasure::operator=(GroundMeasure&&) noexcept = default;

GroundScale GroundMeasure::At(Point2d place) const {
  const GroundScale scale{impl_->Along(place, {1, 0}),
                          impl_->Along(place, {0, 1})};
  if (!(scale.x > 0.0 && scale.y > 0.0) || !std::isfinite(scale.Area())) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("the place ({}, {}) lies outside {}", place.x,
                            place.y, impl_->label),
                "Check the CRS and the georeference.");
  }
  return scale;
}

GroundScale ScaleAt(const Crs& crs, Point2d place) {
  return GroundMeasure(crs).At(place);
}

}  // namespace mapweave::geo
