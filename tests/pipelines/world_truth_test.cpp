// SPDX-License-Identifier: MIT
//
// The truth of a simulated series against what was drawn: read back from
// truth.gpkg as any user would, led through the stated error of each sheet, and
// laid over its ink.
#include "pipelines/world_truth.h"

#include "core/atomic_file.h"
#include "core/random.h"
#include "db/store.h"
#include "fixture.h"
#include "geo/edition_reader.h"
#include "geo/polygon_ops.h"
#include "geo/sheet.h"
#include "pipelines/world_errors.h"
#include "pipelines/world_sheets.h"
#include "pipelines/worlds.h"
#include "synth/render.h"
#include "tracking/youtube_vis.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::Gt;
using ::testing::SizeIs;
using tracking::Mask;

// All errors that a georeference can have, on editions of several sheets.
WorldSeriesOptions HardSeries() {
  WorldSeriesOptions options;
  options.seed = 21;
  options.width_px = 520;
  options.height_px = 460;
  options.editions = {"1860", "1880", "1900"};
  options.hands = {"solid-black", "carmine", "solid-black"};
  options.metres_per_px = 0.8;
  options.resolutions = {0.6, 1.0, 0.8};
  options.error.max_shift_m = 80.0;
  options.error.affine = 0.02;
  options.error.shrinkage = 0.02;
  options.error.seam_m = 4.0;
  options.distortion_m = 3.0;
  options.sheet_columns = 2;
  options.sheet_rows = 2;
  options.sheet_overlap_m = 8.0;
  return options;
}

// A written series, and its truth as read back.
class WrittenSeries {
 public:
  explicit WrittenSeries(const WorldSeriesOptions& options)
      : report_(WriteWorldSeries(options, folder_.Path(), Overwrite::kRefuse,
                                 quiet_.context)),
        store_(db::Store::Open(report_.truth, db::OpenMode::kReadOnly)),
        errors_(ReadJson(report_.georef_error)) {}

  fs::path Path(const std::string& name) const { return folder_.Path() / name; }
  const WorldSeriesReport& Report() const { return report_; }
  const db::Store& Truth() const { return store_; }
  const Json& Errors() const { return errors_; }

  std::vector<MultiPolygon> OutlinesOf(const std::string& edition) const {
    std::vector<MultiPolygon> outlines;
    for (const db::ObservationRow& row : store_.Observations()) {
      if (row.edition == edition) outlines.push_back(row.geometry);
    }
    return outlines;
  }

 private:
  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
  WorldSeriesReport report_;
  db::Store store_;
  Json errors_;
};

// By the document georef_error.json alone.
class SheetError {
 public:
  SheetError(const Json& document, const Json& sheet)
      : origin_{document.at("origin").at(0), document.at("origin").at(1)},
        shift_{sheet.at("shift").at(0), sheet.at("shift").at(1)} {
    const Json& rows = sheet.at("matrix");
    a_ = rows.at(0).at(0);
    b_ = rows.at(0).at(1);
    c_ = rows.at(1).at(0);
    d_ = rows.at(1).at(1);
  }

  // Where the sheet places what truly lies at `place`.
  Point2d Misplaced(Point2d place) const {
    const double x = place.x - origin_.x - shift_.x;
    const double y = place.y - origin_.y - shift_.y;
    const double det = a_ * d_ - b_ * c_;
    return {origin_.x + (d_ * x - b_ * y) / det,
            origin_.y + (a_ * y - c_ * x) / det};
  }

 private:
  Point2d origin_;
  Point2d shift_;
  double a_ = 1.0, b_ = 0.0, c_ = 0.0, d_ = 1.0;
};

MultiPolygon Mapped(MultiPolygon polygons,
                    const std::function<Point2d(Point2d)>& map) {
  for (Polygon& polygon : polygons) {
    for (Point2d& p : polygon.shell) p = map(p);
    for (Ring& hole : polygon.holes) {
      for (Point2d& p : hole) p = map(p);
    }
  }
  return polygons;
}

