// SPDX-License-Identifier: MIT
//
// Private to src/geo: the pixels of one open sheet as 8-bit RGB with validity,
// whatever the file holds (palette, grey, 1 to 64 bits, CMYK, alpha, masks, no
// data), read in blocks at full or reduced resolution.
#pragma once

#include "core/image.h"
#include "geo/gdal_handles.h"
#include "geo/sheet.h"

#include <array>
#include <memory>
#include <vector>

namespace mapweave::geo {

// Values that become black and white.
struct ValueRange {
  double low = 0.0;
  double high = 255.0;
};

// One resolution at which a sheet can be read: its own, or an integer fraction
// of it, through overviews where the file has fitting ones.
struct Level {
  int factor = 1;     // as asked for
  int overview = -1;  // -1: full resolution
  int mean_of = 1;    // pixels of the overview averaged, along each axis
  int width = 0;      // pixels of this level
  int height = 0;
  // Sheet pixels per level pixel; a little off `factor` where an overview's
  // size was rounded.
  double scale_x = 1.0;
  double scale_y = 1.0;
};

// A rectangle of pixels of a level.
struct Block {
  int col = 0;
  int row = 0;
  ImageU8 rgb;    // 3 channels
  ImageU8 valid;  // 1 channel: 1 = the file holds a value there
};

// One per thread.
class SheetSource {
 public:
  // Throws Error{kBadInput} as InspectSheet does.
  explicit SheetSource(const std::filesystem::path& path);

  int Width() const { return width_; }
  int Height() const { return height_; }
  // True if values need a range to become 8-bit shades.
  bool NeedsRange() const { return layout_.wide; }
  // Percentiles of a sample of all valid values, outliers left out.
  ValueRange SampleRange();
  void SetRange(ValueRange range) { range_ = range; }

  Level MakeLevel(int factor) const;
  // The part of the rectangle that lies on the level. At reduced resolution,
  // pixels are means of the valid ones and valid where half of them are.
  // Throws Error{kBadInput} naming the file if it cannot be read.
  Block Read(const Level& level, int col, int row, int width, int height);

 private:
  enum class Model { kGrey, kPalette, kRgb, kCmyk };
  struct Layout {
    Model model = Model::kGrey;
    bool wide = false;       // more than 8 bits
    std::vector<int> bands;  // colour bands, 1-based
    int alpha = 0;           // band, or 0
    float half_opaque = 0;   // the alpha from which on a pixel counts
    bool nodata = false;     // some colour band has a no-data value
    bool dataset_mask = false;
    std::vector<std::array<uint8_t, 4>> palette;  // RGBA
  };
  // The raw values of a strip, one plane per colour band.
  struct Strip {
    std::vector<std::vector<float>> planes;
    std::vector<uint8_t> valid;
  };

  static Layout LayoutOf(GDALDataset& dataset);
  GDALRasterBand* BandAt(int band, int overview) const;
  GDALRasterBand* MaskAt(int band, int overview) const;
  bool OverviewFits(int overview, int factor) const;
  // `pixel_space`: bytes from one pixel to the next in `out`; 0 if they touch.
  void ReadBand(GDALRasterBand* band, int col, int row, int width, int height,
                GDALDataType type, void* out, int pixel_space = 0) const;
  // Throws Error{kBadInput} unless the read from there succeeded.
  void CheckRead(CPLErr status, const CplErrorScope& errors, int col,
                 int row) const;
  void ReadStrip(int overview, int col, int row, int width, int height,
                 Strip& strip) const;
  void ReadValidity(int overview, int col, int row, int width, int height,
                    std::vector<uint8_t>& valid) const;
  // For bands whose values are shades already, the common case: straight into
  // the block, without a strip between. `block` lies on a level that averages
  // nothing.
  void ReadShades(const Level& level, Block& block) const;
  // False if the pixel is no colour (not finite, transparent, off the palette).
  bool ToRgb(const Strip& strip, size_t index, uint8_t* rgb) const;
  uint8_t Shade(float value) const;

  std::string name_;
  DatasetPtr dataset_;
  int width_ = 0;
  int height_ = 0;
  Layout layout_;
  ValueRange range_;
};

}  // namespace mapweave::geo
