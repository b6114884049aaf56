// SPDX-License-Identifier: MIT
#include "pipelines/lineage.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/polygon_ops.h"
#include "pipelines/building_states.h"
#include "pipelines/digest.h"
#include "pipelines/project.h"
#include "pipelines/sheet_dates.h"
#include "pipelines/window_codec.h"
#include "tracking/succession.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace mapweave::pipelines {
namespace {

constexpr const char* kSegmentStage = "segment";

struct Segmented {
  std::vector<tracking::Window> windows;
  std::vector<tracking::TrackSet> tracks;
  // [window][edition], in grid pixels of the window's core.
  std::vector<std::vector<tracking::Mask>> uncovered;
  // Of all windows, in grid pixels.
  std::vector<tracking::Relation> relations;
};

const db::RunRow* UnfinishedRun(const std::vector<db::RunRow>& runs) {
  for (auto it = runs.rbegin(); it != runs.rend(); ++it) {
    if (it->status == db::RunStatus::kRunning) return &*it;
  }
  return nullptr;
}

// The windows of a run are those that its configuration cuts the grid into.
std::vector<tracking::Window> WindowsOf(const db::RunRow& run,
                                        const Project& project) {
  const Json config = ParseJson(run.config, "the run's configuration");
  tracking::WindowOptions options;
  options.size_px = config.at("window_px");
  options.overlap_px = config.at("overlap_px");
  options.offset = {config.at("window_offset").at(0),
                    config.at("window_offset").at(1)};
  return tracking::PlanWindows(cv::Size(static_cast<int>(project.grid.width),
                                        static_cast<int>(project.grid.height)),
                               options);
}

// Windows were cut with the alignment of their time.
void RequireSameAlignment(const db::RunRow& run, const Project& project) {
  const Json config = ParseJson(run.config, "the run's configuration");
  if (config.value("alignment", "") != project.AlignmentHash()) {
    throw Error(ErrorCode::kBadInput,
                "the editions were aligned anew after segmentation",
                "Run 'mapweave segment' on the project again.");
  }
}

Segmented ReadWindows(const db::Store& store, const db::RunRow& run,
                      const Project& project, RunContext& context) {
  Segmented segmented;
  segmented.windows = WindowsOf(run, project);
  const std::vector<db::WorkRow> work = store.Work(run.run_id, kSegmentStage);
  const auto open = std::count_if(work.begin(), work.end(),
                                  [](const auto& row) { return !row.done; });
  if (open > 0 || work.size() != segmented.windows.size()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}': {} windows are not segmented yet",
                            store.Path().string(), open),
                "Run 'mapweave segment' on the project first.");
  }
  for (const db::WorkRow& row : work) {
    context.cancel.ThrowIfCancelled();
    const auto bytes =
        store.WorkTracks(run.run_id, kSegmentStage, row.window_id);
    WindowResult result = DecodeWindow(bytes.value_or(""));
    segmented.tracks.push_back(std::move(result.tracks));
    segmented.uncovered.push_back(std::move(result.uncovered));
    segmented.relations.insert(segmented.relations.end(),
                               result.relations.begin(),
                               result.relations.end());
    context.progress.Advance();
  }
  return segmented;
}

// Share of each track's place that is surveyed on each edition.
tracking::TrackCoverage CoverageFromWindows(const tracking::TrackSet& tracks,
                                            const Segmented& segmented,
                                            size_t editions,
                                            const CancelToken& cancel) {
  tracking::TrackCoverage coverage;
  coverage.reserve(tracks.size());
  for (const tracking::Track& track : tracks) {
    cancel.ThrowIfCancelled();
    std::vector<tracking::Run> runs;
    for (const tracking::Mask& mask : track.masks) {
      runs.insert(runs.end(), mask.Runs().begin(), mask.Runs().end());
    }
    const tracking::Mask place = tracking::Mask::FromRuns(std::move(runs));
    std::vector<int64_t> blank(editions, 0);
    for (size_t w = 0; w < segmented.windows.size(); ++w) {
      if ((segmented.windows[w].core & place.Bounds()).empty()) continue;
      for (size_t t = 0; t < editions; ++t) {
        blank[t] += place.IntersectionArea(segmented.uncovered[w][t]);
      }
    }
    std::vector<float> shares;
    for (size_t t = 0; t < editions; ++t) {
      shares.push_back(1.0f - static_cast<float>(blank[t]) /
                                  static_cast<float>(place.Area()));
    }
    coverage.push_back(std::move(shares));
  }
  return coverage;
}

