// SPDX-License-Identifier: MIT
//
// Survey dates. What is read is a range of days that its own text gives again.
#include "core/date.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mapweave::DateRange;
  mapweave::fuzz::Feed([&] {
    const DateRange range =
        mapweave::ParseDateRange(mapweave::fuzz::TextOf(data, size));
    if (range.to < range.from) std::abort();
    if (mapweave::ParseDateRange(range.edtf) != range) std::abort();
  });
  return 0;
}
