// SPDX-License-Identifier: MIT
#include "geo/gdal_session.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/file_access.h"
#include "geo/gdal_handles.h"

#include <fmt/format.h>
#include <proj.h>

#include <atomic>
#include <mutex>

namespace mapweave::geo {
namespace {

// What GDAL reports outside any CplErrorScope has no owner who could act on
// it; it is kept for those who debug.
void CPL_STDCALL LogOrphan(CPLErr level, CPLErrorNum, const char* message) {
  if (level != CE_Debug) LogDebug("GDAL: {}", message);
}

std::once_flag registered;
std::once_flag opened_network;

// The one remote file that GDAL may open; any if it is not set, none if empty.
constexpr char kAllowedRemote[] = "CPL_VSIL_CURL_ALLOWED_FILENAME";
constexpr char kListFolders[] = "GDAL_DISABLE_READDIR_ON_OPEN";

void SetDefault(const char* option, const char* value) {
  if (CPLGetConfigOption(option, nullptr) == nullptr) {
    CPLSetConfigOption(option, value);
  }
}

// Drivers that make requests of their own, as a small local file tells them:
// what names the network is then neither a path nor seen by its user.
void RemoveOnlineDrivers() {
  for (const char* name :
       {"HTTP", "WMS", "WMTS", "WCS", "OGCAPI", "WFS", "OAPIF", "CSW"}) {
    if (GDALDriver* driver = GetGDALDriverManager()->GetDriverByName(name)) {
      GetGDALDriverManager()->DeregisterDriver(driver);
    }
  }
}

void RegisterOnce(const GdalOptions& options) {
  std::call_once(registered, [&options] {
    CPLSetErrorHandler(LogOrphan);
    // Transformations that change with the state of a connection cannot be
    // reproduced.
    OSRSetPROJEnableNetwork(0);
    CPLSetConfigOption("PROJ_NETWORK", "OFF");
    GDALSetCacheMax64(static_cast<GIntBig>(options.cache_mb) << 20);
    SetDefault(kAllowedRemote, "");
    // A server that stopped answering must not hold a run for ever.
    SetDefault("GDAL_HTTP_TIMEOUT", "30");
    GDALAllRegister();
    RemoveOnlineDrivers();
  });
}

}  // namespace

void GdalOptions::Validate() const {
  if (cache_mb < 16) {
    throw Error(ErrorCode::kUsage,
                fmt::format("a block cache of {} MB is too small", cache_mb),
                "Give at least 16 MB.");
  }
}

void InitGdal(const GdalOptions& options) {
  options.Validate();
  RegisterOnce(options);
  GDALSetCacheMax64(static_cast<GIntBig>(options.cache_mb) << 20);
}

std::vector<std::pair<std::string, std::string>> LibraryVersions() {
  return {{"gdal", GDALVersionInfo("RELEASE_NAME")},
          {"proj", proj_info().version}};
}

void EnsureGdal() { RegisterOnce(GdalOptions{}); }

PathScope::PathScope(const std::filesystem::path& path) {
  EnsureGdal();
  if (!IsNetworkPath(path)) return;
  std::call_once(opened_network, [] {
    const char* allowed = CPLGetConfigOption(kAllowedRemote, nullptr);
    // Anything else was set by the user.
    if (allowed != nullptr && *allowed == '\0') {
      CPLSetConfigOption(kAllowedRemote, nullptr);
    }
  });
  constexpr bool kUnlessUserDid = true;
  no_folders_.emplace(kListFolders, "EMPTY_DIR", kUnlessUserDid);
}

CplErrorScope::CplErrorScope() {
  CPLErrorReset();
  CPLPushErrorHandlerEx(Collect, this);
}

CplErrorScope::~CplErrorScope() {
  CPLPopErrorHandler();
  CPLErrorReset();
}

std::string CplErrorScope::Text(const std::string& otherwise) const {
  return errors_.empty() ? otherwise : errors_;
}

void CPL_STDCALL CplErrorScope::Collect(CPLErr level, CPLErrorNum,
                                        const char* message) {
  if (level != CE_Failure && level != CE_Fatal) return;
  auto* scope = static_cast<CplErrorScope*>(CPLGetErrorHandlerUserData());
  // A corrupt file reports each of its blocks; the first ones say enough.
  constexpr size_t kEnough = 500;
  if (scope->errors_.size() > kEnough) return;
  if (!scope->errors_.empty()) scope->errors_ += "; ";
  scope->errors_ += message;
}

PjContextPtr MakePjContext() {
  PjContextPtr context(proj_context_create());
  proj_context_set_enable_network(context.get(), 0);
  proj_log_level(context.get(), PJ_LOG_NONE);
  return context;
}

PjPtr MakePj(PJ_CONTEXT* context, const Crs& crs) {
  PjPtr object(proj_create(context, crs.Wkt().c_str()));
  if (!object) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("PROJ cannot use the CRS \"{}\"", crs.Name()),
                "Name it by its code, for instance EPSG:2056.");
  }
  return object;
}

}  // namespace mapweave::geo
