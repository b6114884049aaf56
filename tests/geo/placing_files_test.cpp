// SPDX-License-Identifier: MIT
#include "geo/placing_files.h"

#include "fixtures.h"

namespace mapweave::geo {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kWorldFile[] = "1\n0\n0\n-1\n2600000\n1200000\n";

class PlacingFilesTest : public GeoTest {
 protected:
  static std::vector<std::string> Names(const fs::path& sheet) {
    std::vector<std::string> names;
    for (const PlacingFile& file : FilesBeside(sheet)) {
      names.push_back(file.path.filename().string());
    }
    return names;
  }
  // A scan that says nothing of its place.
  fs::path Scan(const std::string& name) const {
    RasterSpec spec;
    spec.crs = "";
    spec.transform = {};
    return MakeRaster(Path(name), spec);
  }
};

TEST_F(PlacingFilesTest, WorldFilesInAnyCase) {
  const fs::path sheet = Scan("a.tif");
  EXPECT_THAT(Names(sheet), IsEmpty());
  WriteText("a.TFW", kWorldFile);
  EXPECT_THAT(Names(sheet), ElementsAre("a.TFW"));
}

TEST_F(PlacingFilesTest, MapInfoTables) {
  const fs::path sheet = Scan("a.tif");
  WriteText("a.tab",
            "!table\n!version 300\n!charset WindowsLatin1\n\n"
            "Definition Table\n  File \"a.tif\"\n  Type \"RASTER\"\n"
            "  (2600000,1200000) (0,0) Label \"1\",\n"
            "  (2600032,1200000) (32,0) Label \"2\",\n"
            "  (2600000,1199976) (0,24) Label \"3\"\n"
            "  CoordSys NonEarth Units \"m\"\n");
  EXPECT_THAT(Names(sheet), ElementsAre("a.tab"));
}

TEST_F(PlacingFilesTest, ControlPointsOnlyOfSheetsThatNeedThem) {
  const fs::path scan = Scan("a.tif");
  WriteText("a.tif.points", "");
  EXPECT_THAT(Names(scan), ElementsAre("a.tif.points"));
  const fs::path placed = MakeRaster(Path("b.tif"), {});
  WriteText("b.points", "");
  EXPECT_THAT(Names(placed), IsEmpty());
}

TEST_F(PlacingFilesTest, OfAnAuxXmlThePlaceOnly) {
  const fs::path sheet = Scan("a.tif");
  const auto write = [&](const std::string& place, int mean) {
    WriteText("a.tif.aux.xml",
              fmt::format("<PAMDataset>{}<PAMRasterBand band=\"1\"><Metadata>"
                          "<MDI key=\"STATISTICS_MEAN\">{}</MDI></Metadata>"
                          "</PAMRasterBand></PAMDataset>",
                          place, mean));
    return FilesBeside(sheet);
  };
  EXPECT_THAT(write("", 1), IsEmpty());
  const std::string place =
      "<GeoTransform> 2600000, 1, 0, 1200000, 0, -1</GeoTransform>";
  const auto files = write(place, 1);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].path.filename(), "a.tif.aux.xml");
  EXPECT_EQ(write(place, 2).at(0).part, files[0].part);
  EXPECT_NE(write("<GeoTransform> 2600001, 1, 0, 1200000, 0, -1"
                  "</GeoTransform>",
                  1)
                .at(0)
                .part,
            files[0].part);
}

TEST_F(PlacingFilesTest, OverviewsPlaceNothing) {
  const fs::path sheet = MakeRaster(Path("a.tif"), {});
  WriteText("a.tfw", kWorldFile);
  GDALDataset* dataset = GDALDataset::Open(sheet.c_str());
  std::array<int, 1> factors{2};
  EXPECT_EQ(dataset->BuildOverviews("AVERAGE", 1, factors.data(), 0, nullptr,
                                    nullptr, nullptr),
            CE_None);
  GDALClose(dataset);
  ASSERT_TRUE(fs::exists(Path("a.tif.ovr")));
  for (const PlacingFile& file : FilesBeside(sheet)) {
    EXPECT_NE(file.path.extension(), ".ovr");
  }
}

}  // namespace
}  // namespace mapweave::geo
