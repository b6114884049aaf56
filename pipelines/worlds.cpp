// SPDX-License-Identifier: MIT
#include "pipelines/worlds.h"

#include "core/error.h"
#include "core/random.h"
#include "geo/geotiff_writer.h"
#include "geo/polygon_ops.h"
#include "pipelines/digest.h"
#include "pipelines/project.h"
#include "synth/clip_source.h"
#include "synth/preview.h"
#include "synth/render.h"
#include "synth/world.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCrs = "EPSG:25832";
constexpr double kOriginX = 500000.0;
constexpr double kOriginY = 5400000.0;
constexpr uint64_t kShiftStream = 0x7368696674ULL;
constexpr int kJpegQuality = 82;

const std::map<std::string, synth::PlanFamily>& Plans() {
  static const std::map<std::string, synth::PlanFamily> plans = {
      {"grid", synth::PlanFamily::kGrid},
      {"organic", synth::PlanFamily::kOrganic},
      {"rural", synth::PlanFamily::kRural},
      {"ring-and-grid", synth::PlanFamily::kRingAndGrid}};
  return plans;
}

geo::Grid GridOf(const WorldSeriesOptions& options) {
  geo::Grid grid;
  grid.crs = geo::Crs::FromUserInput(kCrs);
  grid.origin_x = kOriginX;
  grid.origin_y = kOriginY;
  grid.resolution = options.metres_per_px;
  grid.width = options.width_px;
  grid.height = options.height_px;
  return grid;
}

synth::World MakeTown(const WorldSeriesOptions& options) {
  synth::WorldOptions world;
  world.seed = options.seed;
  world.width_px = options.width_px;
  world.height_px = options.height_px;
  world.editions = options.editions;
  world.plan = Plans().at(options.plan);
  world.building_px = options.building_px;
  world.density = options.density;
  world.distortion_px = options.distortion_px;
  return synth::MakeWorld(world);
}

// How edition t is drawn: its hand, its seed and the error of its georeference.
synth::RenderOptions DrawingOf(const WorldSeriesOptions& options,
                               const synth::World& world, size_t t) {
  Rng rng(options.seed, kShiftStream + t);
  synth::RenderOptions drawing;
  const std::vector<std::string> hands = synth::HandNames();
  drawing.hand = options.hands.empty() ? rng.Pick(hands) : options.hands[t];
  drawing.seed = rng.Next();
  drawing.frame = synth::MakeSheetFrame(world, drawing.seed);
  if (t + 1 < options.editions.size()) {
    const double reach = options.max_shift_px;
    const double dx = rng.Uniform(-reach, reach);
    drawing.placement =
        synth::Placement::Shift({dx, rng.Uniform(-reach, reach)});
  }
  return drawing;
}

const char* KindOf(synth::WorldEvent event) {
  switch (event) {
    case synth::WorldEvent::kBuilt:
    case synth::WorldEvent::kRebuilt:
      return "appear";
    case synth::WorldEvent::kPersists:
      return "persist";
    case synth::WorldEvent::kEnlarged:
      return "enlarge";
    case synth::WorldEvent::kReduced:
      return "reduce";
    case synth::WorldEvent::kReshaped:
      return "reshape";
    case synth::WorldEvent::kRedrawn:
      return "redrawn";
    case synth::WorldEvent::kDemolished:
      return "disappear";
    case synth::WorldEvent::kSplit:
      return "split";
    case synth::WorldEvent::kMerged:
      return "merge";
    case synth::WorldEvent::kRecomposed:
      return "recompose";
    case synth::WorldEvent::kNone:
    case synth::WorldEvent::kOmitted:
      return "";
  }
  return "";
}

// Rows of the truth. Outlines are cut at the edge of the sheet.
class TruthBuilder {
 public:
  TruthBuilder(const WorldSeriesOptions& options, const geo::Grid& grid)
      : options_(options), grid_(grid), ground_(grid.crs) {
    const double w = static_cast<double>(grid.width);
    const double h = static_cast<double>(grid.height);
    sheet_ =
        geo::GroundFromPixels({{{{0, 0}, {0, h}, {w, h}, {w, 0}}, {}}}, grid);
    for (const std::string& edition : options.editions) {
      dates_.push_back(ParseDateRange(edition));
    }
  }

  db::RunResult Build(const synth::World& world) {
    for (const synth::WorldBuilding& building : world.buildings) Add(building);
    return std::move(result_);
  }

  const MultiPolygon& Sheet() const { return sheet_; }

