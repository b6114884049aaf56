// SPDX-License-Identifier: MIT
//
// What the program and its files say of themselves.
#pragma once

#include "core/json.h"

#include <filesystem>

namespace mapweave::pipelines {

// Versions of the program and its libraries, usable devices, the default
// checkpoint.
Json ProgramInfo();

// A project file, a checkpoint or a map sheet, told by its content. Throws
// Error{kBadInput} naming the file if it is none of them.
Json FileInfo(const std::filesystem::path& path);

}  // namespace mapweave::pipelines
