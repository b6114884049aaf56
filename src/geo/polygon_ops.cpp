// SPDX-License-Identifier: MIT
#include "geo/polygon_ops.h"

#include "core/error.h"
#include "geo/ogr_geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace mapweave::geo {
namespace {

template <typename Function>
MultiPolygon MapVertices(MultiPolygon polygons, Function&& map) {
  for (Polygon& polygon : polygons) {
    for (Point2d& p : polygon.shell) p = map(p);
    for (Ring& hole : polygon.holes) {
      for (Point2d& p : hole) p = map(p);
    }
  }
  return Oriented(std::move(polygons));
}

void Orient(Ring& ring, bool counter_clockwise) {
  if ((SignedArea(ring) > 0.0) == counter_clockwise) return;
  // The first vertex stays first, so that orienting is the identity when done
  // twice in opposite directions.
  std::reverse(ring.begin() + 1, ring.end());
}

bool AllFinite(const MultiPolygon& polygons) {
  const auto finite = [](const Ring& ring) {
    return std::all_of(ring.begin(), ring.end(), [](const Point2d& p) {
      return std::isfinite(p.x) && std::isfinite(p.y);
    });
  };
  return std::all_of(
      polygons.begin(), polygons.end(), [&finite](const Polygon& polygon) {
        return finite(polygon.shell) &&
               std::all_of(polygon.holes.begin(), polygon.holes.end(), finite);
      });
}

// What GEOS answers, or Error when it gives up, as it does on invalid input.
MultiPolygon Overlaid(OGRGeometry* result, const CplErrorScope& errors,
                      const char* operation) {
  const GeometryPtr owner(result);
  if (!owner) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("{} of polygons failed: {}", operation, errors.Text()),
        "Repair the polygons' geometry first.");
  }
  return FromOgr(owner.get());
}

}  // namespace

MultiPolygon GroundFromPixels(const MultiPolygon& polygons_in_pixels,
                              const Grid& grid) {
  return MapVertices(polygons_in_pixels, [&grid](const Point2d& p) {
    return grid.WorldFromPixel(p);
  });
}

MultiPolygon PixelsFromGround(const MultiPolygon& polygons_on_ground,
                              const Grid& grid) {
  return MapVertices(polygons_on_ground, [&grid](const Point2d& p) {
    return grid.PixelFromWorld(p);
  });
}

MultiPolygon Oriented(MultiPolygon polygons) {
  const auto degenerate = [](const Ring& ring) { return ring.size() < 3; };
  std::erase_if(polygons, [&degenerate](const Polygon& polygon) {
    return degenerate(polygon.shell);
  });
  for (Polygon& polygon : polygons) {
    std::erase_if(polygon.holes, degenerate);
    Orient(polygon.shell, true);
    for (Ring& hole : polygon.holes) Orient(hole, false);
  }
  return polygons;
}

bool IsValid(const MultiPolygon& polygons) {
  if (!AllFinite(polygons)) return false;
  for (const Polygon& polygon : polygons) {
    if (polygon.shell.size() < 3) return false;
  }
  CplErrorScope errors;
  return ToOgr(polygons).IsValid() != 0;
}

MultiPolygon MakeValid(const MultiPolygon& polygons) {
  if (!AllFinite(polygons)) {
    throw Error(ErrorCode::kBadInput,
                "a polygon has coordinates that are not finite",
                "Remove or correct it.");
  }
  CplErrorScope errors;
  const OGRMultiPolygon source = ToOgr(polygons);
  if (source.IsEmpty()) return {};
  if (source.IsValid()) return Oriented(polygons);
  const GeometryPtr repaired(source.MakeValid());
  if (!repaired) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("a polygon cannot be repaired: {}", errors.Text()),
                "Remove or correct it.");
  }
  MultiPolygon result = FromOgr(repaired.get());
  std::erase_if(result, [](const Polygon& polygon) {
    return SignedArea(polygon.shell) == 0.0;
  });
  return result;
}

double PlanarArea(const MultiPolygon& polygons) {
  double area = 0.0;
  for (const Polygon& polygon : polygons) {
    // Signed areas of ground coordinates lose digits far from the origin.
    const auto local = [&polygon](Ring ring) {
      const Point2d origin = polygon.shell[0];
      for (Point2d& p : ring) p = {p.x - origin.x, p.y - origin.y};
      return std::abs(SignedArea(ring));
    };
    if (polygon.shell.empty()) continue;
    area += local(polygon.shell);
    for (const Ring& hole : polygon.holes) area -= local(hole);
  }
  return area;
}