 private:
  void Add(const synth::WorldBuilding& building) {
    const size_t editions = dates_.size();
    const std::string id =
        NamedUuid(fmt::format("world {} {}", options_.seed, building.identity));
    std::vector<MultiPolygon> shapes(editions);
    db::BuildingRow row;
    row.track_id = id;
    row.confidence = 1.0;
    std::optional<size_t> first;
    size_t last = 0;
    for (size_t t = 0; t < editions; ++t) {
      if (building.footprint[t].empty()) continue;
      shapes[t] = geo::Intersection(
          geo::MakeValid(geo::GroundFromPixels(building.footprint[t], grid_)),
          sheet_);
      if (shapes[t].empty()) continue;
      if (!first) first = t;
      last = t;
    }
    if (!first) return;
    row.first_edition = options_.editions[*first];
    row.last_edition = options_.editions[last];
    AddBounds(building, row);
    result_.buildings.push_back(row);
    for (size_t t = 0; t < editions; ++t) {
      if (!shapes[t].empty()) AddObservation(id, t, shapes[t]);
    }
    AddLineage(building, id, shapes, *first);
  }

  // By what truly stood, drawn or not.
  void AddBounds(const synth::WorldBuilding& building, db::BuildingRow& row) {
    std::optional<size_t> built;
    size_t stood = 0;
    for (size_t t = 0; t < dates_.size(); ++t) {
      if (!building.stands[t]) continue;
      if (!built) built = t;
      stood = t;
    }
    if (!built) return;
    row.built_by = dates_[*built].to;
    if (*built > 0) row.built_after = dates_[*built - 1].from;
    if (stood + 1 < dates_.size()) {
      row.gone_after = dates_[stood].from;
      row.gone_by = dates_[stood + 1].to;
    }
  }

  void AddObservation(const std::string& id, size_t t,
                      const MultiPolygon& shape) {
    db::ObservationRow observation;
    observation.track_id = id;
    observation.edition = options_.editions[t];
    observation.score = 1.0;
    observation.presence = 1.0;
    observation.geometry = shape;
    observation.area_m2 = geo::AreaM2(shape, ground_);
    result_.observations.push_back(std::move(observation));
  }

  void AddLineage(const synth::WorldBuilding& building, const std::string& id,
                  const std::vector<MultiPolygon>& shapes, size_t first) {
    size_t seen = first;
    for (size_t t = 1; t < dates_.size(); ++t) {
      std::string kind = KindOf(building.events[t]);
      if (kind.empty()) continue;
      const bool gap = !shapes[t].empty() && t > first && seen + 1 < t;
      if (gap) kind = "gap";
      if (t == first) kind = "appear";
      if (t < first) continue;
      if (shapes[t].empty() && kind != "disappear") continue;
      db::LineageRow row;
      row.kind = kind;
      row.probability = 1.0;
      row.from_edition = options_.editions[kind == "gap" ? seen : t - 1];
      row.to_edition = options_.editions[t];
      if (kind != "appear") row.from_track = id;
      if (kind != "disappear") row.to_track = id;
      result_.lineage.push_back(std::move(row));
      if (!shapes[t].empty()) seen = t;
    }
  }

  const WorldSeriesOptions& options_;
  const geo::Grid& grid_;
  geo::GroundMeasure ground_;
  MultiPolygon sheet_;
  std::vector<DateRange> dates_;
  db::RunResult result_;
};

void WriteTruth(const WorldSeriesOptions& options, const geo::Grid& grid,
                const synth::World& world,
                const std::vector<std::string>& sheets, const fs::path& path,
                Overwrite overwrite, WorldSeriesReport& report) {
  TruthBuilder builder(options, grid);
  const db::RunResult result = builder.Build(world);
  db::Store store =
      db::Store::Create(path, SpatialReferenceOf(grid.crs), overwrite);
  db::Transaction transaction = store.Begin();
  std::string all;
  for (size_t t = 0; t < options.editions.size(); ++t) {
    const synth::RenderOptions drawing = DrawingOf(options, world, t);
    db::EditionRow edition;
    edition.edition = options.editions[t];
    edition.date = ParseDateRange(options.editions[t]);
    edition.ordinal = static_cast<int>(t);
    // What alignment has to find: the opposite of the sheet's error.
    edition.shift_x_m = -drawing.placement.tx * options.metres_per_px;
    edition.shift_y_m = drawing.placement.ty * options.metres_per_px;
    edition.align_confidence = 1.0;
    edition.aligned = true;
    store.SaveEdition(edition);
    db::SheetRow sheet;
    sheet.path = fs::path(sheets[t]).filename().string();
    sheet.sha256 = Sha256OfFile(sheets[t]);
    all += sheet.sha256;
    sheet.edition = edition.edition;
    sheet.survey_from = edition.date.from;
    sheet.survey_to = edition.date.to;
    sheet.crs = grid.crs.Label();
    sheet.georef = "affine";
    sheet.footprint = builder.Sheet();
    store.SaveSheet(sheet);
  }
  SaveIngestRecord(store, {grid, Sha256(all), "", false});
  db::RunRow run;
  run.run_id = NamedUuid(fmt::format("world {}", options.seed));
  run.version = MAPWEAVE_VERSION;
  run.config = Json{{"world_seed", options.seed},
                    {"plan", options.plan},
                    {"building_px", options.building_px},
                    {"density", options.density},
                    {"distortion_px", options.distortion_px}}
                   .dump();
  run.config_hash = Sha256(run.config);
  run.inputs_hash = Sha256(all);
  run.status = db::RunStatus::kDone;
  run.stage = "truth";
  run.device = "none";
  run.started_at = db::NowUtc();
  run.finished_at = run.started_at;
  run.grid = {grid.origin_x, grid.origin_y, grid.resolution, grid.width,
              grid.height};
  store.SaveRun(run);
  store.WriteResult(run.run_id, result);
  transaction.Commit();
  store.Close();
  report.buildings = static_cast<int64_t>(result.buildings.size());
  report.observations = static_cast<int64_t>(result.observations.size());
}

}  // namespace

