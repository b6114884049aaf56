// SPDX-License-Identifier: MIT
#include "geo/fit_faults.h"

#include "geo/georeference.h"
#include "geo/point_fit.h"
#include "geo/polygon_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mapweave::geo {
namespace {

// A click on an old scan is good to about this many pixels.
constexpr double kClickPixels = 1.0;
// The same where no residual tells: nothing is known of the points' quality.
constexpr double kUnknownPixels = 3.0;

bool Inside(const MultiPolygon& polygons, Point2d p) {
  bool inside = false;
  const auto cross = [&inside, p](const Ring& ring) {
    for (size_t i = 0; i < ring.size(); ++i) {
      const Point2d& a = ring[i];
      const Point2d& b = ring[(i + 1) % ring.size()];
      if ((a.y <= p.y) == (b.y <= p.y)) continue;
      if (a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x) < p.x) inside = !inside;
    }
  };
  for (const Polygon& polygon : polygons) {
    cross(polygon.shell);
    for (const Ring& hole : polygon.holes) cross(hole);
  }
  return inside;
}

size_t NearestPoint(const FitSite& site, Point2d pixel) {
  size_t nearest = 0;
  double least = HUGE_VAL;
  for (size_t i = 0; i < site.points.size(); ++i) {
    const Point2d& p = site.points[i].pixel;
    const double distance = std::hypot(p.x - pixel.x, p.y - pixel.y);
    if (distance < least) {
      least = distance;
      nearest = i;
    }
  }
  return nearest;
}

std::string PlaceText(const FitSite& site, Point2d pixel) {
  return fmt::format("around pixel ({:.0f}, {:.0f}), nearest to point {}",
                     pixel.x, pixel.y, NearestPoint(site, pixel) + 1);
}

// A spline can fold in the small, between two points that contradict each
// other, so the ways from each point to its nearest neighbour are looked at,
// too.
std::vector<Point2d> FoldPixels(const FitSite& site, Georef fit) {
  std::vector<Point2d> pixels = site.pixels;
  if (fit != Georef::kTps) return pixels;
  for (size_t i = 0; i < site.points.size(); ++i) {
    const Point2d a = site.points[i].pixel;
    Point2d nearest = a;
    double least = HUGE_VAL;
    for (size_t j = 0; j < site.points.size(); ++j) {
      const Point2d b = site.points[j].pixel;
      const double distance = std::hypot(a.x - b.x, a.y - b.y);
      if (j != i && distance < least) {
        least = distance;
        nearest = b;
      }
    }
    for (const double t : {0.25, 0.5, 0.75}) {
      pixels.push_back(
          {a.x + t * (nearest.x - a.x), a.y + t * (nearest.y - a.y)});
    }
  }
  return pixels;
}

// Largest and smallest stretch of a linear map given by its columns.
struct Stretch {
  double most;
  double least;
};

Stretch StretchOf(Point2d a, Point2d b) {
  // Singular values of a 2 x 2 matrix.
  const double sum = a.x * a.x + a.y * a.y + b.x * b.x + b.y * b.y;
  const double det = std::abs(a.x * b.y - b.x * a.y);
  const double root = std::sqrt(std::max(0.0, sum * sum - 4.0 * det * det));
  const double most = std::sqrt((sum + root) / 2.0);
  return {most, det / most};
}

// `map` after the inverse of `reference`, both in metres on the ground.
Stretch RelativeStretch(const LocalMap& map, const LocalMap& reference,
                        const GroundScale& metres) {
  const double det = reference.Determinant();
  const auto column = [&](double u, double v) {
    // The pixel move that the reference map turns into one unit.
    const Point2d move{
        (reference.per_row.y * u - reference.per_row.x * v) / det,
        (reference.per_column.x * v - reference.per_column.y * u) / det};
    return Point2d{
        (map.per_column.x * move.x + map.per_row.x * move.y) * metres.x,
        (map.per_column.y * move.x + map.per_row.y * move.y) * metres.y};
  };
  return StretchOf(column(1.0 / metres.x, 0.0), column(0.0, 1.0 / metres.y));
}

std::optional<FitFault> FoldOf(const FitSite& site, Georef fit,
                               const Georeference& map) {
  if (map.IsAffine()) return std::nullopt;
  const double sign = Georeference(map.Affine()).At({0, 0}).Determinant();
  for (const Point2d& pixel : FoldPixels(site, fit)) {
    const double det = map.At(pixel).Determinant();
    if (det * sign > 0.0) continue;
    return FitFault{
        fmt::format("the {} fit through its {} control points folds the sheet "
                    "over itself {}; by the affine fit the worst are {}",
                    GeorefName(fit), site.points.size(), PlaceText(site, pixel),
                    WorstPoints(Residuals(site, Georef::kGcpPoly1), 3)),
        "Correct or remove the wrong point, fit with gcp-poly1, or draw a "
        "cutline around the legible map."};
  }
  return std::nullopt;
}