double AreaM2(const MultiPolygon& polygons, const GroundMeasure& measure) {
  if (polygons.empty()) return 0.0;
  const Box box = Bounds(polygons);
  const Point2d middle{(box.min_x + box.max_x) / 2.0,
                       (box.min_y + box.max_y) / 2.0};
  return PlanarArea(polygons) * measure.At(middle).Area();
}

double AreaM2(const MultiPolygon& polygons, const Crs& crs) {
  return AreaM2(polygons, GroundMeasure(crs));
}

Box Bounds(const MultiPolygon& polygons) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Box box{kInfinity, kInfinity, -kInfinity, -kInfinity};
  for (const Polygon& polygon : polygons) {
    for (const Point2d& p : polygon.shell) {
      box.min_x = std::min(box.min_x, p.x);
      box.min_y = std::min(box.min_y, p.y);
      box.max_x = std::max(box.max_x, p.x);
      box.max_y = std::max(box.max_y, p.y);
    }
  }
  return box.min_x <= box.max_x ? box : Box{};
}

MultiPolygon Intersection(const MultiPolygon& a, const MultiPolygon& b) {
  CplErrorScope errors;
  const OGRMultiPolygon left = ToOgr(a);
  const OGRMultiPolygon right = ToOgr(b);
  return Overlaid(left.Intersection(&right), errors, "intersection");
}

MultiPolygon Union(const MultiPolygon& a, const MultiPolygon& b) {
  CplErrorScope errors;
  const OGRMultiPolygon left = ToOgr(a);
  const OGRMultiPolygon right = ToOgr(b);
  return Overlaid(left.Union(&right), errors, "union");
}

MultiPolygon Difference(const MultiPolygon& a, const MultiPolygon& b) {
  CplErrorScope errors;
  const OGRMultiPolygon left = ToOgr(a);
  const OGRMultiPolygon right = ToOgr(b);
  return Overlaid(left.Difference(&right), errors, "difference");
}

MultiPolygon UnionAll(const std::vector<MultiPolygon>& parts) {
  CplErrorScope errors;
  OGRMultiPolygon all;
  for (const MultiPolygon& part : parts) {
    const OGRMultiPolygon source = ToOgr(part);
    for (const OGRPolygon* polygon : source) all.addGeometry(polygon);
  }
  if (all.IsEmpty()) return {};
  return Overlaid(all.UnionCascaded(), errors, "union");
}

double IntersectionArea(const MultiPolygon& a, const MultiPolygon& b) {
  return PlanarArea(Intersection(a, b));
}

double Distance(const MultiPolygon& a, const MultiPolygon& b) {
  CplErrorScope errors;
  const OGRMultiPolygon left = ToOgr(a);
  const OGRMultiPolygon right = ToOgr(b);
  if (left.IsEmpty() || right.IsEmpty()) {
    return std::numeric_limits<double>::infinity();
  }
  return left.Distance(&right);
}

MultiPolygon Reprojected(const MultiPolygon& polygons,
                         const Transformer& target_from_source) {
  return MapVertices(polygons, [&target_from_source](const Point2d& p) {
    const Point2d q = target_from_source.Forward(p);
    if (!std::isfinite(q.x) || !std::isfinite(q.y)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("({}, {}) cannot be transformed by \"{}\"", p.x,
                              p.y, target_from_source.OperationName()),
                  "Check that the coordinates are of the stated CRS.");
    }
    return q;
  });
}

std::string WriteWkb(const MultiPolygon& polygons) {
  const OGRMultiPolygon source = ToOgr(polygons);
  std::string bytes(static_cast<size_t>(source.WkbSize()), '\0');
  source.exportToWkb(wkbNDR, reinterpret_cast<unsigned char*>(bytes.data()),
                     wkbVariantIso);
  return bytes;
}

MultiPolygon ReadWkb(const std::string& bytes) {
  CplErrorScope errors;
  OGRGeometry* raw = nullptr;
  size_t consumed = 0;
  const OGRErr status = OGRGeometryFactory::createFromWkb(
      bytes.data(), nullptr, &raw, bytes.size(), wkbVariantIso, consumed);
  const GeometryPtr geometry(raw);
  const bool polygonal =
      status == OGRERR_NONE && geometry != nullptr &&
      (wkbFlatten(geometry->getGeometryType()) == wkbPolygon ||
       wkbFlatten(geometry->getGeometryType()) == wkbMultiPolygon);
  if (!polygonal) {
    throw Error(ErrorCode::kBadInput,
                "a geometry is not the well-known binary of a polygon",
                "Check the file with ogrinfo.");
  }
  return FromOgr(geometry.get());
}

}  // namespace mapweave::geo