// The pixels of a sheet of edition t that the truth says buildings are on.
Mask TrueInk(const WrittenSeries& written, const WorldSeries& series, size_t t,
             const Json& sheet, const geo::Grid& grid) {
  const SheetError error(written.Errors(), sheet);
  const size_t newest = series.editions.size() - 1;
  std::vector<tracking::Run> runs;
  for (const MultiPolygon& outline :
       written.OutlinesOf(series.editions[t].label)) {
    const Mask mask = Mask::FromPolygons(Mapped(outline, [&](Point2d p) {
      const Point2d drawn = series.grid.WorldFromPixel(
          OnDrawing(series.world, t, newest, series.grid.PixelFromWorld(p)));
      return grid.PixelFromWorld(error.Misplaced(drawn));
    }));
    runs.insert(runs.end(), mask.Runs().begin(), mask.Runs().end());
  }
  return Mask::FromRuns(std::move(runs))
      .Clipped(
          {0, 0, static_cast<int>(grid.width), static_cast<int>(grid.height)});
}

// The lattice of a GeoTIFF, from the file.
geo::Grid GridOfFile(const fs::path& path) {
  const geo::SheetInfo sheet = geo::InspectSheet(path);
  return geo::ChooseGrid({sheet});
}

TEST(WorldTruth, OutlinesLedThroughTheErrorsLieOnTheLabels) {
  const WorldSeriesOptions options = HardSeries();
  const WrittenSeries written(options);
  const WorldSeries series = PlanSeries(options);
  for (size_t t = 0; t < series.editions.size(); ++t) {
    const WorldEdition& edition = series.editions[t];
    for (size_t s = 0; s < edition.sheets.size(); ++s) {
      const WorldSheet& sheet = edition.sheets[s];
      SCOPED_TRACE(sheet.file_name);
      const geo::Grid grid = GridOfFile(written.Path(sheet.file_name));
      EXPECT_EQ(
          cv::Size(static_cast<int>(grid.width), static_cast<int>(grid.height)),
          sheet.size);
      const synth::EditionImage image = synth::RenderWindow(
          series.world, static_cast<int>(t),
          edition.Drawing(series.world, sheet), cv::Rect({0, 0}, sheet.size));
      const Mask drawn = Mask::FromImage(image.labels > 0);
      const Mask truth = TrueInk(
          written, series, t,
          written.Errors().at("editions").at(t).at("sheets").at(s), grid);
      EXPECT_GT(drawn.Area(), 500);
      EXPECT_GE(tracking::IoU(drawn, truth), 0.95);
      // The test can fail: two pixels aside is worse.
      EXPECT_LT(tracking::IoU(drawn, truth.Translated(2, 0)), 0.95);
    }
  }
}

// On the file as it is, without the renderer's word: black buildings on light
// paper are darkest where the truth lies.
TEST(WorldTruth, InkOfTheFileLiesWhereTheTruthSays) {
  WorldSeriesOptions options = HardSeries();
  options.hands = {"solid-black", "solid-black", "solid-black"};
  const WrittenSeries written(options);
  const WorldSeries series = PlanSeries(options);
  for (size_t t = 0; t < series.editions.size(); ++t) {
    for (const Json& sheet :
         written.Errors().at("editions").at(t).at("sheets")) {
      const fs::path path = written.Path(sheet.at("path"));
      SCOPED_TRACE(path);
      const geo::Grid grid = GridOfFile(path);
      geo::EditionReader reader({geo::InspectSheet(path)}, grid);
      const geo::Pixels pixels = reader.Read(
          {0, 0, static_cast<int>(grid.width), static_cast<int>(grid.height)});
      const Mask truth = TrueInk(written, series, t, sheet, grid);
      const auto darkness = [&](int dx, int dy) {
        double sum = 0.0;
        int64_t count = 0;
        const Mask moved = truth.Translated(dx, dy);
        for (const tracking::Run& run : moved.Runs()) {
          for (int col = run.begin; col < run.end; ++col) {
            if (col < 0 || run.row < 0 || col >= pixels.rgb.width ||
                run.row >= pixels.rgb.height) {
              continue;
            }
            sum += 255 - pixels.rgb.At(col, run.row)[1];
            ++count;
          }
        }
        return sum / static_cast<double>(std::max<int64_t>(1, count));
      };
      const double here = darkness(0, 0);
      for (const auto& [dx, dy] :
           std::vector<std::pair<int, int>>{{3, 0}, {-3, 0}, {0, 3}, {0, -3}}) {
        EXPECT_GT(here, darkness(dx, dy)) << dx << " " << dy;
      }
    }
  }
}

