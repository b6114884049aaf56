// SPDX-License-Identifier: MIT
//
// What all fuzzers share: an input is good or refused with an Error that tells
// a user something; whatever else happens is a fault.
#pragma once

#include "core/error.h"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace mapweave::fuzz {

inline std::string TextOf(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Runs `reader`; anything but an Error about the input ends the process.
template <typename Reader>
void Feed(Reader reader) {
  try {
    reader();
  } catch (const Error& error) {
    const bool about_input = error.Code() == ErrorCode::kBadInput ||
                             error.Code() == ErrorCode::kUsage;
    if (!about_input || error.Message().empty()) std::abort();
  }
}

}  // namespace mapweave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
