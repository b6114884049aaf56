// SPDX-License-Identifier: MIT
#include "geo/sheet_source.h"

#include "geo/raster_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace mapweave::geo {
namespace {

constexpr uint8_t kHalfOpaque = 128;

int CeilDivide(int value, int by) { return (value + by - 1) / by; }

bool IsWide(GDALRasterBand& band) {
  return band.GetRasterDataType() != GDT_Byte;
}

// Largest value of bands that use fewer bits than they are stored in.
double FullScale(GDALRasterBand& band) {
  const char* bits = band.GetMetadataItem("NBITS", "IMAGE_STRUCTURE");
  const int count = bits != nullptr ? std::atoi(bits) : 8;
  return count >= 1 && count < 8 ? (1 << count) - 1 : 255;
}

// The middle of the values that an alpha band can have.
float HalfOpaque(GDALRasterBand& band) {
  switch (band.GetRasterDataType()) {
    case GDT_Byte:
      return static_cast<float>(FullScale(band) / 2.0);
    case GDT_UInt16:
      return 32768.0f;
    case GDT_Int16:
      return 16384.0f;
    case GDT_UInt32:
      return 2147483648.0f;
    case GDT_Int32:
      return 1073741824.0f;
    default:
      break;
  }
  // Of other types the range is a convention: 0 to 1, or that of a byte or of
  // 16 bits.
  CplErrorScope errors;
  std::array<double, 2> range{};
  const CPLErr status = band.ComputeRasterMinMax(TRUE, range.data());
  return status == CE_None && range[1] > 1.0
             ? static_cast<float>(range[1] / 2.0)
             : 0.5f;
}

std::vector<std::array<uint8_t, 4>> PaletteOf(const GDALColorTable& table) {
  std::vector<std::array<uint8_t, 4>> palette;
  for (int i = 0; i < table.GetColorEntryCount(); ++i) {
    GDALColorEntry entry{};
    table.GetColorEntryAsRGB(i, &entry);
    palette.push_back(
        {static_cast<uint8_t>(entry.c1), static_cast<uint8_t>(entry.c2),
         static_cast<uint8_t>(entry.c3), static_cast<uint8_t>(entry.c4)});
  }
  return palette;
}

// The bands with these colours, or none if one is missing.
std::vector<int> BandsOf(GDALDataset& dataset,
                         const std::vector<GDALColorInterp>& colours) {
  std::vector<int> bands;
  for (const GDALColorInterp colour : colours) {
    for (int b = 1; b <= dataset.GetRasterCount(); ++b) {
      if (dataset.GetRasterBand(b)->GetColorInterpretation() == colour) {
        bands.push_back(b);
        break;
      }
    }
  }
  if (bands.size() != colours.size()) bands.clear();
  return bands;
}

// One row of a block while the pixels under it are summed up.
class RowOfMeans {
 public:
  RowOfMeans(int width, int mean_of)
      : mean_of_(mean_of), sums_(static_cast<size_t>(width)) {}

  // `rgb` is null where the pixel has no value.
  void Add(int x, const uint8_t* rgb) {
    Sum& sum = sums_[static_cast<size_t>(x / mean_of_)];
    ++sum.all;
    if (rgb == nullptr) return;
    ++sum.valid;
    for (size_t c = 0; c < 3; ++c) sum.rgb[c] += rgb[c];
  }

  void Flush(Block& block, int row) {
    for (int x = 0; x < block.rgb.width; ++x) {
      const Sum& sum = sums_[static_cast<size_t>(x)];
      if (sum.valid == 0) continue;
      uint8_t* out = block.rgb.At(x, row);
      for (size_t c = 0; c < 3; ++c) {
        out[c] = static_cast<uint8_t>((sum.rgb[c] + sum.valid / 2) / sum.valid);
      }
      *block.valid.At(x, row) = 2 * sum.valid >= sum.all;
    }
    std::fill(sums_.begin(), sums_.end(), Sum{});
  }

 private:
  struct Sum {
    std::array<int64_t, 3> rgb{};
    int64_t valid = 0;
    int64_t all = 0;
  };
  int mean_of_;
  std::vector<Sum> sums_;
};

}  // namespace

SheetSource::SheetSource(const std::filesystem::path& path)
    : name_(path.string()), dataset_(OpenRaster(path)) {
  width_ = dataset_->GetRasterXSize();
  height_ = dataset_->GetRasterYSize();
  layout_ = LayoutOf(*dataset_);
  range_.high = FullScale(*dataset_->GetRasterBand(layout_.bands[0]));
}

