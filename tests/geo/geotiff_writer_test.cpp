// SPDX-License-Identifier: MIT
#include "geo/geotiff_writer.h"

#include "fixtures.h"
#include "geo/edition_reader.h"

#include <cmath>
#include <cstdlib>

namespace mapweave::geo {
namespace {

class GeoTiffWriterTest : public GeoTest {
 protected:
  static Grid SmallGrid() {
    return {
        Crs::FromUserInput("EPSG:2056"), 2600000.25, 1200000.5, 0.25, 300, 280};
  }
  static ImageU8 Gradient(int channels) {
    ImageU8 image(300, 280, channels);
    for (int row = 0; row < 280; ++row) {
      for (int col = 0; col < 300; ++col) {
        for (int c = 0; c < channels; ++c) {
          image.At(col, row)[c] =
              static_cast<uint8_t>((col / 2 + row / 3 + 20 * c) % 256);
        }
      }
    }
    return image;
  }
};

TEST_F(GeoTiffWriterTest, IsReadBackOnItsOwnGrid) {
  const Grid grid = SmallGrid();
  const ImageU8 image = Gradient(3);
  GeoTiffOptions options;
  options.survey_date = "1882-05";
  WriteGeoTiff(Path("w.tif"), image, grid, options);
  const SheetInfo sheet = InspectSheet(Path("w.tif"));
  EXPECT_EQ(sheet.survey_date, "1882-05");
  const Grid chosen = ChooseGrid({sheet});
  EXPECT_TRUE(chosen.crs.IsSame(grid.crs));
  EXPECT_EQ(chosen.origin_x, grid.origin_x);
  EXPECT_EQ(chosen.origin_y, grid.origin_y);
  EXPECT_EQ(chosen.resolution, grid.resolution);
  EXPECT_EQ(chosen.width, grid.width);
  EXPECT_EQ(chosen.height, grid.height);
  EditionReaderOptions reader_options;
  reader_options.find_collars = false;
  EditionReader reader({sheet}, chosen, reader_options);
  EXPECT_EQ(reader.Read({0, 0, 300, 280}).rgb.data, image.data);
}

TEST_F(GeoTiffWriterTest, StaysCloseThroughJpeg) {
  const ImageU8 image = Gradient(3);
  GeoTiffOptions options;
  options.compression = GeoTiffOptions::Compression::kJpeg;
  options.jpeg_quality = 95;
  WriteGeoTiff(Path("j.tif"), image, SmallGrid(), options);
  WriteGeoTiff(Path("d.tif"), image, SmallGrid());
  const SheetInfo sheet = InspectSheet(Path("j.tif"));
  EditionReaderOptions reader_options;
  reader_options.find_collars = false;
  EditionReader reader({sheet}, SmallGrid(), reader_options);
  const ImageU8 back = reader.Read({0, 0, 300, 280}).rgb;
  double difference = 0.0;
  for (size_t i = 0; i < back.data.size(); ++i) {
    difference += std::abs(back.data[i] - image.data[i]);
  }
  EXPECT_LT(difference / static_cast<double>(back.data.size()), 3.0);
}

TEST_F(GeoTiffWriterTest, WritesGreyTiled) {
  WriteGeoTiff(Path("g.tif"), Gradient(1), SmallGrid());
  GDALDataset* dataset = GDALDataset::Open(Path("g.tif").c_str());
  ASSERT_NE(dataset, nullptr);
  EXPECT_EQ(dataset->GetRasterCount(), 1);
  int block_width = 0;
  int block_height = 0;
  dataset->GetRasterBand(1)->GetBlockSize(&block_width, &block_height);
  EXPECT_EQ(block_width, 256);
  EXPECT_EQ(block_height, 256);
  GDALClose(dataset);
}

TEST_F(GeoTiffWriterTest, WritesBandsOfFloatsWithHoles) {
  Grid grid = SmallGrid();
  grid.width = 2;
  grid.height = 3;
  FloatBands field;
  field.names = {"dx", "dy"};
  field.bands = {{0.5f, -1.25f, NAN, 3.0f, 4.0f, 5.0f}, {6, 7, NAN, 9, 10, 11}};
  WriteFloatGeoTiff(Path("f.tif"), field, grid);
  GDALDataset* dataset = GDALDataset::Open(Path("f.tif").c_str());
  ASSERT_NE(dataset, nullptr);
  ASSERT_EQ(dataset->GetRasterCount(), 2);
  for (int i = 0; i < 2; ++i) {
    GDALRasterBand* band = dataset->GetRasterBand(i + 1);
    EXPECT_EQ(band->GetDescription(), field.names[static_cast<size_t>(i)]);
    EXPECT_TRUE(std::isnan(band->GetNoDataValue()));
    std::vector<float> values(6);
    ASSERT_EQ(band->RasterIO(GF_Read, 0, 0, 2, 3, values.data(), 2, 3,
                             GDT_Float32, 0, 0),
              CE_None);
    const std::vector<float>& written = field.bands[static_cast<size_t>(i)];
    for (size_t k = 0; k < 6; ++k) {
      if (std::isnan(written[k])) {
        EXPECT_TRUE(std::isnan(values[k]));
      } else {
        EXPECT_EQ(values[k], written[k]);
      }
    }
  }
  GDALClose(dataset);
  EXPECT_EQ(
      ErrorOf([&] { WriteFloatGeoTiff(Path("f.tif"), field, grid); }).Code(),
      ErrorCode::kUsage);
}

TEST_F(GeoTiffWriterTest, RefusesToOverwriteUnlessTold) {
  const auto path = WriteText("w.tif", "precious");
  EXPECT_EQ(
      ErrorOf([&] { WriteGeoTiff(path, Gradient(1), SmallGrid()); }).Code(),
      ErrorCode::kUsage);
  EXPECT_EQ(std::filesystem::file_size(path), 8u);
  GeoTiffOptions options;
  options.overwrite = Overwrite::kAllow;
  WriteGeoTiff(path, Gradient(1), SmallGrid(), options);
  EXPECT_GT(std::filesystem::file_size(path), 8u);
  // Nothing is left beside it.
  int files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(path.parent_path())) {
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST_F(GeoTiffWriterTest, ChecksItsOptions) {
  GeoTiffOptions options;
  options.jpeg_quality = 0;
  EXPECT_EQ(ErrorOf([&] {
              WriteGeoTiff(Path("w.tif"), Gradient(1), SmallGrid(), options);
            }).Code(),
            ErrorCode::kUsage);
}

}  // namespace
}  // namespace mapweave::geo
