// SPDX-License-Identifier: MIT
//
// The process-wide state of GDAL and PROJ, set up once. Every entry point of
// this library sets it up with defaults by itself; call InitGdal first only to
// choose something else.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mapweave::geo {

struct GdalOptions {
  // Bound of GDAL's block cache, which all threads share.
  int cache_mb = 256;
  // Throws Error{kUsage}.
  void Validate() const;
};

// Registers the drivers, bounds the block cache, switches PROJ's network off
// (transformations must not depend on a connection) and silences GDAL's own
// messages, which this library turns into mapweave::Error instead. Thread-safe;
// a later call changes the cache's bound only. Throws Error{kUsage}.
void InitGdal(const GdalOptions& options);

// Name ("gdal", "proj") and version of the libraries in use.
std::vector<std::pair<std::string, std::string>> LibraryVersions();

}  // namespace mapweave::geo