std::optional<FitFault> OverstretchOf(const FitSite& site, Georef fit,
                                      const Georeference& map) {
  constexpr double kMost = 4.0;
  if (map.IsAffine()) return std::nullopt;
  const LocalMap affine = Georeference(map.Affine()).At({0, 0});
  double worst = kMost;
  Point2d where;
  for (const Point2d& pixel : site.pixels) {
    const Stretch s = RelativeStretch(map.At(pixel), affine, site.metres);
    const double here = std::max(s.most, 1.0 / s.least);
    if (!(here <= worst)) {
      worst = here;
      where = pixel;
    }
  }
  if (worst == kMost) return std::nullopt;
  return FitFault{
      fmt::format("the {} fit through its {} control points distorts the sheet "
                  "{:.1f} times {}",
                  GeorefName(fit), site.points.size(), worst,
                  PlaceText(site, where)),
      "Give control points near that place, fit with gcp-poly1, or draw a "
      "cutline around the part of the map that the points cover."};
}

// Stretches of the affine fit along its main directions, metres per pixel.
Stretch MainStretches(const FitSite& site) {
  const LocalMap affine =
      Georeference(site.points, Georef::kGcpPoly1).At({0, 0});
  return StretchOf(
      {affine.per_column.x * site.metres.x,
       affine.per_column.y * site.metres.y},
      {affine.per_row.x * site.metres.x, affine.per_row.y * site.metres.y});
}

// Points that no map of paper could fit: exchanged, swapped or of another CRS.
std::optional<FitFault> MisfitOf(const FitSite& site, Georef fit) {
  const std::string hint =
      "Check that no points are exchanged and no columns swapped, and that "
      "their CRS is right.";
  constexpr double kMostLopsided = 4.0;
  const Stretch s = MainStretches(site);
  if (s.most > kMostLopsided * s.least) {
    return FitFault{
        fmt::format("its {} control points stretch the sheet {:.1f} times more "
                    "in one direction than in the other; the worst are {}",
                    site.points.size(), s.most / s.least,
                    WorstPoints(Residuals(site, Georef::kGcpPoly1), 3)),
        hint};
  }
  // Of the diagonal of what the points span: a map that its points fit so badly
  // says nothing of where a house stands.
  constexpr double kMostShare = 0.05;
  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (const ControlPoint& point : site.points) {
    box = {
        std::min(box.min_x, point.pixel.x), std::min(box.min_y, point.pixel.y),
        std::max(box.max_x, point.pixel.x), std::max(box.max_y, point.pixel.y)};
  }
  const double diagonal_m =
      MetresPerPixel(site) *
      std::hypot(box.max_x - box.min_x, box.max_y - box.min_y);
  const auto residuals = Residuals(site, fit);
  double squares = 0.0;
  for (const ControlPointResidual& r : residuals) {
    squares +=
        r.residual_m.x * r.residual_m.x + r.residual_m.y * r.residual_m.y;
  }
  const double rmse_m = std::sqrt(
      squares / static_cast<double>(std::max<size_t>(1, residuals.size())));
  if (rmse_m <= kMostShare * diagonal_m) return std::nullopt;
  return FitFault{
      fmt::format("the {} fit misses its {} control points by {:.0f} m (root "
                  "mean square) on a map of {:.0f} m; the worst are {}",
                  GeorefName(fit), site.points.size(), rmse_m, diagonal_m,
                  WorstPoints(Residuals(site, Georef::kGcpPoly1), 3)),
      hint};
}

struct Extrapolation {
  double error_m = 0.0;  // predicted standard error at `pixel`
  double times = 0.0;    // what one point's scatter is multiplied by
  double share = 0.0;    // of the legible map's diagonal
  Point2d pixel;
};

// The place on the legible map that a polynomial knows least about. A spline
// has no such prediction.
std::optional<Extrapolation> FarthestOf(const FitSite& site, Georef fit) {
  const PointFit any = MakePointFit(site.points, fit);
  const auto* polynomial = std::get_if<PolynomialFit>(&any);
  if (polynomial == nullptr || site.pixels.empty()) return std::nullopt;
  Extrapolation result;
  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  double worst = -1.0;
  for (const Point2d& p : site.pixels) {
    box = {std::min(box.min_x, p.x), std::min(box.min_y, p.y),
           std::max(box.max_x, p.x), std::max(box.max_y, p.y)};
    const double leverage = polynomial->Leverage(p);
    if (leverage > worst) {
      worst = leverage;
      result.pixel = p;
    }
  }
  const double pixel_m = MetresPerPixel(site);
  const auto scatter = polynomial->Scatter({site.metres.x, site.metres.y});
  const double scatter_m = scatter ? std::max(*scatter, kClickPixels * pixel_m)
                                   : kUnknownPixels * pixel_m;
  result.times = std::sqrt(worst);
  result.error_m = result.times * scatter_m;
  result.share = result.error_m / (pixel_m * std::hypot(box.max_x - box.min_x,
                                                        box.max_y - box.min_y));
  return result;
}

