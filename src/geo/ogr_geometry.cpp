// SPDX-License-Identifier: MIT
#include "geo/ogr_geometry.h"

#include "geo/polygon_ops.h"

#include <utility>

namespace mapweave::geo {
namespace {

void FillRing(const Ring& ring, OGRLinearRing& out) {
  out.setNumPoints(static_cast<int>(ring.size()) + 1, FALSE);
  for (size_t i = 0; i <= ring.size(); ++i) {
    const Point2d& p = ring[i % ring.size()];
    out.setPoint(static_cast<int>(i), p.x, p.y);
  }
}

Ring RingFrom(const OGRLinearRing& source) {
  Ring ring;
  int count = source.getNumPoints();
  if (count > 1 && source.getX(0) == source.getX(count - 1) &&
      source.getY(0) == source.getY(count - 1)) {
    --count;
  }
  ring.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    ring.push_back({source.getX(i), source.getY(i)});
  }
  return ring;
}

void Collect(const OGRGeometry& geometry, MultiPolygon& out) {
  const OGRwkbGeometryType type = wkbFlatten(geometry.getGeometryType());
  if (type == wkbPolygon || type == wkbTriangle) {
    const OGRPolygon& source = *geometry.toPolygon();
    if (source.IsEmpty()) return;
    Polygon polygon;
    polygon.shell = RingFrom(*source.getExteriorRing());
    for (int i = 0; i < source.getNumInteriorRings(); ++i) {
      polygon.holes.push_back(RingFrom(*source.getInteriorRing(i)));
    }
    out.push_back(std::move(polygon));
    return;
  }
  if (OGR_GT_IsSubClassOf(type, wkbGeometryCollection)) {
    for (const OGRGeometry* part : *geometry.toGeometryCollection()) {
      Collect(*part, out);
    }
  }
}

}  // namespace

OGRMultiPolygon ToOgr(const MultiPolygon& polygons) {
  OGRMultiPolygon result;
  for (const Polygon& polygon : polygons) {
    if (polygon.shell.size() < 3) continue;
    OGRPolygon part;
    auto shell = std::make_unique<OGRLinearRing>();
    FillRing(polygon.shell, *shell);
    part.addRingDirectly(shell.release());
    for (const Ring& hole : polygon.holes) {
      if (hole.size() < 3) continue;
      auto ring = std::make_unique<OGRLinearRing>();
      FillRing(hole, *ring);
      part.addRingDirectly(ring.release());
    }
    result.addGeometry(&part);
  }
  return result;
}

MultiPolygon FromOgr(const OGRGeometry* geometry) {
  MultiPolygon polygons;
  if (geometry == nullptr) return polygons;
  if (geometry->hasCurveGeometry()) {
    const GeometryPtr linear(geometry->getLinearGeometry());
    Collect(*linear, polygons);
  } else {
    Collect(*geometry, polygons);
  }
  return Oriented(std::move(polygons));
}

}  // namespace mapweave::geo
