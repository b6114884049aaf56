// SPDX-License-Identifier: MIT
#include "synth/video_stock.h"

#include "core/error.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <map>

namespace mapweave::synth {

StockSheet MakeStockSheet(const MapSheet& sheet, const PseudoOptions& options) {
  MAPWEAVE_CHECK(sheet.rgb.type() == CV_8UC3);
  if (std::min(sheet.rgb.cols, sheet.rgb.rows) < VideoClipSource::kMinSheetPx) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{} is only {} x {} pixels", sheet.name,
                            sheet.rgb.cols, sheet.rgb.rows),
                fmt::format("videos need sheets of at least {0} x {0} pixels",
                            VideoClipSource::kMinSheetPx));
  }
  const cv::Mat coverage =
      sheet.coverage.empty() ? cv::Mat(sheet.rgb.size(), CV_8UC1, cv::Scalar(1))
                             : sheet.coverage;
  const Palette palette = LearnPalette(LabFromRgb(sheet.rgb), coverage);
  StockSheet stock{sheet.name, sheet.rgb,
                   coverage,   cv::Mat::zeros(sheet.rgb.size(), CV_32SC1),
                   {},         ColourField(palette),
                   {}};
  const std::vector<tracking::Instance> instances =
      FindPseudoInstances(sheet.rgb, coverage, options);
  for (const tracking::Instance& instance : instances) {
    stock.buildings.push_back(instance.mask.Bounds());
    instance.mask.Paint(stock.labels, static_cast<int>(stock.buildings.size()));
  }
  const cv::Rect inner(kSpriteRimPx, kSpriteRimPx,
                       sheet.rgb.cols - 2 * kSpriteRimPx,
                       sheet.rgb.rows - 2 * kSpriteRimPx);
  for (size_t k = 0; k < stock.buildings.size(); ++k) {
    const cv::Rect& box = stock.buildings[k];
    if ((box & inner) != box) continue;
    Sprite sprite =
        CutSprite(stock.rgb, stock.labels, static_cast<int>(k) + 1, box);
    if (sprite.movable) stock.sprites.push_back(std::move(sprite));
  }
  return stock;
}

Plate CutPlate(const StockSheet& sheet, cv::Point centre, int side) {
  const cv::Rect wanted(centre.x - side / 2, centre.y - side / 2, side, side);
  const cv::Rect found = wanted & cv::Rect({0, 0}, sheet.rgb.size());
  Plate plate;
  plate.rgb = cv::Mat(side, side, CV_8UC3, cv::Scalar::all(255));
  plate.coverage = cv::Mat::zeros(side, side, CV_8UC1);
  plate.labels = cv::Mat::zeros(side, side, CV_16UC1);
  if (found.empty()) return plate;
  const cv::Rect at = found - wanted.tl();
  sheet.rgb(found).copyTo(plate.rgb(at));
  sheet.coverage(found).copyTo(plate.coverage(at));
  std::map<int32_t, uint16_t> numbers;
  for (int y = 0; y < found.height; ++y) {
    const auto* row = sheet.labels.ptr<int32_t>(found.y + y) + found.x;
    auto* out = plate.labels.ptr<uint16_t>(at.y + y) + at.x;
    int32_t last = 0;
    uint16_t mapped = 0;
    for (int x = 0; x < found.width; ++x) {
      if (row[x] == 0) continue;
      if (row[x] != last) {
        last = row[x];
        mapped =
            numbers.try_emplace(last, static_cast<uint16_t>(numbers.size() + 1))
                .first->second;
      }
      out[x] = mapped;
    }
  }
  plate.buildings.resize(numbers.size());
  for (const auto& [label, number] : numbers) {
    const cv::Rect& box = sheet.buildings[static_cast<size_t>(label) - 1];
    if ((box & found) == box) plate.buildings[number - 1U] = box - wanted.tl();
  }
  return plate;
}

}  // namespace mapweave::synth