SheetSource::Layout SheetSource::LayoutOf(GDALDataset& dataset) {
  Layout layout;
  const int count = dataset.GetRasterCount();
  const auto alpha = BandsOf(dataset, {GCI_AlphaBand});
  if (!alpha.empty()) {
    layout.alpha = alpha[0];
    layout.half_opaque = HalfOpaque(*dataset.GetRasterBand(layout.alpha));
  }

  layout.bands = BandsOf(dataset, {GCI_RedBand, GCI_GreenBand, GCI_BlueBand});
  layout.model = Model::kRgb;
  if (layout.bands.empty()) {
    layout.bands = BandsOf(dataset, {GCI_CyanBand, GCI_MagentaBand,
                                     GCI_YellowBand, GCI_BlackBand});
    layout.model = Model::kCmyk;
  }
  if (layout.bands.empty()) {
    // Without stated colours: three bands or more are taken as red, green and
    // blue in this order, fewer as one of grey.
    const bool colour = count - (layout.alpha != 0 ? 1 : 0) >= 3;
    layout.model = colour ? Model::kRgb : Model::kGrey;
    for (int b = 1; b <= count; ++b) {
      if (b == layout.alpha) continue;
      layout.bands.push_back(b);
      if (layout.bands.size() == (colour ? 3u : 1u)) break;
    }
    // A lone band that calls itself alpha is still the only picture there is.
    if (layout.bands.empty()) {
      layout.bands = {1};
      layout.alpha = 0;
    }
    const GDALColorTable* table =
        dataset.GetRasterBand(layout.bands[0])->GetColorTable();
    if (!colour && table != nullptr && table->GetColorEntryCount() > 0) {
      layout.model = Model::kPalette;
      layout.palette = PaletteOf(*table);
    }
  }
  for (const int b : layout.bands) {
    GDALRasterBand& band = *dataset.GetRasterBand(b);
    layout.wide |= IsWide(band) && layout.model != Model::kPalette;
    const int flags = band.GetMaskFlags();
    layout.nodata |= (flags & GMF_NODATA) != 0;
    layout.dataset_mask |=
        (flags & GMF_PER_DATASET) != 0 && (flags & GMF_ALPHA) == 0;
  }
  return layout;
}

GDALRasterBand* SheetSource::BandAt(int band, int overview) const {
  GDALRasterBand* full = dataset_->GetRasterBand(band);
  return overview < 0 ? full : full->GetOverview(overview);
}

GDALRasterBand* SheetSource::MaskAt(int band, int overview) const {
  // A no-data mask is computed from the overview's own values; a stored mask
  // has overviews of its own.
  if (overview < 0 || layout_.nodata) {
    return BandAt(band, overview)->GetMaskBand();
  }
  return BandAt(band, -1)->GetMaskBand()->GetOverview(overview);
}

bool SheetSource::OverviewFits(int overview, int factor) const {
  std::vector<GDALRasterBand*> needed;
  for (const int b : layout_.bands) needed.push_back(BandAt(b, overview));
  if (layout_.alpha != 0) needed.push_back(BandAt(layout_.alpha, overview));
  if (layout_.dataset_mask) {
    needed.push_back(MaskAt(layout_.bands[0], overview));
  }
  return std::all_of(needed.begin(), needed.end(),
                     [this, factor](GDALRasterBand* band) {
                       return band != nullptr &&
                              band->GetXSize() == CeilDivide(width_, factor) &&
                              band->GetYSize() == CeilDivide(height_, factor);
                     });
}

Level SheetSource::MakeLevel(int factor) const {
  Level level;
  level.factor = factor;
  level.mean_of = factor;
  int base_width = width_;
  int base_height = height_;
  int best = 1;
  // Overviews of a palette hold single picked pixels, and those of fewer bits
  // than a shade needs have no greys: both drop thin lines.
  const bool faithful = layout_.model != Model::kPalette &&
                        (layout_.wide || range_.high == 255.0);
  const int overviews =
      faithful ? dataset_->GetRasterBand(layout_.bands[0])->GetOverviewCount()
               : 0;
  for (int i = 0; i < overviews; ++i) {
    for (int f = factor; f > best; --f) {
      if (factor % f == 0 && OverviewFits(i, f)) {
        best = f;
        level.overview = i;
        level.mean_of = factor / f;
        base_width = BandAt(layout_.bands[0], i)->GetXSize();
        base_height = BandAt(layout_.bands[0], i)->GetYSize();
      }
    }
  }
  level.width = CeilDivide(base_width, level.mean_of);
  level.height = CeilDivide(base_height, level.mean_of);
  level.scale_x = level.mean_of * (width_ / static_cast<double>(base_width));
  level.scale_y = level.mean_of * (height_ / static_cast<double>(base_height));
  return level;
}