void WorldSeriesOptions::Validate() const {
  if (editions.empty()) {
    throw Error(ErrorCode::kUsage, "--editions is empty");
  }
  if (!hands.empty() && hands.size() != editions.size()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--hands names {} hands for {} editions",
                            hands.size(), editions.size()),
                "Give one hand per edition, or none.");
  }
  if (!Plans().count(plan)) {
    throw Error(ErrorCode::kUsage, fmt::format("unknown plan '{}'", plan),
                "Use grid, organic, rural or ring-and-grid.");
  }
  if (!(metres_per_px > 0.0)) {
    throw Error(ErrorCode::kUsage, "--metres-per-px must be positive");
  }
  if (!(max_shift_px >= 0.0)) {
    throw Error(ErrorCode::kUsage, "--max-shift-px must not be negative");
  }
  DateRange before;
  for (size_t t = 0; t < editions.size(); ++t) {
    const DateRange date = ParseDateRange(editions[t]);
    if (t > 0 && !(before.from < date.from)) {
      throw Error(ErrorCode::kUsage, "--editions must run from old to new");
    }
    before = date;
  }
}

WorldSeriesReport WriteWorldSeries(const WorldSeriesOptions& options,
                                   const fs::path& folder, Overwrite overwrite,
                                   RunContext& context) {
  options.Validate();
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot make the folder '{}': {}", folder.string(),
                            failure.message()));
  }
  WorldSeriesReport report;
  report.truth = (folder / "truth.gpkg").string();
  for (const std::string& edition : options.editions) {
    // A slash of an interval cannot stand in a file's name.
    std::string date = edition;
    std::replace(date.begin(), date.end(), '/', '_');
    report.sheets.push_back(
        (folder / (options.name + "_" + date + ".tif")).string());
    CheckWritable(report.sheets.back(), overwrite);
  }
  CheckWritable(report.truth, overwrite);

  const geo::Grid grid = GridOf(options);
  const synth::World world = MakeTown(options);
  context.progress.Start("draw", static_cast<int64_t>(options.editions.size()));
  for (size_t t = 0; t < options.editions.size(); ++t) {
    context.cancel.ThrowIfCancelled();
    const synth::EditionImage image = synth::RenderEdition(
        world, static_cast<int>(t), DrawingOf(options, world, t));
    geo::GeoTiffOptions tiff;
    tiff.compression = geo::GeoTiffOptions::Compression::kJpeg;
    tiff.jpeg_quality = kJpegQuality;
    tiff.survey_date = options.editions[t];
    tiff.overwrite = overwrite;
    geo::WriteGeoTiff(report.sheets[t], ImageFromMat(image.rgb), grid, tiff);
    context.progress.Advance();
  }
  WriteTruth(options, grid, world, report.sheets, report.truth, overwrite,
             report);
  context.progress.Finish();
  return report;
}

void WriteClipPreview(uint64_t seed, int clips, const fs::path& path,
                      Overwrite overwrite) {
  AtomicFile file(path, overwrite);
  synth::WorldClipOptions options;
  options.seed = seed;
  synth::ContactSheetOptions sheet;
  sheet.clips = clips;
  cv::Mat bgr;
  cv::cvtColor(synth::ContactSheet(synth::WorldClipSource(options), sheet), bgr,
               cv::COLOR_RGB2BGR);
  if (!cv::imwrite(file.TempPath().string(), bgr)) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}'", path.string()),
                "Is the disk full?");
  }
  file.Commit();
}

std::vector<std::string> MapHands() { return synth::HandNames(); }

}  // namespace mapweave::pipelines
