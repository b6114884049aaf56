// SPDX-License-Identifier: MIT
//
// Private to src/geo: polygons of core/geometry.h as OGR geometries and back.
#pragma once

#include "core/geometry.h"
#include "geo/gdal_handles.h"

#include <ogr_geometry.h>

namespace mapweave::geo {

// Rings closed; rings of fewer than three vertices are left out.
OGRMultiPolygon ToOgr(const MultiPolygon& polygons);

// Every polygon in `geometry`, through any nesting of collections, oriented;
// curves are linearised, Z and M, points and lines are dropped.
MultiPolygon FromOgr(const OGRGeometry* geometry);

}  // namespace mapweave::geo
