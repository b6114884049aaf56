// SPDX-License-Identifier: MIT
//
// The editions of a project side by side, each building outlined in one colour
// through time.
#pragma once

#include "core/atomic_file.h"
#include "core/progress.h"
#include "db/store.h"

#include <filesystem>

namespace mapweave::pipelines {

struct PictureOptions {
  // Side of one edition's panel in pixels, at most; the grid's own resolution
  // is never enlarged.
  int panel_px = 1400;
  // Panels in a row; 0 = one row up to three editions, else two rows.
  int columns = 0;
};

// Writes a PNG. Throws Error{kBadInput} for a project without editions.
void WritePicture(const db::Store& store, const PictureOptions& options,
                  const std::filesystem::path& path, Overwrite overwrite,
                  RunContext& context);

}  // namespace mapweave::pipelines
