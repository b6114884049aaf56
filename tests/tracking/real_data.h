// SPDX-License-Identifier: MIT
//
// Where the real data for tests lies.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace mapweave::tracking {

// The environment's MAPWEAVE_DATA, else what the build was configured with.
// It may not exist: tests then skip.
inline std::filesystem::path RealDataFolder() {
  const char* from_environment = std::getenv("MAPWEAVE_DATA");
  return from_environment != nullptr ? from_environment : MAPWEAVE_DATA;
}

}  // namespace mapweave::tracking
