// SPDX-License-Identifier: MIT
#include "pipelines/world_truth.h"

#include "core/text.h"
#include "geo/polygon_ops.h"
#include "pipelines/building_states.h"
#include "pipelines/digest.h"
#include "pipelines/project.h"
#include "pipelines/world_errors.h"
#include "pipelines/world_lineage.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace mapweave::pipelines {
namespace {

// Less than a pixel's area is not seen.
constexpr double kMinAreaPx = 1.0;

bool IsInside(const Ring& convex, Point2d p) {
  bool left = false;
  bool right = false;
  for (size_t i = 0; i < convex.size(); ++i) {
    const Point2d& a = convex[i];
    const Point2d& b = convex[(i + 1) % convex.size()];
    const double side = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
    left |= side > 0.0;
    right |= side < 0.0;
  }
  return !(left && right);
}

// What one edition shows, for outlines in world pixels.
class Coverage {
 public:
  Coverage(const WorldEdition& edition, const geo::Grid& grid) : grid_(grid) {
    const double w = static_cast<double>(grid.width);
    const double h = static_cast<double>(grid.height);
    window_ = {{0, 0}, {0, h}, {w, h}, {w, 0}};
    std::vector<MultiPolygon> parts;
    for (const WorldSheet& sheet : edition.sheets) {
      sheets_.push_back(sheet.Covered());
      parts.push_back(geo::GroundFromPixels({{sheets_.back(), {}}}, grid));
    }
    area_ = geo::Intersection(geo::UnionAll(parts),
                              geo::GroundFromPixels({{window_, {}}}, grid));
  }

  const MultiPolygon& Area() const { return area_; }

  // The covered part of an outline, on the ground.
  MultiPolygon Cut(const MultiPolygon& outline_px) const {
    MultiPolygon ground =
        geo::MakeValid(geo::GroundFromPixels(outline_px, grid_));
    return Holds(outline_px) ? ground : geo::Intersection(ground, area_);
  }

  double ShareOf(const MultiPolygon& place_on_ground) const {
    const MultiPolygon in_px = geo::PixelsFromGround(place_on_ground, grid_);
    if (Holds(in_px)) return 1.0;
    const double whole = geo::PlanarArea(place_on_ground);
    return whole > 0.0 ? geo::IntersectionArea(place_on_ground, area_) / whole
                       : 0.0;
  }

 private:
  // Spares most outlines the overlay: they lie within one sheet.
  bool Holds(const MultiPolygon& outline_px) const {
    const Box box = geo::Bounds(outline_px);
    const auto holds = [&](const Ring& ring) {
      return IsInside(ring, {box.min_x, box.min_y}) &&
             IsInside(ring, {box.min_x, box.max_y}) &&
             IsInside(ring, {box.max_x, box.min_y}) &&
             IsInside(ring, {box.max_x, box.max_y});
    };
    return holds(window_) && std::any_of(sheets_.begin(), sheets_.end(), holds);
  }

