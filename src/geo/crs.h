// SPDX-License-Identifier: MIT
//
// Coordinate reference systems and the transformations between them. All
// coordinates of the project are in traditional GIS order: x is easting or
// longitude, y is northing or latitude, whatever order the authority
// prescribes. Crs and Transformer are the only places that know of axis order.
#pragma once

#include "core/geometry.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

// A horizontal CRS as an immutable value, cheap to copy and safe to share
// between threads. A vertical part is dropped when it is made.
class Crs {
 public:
  // Undefined; every other member but IsDefined and IsSame is a bug to call.
  Crs() = default;

  // "EPSG:2056", WKT of any dialect, a PROJ string, or the path of a file that
  // holds one of them (.prj, .wkt). Throws Error{kBadInput} naming the text.
  static Crs FromUserInput(const std::string& text);
  // The same without files, for text that is found in somebody's file.
  static Crs FromText(const std::string& text);
  // The WGS 84 / UTM zone of a place in degrees; |latitude| <= 84, else
  // Error{kBadInput}.
  static Crs UtmAt(double longitude, double latitude);
  // EPSG:4326.
  static Crs Wgs84();

  bool IsDefined() const { return definition_ != nullptr; }
  // WKT2:2019 on one line.
  std::string Wkt() const;
  // GDAL's dialect of WKT 1, which a GeoPackage's definition column holds; WKT2
  // when the CRS has no such form.
  std::string Wkt1() const;
  std::string Name() const;
  // "EPSG" and "2056"; none for a custom CRS.
  std::optional<std::string> AuthorityName() const;
  std::optional<std::string> Code() const;
  // "EPSG:2056", or the name where there is no code.
  std::string Label() const;

  bool IsGeographic() const;
  // False if an axis points west, or one south and the other east, as in some
  // cadastral systems of southern Africa and Bohemia: a north-up picture in
  // such a CRS is turned round or mirrored.
  bool PointsEastAndNorth() const;
  // Metres per unit of a projected CRS's axes: 1 for metres, 0.3048 for feet.
  // For a geographic CRS, metres per unit along a meridian of a sphere with
  // the ellipsoid's semi-major axis. For lengths on the ground use ScaleAt.
  double MetresPerUnit() const;

  // Same axes, datum and projection; names do not count.
  bool IsSame(const Crs& other) const;

 private:
  friend class CrsFactory;  // this library's own maker, from GDAL's type
  struct Definition;
  explicit Crs(std::shared_ptr<const Definition> definition)
      : definition_(std::move(definition)) {}
  const Definition& Get() const;

  std::shared_ptr<const Definition> definition_;
};

// Ground metres per CRS unit along x and y at one place.
struct GroundScale {
  double x = 1.0;
  double y = 1.0;
  // Square metres per square unit.
  double Area() const { return x * y; }
  // Metres per unit, averaged over directions.
  double Length() const;
};

// Measures the scale of one CRS at any number of places, with geodesics on its
// ellipsoid, so that it holds for web Mercator (about cos(latitude)), feet,
// toises and degrees alike. One per thread: not thread-safe.
class GroundMeasure {
 public:
  explicit GroundMeasure(const Crs& crs);
  ~GroundMeasure();
  GroundMeasure(GroundMeasure&&) noexcept;
  GroundMeasure& operator=(GroundMeasure&&) noexcept;

  // Throws Error{kBadInput} where the CRS is not defined at `place`.
  GroundScale At(Point2d place) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// GroundMeasure for a single place. Takes milliseconds.
GroundScale ScaleAt(const Crs& crs, Point2d place);

struct TransformOptions {
  // Accept a transformation that ignores the difference of datums, or one that
  // does without a grid that the best one needs.
  bool allow_ballpark = false;
  // Accept a transformation without the best one's missing grid if its stated
  // accuracy is this good. Never accepts a ballpark one.
  double fallback_accuracy_m = 0.0;
  // Where it will be used, in units of the source CRS; the best transformation
  // differs between regions.
  std::optional<Box> area;
};

// One coordinate operation, chosen once. One per thread: not thread-safe.
class Transformer {
 public:
  // Chooses the most accurate operation that PROJ knows. Throws
  // Error{kBadInput} if that is a ballpark one or needs a grid that is not
  // installed (the message names it), unless the options accept it.
  Transformer(const Crs& source, const Crs& target,
              const TransformOptions& options = {});
  ~Transformer();
  Transformer(Transformer&&) noexcept;
  Transformer& operator=(Transformer&&) noexcept;

  // target_from_source and back. Both coordinates are infinite where the
  // operation is not defined.
  Point2d Forward(Point2d point_in_source) const;
  Point2d Inverse(Point2d point_in_target) const;

  // True if source and target are the same CRS: points pass unchanged.
  bool IsIdentity() const;
  // The PROJ pipeline that is used ("" for the identity), for the run's record.
  std::string Pipeline() const;
  // Name of the operation in the authority's register.
  std::string OperationName() const;
  // As stated by the authority; 0 for the identity and for conversions
  // without a change of datum; none if unknown, always none for ballpark.
  std::optional<double> AccuracyMetres() const;
  bool IsBallpark() const;
  // How many metres points may lie off because the best operation cannot be
  // used: 0 if it is. Otherwise the stated accuracy of the operation in use;
  // for a ballpark one, which has none, its largest distance in the area from
  // the way round over WGS 84 without grids, and the stated accuracies of that
  // way's two legs (root of the sum of squares) on top, so that by the triangle
  // inequality no point lies farther off than the authority's figures allow.
  // None if there is no such way, either.
  std::optional<double> AtStakeMetres() const;
  // File names of grids of the best operation that are not installed.
  const std::vector<std::string>& MissingGrids() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mapweave::geo