// Unique in the series, because masks of one edition are disjoint, and the
// same on every run that finds the building's first pixel in the same place.
std::string TrackId(const tracking::Track& track, const Project& project) {
  for (size_t t = 0; t < track.masks.size(); ++t) {
    if (track.masks[t].IsEmpty()) continue;
    const tracking::Run& first = track.masks[t].Runs().front();
    const Point2d place =
        project.grid.WorldFromPixel({first.begin + 0.5, first.row + 0.5});
    return NamedUuid(fmt::format("building {} {:.3f} {:.3f}",
                                 project.editions[t].label, place.x, place.y));
  }
  throw Error(ErrorCode::kBug, "a track without a mask");
}

// Turns one series of tracks into rows of the project file.
class ResultBuilder {
 public:
  ResultBuilder(const Project& project, const LineageStageOptions& options,
                const tracking::TrackSet& tracks)
      : project_(project),
        options_(options),
        tracks_(tracks),
        dates_(project),
        ground_(project.grid.crs) {
    for (const tracking::Track& track : tracks) {
      ids_.push_back(TrackId(track, project));
    }
  }

  db::RunResult Build(const std::vector<tracking::LineageEvent>& events,
                      const std::vector<tracking::DateBounds>& bounds,
                      RunContext& context) {
    AddLineage(events);
    std::vector<std::vector<const tracking::LineageEvent*>> by_track(
        tracks_.size());
    for (const tracking::LineageEvent& event : events) {
      if (event.to_track) by_track[*event.to_track].push_back(&event);
    }
    for (size_t i = 0; i < tracks_.size(); ++i) {
      context.cancel.ThrowIfCancelled();
      const std::vector<MultiPolygon> shapes = AddObservations(i);
      const std::vector<DateRange> dates = dates_.At(shapes);
      AddBuilding(i, bounds[i], dates);
      AddStates(i, shapes, dates, by_track[i]);
      context.progress.Advance();
    }
    return std::move(result_);
  }

 private:
  MultiPolygon Outline(const tracking::Mask& mask) const {
    return geo::MakeValid(geo::GroundFromPixels(
        tracking::TracePolygons(mask, options_.trace), project_.grid));
  }

  const std::string& Label(size_t edition) const {
    return project_.editions[edition].label;
  }

  void AddLineage(const std::vector<tracking::LineageEvent>& events) {
    for (const tracking::LineageEvent& event : events) {
      db::LineageRow row;
      if (event.from_track) row.from_track = ids_[*event.from_track];
      if (event.to_track) row.to_track = ids_[*event.to_track];
      row.from_edition = Label(event.from_edition);
      row.to_edition = Label(event.to_edition);
      row.kind = tracking::LineageKindName(event.kind);
      row.probability = event.probability;
      row.evidence = event.evidence;
      result_.lineage.push_back(std::move(row));
    }
  }

  void AddBuilding(size_t i, const tracking::DateBounds& bounds,
                   const std::vector<DateRange>& dates) {
    const tracking::Track& track = tracks_[i];
    db::BuildingRow row;
    row.track_id = ids_[i];
    // The order within a survey is not known, so bounds take its outer days.
    const auto first_day = [&dates](std::optional<size_t> edition) {
      return edition && !dates[*edition].HasUnknownStart()
                 ? std::optional(dates[*edition].from)
                 : std::nullopt;
    };
    const auto last_day = [&dates](std::optional<size_t> edition) {
      return edition ? std::optional(dates[*edition].to) : std::nullopt;
    };
    row.built_after = first_day(bounds.built_after);
    row.built_by = last_day(bounds.built_by);
    row.gone_after = first_day(bounds.gone_after);
    row.gone_by = last_day(bounds.gone_by);
    // Sheets that overlap by a margin may contradict each other there.
    if (row.built_after > row.built_by) row.built_after.reset();
    if (row.gone_by && row.gone_after > row.gone_by) row.gone_after.reset();
    const tracking::EdtfInterval edtf = tracking::EdtfFromBounds(bounds, dates);
    if (!edtf.start.empty()) row.start_edtf = edtf.start;
    if (!edtf.end.empty()) row.end_edtf = edtf.end;
    for (size_t t = 0; t < track.masks.size(); ++t) {
      if (track.masks[t].IsEmpty()) continue;
      if (row.first_edition.empty()) row.first_edition = Label(t);
      row.last_edition = Label(t);
    }
    row.confidence = track.score;
    result_.buildings.push_back(std::move(row));
  }

  std::vector<MultiPolygon> AddObservations(size_t i) {
    const tracking::Track& track = tracks_[i];
    std::vector<MultiPolygon> shapes(track.masks.size());
    for (size_t t = 0; t < track.masks.size(); ++t) {
      if (track.masks[t].IsEmpty()) continue;
      shapes[t] = Outline(track.masks[t]);
      db::ObservationRow row;
      row.track_id = ids_[i];
      row.edition = Label(t);
      row.score = track.score;
      row.presence = track.presence[t];
      row.geometry = shapes[t];
      row.area_m2 = geo::AreaM2(shapes[t], ground_);
      result_.observations.push_back(std::move(row));
    }
    return shapes;
  }

