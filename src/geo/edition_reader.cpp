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
#include <array>
#include <numeric>
#include <utility>

namespace mapweave::geo {
namespace {

// Where a tile lies in the window's images.
struct Place {
  const OutputTile& tile;
  int left;
  int top;
};

// Calls `write(index, rgb)` for each pixel of the tile in turn; it returns
// whether the pixel is covered.
template <typename Write>
void ForPixels(const Place& place, Pixels& pixels, Write&& write) {
  size_t index = 0;
  for (int row = 0; row < place.tile.height; ++row) {
    uint8_t* rgb = pixels.rgb.At(place.left, place.top + row);
    uint8_t* coverage = pixels.coverage.At(place.left, place.top + row);
    for (int col = 0; col < place.tile.width; ++col, ++index, rgb += 3) {
      coverage[col] = write(index, rgb);
    }
  }
}

// Half a pixel of paper is paper.
constexpr int32_t kCovered = Layer::kFull / 2;

void PasteAlone(const Layer& layer, const Place& place, Pixels& pixels) {
  ForPixels(place, pixels, [&layer](size_t i, uint8_t* rgb) {
    const auto& sums = layer.sums[i];
    if (sums[3] < kCovered) return false;
    if (sums[3] == Layer::kFull) {
      for (size_t k = 0; k < 3; ++k) {
        rgb[k] =
            static_cast<uint8_t>((sums[k] + Layer::kFull / 2) / Layer::kFull);
      }
    } else {
      for (size_t k = 0; k < 3; ++k) {
        rgb[k] = static_cast<uint8_t>((sums[k] + sums[3] / 2) / sums[3]);
      }
    }
    return true;
  });
}

// The sheet in which a pixel lies deepest shows it; others fade in over a few
// pixels to where the next one lies as deep. All of it is symmetric in the
// sheets.
void PasteSeamed(const std::vector<const Layer*>& layers, const Place& place,
                 Pixels& pixels) {
  constexpr double kFeather = 2.0;  // pixels to either side of a seam
  ForPixels(place, pixels, [&layers](size_t i, uint8_t* rgb) {
    int64_t weight = 0;
    int sides = 0;
    const Layer* deepest = nullptr;
    for (const Layer* layer : layers) {
      sides |= layer->side[i];
      if (layer->sums[i][3] == 0) continue;
      weight += layer->sums[i][3];
      if (!deepest || layer->depth[i] > deepest->depth[i]) deepest = layer;
    }
    // Between sheets less than a pixel apart there is no gap.
    const bool between = (sides & Layer::kLeft && sides & Layer::kRight) ||
                         (sides & Layer::kAbove && sides & Layer::kBelow);
    if (!deepest || (weight < kCovered && !between)) return false;
    std::array<double, 4> sums{};
    for (const Layer* layer : layers) {
      // Depths differ by this much over a pixel across the seam.
      const double slope = 1.0 / deepest->reach + 1.0 / layer->reach;
      const double from_seam =
          (static_cast<double>(deepest->depth[i]) - layer->depth[i]) / slope;
      const double share = std::max(0.0, 1.0 - from_seam / kFeather);
      for (size_t k = 0; k < 4; ++k) sums[k] += share * layer->sums[i][k];
    }
    for (size_t k = 0; k < 3; ++k) {
      rgb[k] = static_cast<uint8_t>(sums[k] / sums[3] + 0.5);
    }
    return true;
  });
}

}  // namespace

struct EditionReader::Impl {
  std::vector<SheetInfo> sheets;
  std::vector<std::shared_ptr<const SheetLook>> looks;
  // In the order of their paths, so that the order in which they are named
  // changes no bit.
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
    std::vector<size_t> order(sheets.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
      return sheets[a].path < sheets[b].path;
    });
    warped.reserve(sheets.size());
    for (const size_t i : order) {
      warped.emplace_back(sheets[i], grid, looks[i], displacement);
    }
  }

  void ReadTile(const Place& place, Pixels& pixels) {
    std::vector<WarpedSheet*> near;
    for (WarpedSheet& sheet : warped) {
      if (sheet.IsNear(place.tile)) near.push_back(&sheet);
    }
    const auto purpose = near.size() > 1 ? WarpedSheet::Purpose::kSeam
                                         : WarpedSheet::Purpose::kAlone;
    std::vector<const Layer*> layers;
    for (WarpedSheet* sheet : near) {
      const Layer* layer = sheet->Warp(place.tile, purpose);
      if (layer != nullptr) layers.push_back(layer);
    }
    if (layers.size() == 1) PasteAlone(*layers[0], place, pixels);
    if (layers.size() > 1) PasteSeamed(layers, place, pixels);
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
    SheetLook look = LookAt(sheet, options.find_collars);
    if (impl_->sheets.size() > 1) look.depth = DepthOf(sheet, look);
    impl_->looks.push_back(std::make_shared<const SheetLook>(std::move(look)));
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
  for (int top = 0; top < height; top += kTile) {
    for (int left = 0; left < width; left += kTile) {
      const OutputTile tile{first_col + left, first_row + top,
                            std::min(kTile, width - left),
                            std::min(kTile, height - top), downsample};
      impl_->ReadTile({tile, left, top}, pixels);
    }
  }
  return pixels;
}

const Grid& EditionReader::GetGrid() const { return impl_->grid; }
const std::vector<SheetInfo>& EditionReader::Sheets() const {
  return impl_->sheets;
}

}  // namespace mapweave::geo