  const geo::Grid& grid_;
  Ring window_;
  std::vector<Ring> sheets_;
  MultiPolygon area_;
};

std::vector<MultiPolygon> ShapesOf(const synth::WorldBuilding& building,
                                   const std::vector<Coverage>& coverage,
                                   const geo::Grid& grid) {
  const double least = kMinAreaPx * grid.resolution * grid.resolution;
  std::vector<MultiPolygon> shapes;
  for (size_t t = 0; t < coverage.size(); ++t) {
    MultiPolygon shape;
    if (!building.footprint[t].empty()) {
      shape = coverage[t].Cut(building.footprint[t]);
    }
    if (geo::PlanarArea(shape) < least) shape.clear();
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::vector<bool> CoveredEditions(const synth::WorldBuilding& building,
                                  const std::vector<MultiPolygon>& shapes,
                                  const std::vector<Coverage>& coverage,
                                  const geo::Grid& grid) {
  std::vector<MultiPolygon> drawn;
  for (const MultiPolygon& outline : building.footprint) {
    if (outline.empty()) continue;
    drawn.push_back(geo::MakeValid(geo::GroundFromPixels(outline, grid)));
  }
  const MultiPolygon place = geo::UnionAll(drawn);
  // As the program itself judges coverage.
  const double least = tracking::LineageOptions{}.min_coverage;
  std::vector<bool> covered;
  for (size_t t = 0; t < coverage.size(); ++t) {
    covered.push_back(!shapes[t].empty() ||
                      coverage[t].ShareOf(place) >= least);
  }
  return covered;
}

// As positions of editions; of what stood, drawn or not.
tracking::DateBounds TrueBounds(const std::vector<bool>& stands) {
  tracking::DateBounds bounds;
  for (size_t t = 0; t < stands.size(); ++t) {
    if (!stands[t]) continue;
    if (!bounds.built_by) bounds.built_by = t;
    bounds.gone_after = t;
  }
  if (!bounds.built_by) return bounds;
  if (*bounds.built_by > 0) bounds.built_after = *bounds.built_by - 1;
  if (*bounds.gone_after + 1 < stands.size()) {
    bounds.gone_by = *bounds.gone_after + 1;
  } else {
    bounds.gone_after.reset();
  }
  return bounds;
}

// An outline where the newest edition would draw it.
MultiPolygon OnNewest(const WorldSeries& series, size_t edition,
                      const MultiPolygon& as_drawn) {
  const size_t newest = series.editions.size() - 1;
  const auto move = [&](Ring& ring) {
    for (Point2d& p : ring) p = OnDrawing(series.world, newest, edition, p);
  };
  MultiPolygon outline = geo::PixelsFromGround(as_drawn, series.grid);
  for (Polygon& polygon : outline) {
    move(polygon.shell);
    for (Ring& hole : polygon.holes) move(hole);
  }
  return geo::MakeValid(geo::GroundFromPixels(outline, series.grid));
}

class RowBuilder {
 public:
  RowBuilder(const WorldSeries& series, const WorldTruth& truth)
      : series_(series), truth_(truth), ground_(series.grid.crs) {
    for (const WorldEdition& edition : series.editions) {
      dates_.push_back(edition.date);
    }
    for (const SeenBuilding& building : truth.buildings) {
      std::vector<MultiPolygon>& shapes = shapes_.emplace_back();
      for (size_t t = 0; t < dates_.size(); ++t) {
        shapes.push_back(building.shapes[t].empty()
                             ? MultiPolygon{}
                             : OnNewest(series, t, building.shapes[t]));
      }
    }
  }

  db::RunResult Build() {
    for (const tracking::LineageEvent& event : truth_.lineage) {
      AddLineage(event);
    }
    for (size_t i = 0; i < truth_.buildings.size(); ++i) {
      AddBuilding(truth_.buildings[i]);
      AddObservations(i);
      AddStates(i);
    }
    return std::move(rows_);
  }

 private:
  const std::string& Label(size_t edition) const {
    return series_.editions[edition].label;
  }

  void AddLineage(const tracking::LineageEvent& event) {
    db::LineageRow row;
    if (event.from_track) {
      row.from_track = truth_.buildings[*event.from_track].track_id;
    }
    if (event.to_track) {
      row.to_track = truth_.buildings[*event.to_track].track_id;
    }
    row.from_edition = Label(event.from_edition);
    row.to_edition = Label(event.to_edition);
    row.kind = tracking::LineageKindName(event.kind);
    row.probability = event.probability;
    rows_.lineage.push_back(std::move(row));
  }

  void AddBuilding(const SeenBuilding& building) {
    db::BuildingRow row;
    row.track_id = building.track_id;
    row.confidence = 1.0;
    const tracking::DateBounds bounds =
        TrueBounds(series_.world.buildings[building.world_position].stands);
    // The order within a survey is not known, so bounds take its outer days.
    if (bounds.built_after) row.built_after = dates_[*bounds.built_after].from;
    if (bounds.built_by) row.built_by = dates_[*bounds.built_by].to;
    if (bounds.gone_after) row.gone_after = dates_[*bounds.gone_after].from;
    if (bounds.gone_by) row.gone_by = dates_[*bounds.gone_by].to;
    const tracking::EdtfInterval edtf =
        tracking::EdtfFromBounds(bounds, dates_);
    if (!edtf.start.empty()) row.start_edtf = edtf.start;
    if (!edtf.end.empty()) row.end_edtf = edtf.end;
    for (size_t t = 0; t < dates_.size(); ++t) {
      if (building.shapes[t].empty()) continue;
      if (row.first_edition.empty()) row.first_edition = Label(t);
      row.last_edition = Label(t);
    }
    rows_.buildings.push_back(std::move(row));
  }

  void AddObservations(size_t position) {
    for (size_t t = 0; t < dates_.size(); ++t) {
      if (shapes_[position][t].empty()) continue;
      db::ObservationRow row;
      row.track_id = truth_.buildings[position].track_id;
      row.edition = Label(t);
      row.score = 1.0;
      row.presence = 1.0;
      row.geometry = shapes_[position][t];
      row.area_m2 = geo::AreaM2(row.geometry, ground_);
      rows_.observations.push_back(std::move(row));
    }
  }

  void AddStates(size_t position) {
    const SeenBuilding& building = truth_.buildings[position];
    std::vector<BuildingSight> sights;
    for (size_t t = 0; t < dates_.size(); ++t) {
      sights.push_back({Label(t), dates_[t], shapes_[position][t], {}});
    }
    for (const tracking::LineageEvent& event : truth_.lineage) {
      if (event.to_track == position) {
        sights[event.to_edition].kinds.push_back(event.kind);
      }
    }
    for (db::BuildingStateRow& state :
         BuildingStates(building.track_id, sights, ground_)) {
      rows_.states.push_back(std::move(state));
    }
  }

  const WorldSeries& series_;
  const WorldTruth& truth_;
  geo::GroundMeasure ground_;
  std::vector<DateRange> dates_;
  // Of the seen buildings, by edition: where the newest one would draw them.
  std::vector<std::vector<MultiPolygon>> shapes_;
  db::RunResult rows_;
};

Json ConfigOf(const WorldSeriesOptions& options) {
  Json config = {{"world_seed", options.seed},
                 {"width_px", options.width_px},
                 {"height_px", options.height_px},
                 {"editions", options.editions},
                 {"hands", options.hands},
                 {"metres_per_px", options.metres_per_px},
                 {"resolutions", options.resolutions},
                 {"sheets", {options.sheet_columns, options.sheet_rows}},
                 {"sheet_overlap_m", options.sheet_overlap_m},
                 {"tile_px", options.tile_px},
                 {"change", options.change},
                 {"distortion_m", options.distortion_m},
                 {"max_shift_m", options.error.max_shift_m},
                 {"affine_error", options.error.affine},
                 {"shrinkage", options.error.shrinkage},
                 {"seam_m", options.error.seam_m},
                 {"missing_sheets", options.missing_sheets}};
  if (options.footprints) {
    config["footprints"] =
        std::filesystem::path(options.footprints->path).filename().string();
  } else {
    config["plan"] = options.plan;
    config["building_px"] = options.building_px;
    config["density"] = options.density;
  }
  return config;
}

db::EditionRow EditionRowOf(const WorldSeries& series, size_t t) {
  const WorldEdition& edition = series.editions[t];
  db::EditionRow row;
  row.edition = edition.label;
  row.date = edition.date;
  row.ordinal = static_cast<int>(t);
  const Point2d correction = edition.Correction(series.options.metres_per_px);
  row.shift_x_m = correction.x;
  row.shift_y_m = correction.y;
  row.align_confidence = 1.0;
  row.aligned = true;
  return row;
}

db::SheetRow SheetRowOf(const WorldSeries& series, const WorldEdition& edition,
                        const WorldSheet& sheet,
                        const std::filesystem::path& folder) {
  db::SheetRow row;
  row.path = sheet.file_name;
  row.sha256 = Sha256OfFile(folder / sheet.file_name);
  row.edition = edition.label;
  row.survey_from = edition.date.from;
  row.survey_to = edition.date.to;
  row.crs = series.grid.crs.Label();
  row.georef = "affine";
  row.footprint = geo::GroundFromPixels({{sheet.Covered(), {}}}, series.grid);
  return row;
}

std::vector<tracking::Mask> MasksOf(const SeenBuilding& building,
                                    const geo::Grid& grid) {
  std::vector<tracking::Mask> masks;
  for (const MultiPolygon& shape : building.shapes) {
    masks.push_back(
        tracking::Mask::FromPolygons(geo::PixelsFromGround(shape, grid)));
  }
  return masks;
}

}  // namespace

WorldTruth TruthOf(const WorldSeries& series) {
  std::vector<Coverage> coverage;
  WorldTruth truth;
  for (const WorldEdition& edition : series.editions) {
    coverage.emplace_back(edition, series.grid);
    truth.covered.push_back(coverage.back().Area());
  }
  WorldSights sights;
  std::map<size_t, size_t> seen_position;  // of positions in the world
  for (size_t i = 0; i < series.world.buildings.size(); ++i) {
    const synth::WorldBuilding& building = series.world.buildings[i];
    SeenBuilding seen;
    seen.world_position = i;
    seen.shapes = ShapesOf(building, coverage, series.grid);
    sights.covered.push_back(
        CoveredEditions(building, seen.shapes, coverage, series.grid));
    std::vector<bool>& on = sights.seen.emplace_back();
    for (const MultiPolygon& shape : seen.shapes) on.push_back(!shape.empty());
    if (std::find(on.begin(), on.end(), true) == on.end()) continue;
    seen.track_id = NamedUuid(
        fmt::format("world {} {}", series.options.seed, building.identity));
    seen_position[i] = truth.buildings.size();
    truth.buildings.push_back(std::move(seen));
  }
  truth.lineage = SeenLineage(series.world, sights);
  for (tracking::LineageEvent& event : truth.lineage) {
    for (auto* track : {&event.from_track, &event.to_track}) {
      if (*track) *track = seen_position.at(**track);
    }
  }
  return truth;
}

db::RunResult TruthRows(const WorldSeries& series, const WorldTruth& truth) {
  return RowBuilder(series, truth).Build();
}

void WriteTruthProject(const WorldSeries& series, const db::RunResult& rows,
                       const std::filesystem::path& folder,
                       Overwrite overwrite) {
  const geo::Grid& grid = series.grid;
  db::Store store = db::Store::Create(folder / "truth.gpkg",
                                      SpatialReferenceOf(grid.crs), overwrite);
  db::Transaction transaction = store.Begin();
  std::string digests;
  for (size_t t = 0; t < series.editions.size(); ++t) {
    store.SaveEdition(EditionRowOf(series, t));
    for (const WorldSheet& sheet : series.editions[t].sheets) {
      const db::SheetRow row =
          SheetRowOf(series, series.editions[t], sheet, folder);
      digests += row.sha256;
      store.SaveSheet(row);
    }
  }
  SaveIngestRecord(store, {grid, Sha256(digests)});
  db::RunRow run;
  run.version = MAPWEAVE_VERSION;
  run.config = ConfigOf(series.options).dump();
  run.config_hash = Sha256(run.config);
  run.run_id = NamedUuid("world " + run.config_hash);
  run.inputs_hash = Sha256(digests);
  run.status = db::RunStatus::kDone;
  run.stage = "truth";
  run.device = "none";
  run.started_at = db::NowUtc();
  run.finished_at = run.started_at;
  run.grid = {grid.origin_x, grid.origin_y, grid.resolution, grid.width,
              grid.height};
  store.SaveRun(run);
  store.WriteResult(run.run_id, rows);
  transaction.Commit();
  store.Close();
}

std::vector<cv::Rect> TilesOf(const WorldSeries& series) {
  const int width = static_cast<int>(series.grid.width);
  const int height = static_cast<int>(series.grid.height);
  const int side = series.options.tile_px;
  if (side == 0) return {{0, 0, width, height}};
  std::vector<cv::Rect> tiles;
  for (int y = 0; y < height; y += side) {
    for (int x = 0; x < width; x += side) {
      tiles.emplace_back(x, y, std::min(side, width - x),
                         std::min(side, height - y));
    }
  }
  return tiles;
}

std::string FrameName(const WorldSeries& series, size_t tile, size_t edition) {
  const WorldEdition& drawn = series.editions[edition];
  if (series.options.frames) {
    return fmt::format("frames/{:04}_{}.png", tile + 1,
                       FileNamePart(drawn.label));
  }
  const bool alone = drawn.sheets.size() + drawn.missing.size() == 1;
  return alone ? drawn.sheets.front().file_name : drawn.label;
}

tracking::VisDocument TruthVideos(const WorldSeries& series,
                                  const WorldTruth& truth) {
  std::vector<std::vector<tracking::Mask>> masks;
  for (const SeenBuilding& building : truth.buildings) {
    masks.push_back(MasksOf(building, series.grid));
  }
  tracking::VisDocument document;
  document.description = fmt::format(
      "simulated series, seed {}, drawn at {} "
      "metres per pixel",
      series.options.seed, series.options.metres_per_px);
  for (const cv::Rect& tile : TilesOf(series)) {
    tracking::VisVideo& video = document.videos.emplace_back();
    video.id = static_cast<int64_t>(document.videos.size());
    video.size = tile.size();
    for (size_t t = 0; t < series.editions.size(); ++t) {
      video.frames.push_back(FrameName(series, document.videos.size() - 1, t));
      video.editions.push_back(series.editions[t].label);
    }
    std::map<size_t, size_t> position;  // in the video, of a building
    for (size_t i = 0; i < masks.size(); ++i) {
      std::vector<tracking::Mask> parts;
      bool on_tile = false;
      for (const tracking::Mask& mask : masks[i]) {
        parts.push_back(mask.Clipped(tile).Translated(-tile.x, -tile.y));
        on_tile |= !parts.back().IsEmpty();
      }
      if (!on_tile) continue;
      position[i] = video.tracks.size();
      video.tracks.push_back(tracking::TrackAsDrawn(std::move(parts), 1.0f));
      video.track_ids.push_back(truth.buildings[i].track_id);
    }
    // What happened to drawings of which the tile shows nothing is left out.
    const auto place = [&](std::optional<size_t>& track, size_t edition) {
      if (!track) return true;
      const auto found = position.find(*track);
      if (found == position.end()) return false;
      track = found->second;
      return !video.tracks[*track].masks[edition].IsEmpty();
    };
    for (tracking::LineageEvent event : truth.lineage) {
      const bool from = place(event.from_track, event.from_edition);
      const bool to = place(event.to_track, event.to_edition);
      if (from && to) video.lineage.push_back(std::move(event));
    }
  }
  return document;
}

}  // namespace mapweave::pipelines