TEST(WorldTruth, VideosSayTheSameAsTheProjectFile) {
  WorldSeriesOptions options = HardSeries();
  options.tile_px = 200;
  options.missing_sheets = 0.4;
  // Masks lie where each edition is drawn, outlines where the newest one is.
  options.distortion_m = 0.0;
  const WrittenSeries written(options);
  const tracking::VisDocument videos = tracking::FromYoutubeVis(
      ReadJson(written.Report().truth_json), "truth.json");
  EXPECT_THAT(videos.videos, SizeIs(9));
  const geo::Grid grid = PlanSeries(options).grid;
  using Key = std::pair<std::string, std::string>;  // track, edition
  std::map<Key, Mask> in_project;
  for (const db::ObservationRow& row : written.Truth().Observations()) {
    in_project[{row.track_id, row.edition}] =
        Mask::FromPolygons(geo::PixelsFromGround(row.geometry, grid));
  }
  std::map<Key, Mask> in_videos;
  for (size_t i = 0; i < videos.videos.size(); ++i) {
    const tracking::VisVideo& video = videos.videos[i];
    const int x = static_cast<int>(i % 3) * 200;
    const int y = static_cast<int>(i / 3) * 200;
    ASSERT_EQ(video.track_ids.size(), video.tracks.size());
    for (size_t k = 0; k < video.tracks.size(); ++k) {
      for (size_t t = 0; t < video.editions.size(); ++t) {
        const Mask& mask = video.tracks[k].masks[t];
        if (mask.IsEmpty()) continue;
        Mask& whole = in_videos[{video.track_ids[k], video.editions[t]}];
        whole = whole.Union(mask.Translated(x, y));
      }
    }
  }
  EXPECT_GT(in_project.size(), 50u);
  EXPECT_EQ(in_videos, in_project);
}

TEST(WorldTruth, OneVideoHasTheLineageOfTheProjectFile) {
  const WrittenSeries written(HardSeries());
  const tracking::VisDocument document = tracking::FromYoutubeVis(
      ReadJson(written.Report().truth_json), "truth.json");
  ASSERT_THAT(document.videos, SizeIs(1));
  const tracking::VisVideo& video = document.videos[0];
  std::multiset<std::string> in_video;
  for (const tracking::LineageEvent& event : video.lineage) {
    const auto id = [&](const std::optional<size_t>& track) {
      return track ? video.track_ids[*track] : std::string("-");
    };
    in_video.insert(id(event.from_track) + id(event.to_track) +
                    video.editions[event.from_edition] +
                    video.editions[event.to_edition] +
                    tracking::LineageKindName(event.kind));
  }
  std::multiset<std::string> in_project;
  for (const db::LineageRow& row : written.Truth().Lineage()) {
    in_project.insert(row.from_track.value_or("-") +
                      row.to_track.value_or("-") + *row.from_edition +
                      *row.to_edition + row.kind);
  }
  EXPECT_THAT(in_video, SizeIs(Gt(50u)));
  EXPECT_EQ(in_video, in_project);
}

// Bilinear between the centres of cells; NaN next to cells without a value.
Point2d FieldAt(const ErrorField& field, Point2d place) {
  const Point2d p = field.grid.PixelFromWorld(place);
  const double x = p.x - 0.5;
  const double y = p.y - 0.5;
  const auto col = static_cast<int64_t>(std::floor(x));
  const auto row = static_cast<int64_t>(std::floor(y));
  const double fx = x - static_cast<double>(col);
  const double fy = y - static_cast<double>(row);
  const double nan = std::nan("");
  if (col < 0 || row < 0 || col + 1 >= field.grid.width ||
      row + 1 >= field.grid.height) {
    return {nan, nan};
  }
  const auto between = [&](const std::vector<float>& band) {
    const auto value = [&](int64_t c, int64_t r) {
      return static_cast<double>(
          band[static_cast<size_t>(r * field.grid.width + c)]);
    };
    return (1 - fy) * ((1 - fx) * value(col, row) + fx * value(col + 1, row)) +
           fy * ((1 - fx) * value(col, row + 1) + fx * value(col + 1, row + 1));
  };
  return {between(field.bands.bands[0]), between(field.bands.bands[1])};
}

