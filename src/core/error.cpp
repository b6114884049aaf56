// SPDX-License-Identifier: MIT
#include "core/error.h"

#include <fmt/format.h>

#include <string_view>

namespace mapweave {

const char* ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFailure:
      return "failure";
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kBadInput:
      return "bad_input";
    case ErrorCode::kDatabase:
      return "database";
    case ErrorCode::kDevice:
      return "device";
    case ErrorCode::kGateNotMet:
      return "gate_not_met";
    case ErrorCode::kBug:
      return "bug";
    case ErrorCode::kInterrupted:
      return "interrupted";
  }
  return "failure";
}

void ThrowCheckFailure(const char* condition, const char* file, int line) {
  // Only the file's own name: the build machine's folders tell a user nothing.
  std::string_view name(file);
  if (auto slash = name.rfind('/'); slash != std::string_view::npos) {
    name.remove_prefix(slash + 1);
  }
  throw Error(
      ErrorCode::kBug,
      fmt::format("internal check failed: {} ({}:{})", condition, name, line),
      "This is a bug in Mapweave; please report it with the command "
      "that you ran.");
}

}  // namespace mapweave
