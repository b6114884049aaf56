// SPDX-License-Identifier: MIT
//
// Rasters that are broken, absurd or no rasters at all: refused in bounded time
// and memory, with the file's name and a remedy; and odd ones that are good.
#include "core/atomic_file.h"
#include "fixtures.h"
#include "geo/edition_reader.h"
#include "geo/gdal_handles.h"

#include <cmath>
#include <sys/stat.h>

namespace mapweave::geo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class OddRasterTest : public GeoTest {
 protected:
  // A VRT of 20 x 20 px over `source` with a geotransform as text.
  fs::path Vrt(const std::string& name, const std::string& transform,
               const std::string& source, int width = 20) const {
    return WriteText(
        name,
        fmt::format("<VRTDataset rasterXSize=\"{}\" rasterYSize=\"20\">"
                    "<SRS>EPSG:2056</SRS><GeoTransform>{}</GeoTransform>"
                    "<VRTRasterBand dataType=\"Byte\" band=\"1\"><SimpleSource>"
                    "<SourceFilename relativeToVRT=\"1\">{}</SourceFilename>"
                    "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
                    "</VRTDataset>",
                    width, transform, source));
  }

  // All pixels of a sheet on its own grid.
  static Pixels ReadAll(const SheetInfo& sheet) {
    const Grid grid = ChooseGrid({sheet});
    EditionReaderOptions options;
    // A pixel or a line of them has no margin to tell from the map.
    options.find_collars = false;
    EditionReader reader({sheet}, grid, options);
    return reader.Read(
        {0, 0, static_cast<int>(grid.width), static_cast<int>(grid.height)}, 1);
  }

  // The refusal on opening the sheet or, at the latest, on reading it.
  static Error RefusalOf(const fs::path& path) {
    const Error error = ErrorOf([&] { ReadAll(InspectSheet(path)); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput) << path;
    EXPECT_THAT(error.Message(), HasSubstr(path.filename().string()));
    EXPECT_FALSE(error.Hint().empty()) << path;
    return error;
  }
};

constexpr const char* kGoodTransform = "2600000, 1, 0, 1200000, 0, -1";

TEST_F(OddRasterTest, RefusesPlacementsThatAreNone) {
  MakeRaster(Path("source.tif"), {});
  for (const char* transform :
       {"nan, 1, 0, 1200000, 0, -1", "2600000, inf, 0, 1200000, 0, -1",
        "2600000, 0, 0, 1200000, 0, 0", "2600000, 1, 1, 1200000, 1, 1",
        "2600000, 1, 0, 1200000, 0, 0", "1e30, 1, 0, 1e30, 0, -1",
        "2600000, 1e300, 0, 1200000, 0, -1e300",
        "2600000, 1e-300, 0, 1200000, 0, -1e-300",
        "1e308, 1e308, 0, 1e308, 0, -1e308"}) {
    SCOPED_TRACE(transform);
    RefusalOf(Vrt("placed.vrt", transform, "source.tif"));
  }
}

TEST_F(OddRasterTest, RefusesASheetWithoutASize) {
  MakeRaster(Path("source.tif"), {});
  RefusalOf(Vrt("empty.vrt", kGoodTransform, "source.tif", 0));
}

TEST_F(OddRasterTest, ReadsASinglePixelAndALongThread) {
  RasterSpec spec;
  spec.width = 1;
  spec.height = 1;
  const Pixels one = ReadAll(InspectSheet(MakeRaster(Path("one.tif"), spec)));
  EXPECT_EQ(one.rgb.width, 1);
  EXPECT_EQ(one.coverage.data, std::vector<uint8_t>{1});
  spec.width = 100000;
  const Pixels row = ReadAll(InspectSheet(MakeRaster(Path("row.tif"), spec)));
  EXPECT_EQ(row.rgb.width, 100000);
  EXPECT_EQ(row.rgb.At(99999, 0)[0], (37 * 99999 + 83) % 251);
}

TEST_F(OddRasterTest, RefusesAHugeSheetThatHoldsNothing) {
  const fs::path path = Path("sparse.tif");
  CPLStringList options;
  for (const char* option : {"SPARSE_OK=TRUE", "TILED=YES", "BLOCKXSIZE=4096",
                             "BLOCKYSIZE=4096", "BIGTIFF=YES"}) {
    options.AddString(option);
  }
  constexpr int kSide = 400000;  // 160 billion pixels in under 200 KB
  GDALDataset* dataset =
      GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
          path.c_str(), kSide, kSide, 1, GDT_Byte, options.List());
  ASSERT_NE(dataset, nullptr);
  double transform[] = {2600000, 0.01, 0, 1200000, 0, -0.01};
  dataset->SetGeoTransform(transform);
  OGRSpatialReference srs;
  srs.importFromEPSG(2056);
  dataset->SetSpatialRef(&srs);
  GDALClose(dataset);
  const Error error = RefusalOf(path);
  EXPECT_THAT(error.Message(), HasSubstr("400000 x 400000"));
}