  void AddStates(size_t i, const std::vector<MultiPolygon>& shapes,
                 const std::vector<DateRange>& dates,
                 const std::vector<const tracking::LineageEvent*>& events) {
    std::vector<BuildingSight> sights;
    for (size_t t = 0; t < shapes.size(); ++t) {
      BuildingSight sight{Label(t), dates[t], shapes[t], {}};
      for (const tracking::LineageEvent* event : events) {
        if (event->to_edition == t) sight.kinds.push_back(event->kind);
      }
      sights.push_back(std::move(sight));
    }
    for (db::BuildingStateRow& state :
         BuildingStates(ids_[i], sights, ground_)) {
      result_.states.push_back(std::move(state));
    }
  }

  const Project& project_;
  const LineageStageOptions& options_;
  const tracking::TrackSet& tracks_;
  SheetDates dates_;
  geo::GroundMeasure ground_;
  std::vector<std::string> ids_;
  db::RunResult result_;
};

}  // namespace

ResultSummary DeriveLineage(db::Store& store,
                            const LineageStageOptions& options,
                            RunContext& context) {
  const auto started = std::chrono::steady_clock::now();
  const std::vector<db::RunRow> runs = store.Runs();
  const db::RunRow* unfinished = UnfinishedRun(runs);
  if (unfinished == nullptr) {
    if (runs.empty()) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("'{}' is not segmented yet", store.Path().string()),
          "Run 'mapweave segment' on the project first.");
    }
    return Summarise(store);
  }
  db::RunRow run = *unfinished;
  const Project project = LoadProject(store);
  RequireSameAlignment(run, project);
  const size_t editions = project.editions.size();

  context.progress.Start(
      "stitch",
      static_cast<int64_t>(store.Work(run.run_id, kSegmentStage).size()));
  const Segmented segmented = ReadWindows(store, run, project, context);
  const tracking::TrackSet tracks =
      tracking::StitchTracks(segmented.windows, segmented.tracks,
                             static_cast<int>(editions), options.stitch);
  const tracking::TrackCoverage coverage =
      CoverageFromWindows(tracks, segmented, editions, context.cancel);
  const std::vector<tracking::LineageEvent> events = tracking::DeriveHistory(
      tracks, coverage, options.lineage, segmented.relations);
  const std::vector<tracking::DateBounds> bounds =
      tracking::DeriveDateBounds(tracks, coverage, options.lineage);

  context.progress.Start("trace", static_cast<int64_t>(tracks.size()));
  const db::RunResult result =
      ResultBuilder(project, options, tracks).Build(events, bounds, context);

  db::Transaction transaction = store.Begin();
  store.WriteResult(run.run_id, result);
  // A project holds one result: earlier runs go, finished or not.
  for (const db::RunRow& other : runs) {
    if (other.run_id != run.run_id) store.DeleteRun(other.run_id);
  }
  store.DeleteWork(run.run_id);
  run.status = db::RunStatus::kDone;
  run.stage = "done";
  run.finished_at = db::NowUtc();
  run.seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started)
          .count();
  store.SaveRun(run);
  transaction.Commit();
  context.progress.Finish();
  return Summarise(store);
}

ResultSummary Summarise(const db::Store& store) {
  ResultSummary summary;
  for (const db::EditionRow& row : store.Editions()) {
    summary.editions.push_back(row.edition);
  }
  const std::vector<db::RunRow> runs = store.Runs();
  if (!runs.empty()) summary.run_id = runs.back().run_id;
  summary.observations_by_edition.assign(summary.editions.size(), 0);
  for (const db::ObservationRow& row : store.Observations()) {
    ++summary.observations;
    const auto at = std::find(summary.editions.begin(), summary.editions.end(),
                              row.edition);
    if (at != summary.editions.end()) {
      ++summary.observations_by_edition[static_cast<size_t>(
          at - summary.editions.begin())];
    }
  }
  summary.buildings = static_cast<int64_t>(store.Buildings().size());
  std::map<std::pair<size_t, size_t>, KindCount> steps;
  const auto position = [&](const std::optional<std::string>& label) {
    const auto at = std::find(summary.editions.begin(), summary.editions.end(),
                              label.value_or(""));
    return static_cast<size_t>(at - summary.editions.begin());
  };
  for (const db::LineageRow& row : store.Lineage()) {
    ++summary.kinds[row.kind];
    KindCount& step =
        steps[{position(row.from_edition), position(row.to_edition)}];
    step.from_edition = row.from_edition.value_or("");
    step.to_edition = row.to_edition.value_or("");
    ++step.kinds[row.kind];
  }
  for (auto& [key, step] : steps) summary.steps.push_back(std::move(step));
  return summary;
}

}  // namespace mapweave::pipelines
