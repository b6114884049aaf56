// SPDX-License-Identifier: MIT
//
// Which part of a scanned sheet is paper: everything but the background around
// it, which is white or black filling of a warped raster, or the scanner's bed.
#pragma once

#include "core/image.h"

namespace mapweave::geo {

// `rgb` (3 channels) is a sheet at reduced resolution, `valid` (1 channel) is 0
// where the file itself marks no data. Returns 1 for paper, 0 for the rest.
//
// Background is a plain colour that touches the border or the no-data area,
// flood-filled from there within a tolerance and opened morphologically, so
// that it does not creep along streets into the map. It is accepted only where
// its colour differs from the paper's commonest one and the rest hangs together
// as one sheet; a map on white paper that runs into a white margin is left
// whole. A border that was painted around the sheet in one shade may be as
// light as the paper, if the sheet itself has next to nothing of that shade.
// Real content is never given up for a tidier edge.
ImageU8 FindPaper(const ImageU8& rgb, const ImageU8& valid);

}  // namespace mapweave::geo