TEST_F(OddRasterTest, NamesThePlaceOfACorruptTile) {
  RasterSpec spec;
  spec.width = 256;
  spec.height = 256;
  spec.bands = 1;
  spec.creation_options = {"TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64",
                           "COMPRESS=DEFLATE"};
  const fs::path path = MakeRaster(Path("torn.tif"), spec);
  const SheetInfo sheet = InspectSheet(path);
  std::string offset;
  {
    const DatasetPtr dataset(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER));
    const char* item =
        dataset->GetRasterBand(1)->GetMetadataItem("BLOCK_OFFSET_2_1", "TIFF");
    ASSERT_NE(item, nullptr);
    offset = item;
  }
  std::string bytes = ReadFile(path);
  bytes.replace(std::stoul(offset), 40, std::string(40, '\xA5'));
  WriteText("torn.tif", bytes);
  const Error error = RefusalOf(path);
  EXPECT_THAT(error.Message(), HasSubstr("column"));
  EXPECT_THAT(error.Hint(), HasSubstr("damaged"));
  EXPECT_THROW(ReadAll(sheet), Error);
}

TEST_F(OddRasterTest, RefusesAFileThatIsCutOff) {
  RasterSpec spec;
  spec.width = 300;
  spec.height = 300;
  const std::string bytes = ReadFile(MakeRaster(Path("whole.tif"), spec));
  for (const size_t size : {size_t{1}, size_t{8}, size_t{200}, bytes.size() / 2,
                            bytes.size() - 1000}) {
    SCOPED_TRACE(size);
    RefusalOf(WriteText("cut.tif", bytes.substr(0, size)));
  }
}

TEST_F(OddRasterTest, RefusesAVrtWithSourcesOnTheNetwork) {
  // Nothing listens there: an attempt would fail otherwise.
  const auto vrt = WriteText("far.vrt",
                             R"(<VRTDataset rasterXSize="8" rasterYSize="8">
<SRS>EPSG:2056</SRS><GeoTransform>2600000,1,0,1200000,0,-1</GeoTransform>
<VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename>/vsicurl/http://127.0.0.1:9/a.tif</SourceFilename>
<SourceProperties RasterXSize="8" RasterYSize="8" DataType="Byte"/>
</SimpleSource></VRTRasterBand></VRTDataset>)");
  const Error error = ErrorOf([&] { InspectSheet(vrt); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), ::testing::HasSubstr("127.0.0.1:9/a.tif"));
  EXPECT_THAT(error.Hint(), ::testing::HasSubstr("network is not used"));
}

TEST_F(OddRasterTest, ServersThatDoNotAnswerAreGivenUp) {
  EXPECT_STREQ(CPLGetConfigOption("GDAL_HTTP_TIMEOUT", ""), "30");
}

TEST_F(OddRasterTest, RefusesAVrtWithoutItsSourceAndOneOfItself) {
  const Error missing =
      RefusalOf(Vrt("orphan.vrt", kGoodTransform, "gone.tif"));
  EXPECT_THAT(missing.Message(), HasSubstr("gone.tif"));
  RefusalOf(Vrt("ring.vrt", kGoodTransform, "ring.vrt"));
  Vrt("hen.vrt", kGoodTransform, "egg.vrt");
  RefusalOf(Vrt("egg.vrt", kGoodTransform, "hen.vrt"));
}

TEST_F(OddRasterTest, RefusesWhatIsNoFile) {
  fs::create_directory(Path("folder.tif"));
  EXPECT_THAT(RefusalOf(Path("folder.tif")).Message(), HasSubstr("folder"));
  // Opening a pipe would wait for a writer for ever.
  ASSERT_EQ(mkfifo(Path("pipe.tif").c_str(), 0600), 0);
  EXPECT_THAT(RefusalOf(Path("pipe.tif")).Message(), HasSubstr("not a file"));
  fs::create_symlink(Path("pipe.tif"), Path("link.tif"));
  RefusalOf(Path("link.tif"));
  fs::create_symlink(Path("loop.tif"), Path("loop.tif"));
  RefusalOf(Path("loop.tif"));
  RefusalOf("/dev/null");
  RefusalOf(WriteText("letter.tif", "Dear Sir, the survey of 1882 ...\n"));
  RefusalOf(WriteText("nothing.tif", ""));
}

}  // namespace
}  // namespace mapweave::geo