void SheetSource::ReadBand(GDALRasterBand* band, int col, int row, int width,
                           int height, GDALDataType type, void* out,
                           int pixel_space) const {
  CplErrorScope errors;
  const CPLErr status =
      band->RasterIO(GF_Read, col, row, width, height, out, width, height, type,
                     pixel_space, 0, nullptr);
  CheckRead(status, errors, col, row);
}

void SheetSource::CheckRead(CPLErr status, const CplErrorScope& errors, int col,
                            int row) const {
  // Some drivers report a broken block and go on with what they have.
  if (status == CE_None && !errors.HasError()) return;
  throw Error(ErrorCode::kBadInput,
              fmt::format("{} cannot be read at column {}, row {}: {}", name_,
                          col, row, errors.Text()),
              "The file is damaged or incomplete: copy or convert it again.");
}

void SheetSource::ReadValidity(int overview, int col, int row, int width,
                               int height, std::vector<uint8_t>& valid) const {
  const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height);
  valid.assign(count, 1);
  std::vector<uint8_t> mask;
  if (layout_.nodata || layout_.dataset_mask) mask.resize(count);
  if (layout_.nodata) {
    // No data only where no band has any: (0, 90, 200) is a colour, even if 0
    // stands for no data in each band.
    std::fill(valid.begin(), valid.end(), uint8_t{0});
    for (const int b : layout_.bands) {
      ReadBand(MaskAt(b, overview), col, row, width, height, GDT_Byte,
               mask.data());
      for (size_t i = 0; i < count; ++i) valid[i] |= mask[i] != 0;
    }
  } else if (layout_.dataset_mask) {
    ReadBand(MaskAt(layout_.bands[0], overview), col, row, width, height,
             GDT_Byte, mask.data());
    for (size_t i = 0; i < count; ++i) valid[i] = mask[i] >= kHalfOpaque;
  }
  if (layout_.alpha != 0) {
    GDALRasterBand* band = BandAt(layout_.alpha, overview);
    std::vector<float> alpha(count);
    ReadBand(band, col, row, width, height, GDT_Float32, alpha.data());
    for (size_t i = 0; i < count; ++i) {
      valid[i] &= alpha[i] >= layout_.half_opaque;
    }
  }
}

void SheetSource::ReadStrip(int overview, int col, int row, int width,
                            int height, Strip& strip) const {
  const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height);
  strip.planes.resize(layout_.bands.size());
  for (size_t b = 0; b < layout_.bands.size(); ++b) {
    strip.planes[b].resize(count);
    ReadBand(BandAt(layout_.bands[b], overview), col, row, width, height,
             GDT_Float32, strip.planes[b].data());
  }
  ReadValidity(overview, col, row, width, height, strip.valid);
}

uint8_t SheetSource::Shade(float value) const {
  const double shade =
      (value - range_.low) * 255.0 / (range_.high - range_.low);
  return static_cast<uint8_t>(std::clamp(shade, 0.0, 255.0) + 0.5);
}

bool SheetSource::ToRgb(const Strip& strip, size_t index, uint8_t* rgb) const {
  if (!strip.valid[index]) return false;
  const float first = strip.planes[0][index];
  switch (layout_.model) {
    case Model::kPalette: {
      if (!(first >= 0.0f &&
            first < static_cast<float>(layout_.palette.size()))) {
        return false;
      }
      const auto& entry = layout_.palette[static_cast<size_t>(first)];
      std::copy_n(entry.begin(), 3, rgb);
      return entry[3] >= kHalfOpaque;
    }
    case Model::kGrey: {
      if (!std::isfinite(first)) return false;
      rgb[0] = rgb[1] = rgb[2] = Shade(first);
      return true;
    }
    case Model::kRgb: {
      for (size_t c = 0; c < 3; ++c) {
        const float value = strip.planes[c][index];
        if (!std::isfinite(value)) return false;
        rgb[c] = Shade(value);
      }
      return true;
    }
    case Model::kCmyk: {
      const int light = 255 - Shade(strip.planes[3][index]);
      for (size_t c = 0; c < 3; ++c) {
        const int ink = Shade(strip.planes[c][index]);
        rgb[c] = static_cast<uint8_t>((255 - ink) * light / 255);
      }
      return true;
    }
  }
  return false;
}

