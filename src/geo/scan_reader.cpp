// SPDX-License-Identifier: MIT
#include "geo/scan_reader.h"

#include "core/error.h"
#include "geo/sheet_look.h"
#include "geo/sheet_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::geo {

struct ScanReader::Impl {
  explicit Impl(const std::filesystem::path& path) : source(path) {
    sheet.path = path;
    sheet.width = source.Width();
    sheet.height = source.Height();
  }

  SheetInfo sheet;  // its place on the ground is not known and not used
  SheetSource source;
  SheetLook look;
  Level level;
};

ScanReader::ScanReader(const std::filesystem::path& path,
                       const ScanReaderOptions& options) {
  if (options.downsample < 1) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the downsampling is {}", options.downsample),
                "set it to 1 or more");
  }
  impl_ = std::make_unique<Impl>(path);
  impl_->look = LookAt(impl_->sheet, options.find_collars);
  if (impl_->look.needs_range) impl_->source.SetRange(impl_->look.range);
  impl_->level = impl_->source.MakeLevel(options.downsample);
}

ScanReader::~ScanReader() = default;
ScanReader::ScanReader(ScanReader&&) noexcept = default;
ScanReader& ScanReader::operator=(ScanReader&&) noexcept = default;

int ScanReader::Width() const { return impl_->level.width; }
int ScanReader::Height() const { return impl_->level.height; }

Pixels ScanReader::Read(const Window& window) {
  MAPWEAVE_CHECK(window.col >= 0 && window.row >= 0 &&
                 window.col + window.width <= Width() &&
                 window.row + window.height <= Height());
  Block block = impl_->source.Read(impl_->level, static_cast<int>(window.col),
                                   static_cast<int>(window.row), window.width,
                                   window.height);
  MaskCollar(impl_->look, impl_->level, block);
  Pixels pixels{std::move(block.rgb), std::move(block.valid)};
  for (size_t i = 0; i < pixels.coverage.data.size(); ++i) {
    if (pixels.coverage.data[i] != 0) continue;
    std::fill_n(pixels.rgb.data.begin() + static_cast<int64_t>(3 * i), 3,
                uint8_t{255});
  }
  return pixels;
}

}  // namespace mapweave::geo
