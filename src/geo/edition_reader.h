// SPDX-License-Identifier: MIT
//
// Pixels of one edition on the series grid: its sheets mosaicked and warped,
// window by window. Memory is bounded by the window, never by the sheets.
#pragma once

#include "core/displacement_field.h"
#include "core/image.h"
#include "geo/grid.h"
#include "geo/sheet.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace mapweave::geo {

// Pixels of the grid; may reach beyond it.
struct Window {
  int64_t col = 0;
  int64_t row = 0;
  int width = 0;
  int height = 0;
};

struct Pixels {
  ImageU8 rgb;       // 3 channels; white where coverage is 0
  ImageU8 coverage;  // 1 channel: 1 = legible paper, 0 = collar or no sheet
};

struct EditionReaderOptions {
  // Moves the sheets' content over the ground, in coordinates of the grid's
  // CRS: what a sheet says lies at p is read at displacement.Apply(p).
  DisplacementField displacement;
  // Leave out what lies around the map: white, black or plain background that
  // is joined to the sheet's border, and the margin outside the frame, where
  // there is one and the sheet has no cutline. Sheets whose options say
  // keep_all are read whole all the same.
  bool find_collars = true;
};

// One per thread: not thread-safe. Where sheets overlap, a place is read from
// the one in which it lies deepest, by its distance to the edge of the legible
// part against the largest such distance on that sheet; over two pixels to
// either side of a seam they are blended. Sheets that abut are joined as if
// they were one, and gaps below a pixel between them closed. The order in which
// sheets are given changes nothing.
class EditionReader {
 public:
  // Opens the sheets and looks at each once at reduced resolution to find its
  // collar and, for more than 8 bits, its range of values. Throws
  // Error{kBadInput} as InspectSheet and Transformer do, and when a sheet's
  // pixels cannot be read.
  EditionReader(std::vector<SheetInfo> sheets, Grid grid,
                const EditionReaderOptions& options = {});
  ~EditionReader();
  EditionReader(EditionReader&&) noexcept;
  EditionReader& operator=(EditionReader&&) noexcept;

  // The same reader for another thread, or with another displacement, without
  // the look at each sheet.
  EditionReader Fork() const;
  EditionReader Fork(DisplacementField displacement) const;

  // Pixels of a window at 1/downsample of the grid's resolution: images of
  // ceil(width / downsample) x ceil(height / downsample), pixel (i, j) showing
  // the mean of the square of grid pixels from (col + i * downsample,
  // row + j * downsample). The result at a grid pixel does not depend on the
  // window that it is read with, if windows start on multiples of
  // `downsample`. Throws Error{kBadInput} naming the sheet that cannot be read.
  Pixels Read(const Window& window, int downsample = 1);

  const Grid& GetGrid() const;
  const std::vector<SheetInfo>& Sheets() const;

 private:
  struct Impl;
  explicit EditionReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mapweave::geo
