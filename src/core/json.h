// SPDX-License-Identifier: MIT
//
// JSON documents. Keys keep the order in which they were set, so that output
// reads as it was written and is the same on every run.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace mapweave {

using Json = nlohmann::ordered_json;

// Throws Error{kBadInput} naming `origin` and the place of the fault.
Json ParseJson(const std::string& text, const std::string& origin);
Json ReadJson(const std::filesystem::path& path);

}  // namespace mapweave
