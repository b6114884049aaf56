// SPDX-License-Identifier: MIT
//
// Private to src/geo: what is found out about a sheet once, at reduced
// resolution, and shared by all readers of it.
#pragma once

#include "core/image.h"
#include "geo/sheet.h"
#include "geo/sheet_source.h"

namespace mapweave::geo {

struct SheetLook {
  bool needs_range = false;
  ValueRange range;
  // 1 = paper, at reduced resolution; empty if all of it is.
  ImageU8 paper;
};

// Throws Error{kBadInput} if the sheet cannot be read.
SheetLook LookAt(const SheetInfo& sheet, bool find_collars);

// Clears in `block` what is not paper.
void MaskCollar(const SheetLook& look, const SheetInfo& sheet,
                const Level& level, Block& block);

}  // namespace mapweave::geo
