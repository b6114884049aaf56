// SPDX-License-Identifier: MIT
//
// The warp is done here and not by GDAL's warper, for two properties that it
// does not have: a pixel does not depend on the window it is read with, and
// sheets that abut are blended across the seam as if they were one.
#include "geo/edition_reader.h"

#include "core/error.h"
#include "geo/sheet_look.h"
#include "geo/warped_sheet.h"

#include <algorithm>
#include <utility>

namespace mapweave::geo {
namespace {

// Writes the samples of a tile into the window's images at (left, top).
void Paste(const std::vector<Sample>& samples, const OutputTile& tile, int left,
           int top, Pixels& pixels) {
  for (int row = 0; row < tile.height; ++row) {
    for (int col = 0; col < tile.width; ++col) {
      const Sample& sample =
          samples[static_cast<size_t>(row) * tile.width + col];
      // Half a pixel of paper is paper.
      if (sample.weight < 0.5 - 1e-6) continue;
      uint8_t* out = pixels.rgb.At(left + col, top + row);
      for (size_t k = 0; k < 3; ++k) {
        const double value = sample.rgb[k] / sample.weight;
        out[k] = static_cast<uint8_t>(std::clamp(value, 0.0, 255.0) + 0.5);
      }
      *pixels.coverage.At(left + col, top + row) = 1;
    }
  }
}

}  // namespace

struct EditionReader::Impl {
  std::vector<SheetInfo> sheets;
  std::vector<std::shared_ptr<const SheetLook>> looks;
  std::vector<WarpedSheet> warped;
  Grid grid;
  std::shared_ptr<const DisplacementField> displacement;

  // Opens datasets of its own; the looks are shared.
  std::unique_ptr<Impl> Fork(
      std::shared_ptr<const DisplacementField> other) const {
    auto fork = std::make_unique<Impl>();
    fork->sheets = sheets;
    fork->looks = looks;
    fork->grid = grid;
    fork->displacement = std::move(other);
    fork->Open();
    return fork;
  }

  void Open() {
    warped.reserve(sheets.size());
    for (size_t i = 0; i < sheets.size(); ++i) {
      warped.emplace_back(sheets[i], grid, looks[i], displacement);
    }
  }
};

EditionReader::EditionReader(std::vector<SheetInfo> sheets, Grid grid,
                             const EditionReaderOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->sheets = std::move(sheets);
  impl_->grid = std::move(grid);
  impl_->displacement =
      std::make_shared<const DisplacementField>(options.displacement);
  for (const SheetInfo& sheet : impl_->sheets) {
    impl_->looks.push_back(
        std::make_shared<const SheetLook>(LookAt(sheet, options.find_collars)));
  }
  impl_->Open();
}

EditionReader::EditionReader(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
EditionReader::~EditionReader() = default;
EditionReader::EditionReader(EditionReader&&) noexcept = default;
EditionReader& EditionReader::operator=(EditionReader&&) noexcept = default;

EditionReader EditionReader::Fork() const {
  return EditionReader(impl_->Fork(impl_->displacement));
}

EditionReader EditionReader::Fork(DisplacementField displacement) const {
  return EditionReader(impl_->Fork(
      std::make_shared<const DisplacementField>(std::move(displacement))));
}

Pixels EditionReader::Read(const Window& window, int downsample) {
  MAPWEAVE_CHECK(window.width > 0 && window.height > 0 && downsample > 0);
  MAPWEAVE_CHECK(window.col % downsample == 0 && window.row % downsample == 0);
  const int width = (window.width + downsample - 1) / downsample;
  const int height = (window.height + downsample - 1) / downsample;
  const int64_t first_col = window.col / downsample;
  const int64_t first_row = window.row / downsample;
  Pixels pixels{ImageU8(width, height, 3, 255), ImageU8(width, height, 1)};
  // Tiles bound what is read of a sheet at once, however strongly the window
  // is reduced.
  constexpr int kTile = 256;
  std::vector<Sample> samples;
  for (int top = 0; top < height; top += kTile) {
    for (int left = 0; left < width; left += kTile) {
      OutputTile tile{first_col + left, first_row + top,
                      std::min(kTile, width - left),
                      std::min(kTile, height - top), downsample};
      samples.assign(
          static_cast<size_t>(tile.width) * static_cast<size_t>(tile.height),
          Sample{});
      for (WarpedSheet& sheet : impl_->warped) sheet.Add(tile, samples);
      Paste(samples, tile, left, top, pixels);
    }
  }
  return pixels;
}

const Grid& EditionReader::GetGrid() const { return impl_->grid; }
const std::vector<SheetInfo>& EditionReader::Sheets() const {
  return impl_->sheets;
}

}  // namespace mapweave::geo
