// SPDX-License-Identifier: MIT
//
// CRS definitions. What is read can be written and read again as the same.
#include "geo/crs.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mapweave::geo::Crs;
  mapweave::fuzz::Feed([&] {
    const Crs crs = Crs::FromText(mapweave::fuzz::TextOf(data, size));
    if (crs.Wkt().empty() || crs.Label().empty()) std::abort();
    Crs::FromText(crs.Wkt());
  });
  return 0;
}
