// SPDX-License-Identifier: MIT
//
// The one exception type of the project. Libraries throw it where the fault is
// found; only main() turns it into text and an exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace mapweave {

// The values are the exit codes of the program.
enum class ErrorCode {
  kFailure = 1,
  kUsage = 2,
  kBadInput = 3,
  kDatabase = 4,
  kDevice = 5,
  kGateNotMet = 6,
  kBug = 70,
  kInterrupted = 130,
};

// Short lower-case name of a code as it appears in --json documents.
const char* ErrorCodeName(ErrorCode code);

class Error : public std::runtime_error {
 public:
  // message: what failed and on which file or row. hint: what to do next; may
  // be empty.
  Error(ErrorCode code, const std::string& message, std::string hint = "")
      : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}

  ErrorCode Code() const { return code_; }
  std::string Message() const { return what(); }
  const std::string& Hint() const { return hint_; }

 private:
  ErrorCode code_;
  std::string hint_;
};

[[noreturn]] void ThrowCheckFailure(const char* condition, const char* file,
                                    int line);

// An invariant of the program itself, always on. For what a user can cause,
// throw Error with a message of its own.
#define MAPWEAVE_CHECK(condition)                                    \
  do {                                                               \
    if (!(condition))                                                \
      ::mapweave::ThrowCheckFailure(#condition, __FILE__, __LINE__); \
  } while (false)

}  // namespace mapweave
