// SPDX-License-Identifier: MIT
//
// Alignment on sheets on disk, and what it leaves in the project and in
// folders.
#include "pipelines/align.h"

#include "fixture.h"
#include "geo/edition_reader.h"
#include "pipelines/align_report.h"
#include "pipelines/ingest.h"
#include "pipelines/project.h"
#include "pipelines/series.h"
#include "pipelines/worlds.h"
#include "tracking/registration.h"

#include <gdal_priv.h>
#include <opencv2/core.hpp>

#include <cmath>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AlignTest : public ::testing::Test {
 protected:
  AlignTest() {
    WorldSeriesOptions world;
    world.seed = 4;
    world.density = 0.9;
    world.width_px = 384;
    world.height_px = 320;
    world.editions = {"1860", "1880"};
    world.hands = {"cadastre", "outline"};
    world.error.max_shift_m = 8.0;
    const WorldSeriesReport report = WriteWorldSeries(
        world, folder_.Path(), Overwrite::kRefuse, quiet_.context);
    sheets_ = {report.sheets.begin(), report.sheets.end()};
    store_ = Ingest(LoadSeries(sheets_, {}), {}, Path("p.gpkg"),
                    Overwrite::kRefuse, quiet_.context);
  }

  fs::path Path(const std::string& name) const { return folder_.Path() / name; }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
  std::vector<fs::path> sheets_;
  std::optional<db::Store> store_;
};

TEST_F(AlignTest, KeepsTheFieldThatReadersApply) {
  const auto found = Align(*store_, {}, quiet_.context);
  ASSERT_EQ(found.size(), 2u);
  ASSERT_TRUE(found[0].aligned);
  EXPECT_GT(found[0].held_out_points, 0);
  EXPECT_EQ(found[0].errors.size(),
            static_cast<size_t>(found[0].held_out_points));
  const auto field = store_->AlignmentField("1860");
  ASSERT_TRUE(field.has_value());
  EXPECT_EQ(store_->AlignmentField("1880"), std::nullopt);
  const Project project = LoadProject(*store_);
  EXPECT_EQ(project.editions[0].displacement, *field);
  // The mean of the field is the shift that is reported; on this grid a unit
  // is about a metre.
  const Box box = project.grid.Extent();
  const Point2d middle =
      field->At({(box.min_x + box.max_x) / 2.0, (box.min_y + box.max_y) / 2.0});
  EXPECT_NEAR(middle.x, found[0].shift_x_m, 2.0);
  EXPECT_NEAR(middle.y, found[0].shift_y_m, 2.0);
  // What is read lies where the field puts it.
  geo::EditionReader moved = OpenEdition(project, 0);
  const geo::Window window{96, 96, 128, 128};
  // Read with it, the edition lies on the newest one; without it, it does not.
  geo::EditionReader newest = OpenEdition(project, 1);
  const auto features = [&window](geo::EditionReader reader) {
    geo::Pixels pixels = reader.Read(window);
    return tracking::StructureFeatures(BorrowMat(pixels.rgb),
                                       BorrowMat(pixels.coverage));
  };
  const auto apart = [&](geo::EditionReader reader) {
    const auto shift = tracking::EstimateShift(features(std::move(reader)),
                                               features(newest.Fork()),
                                               {.max_shift_px = 24.0});
    return cv::norm(shift.shift);
  };
  EXPECT_LT(apart(moved.Fork()), 1.0);
  EXPECT_GT(apart(moved.Fork({})), 2.0);
}

TEST_F(AlignTest, ASecondTimeGivesTheSame) {
  Align(*store_, {}, quiet_.context);
  const std::string first = LoadProject(*store_).AlignmentHash();
  AlignOptions options;
  options.threads = 2;
  Align(*store_, options, quiet_.context);
  EXPECT_EQ(LoadProject(*store_).AlignmentHash(), first);
}

TEST_F(AlignTest, CoarselyIsOneAffineMap) {
  AlignOptions options;
  options.coarse = true;
  const auto found = Align(*store_, options, quiet_.context);
  ASSERT_TRUE(found[0].aligned);
  EXPECT_TRUE(found[0].residual_m.has_value());
  const auto field = store_->AlignmentField("1860");
  ASSERT_TRUE(field.has_value());
  const Box box = LoadProject(*store_).grid.Extent();
  const auto at = [&](double u, double v) {
    return field->At({box.min_x + u * (box.max_x - box.min_x),
                      box.min_y + v * (box.max_y - box.min_y)});
  };
  // The middle of every chord lies between its ends.
  for (const double v : {0.1, 0.5, 0.9}) {
    EXPECT_NEAR(at(0.5, v).x, 0.5 * (at(0.1, v).x + at(0.9, v).x), 1e-6);
    EXPECT_NEAR(at(v, 0.5).y, 0.5 * (at(v, 0.1).y + at(v, 0.9).y), 1e-6);
  }
}

