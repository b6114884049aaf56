// SPDX-License-Identifier: MIT
#include "pipelines/shipped_weights.h"

#include <filesystem>

namespace mapweave::pipelines {

namespace fs = std::filesystem;

std::optional<std::string> FindShippedWeights(const std::string& name) {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  for (const fs::path& folder :
       {program.parent_path() / "../share/mapweave/weights",
        fs::path(MAPWEAVE_WEIGHTS_DIR)}) {
    if (fs::exists(folder / name, ignored)) {
      return fs::weakly_canonical(folder / name).string();
    }
  }
  return std::nullopt;
}

}  // namespace mapweave::pipelines
