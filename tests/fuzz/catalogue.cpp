// SPDX-License-Identifier: MIT
//
// Lists of sheets: series files, tables and STAC catalogues, one program for
// each reader. The text lies in memory; what it refers to is not there.
#include "pipelines/catalogue.h"

#include "core/log.h"
#include "fuzz.h"

#include <cpl_vsi.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Warnings about columns and CRSs would take longer than the reading.
  mapweave::SetLogLevel(mapweave::LogLevel::kError);
  constexpr const char* kPath = "/vsimem/catalogue";
  std::string text = mapweave::fuzz::TextOf(data, size);
  VSIFCloseL(VSIFileFromMemBuffer(kPath, reinterpret_cast<GByte*>(text.data()),
                                  text.size(), FALSE));
  mapweave::fuzz::Feed([&] {
    for (const auto& entry : mapweave::pipelines::MAPWEAVE_FUZZ_READER(kPath)) {
      if (entry.path.empty()) std::abort();
    }
  });
  VSIUnlink(kPath);
  return 0;
}