TEST_F(AlignTest, TellsWhatItDidAgain) {
  const auto found = Align(*store_, {}, quiet_.context);
  const auto stored = StoredAlignment(*store_);
  EXPECT_EQ(ToJson(stored), ToJson(found));
}

TEST_F(AlignTest, WritesFieldsAndReport) {
  const auto found = Align(*store_, {}, quiet_.context);
  WriteAlignmentFields(*store_, Path("fields"), Overwrite::kRefuse);
  const geo::SheetInfo raster =
      geo::InspectSheet(Path("fields") / "1860_displacement.tif", {});
  const geo::Grid grid = LoadProject(*store_).grid;
  EXPECT_TRUE(raster.crs.IsSame(grid.crs));
  EXPECT_GE(raster.resolution, grid.resolution);
  // Metres, east first, at the place that the sheets state.
  GDALAllRegister();
  const std::unique_ptr<GDALDataset> bands(
      GDALDataset::Open((Path("fields") / "1860_displacement.tif").c_str()));
  ASSERT_NE(bands, nullptr);
  ASSERT_EQ(bands->GetRasterCount(), 3);
  const Point2d pixel{bands->GetRasterXSize() / 2 + 0.5,
                      bands->GetRasterYSize() / 2 + 0.5};
  const Point2d there = store_->AlignmentField("1860")->At(
      raster.transform.WorldFromPixel(pixel));
  const geo::GroundScale scale = grid.Scale();
  const double expected[] = {there.x * scale.x, there.y * scale.y};
  for (const int band : {1, 2}) {
    float value = 0.0f;
    ASSERT_EQ(bands->GetRasterBand(band)->RasterIO(
                  GF_Read, static_cast<int>(pixel.x), static_cast<int>(pixel.y),
                  1, 1, &value, 1, 1, GDT_Float32, 0, 0),
              CE_None);
    EXPECT_NEAR(value, expected[band - 1], 0.01) << band;
  }
  EXPECT_GT(std::abs(expected[0] - expected[1]), 0.1);  // could be told apart
  EXPECT_FALSE(fs::exists(Path("fields") / "1880_displacement.tif"));
  WriteAlignmentReport(*store_, found, Path("report"), Overwrite::kRefuse,
                       quiet_.context);
  for (const char* name :
       {"1860_before.png", "1860_after.png", "1860_arrows.png"}) {
    EXPECT_GT(fs::file_size(Path("report") / name), 10'000u) << name;
  }
  EXPECT_THAT(ReadFile(Path("report") / "index.html"),
              AllOf(HasSubstr("<h2>1860</h2>"), HasSubstr("1860_after.png"),
                    HasSubstr("did not see"), HasSubstr("<svg"),
                    Not(HasSubstr("Fits no other"))));
  // Known before hours of work, too.
  EXPECT_EQ(ErrorOf([&] {
              CheckAlignmentReport(*store_, Path("report"), Overwrite::kRefuse);
            }).Code(),
            ErrorCode::kUsage);
  EXPECT_EQ(ErrorOf([&] {
              CheckAlignmentFields(*store_, Path("fields"), Overwrite::kRefuse);
            }).Code(),
            ErrorCode::kUsage);
  CheckAlignmentReport(*store_, Path("report"), Overwrite::kAllow);
  CheckAlignmentFields(*store_, Path("elsewhere"), Overwrite::kRefuse);
  EXPECT_EQ(ErrorOf([&] {
              WriteAlignmentReport(*store_, found, Path("report"),
                                   Overwrite::kRefuse, quiet_.context);
            }).Code(),
            ErrorCode::kUsage);
}

TEST_F(AlignTest, FilesOfAnUncertainDateCanBeLinkedTo) {
  SeriesOptions options;
  options.editions = {"1860?", "1880"};
  store_.emplace(Ingest(LoadSeries(sheets_, options), {}, Path("q.gpkg"),
                        Overwrite::kRefuse, quiet_.context));
  const auto found = Align(*store_, {}, quiet_.context);
  WriteAlignmentReport(*store_, found, Path("report"), Overwrite::kRefuse,
                       quiet_.context);
  EXPECT_TRUE(fs::exists(Path("report") / "1860__before.png"));
  EXPECT_THAT(ReadFile(Path("report") / "index.html"),
              AllOf(HasSubstr("<h2>1860?</h2>"),
                    HasSubstr("src=\"1860__before.png\"")));
}

}  // namespace
}  // namespace mapweave::pipelines
