// SPDX-License-Identifier: MIT
//
// Whatever images a user has to learn from: scans, folders and lists of plain
// pictures, and the series of a project file.
#pragma once

#include "core/progress.h"
#include "pipelines/videos.h"
#include "synth/video_source.h"

#include <string>
#include <vector>

namespace mapweave::pipelines {

// Image files one by one: a folder becomes the images that lie in it (not in
// folders below), sorted by name, a list (.txt; one path a line, from the
// list's folder on) the files that it names; everything else stays. Throws
// Error{kBadInput} naming the folder or list that has none.
std::vector<std::string> ImageFiles(const std::vector<std::string>& inputs);

// The pixels of `inputs`: of project files (.gpkg) windows of the series' grid
// on each of its editions, aligned as they are; of all else what ReadMapSheets
// makes of ImageFiles. Each gets its share of `options.memory_mb`. Throws
// Error{kBadInput} naming the file that cannot be read.
std::vector<synth::MapSheet> ReadImageInputs(
    const std::vector<std::string>& inputs, const MapSheetOptions& options,
    RunContext& context);

}  // namespace mapweave::pipelines