void SheetSource::ReadShades(const Level& level, Block& block) const {
  const int width = block.rgb.width;
  const int height = block.rgb.height;
  std::array<int, 3> bands{};
  for (size_t c = 0; c < 3; ++c)
    bands[c] = layout_.bands[c % layout_.bands.size()];
  if (level.overview < 0) {
    // All bands at once: pixels that lie interleaved in the file stay so.
    CplErrorScope errors;
    const CPLErr status = dataset_->RasterIO(
        GF_Read, block.col, block.row, width, height, block.rgb.data.data(),
        width, height, GDT_Byte, 3, bands.data(), 3, 3 * width, 1, nullptr);
    CheckRead(status, errors, block.col, block.row);
  } else {
    for (size_t c = 0; c < 3; ++c) {
      ReadBand(BandAt(bands[c], level.overview), block.col, block.row, width,
               height, GDT_Byte, block.rgb.data.data() + c, 3);
    }
  }
  ReadValidity(level.overview, block.col, block.row, width, height,
               block.valid.data);
}

Block SheetSource::Read(const Level& level, int col, int row, int width,
                        int height) {
  Block block;
  block.col = std::clamp(col, 0, level.width);
  block.row = std::clamp(row, 0, level.height);
  const int end_col = std::clamp(col + width, block.col, level.width);
  const int end_row = std::clamp(row + height, block.row, level.height);
  block.rgb = ImageU8(end_col - block.col, end_row - block.row, 3);
  block.valid = ImageU8(end_col - block.col, end_row - block.row, 1);
  if (block.valid.data.empty()) return block;
  const bool shades =
      layout_.model == Model::kGrey || layout_.model == Model::kRgb;
  if (shades && !layout_.wide && range_.high == 255.0 && level.mean_of == 1) {
    ReadShades(level, block);
    return block;
  }

  GDALRasterBand* base = BandAt(layout_.bands[0], level.overview);
  const int mean_of = level.mean_of;
  const int base_col = block.col * mean_of;
  const int columns = std::min(end_col * mean_of, base->GetXSize()) - base_col;
  const int base_end = std::min(end_row * mean_of, base->GetYSize());
  // Strips of about a million pixels bound the memory at any reduction.
  constexpr int kStripPixels = 1 << 20;
  const int rows_at_once = std::max(1, kStripPixels / columns);
  Strip strip;
  RowOfMeans means(block.rgb.width, mean_of);
  for (int top = block.row * mean_of; top < base_end; top += rows_at_once) {
    const int rows = std::min(rows_at_once, base_end - top);
    ReadStrip(level.overview, base_col, top, columns, rows, strip);
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        uint8_t rgb[3];
        const size_t index = static_cast<size_t>(y) * columns + x;
        means.Add(x, ToRgb(strip, index, rgb) ? rgb : nullptr);
      }
      const int done = top + y + 1;
      if (done % mean_of != 0 && done != base_end) continue;
      means.Flush(block, (done - 1) / mean_of - block.row);
    }
  }
  return block;
}

ValueRange SheetSource::SampleRange() {
  constexpr int kSamplesPerSide = 512;
  const int row_step = CeilDivide(height_, kSamplesPerSide);
  const int col_step = CeilDivide(width_, kSamplesPerSide);
  std::vector<float> values;
  Strip strip;
  for (int row = row_step / 2; row < height_; row += row_step) {
    ReadStrip(-1, 0, row, width_, 1, strip);
    for (int col = col_step / 2; col < width_; col += col_step) {
      const size_t i = static_cast<size_t>(col);
      if (!strip.valid[i]) continue;
      for (const auto& plane : strip.planes) {
        if (std::isfinite(plane[i])) values.push_back(plane[i]);
      }
    }
  }
  if (values.empty()) return {0.0, 1.0};
  // A few specks of dust or glare must not flatten the picture.
  constexpr double kOutliers = 0.002;
  std::sort(values.begin(), values.end());
  const auto cut =
      static_cast<size_t>(kOutliers * static_cast<double>(values.size()));
  ValueRange range{values[cut], values[values.size() - 1 - cut]};
  if (!(range.high > range.low)) range.high = range.low + 1.0;
  return range;
}

}  // namespace mapweave::geo
