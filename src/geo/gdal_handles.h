// SPDX-License-Identifier: MIT
//
// Private to src/geo: owners of GDAL's and PROJ's handles, and the scope that
// turns GDAL's error reports into text. No public header includes this.
#pragma once

#include "core/error.h"
#include "geo/crs.h"
#include "geo/gdal_session.h"

#include <cpl_conv.h>
#include <gdal_priv.h>
#include <ogr_spatialref.h>
#include <proj.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace mapweave::geo {

// Makes Crs values from GDAL's own type and back.
class CrsFactory {
 public:
  // Vertical part dropped. Undefined if `srs` is null, empty, or neither
  // geographic nor projected.
  static Crs FromSrs(const OGRSpatialReference* srs);
  // With traditional axis order.
  static OGRSpatialReference ToSrs(const Crs& crs);
};

// InitGdal with the defaults unless somebody has called it already.
void EnsureGdal();

// EnsureGdal before a path is opened or asked for. The network is shut for
// GDAL, for the sources of a local VRT too, until a path names it. While the
// scope of such a path lives, this thread lists no remote folder: that takes
// long, and the sidecars that a server may hold are not looked for.
class PathScope {
 public:
  explicit PathScope(const std::filesystem::path& path);

 private:
  std::optional<CPLConfigOptionSetter> no_folders_;
};

// Collects what GDAL reports on this thread while it lives, instead of letting
// it print. Scopes nest.
class CplErrorScope {
 public:
  CplErrorScope();
  ~CplErrorScope();
  CplErrorScope(const CplErrorScope&) = delete;
  CplErrorScope& operator=(const CplErrorScope&) = delete;

  bool HasError() const { return !errors_.empty(); }
  // All errors (not warnings) so far, joined by "; ", or `otherwise`.
  std::string Text(const std::string& otherwise = "unknown reason") const;

 private:
  static void CPL_STDCALL Collect(CPLErr level, CPLErrorNum number,
                                  const char* message);
  std::string errors_;
};

struct DatasetCloser {
  void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};
using DatasetPtr = std::unique_ptr<GDALDataset, DatasetCloser>;

struct GeometryDeleter {
  void operator()(OGRGeometry* geometry) const {
    OGRGeometryFactory::destroyGeometry(geometry);
  }
};
using GeometryPtr = std::unique_ptr<OGRGeometry, GeometryDeleter>;

struct FeatureDeleter {
  void operator()(OGRFeature* feature) const {
    OGRFeature::DestroyFeature(feature);
  }
};
using FeaturePtr = std::unique_ptr<OGRFeature, FeatureDeleter>;

struct PjContextDeleter {
  void operator()(PJ_CONTEXT* context) const { proj_context_destroy(context); }
};
using PjContextPtr = std::unique_ptr<PJ_CONTEXT, PjContextDeleter>;

struct PjDeleter {
  void operator()(PJ* object) const { proj_destroy(object); }
};
using PjPtr = std::unique_ptr<PJ, PjDeleter>;

struct PjListDeleter {
  void operator()(PJ_OBJ_LIST* list) const { proj_list_destroy(list); }
};
using PjListPtr = std::unique_ptr<PJ_OBJ_LIST, PjListDeleter>;

struct PjFactoryDeleter {
  void operator()(PJ_OPERATION_FACTORY_CONTEXT* factory) const {
    proj_operation_factory_context_destroy(factory);
  }
};
using PjFactoryPtr =
    std::unique_ptr<PJ_OPERATION_FACTORY_CONTEXT, PjFactoryDeleter>;

// A context without network access that prints nothing.
PjContextPtr MakePjContext();
// `crs` as an object of `context`. Throws Error{kBadInput}.
PjPtr MakePj(PJ_CONTEXT* context, const Crs& crs);

}  // namespace mapweave::geo
