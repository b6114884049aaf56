// SPDX-License-Identifier: MIT
//
// Pixels of one scan as it is, on its own pixel grid: for what needs no
// georeference, such as training. Memory is bounded by what is read.
#pragma once

#include "core/image.h"
#include "geo/edition_reader.h"

#include <filesystem>
#include <memory>

namespace mapweave::geo {

struct ScanReaderOptions {
  // Means of squares of so many pixels a side are read.
  int downsample = 1;
  // Leave out what lies around the paper, as EditionReaderOptions.
  bool find_collars = true;
};

// One per thread: not thread-safe.
class ScanReader {
 public:
  // Opens the raster and looks at it once at reduced resolution. Throws
  // Error{kBadInput} naming the file if it is missing or cannot be read, and
  // Error{kUsage} for a downsampling below 1.
  explicit ScanReader(const std::filesystem::path& path,
                      const ScanReaderOptions& options = {});
  ~ScanReader();
  ScanReader(ScanReader&&) noexcept;
  ScanReader& operator=(ScanReader&&) noexcept;

  // After downsampling.
  int Width() const;
  int Height() const;
  // The window lies inside. Throws Error{kBadInput} naming the file.
  Pixels Read(const Window& window);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mapweave::geo