std::optional<FitFault> ExtrapolationFaultOf(const FitSite& site, Georef fit) {
  constexpr double kMostTimes = 4.0;
  constexpr double kMostShare = 0.01;
  const auto far = FarthestOf(site, fit);
  if (!far || far->times <= kMostTimes || far->share <= kMostShare) {
    return std::nullopt;
  }
  return FitFault{
      fmt::format("its {} control points cover only a part of the map: by the "
                  "{} fit, pixel ({:.0f}, {:.0f}) lies where it should to "
                  "within {:.0f} m at best, {:.1f} times the points' own "
                  "scatter",
                  site.points.size(), GeorefName(fit), far->pixel.x,
                  far->pixel.y, far->error_m, far->times),
      fit == Georef::kGcpPoly1
          ? "Give control points near that corner, or draw a cutline around "
            "the part of the map that the points cover."
          : "Give control points near that corner, fit with gcp-poly1, or draw "
            "a cutline around the part of the map that the points cover."};
}

// A sheet that the points turn over or pull out of shape.
void AddMisshape(const FitSite& site, std::vector<std::string>& doubts) {
  const LocalMap affine =
      Georeference(site.points, Georef::kGcpPoly1).At({0, 0});
  // Rows run down and northings up, so an upright sheet is turned over once.
  if (affine.Determinant() > 0.0) {
    doubts.push_back(
        "the control points turn the sheet into its mirror image: check that "
        "no two columns of theirs are swapped");
  }
  const Stretch s = MainStretches(site);
  constexpr double kLopsided = 1.25;
  if (s.most > kLopsided * s.least) {
    doubts.push_back(fmt::format(
        "the control points stretch the sheet {:.2f} times more in one "
        "direction than in the other: check the points and their CRS",
        s.most / s.least));
  }
}

}  // namespace

std::vector<Point2d> LegiblePixels(int width, int height,
                                   const MultiPolygon& cutline) {
  const double w = width;
  const double h = height;
  const MultiPolygon region =
      cutline.empty() ? MultiPolygon{{{{0, 0}, {w, 0}, {w, h}, {0, h}}, {}}}
                      : cutline;
  std::vector<Point2d> pixels;
  for (const Polygon& polygon : region) {
    const Ring& shell = polygon.shell;
    for (size_t i = 0; i < shell.size(); ++i) {
      const Point2d& a = shell[i];
      const Point2d& b = shell[(i + 1) % shell.size()];
      constexpr int kParts = 8;
      for (int k = 0; k < kParts; ++k) {
        const double t = k / static_cast<double>(kParts);
        pixels.push_back({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)});
      }
    }
  }
  constexpr int kCells = 32;
  const Box box = Bounds(region);
  for (int row = 0; row < kCells; ++row) {
    for (int col = 0; col < kCells; ++col) {
      const Point2d p{
          box.min_x + (col + 0.5) / kCells * (box.max_x - box.min_x),
          box.min_y + (row + 0.5) / kCells * (box.max_y - box.min_y)};
      if (Inside(region, p)) pixels.push_back(p);
    }
  }
  return pixels;
}

std::optional<FitFault> FaultOf(const FitSite& site, Georef fit) {
  const Georeference map(site.points, fit);
  if (auto fault = FoldOf(site, fit, map)) return fault;
  if (auto fault = OverstretchOf(site, fit, map)) return fault;
  if (auto fault = MisfitOf(site, fit)) return fault;
  return ExtrapolationFaultOf(site, fit);
}

std::vector<std::string> Doubts(const FitSite& site, Georef fit,
                                const std::vector<Suspect>& suspects) {
  std::vector<std::string> doubts;
  for (const Suspect& suspect : suspects) {
    const Point2d pixel = site.points[suspect.index].pixel;
    doubts.push_back(fmt::format(
        "control point {} at pixel ({:.1f}, {:.1f}) lies {:.1f} m from where "
        "the others put it: check its coordinates",
        suspect.index + 1, pixel.x, pixel.y, suspect.distance_m));
  }
  AddMisshape(site, doubts);
  constexpr double kManyTimes = 2.0;
  constexpr double kNotableShare = 0.003;
  const auto far = FarthestOf(site, fit);
  if (far && far->times > kManyTimes && far->share > kNotableShare) {
    doubts.push_back(fmt::format(
        "the control points leave a part of the map to extrapolation: pixel "
        "({:.0f}, {:.0f}) lies where it should to within {:.1f} m at best",
        far->pixel.x, far->pixel.y, far->error_m));
  }
  return doubts;
}

}  // namespace mapweave::geo
