// SPDX-License-Identifier: MIT
#include "geo/cutline.h"

#include "core/error.h"
#include "geo/georeference.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <utility>

namespace mapweave::geo {
namespace {

using PointMap = std::function<Point2d(Point2d)>;

// Appends the image of the way from `a` to `b`, without `b`, halving it while
// the middle's image lies off the chord by more than `tolerance`.
void AppendBent(const PointMap& map, Point2d a, Point2d b, Point2d image_a,
                Point2d image_b, double tolerance, int depth, Ring& out) {
  const Point2d middle{(a.x + b.x) / 2.0, (a.y + b.y) / 2.0};
  const Point2d image = map(middle);
  const double off = std::hypot(image.x - (image_a.x + image_b.x) / 2.0,
                                image.y - (image_a.y + image_b.y) / 2.0);
  if (depth == 0 || off <= tolerance) {
    out.push_back(image_a);
    return;
  }
  AppendBent(map, a, middle, image_a, image, tolerance, depth - 1, out);
  AppendBent(map, middle, b, image, image_b, tolerance, depth - 1, out);
}

Ring BentRing(const Ring& ring, const PointMap& map, double tolerance) {
  constexpr int kMostHalvings = 12;
  // A curve can pass through its chord's middle by chance.
  constexpr int kParts = 4;
  Ring out;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d& a = ring[i];
    const Point2d& b = ring[(i + 1) % ring.size()];
    const auto along = [&a, &b](double t) {
      return Point2d{a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
    };
    Ring parts;
    for (int k = 0; k < kParts; ++k) {
      const Point2d from = along(k / static_cast<double>(kParts));
      const Point2d to = along((k + 1) / static_cast<double>(kParts));
      AppendBent(map, from, to, map(from), map(to), tolerance, kMostHalvings,
                 parts);
    }
    // Points that a straight edge does not need.
    if (parts.size() == static_cast<size_t>(kParts)) {
      const Point2d end = map(b);
      bool straight = true;
      for (int k = 1; k < kParts; ++k) {
        const double t = k / static_cast<double>(kParts);
        const Point2d& p = parts[static_cast<size_t>(k)];
        const Point2d chord{parts[0].x + t * (end.x - parts[0].x),
                            parts[0].y + t * (end.y - parts[0].y)};
        if (!(std::hypot(p.x - chord.x, p.y - chord.y) <= tolerance)) {
          straight = false;
        }
      }
      if (straight) parts.resize(1);
    }
    out.insert(out.end(), parts.begin(), parts.end());
  }
  return out;
}

MultiPolygon Bent(const MultiPolygon& polygons, const PointMap& map,
                  double tolerance) {
  MultiPolygon result;
  for (const Polygon& polygon : polygons) {
    Polygon bent{BentRing(polygon.shell, map, tolerance), {}};
    for (const Ring& hole : polygon.holes) {
      bent.holes.push_back(BentRing(hole, map, tolerance));
    }
    result.push_back(std::move(bent));
  }
  return MakeValid(result);
}

MultiPolygon RasterOutline(int width, int height) {
  const double w = width;
  const double h = height;
  return {{{{0, 0}, {w, 0}, {w, h}, {0, h}}, {}}};
}

std::string BoxText(const Box& box) {
  return fmt::format("x {:.6g} to {:.6g}, y {:.6g} to {:.6g}", box.min_x,
                     box.max_x, box.min_y, box.max_y);
}

// `map`, refusing where it is not defined.
PointMap Defined(const std::filesystem::path& path, PointMap map) {
  return [&path, map = std::move(map)](Point2d p) {
    const Point2d image = map(p);
    if (!std::isfinite(image.x) || !std::isfinite(image.y)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("{}: ({:.6g}, {:.6g}) cannot be brought to the "
                              "sheet's pixels",
                              path.string(), p.x, p.y),
                  "Draw the cutline around this sheet's map only.");
    }
    return image;
  };
}

VectorLayer ReadOutlines(const std::filesystem::path& path) {
  try {
    return ReadPolygons(path);
  } catch (const Error& e) {
    throw Error(e.Code(), e.Message(),
                "Give polygons around the legible map in a file that says its "
                "CRS, for instance a GeoPackage or GeoJSON.");
  }
}

}  // namespace

MultiPolygon CutAtRaster(const MultiPolygon& pixels, int width, int height) {
  return Intersection(MakeValid(pixels), RasterOutline(width, height));
}

MultiPolygon ReadCutline(const std::filesystem::path& path,
                         const SheetInfo& sheet) {
  const VectorLayer layer = ReadOutlines(path);
  std::vector<MultiPolygon> parts;
  for (const VectorFeature& feature : layer.features) {
    parts.push_back(feature.geometry);
  }
  const MultiPolygon stated = UnionAll(parts);
  const char* hint =
      "Give polygons around the legible map, in the CRS that their file says.";
  if (stated.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{}: it holds no polygon", path.string()), hint);
  }
  const Georeference map(sheet);
  constexpr double kTolerance = 0.25;  // pixels
  TransformOptions options;
  options.allow_ballpark = sheet.options.allow_ballpark;
  options.area = Bounds(stated);
  const Transformer sheet_from_file(layer.crs, sheet.crs, options);
  MultiPolygon in_crs =
      Bent(stated,
           Defined(path, [&sheet_from_file](
                             Point2d p) { return sheet_from_file.Forward(p); }),
           kTolerance * map.Affine().Resolution());
  // Cut on the ground first: far outside the sheet a curved georeference has
  // no inverse.
  const MultiPolygon outline = MakeValid(
      Bent(RasterOutline(sheet.width, sheet.height),
           Defined(path, [&map](Point2d p) { return map.CrsFromPixel(p); }),
           kTolerance * map.Affine().Resolution()));
  in_crs = Intersection(in_crs, outline);
  if (in_crs.empty()) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format(
            "{}: its polygons ({}) do not touch the sheet {} ({} in {})",
            path.string(), BoxText(Bounds(stated)), sheet.path.string(),
            BoxText(Bounds(outline)), sheet.crs.Label()),
        hint);
  }
  const MultiPolygon pixels = Bent(
      in_crs, Defined(path, [&map](Point2d p) { return map.PixelFromCrs(p); }),
      kTolerance);
  return CutAtRaster(pixels, sheet.width, sheet.height);
}

}  // namespace mapweave::geo
