// SPDX-License-Identifier: MIT
//
// The series that training and adaptation look at: a project file, or sheets
// that are put in order for the occasion.
#pragma once

#include "core/progress.h"
#include "pipelines/project.h"

#include <filesystem>
#include <vector>

namespace mapweave::pipelines {

// One project file is opened, and must have been ingested; it is not changed.
// Anything else is sheets and catalogues, as LoadSeries takes them, which are
// ingested and aligned in a temporary file. Throws what these stages throw;
// warns of editions that are not aligned.
Project OpenSeries(const std::vector<std::filesystem::path>& inputs,
                   int threads, RunContext& context);

}  // namespace mapweave::pipelines
