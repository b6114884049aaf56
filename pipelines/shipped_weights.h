// SPDX-License-Identifier: MIT
//
// Where the networks lie that come with the program.
#pragma once

#include <optional>
#include <string>

namespace mapweave::pipelines {

// The file `name` of the installation, else of the source tree.
std::optional<std::string> FindShippedWeights(const std::string& name);

}  // namespace mapweave::pipelines
