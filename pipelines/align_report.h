// SPDX-License-Identifier: MIT
//
// What alignment did, for people to judge: pictures of the editions against
// the newest one before and after, arrows, errors at places that the fit did
// not see; and the displacements as rasters for other programs.
#pragma once

#include "core/atomic_file.h"
#include "core/progress.h"
#include "db/store.h"
#include "pipelines/align.h"

#include <filesystem>
#include <vector>

namespace mapweave::pipelines {

// Makes `folder` if needed and writes one GeoTIFF per edition that was moved,
// EDITION_displacement.tif, with the bands east_m, north_m and sigma_m: at each
// place that the sheets state, what has to be added to it in ground metres, and
// the standard deviation of that per axis. EDITION is its label as
// UniqueFileNames has it. Pixels are a quarter of the distance
// between the nodes of the field. Throws Error{kBadInput} for a project that
// was not aligned.
void WriteAlignmentFields(const db::Store& store,
                          const std::filesystem::path& folder,
                          Overwrite overwrite);

// Writes index.html and, per edition, EDITION_before.png and EDITION_after.png
// (a chessboard of the edition and the newest one) and EDITION_arrows.png (the
// field on the edition, with the held-out places). `editions` as Align returned
// them: the errors at single places are not kept in the project.
void WriteAlignmentReport(const db::Store& store,
                          const std::vector<EditionAlignment>& editions,
                          const std::filesystem::path& folder,
                          Overwrite overwrite, RunContext& context);

// What a long alignment would find out too late: makes `folder` if needed and
// throws Error{kUsage} if a file stands there that must not be replaced.
void CheckAlignmentFields(const db::Store& store,
                          const std::filesystem::path& folder,
                          Overwrite overwrite);
void CheckAlignmentReport(const db::Store& store,
                          const std::filesystem::path& folder,
                          Overwrite overwrite);

}  // namespace mapweave::pipelines
