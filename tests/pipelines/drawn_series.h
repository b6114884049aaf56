// SPDX-License-Identifier: MIT
//
// Two sheets of 256 x 256 px with rectangles for buildings, the older one lying
// 6 m too far east: everything about them is known to the pixel.
#pragma once

#include "fixture.h"
#include "geo/grid.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"
#include "pipelines/ingest.h"
#include "pipelines/project.h"
#include "pipelines/series.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

class DrawnSeries {
 public:
  static constexpr int kSide = 256;
  static constexpr int kShift = 6;  // of the older sheet, in pixels and metres

  explicit DrawnSeries(const std::filesystem::path& folder) : folder_(folder) {
    grid_.crs = geo::Crs::FromUserInput("EPSG:25832");
    grid_.origin_x = 500000.0;
    grid_.origin_y = 5400000.0;
    grid_.width = kSide;
    grid_.height = kSide;
    for (int row = 0; row + 32 <= kSide; row += 32) {
      for (int col = 0; col + 32 <= kSide; col += 32) {
        buildings_.emplace_back(col + 8, row + 10, 14 + col / 32, 12);
      }
    }
    WriteSheetOf("1860", kShift);
    WriteSheetOf("1880", 0);
  }

  // Where the newer sheet shows building k; all stand on both editions.
  const std::vector<cv::Rect>& Buildings() const { return buildings_; }
  const geo::Grid& Grid() const { return grid_; }
  std::filesystem::path Sheet(const std::string& edition) const {
    return folder_ / (edition + ".tif");
  }
  std::vector<std::filesystem::path> Sheets() const {
    return {Sheet("1860"), Sheet("1880")};
  }

  // Ingested, and aligned as it must be, on the newer sheet's grid.
  std::filesystem::path MakeProject(RunContext& context) const {
    const std::filesystem::path path = folder_ / "series.gpkg";
    db::Store store =
        Ingest(LoadSeries(Sheets(), {}), {}, path, Overwrite::kAllow, context);
    for (db::EditionRow row : store.Editions()) {
      row.aligned = true;
      store.SaveEdition(row);
    }
    store.SaveAlignmentField("1860",
                             DisplacementField::Constant({-kShift, 0.0}));
    return path;
  }

  // Outline of building k as drawn `east` metres off.
  MultiPolygon Outline(size_t k, double east = 0.0) const {
    const cv::Rect& box = buildings_[k];
    const double x = box.x + east;
    const double y = box.y;
    const double right = x + box.width;
    const double low = y + box.height;
    return geo::GroundFromPixels(
        {{{{x, y}, {right, y}, {right, low}, {x, low}}, {}}}, grid_);
  }

  // Outlines of buildings begin .. end - 1 on both editions; those of the older
  // one `east` metres off.
  std::vector<geo::VectorFeature> Features(size_t begin, size_t end,
                                           double east = 0.0) const {
    std::vector<geo::VectorFeature> features;
    for (size_t k = begin; k < end; ++k) {
      for (const char* edition : {"1860", "1880"}) {
        const bool old = std::string(edition) == "1860";
        features.push_back(
            {Outline(k, old ? east : 0.0),
             {{"track_id", "b" + std::to_string(k)}, {"edition", edition}}});
      }
    }
    return features;
  }

  std::filesystem::path WriteLabels(
      const std::string& name,
      const std::vector<geo::VectorFeature>& features) const {
    geo::WriteVectorOptions options;
    options.fields = {{"track_id"}, {"edition"}};
    options.overwrite = Overwrite::kAllow;
    geo::WritePolygons(folder_ / name, features, grid_.crs, options);
    return folder_ / name;
  }

 private:
  // Uneven, or it would pass for the background around a map, and nowhere the
  // same twice.
  static uint8_t Paper(int col, int row) {
    uint32_t hash = static_cast<uint32_t>(col) * 374761393U +
                    static_cast<uint32_t>(row) * 668265263U;
    hash = (hash ^ (hash >> 13)) * 1274126177U;
    return static_cast<uint8_t>(150 + (hash >> 16) % 60);
  }

  void WriteSheetOf(const std::string& edition, int east) {
    ImageU8 image(kSide, kSide, 3);
    for (int row = 0; row < kSide; ++row) {
      for (int col = 0; col < kSide; ++col) {
        std::fill_n(image.At(col, row), 3, Paper(col, row));
      }
    }
    for (const cv::Rect& box : buildings_) {
      for (int row = box.y; row < box.y + box.height; ++row) {
        std::memset(image.At(box.x, row), 20,
                    3 * static_cast<size_t>(box.width));
      }
    }
    geo::Grid placed = grid_;
    placed.origin_x += east;
    geo::GeoTiffOptions options;
    options.survey_date = edition;
    geo::WriteGeoTiff(Sheet(edition), image, placed, options);
  }

  std::filesystem::path folder_;
  geo::Grid grid_;
  std::vector<cv::Rect> buildings_;
};

}  // namespace mapweave::pipelines
