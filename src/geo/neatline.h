// SPDX-License-Identifier: MIT
//
// The frame around a map: where the drawing ends and the margin begins, with
// its title, legend, scale bar and numbers. Only a frame of four long, straight
// lines counts, or of three that end where the paper was cut; a map without one
// is left whole.
#pragma once

#include "core/geometry.h"
#include "core/image.h"

#include <array>
#include <optional>

namespace mapweave::geo {

struct Neatline {
  // The innermost line of the frame, along the middle of its stroke, in pixels
  // of the image (edges at integers, y down), clockwise as seen on the sheet
  // from the top left corner. Several vertices a side, for frames that bend.
  Ring outline;
  // Sides with a line; of 3, the fourth is the end of the paper.
  int sides = 4;
  // Share of the faintest side along which its line can be seen, in [0, 1].
  double confidence = 0.0;
  // Mean distance from each side to the image's edge in pixels: left, top,
  // right, bottom.
  std::array<double, 4> margins{};
};

// `rgb` (3 channels) is a sheet at reduced resolution, best about 1000 pixels
// a side; `paper` (1 channel) is 0 where there is none, as FindPaper says.
//
// A side is a line, darker than both its sides (lighter on dark paper), turned
// by up to three degrees. It must be seen over most of its way between the
// corners and end there: folds and roads go on beyond them. Of several lines
// around the map (double, thick and thin, graduated), the innermost one is
// taken. On a sheet that was cut out of a larger one, one side may be missing:
// the frame has several lines then, and the sides beside the missing one run to
// the end of the paper. Nothing is returned when two are missing, or when the
// sheet is as full of lines beyond the frame as within.
std::optional<Neatline> FindNeatline(const ImageU8& rgb, const ImageU8& paper);

}  // namespace mapweave::geo
