// SPDX-License-Identifier: MIT
#include "core/json.h"

#include "core/atomic_file.h"
#include "core/error.h"

#include <fmt/format.h>

namespace mapweave {

Json ParseJson(const std::string& text, const std::string& origin) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& fault) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("'{}' is not valid JSON (byte {})", origin, fault.byte));
  }
}

Json ReadJson(const std::filesystem::path& path) {
  return ParseJson(ReadFile(path), path.string());
}

}  // namespace mapweave