// Any thing on the ground, as each edition draws and places it.
TEST(WorldTruth, ErrorFieldsLeadToTheNewestEdition) {
  WorldSeriesOptions options = HardSeries();
  options.sheet_columns = options.sheet_rows = 1;
  const WorldSeries series = PlanSeries(options);
  Rng rng(1);
  for (size_t t = 0; t < series.editions.size(); ++t) {
    const ErrorField field = ErrorFieldOf(series, t);
    int judged = 0;
    for (int i = 0; i < 200; ++i) {
      const Point2d thing{rng.Uniform(0.0, 520.0), rng.Uniform(0.0, 460.0)};
      const Point2d placed = series.grid.WorldFromPixel(
          series.editions[t].sheets[0].nominal_from_true.Apply(
              series.world.distortion[t].Apply(thing)));
      const Point2d expected = series.grid.WorldFromPixel(
          series.world.distortion.back().Apply(thing));
      const Point2d correction = FieldAt(field, placed);
      if (std::isnan(correction.x)) continue;
      ++judged;
      EXPECT_NEAR(placed.x + correction.x, expected.x, 0.05);
      EXPECT_NEAR(placed.y + correction.y, expected.y, 0.05);
    }
    EXPECT_GT(judged, 100);
  }
}

TEST(WorldTruth, MissingSheetsHideBuildings) {
  WorldSeriesOptions options = HardSeries();
  options.missing_sheets = 0.5;
  options.distortion_m = 0.0;
  const WrittenSeries written(options);
  int64_t missing = 0;
  std::map<std::string, MultiPolygon> covered;
  for (const WorldEditionReport& edition : written.Report().editions) {
    missing += static_cast<int64_t>(edition.missing.size());
    EXPECT_FALSE(edition.sheets.empty());
    for (const std::string& name : edition.missing) {
      EXPECT_FALSE(fs::exists(written.Path(name)));
    }
  }
  EXPECT_GT(missing, 2);
  for (const db::SheetRow& sheet : written.Truth().Sheets()) {
    covered[sheet.edition] =
        geo::Union(covered[sheet.edition], sheet.footprint);
  }
  const geo::GroundMeasure ground(geo::Crs::FromUserInput("EPSG:25832"));
  for (const db::ObservationRow& row : written.Truth().Observations()) {
    EXPECT_LT(geo::AreaM2(geo::Difference(row.geometry, covered[row.edition]),
                          ground),
              0.01);
  }
}

TEST(WorldTruth, AbsenceIsToldOnlyWhereASheetShowsThePlace) {
  WorldSeriesOptions options = HardSeries();
  options.width_px = options.height_px = 1000;
  options.missing_sheets = 0.5;
  const WorldSeries series = PlanSeries(options);
  const WorldTruth truth = TruthOf(series);
  int absences = 0;
  for (const tracking::LineageEvent& event : truth.lineage) {
    const bool appears = event.kind == tracking::LineageKind::kAppear;
    if (!appears && event.kind != tracking::LineageKind::kDisappear) continue;
    ++absences;
    const SeenBuilding& building =
        truth.buildings[*(appears ? event.to_track : event.from_track)];
    const size_t absent = appears ? event.from_edition : event.to_edition;
    const size_t seen = appears ? event.to_edition : event.from_edition;
    const MultiPolygon whole = geo::GroundFromPixels(
        series.world.buildings[building.world_position].footprint[seen],
        series.grid);
    EXPECT_TRUE(building.shapes[absent].empty());
    EXPECT_GT(geo::IntersectionArea(whole, truth.covered[absent]),
              0.5 * geo::PlanarArea(whole));
  }
  EXPECT_GT(absences, 10);
}

}  // namespace
}  // namespace mapweave::pipelines
