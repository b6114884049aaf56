// SPDX-License-Identifier: MIT
#include "pipelines/segment.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/polygon_ops.h"
#include "models/vis/segmenter.h"
#include "pipelines/digest.h"
#include "pipelines/shipped_weights.h"
#include "pipelines/window_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStage = "segment";
// Resident memory of the program without workers, and of one worker per
// megapixel-edition of its window; measured with the small preset.
constexpr double kBaseMb = 450.0;
constexpr double kWorkerMbPerMegapixel = 360.0;

int WorkerCount(const SegmentOptions& options, size_t editions,
                const std::string& device) {
  // One worker feeds a GPU; more would only queue behind each other.
  if (device != "cpu") return 1;
  const double megapixels = static_cast<double>(options.window_px) *
                            options.window_px * static_cast<double>(editions) *
                            options.zoom * options.zoom / 1e6;
  const double room = options.memory_mb - kBaseMb;
  const int fit = static_cast<int>(room / (kWorkerMbPerMegapixel * megapixels));
  return std::clamp(fit, 1, options.threads);
}

tracking::Clip ReadClip(std::vector<geo::EditionReader>& readers,
                        const cv::Rect& box) {
  tracking::Clip clip;
  for (geo::EditionReader& reader : readers) {
    geo::Pixels pixels = reader.Read({box.x, box.y, box.width, box.height});
    clip.frames.push_back(BorrowMat(pixels.rgb).clone());
    clip.coverage.push_back(BorrowMat(pixels.coverage).clone());
  }
  return clip;
}

void MoveToGrid(vis::Segmentation& found, cv::Point origin) {
  for (tracking::Track& track : found.tracks) {
    for (tracking::Mask& mask : track.masks) {
      mask = mask.Translated(origin.x, origin.y);
    }
  }
  for (tracking::Relation& relation : found.relations) {
    relation.from += origin;
    relation.to += origin;
  }
}

struct SegmentedWindow {
  WindowResult result;
  double network_seconds = 0.0;
};

SegmentedWindow SegmentWindow(vis::Segmenter& segmenter,
                              std::vector<geo::EditionReader>& readers,
                              const tracking::Window& window) {
  const tracking::Clip clip = ReadClip(readers, window.box);
  SegmentedWindow segmented;
  WindowResult& result = segmented.result;
  bool any = false;
  const cv::Rect core = window.core - window.box.tl();
  for (const cv::Mat& coverage : clip.coverage) {
    any = any || cv::countNonZero(coverage) > 0;
    result.uncovered.push_back(
        tracking::Mask::FromImage(coverage(core) == 0, window.core.tl()));
  }
  if (any) {
    vis::Segmentation found = segmenter.Segment(clip);
    segmented.network_seconds = found.network_seconds;
    MoveToGrid(found, window.box.tl());
    result.tracks = std::move(found.tracks);
    // One window speaks of each pair.
    for (const tracking::Relation& relation : found.relations) {
      if (window.core.contains(relation.from)) {
        result.relations.push_back(relation);
      }
    }
  }
  return segmented;
}

// Hands out windows to workers and takes their results into the store.
class WindowQueue {
 public:
  WindowQueue(db::Store& store, const std::string& run_id,
              std::vector<db::WorkRow> open, RunContext& context)
      : store_(store),
        run_id_(run_id),
        open_(std::move(open)),
        context_(context) {}

  // Unset when there is no more work.
  std::optional<db::WorkRow> Next() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (fault_ || next_ == open_.size()) return std::nullopt;
    if (context_.cancel.IsCancelled()) return std::nullopt;
    return open_[next_++];
  }

  void Finish(db::WorkRow row, double network_seconds) {
    std::lock_guard<std::mutex> lock(mutex_);
    store_.SaveWork(row);
    seconds_ += row.seconds.value_or(0.0);
    network_seconds_ += network_seconds;
    context_.progress.Advance();
  }

  void Fail(std::exception_ptr fault) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!fault_) fault_ = fault;
  }

  // Of the finished windows' time, once all workers have ended.
  double NetworkShare() const {
    return seconds_ > 0.0 ? network_seconds_ / seconds_ : 0.0;
  }

  void Rethrow() const {
    if (fault_) std::rethrow_exception(fault_);
    context_.cancel.ThrowIfCancelled();
  }

 private:
  db::Store& store_;
  std::string run_id_;
  std::vector<db::WorkRow> open_;
  RunContext& context_;
  std::mutex mutex_;
  size_t next_ = 0;
  std::exception_ptr fault_;
  double seconds_ = 0.0;
  double network_seconds_ = 0.0;
};

void Work(WindowQueue& queue, vis::Segmenter& segmenter,
          std::vector<geo::EditionReader> readers,
          const std::vector<tracking::Window>& windows) {
  try {
    while (std::optional<db::WorkRow> row = queue.Next()) {
      const auto started = std::chrono::steady_clock::now();
      const SegmentedWindow segmented = SegmentWindow(
          segmenter, readers, windows[static_cast<size_t>(row->window_id)]);
      row->tracks = EncodeWindow(segmented.result);
      row->done = true;
      row->seconds = std::chrono::duration<double>(
                         std::chrono::steady_clock::now() - started)
                         .count();
      queue.Finish(std::move(*row), segmented.network_seconds);
    }
  } catch (...) {
    queue.Fail(std::current_exception());
  }
}

// How the sheets' coordinates become those of the grid: one object for each
// CRS among them; the accuracy is that of the worst.
void RecordTransformations(const Project& project, db::RunRow& run) {
  std::map<std::string, Json> by_crs;
  std::optional<double> worst;
  bool all_known = true;
  for (const ProjectEdition& edition : project.editions) {
    for (const geo::SheetInfo& sheet : edition.sheets) {
      if (by_crs.contains(sheet.crs.Wkt())) continue;
      geo::TransformOptions options;
      // Refused or agreed to when the sheet was ingested.
      options.allow_ballpark = true;
      options.area = geo::Bounds(sheet.footprint);
      const geo::Transformer transformer(sheet.crs, project.grid.crs, options);
      const std::optional<double> accuracy = transformer.AccuracyMetres();
      const std::optional<double> stake = transformer.AtStakeMetres();
      by_crs[sheet.crs.Wkt()] = {
          {"from", sheet.crs.Label()},
          {"to", project.grid.crs.Label()},
          {"operation", transformer.OperationName()},
          {"pipeline", transformer.Pipeline()},
          {"accuracy_m", accuracy ? Json(*accuracy) : Json(nullptr)},
          {"ballpark", transformer.IsBallpark()},
          {"at_stake_m", stake ? Json(*stake) : Json(nullptr)}};
      all_known = all_known && accuracy.has_value();
      if (accuracy) worst = std::max(worst.value_or(0.0), *accuracy);
    }
  }
  Json pipelines = Json::array();
  for (auto& [wkt, record] : by_crs) pipelines.push_back(std::move(record));
  run.crs_pipelines = pipelines.dump();
  if (all_known) run.crs_accuracy_m = worst;
}

// The run's row, made if this is its beginning, with all its windows.
db::RunRow BeginRun(db::Store& store, const Project& project,
                    const SegmentOptions& options, const SegmentReport& report,
                    const std::vector<tracking::Window>& windows) {
  db::RunRow run;
  Json config = options.ToJson();
  run.checkpoint_sha256 = Sha256OfFile(report.checkpoint);
  config["checkpoint_sha256"] = *run.checkpoint_sha256;
  config["device"] = report.device;
  config["precision"] = report.precision;
  config["alignment"] = project.AlignmentHash();
  run.config = config.dump();
  run.config_hash = Sha256(run.config);
  run.inputs_hash = project.inputs_hash;
  run.run_id = NamedUuid("run " + run.config_hash + " " + run.inputs_hash);
  if (auto before = store.FindRun(run.run_id)) {
    if (before->version == MAPWEAVE_VERSION) return *before;
    store.DeleteRun(run.run_id);
  }
  run.version = MAPWEAVE_VERSION;
  run.stage = kStage;
  run.started_at = db::NowUtc();
  run.device = report.device;
  RecordTransformations(project, run);
  const geo::Grid& grid = project.grid;
  run.grid = {grid.origin_x, grid.origin_y, grid.resolution, grid.width,
              grid.height};
  db::Transaction transaction = store.Begin();
  store.SaveRun(run);
  for (size_t i = 0; i < windows.size(); ++i) {
    db::WorkRow work;
    work.run_id = run.run_id;
    work.stage = kStage;
    work.window_id = static_cast<int64_t>(i);
    work.col = windows[i].box.x;
    work.row = windows[i].box.y;
    work.width = windows[i].box.width;
    work.height = windows[i].box.height;
    store.SaveWork(work);
  }
  transaction.Commit();
  return run;
}

void RunWorkers(WindowQueue& queue, const SegmentReport& report,
                const vis::SegmenterOptions& options, const Project& project,
                const std::vector<tracking::Window>& windows) {
  // Windows run side by side, each in one thread: faster on small networks
  // than many threads in one window, and the same result for any number.
  vis::SetTorchThreads(1);
  cv::setNumThreads(1);
  std::vector<std::unique_ptr<vis::Segmenter>> segmenters;
  segmenters.push_back(vis::LoadSegmenter(report.checkpoint, options));
  std::vector<geo::EditionReader> readers;
  for (size_t i = 0; i < project.editions.size(); ++i) {
    readers.push_back(OpenEdition(project, i));
  }
  // All that may fail comes before the first thread starts.
  std::vector<std::vector<geo::EditionReader>> own(
      static_cast<size_t>(report.threads));
  for (size_t i = 0; i < own.size(); ++i) {
    if (i > 0) segmenters.push_back(segmenters.front()->Clone());
    for (geo::EditionReader& reader : readers) own[i].push_back(reader.Fork());
  }
  std::vector<std::jthread> threads;  // join when they go out of scope
  for (size_t i = 0; i < own.size(); ++i) {
    threads.emplace_back([&queue, &windows, &segmenter = *segmenters[i],
                          readers_of_worker = std::move(own[i])]() mutable {
      Work(queue, segmenter, std::move(readers_of_worker), windows);
    });
  }
}

}  // namespace

void SegmentOptions::Validate() const {
  if (window_px < 64 || window_px > 8192) {
    throw Error(ErrorCode::kUsage, "--window-px must lie in [64, 8192]");
  }
  if (overlap_px < 0 || overlap_px > window_px / 2) {
    throw Error(ErrorCode::kUsage,
                "--overlap-px must lie between 0 and half of --window-px");
  }
  if (threads < 1) throw Error(ErrorCode::kUsage, "--threads must be positive");
}

Json SegmentOptions::ToJson() const {
  return {{"window_px", window_px},
          {"overlap_px", overlap_px},
          {"precision", precision},
          {"looks", looks},
          {"zoom", zoom},
          {"window_offset", {window_offset.x, window_offset.y}}};
}

std::string DefaultCheckpoint() {
  if (const char* named = std::getenv("MAPWEAVE_WEIGHTS")) return named;
  if (const auto found = FindShippedWeights("small.safetensors")) {
    return *found;
  }
  throw Error(ErrorCode::kDevice, "the shipped checkpoint is not installed",
              "Name a checkpoint with --checkpoint, or set MAPWEAVE_WEIGHTS.");
}

std::vector<tracking::Window> PlanProjectWindows(
    const geo::Grid& grid, const SegmentOptions& options) {
  tracking::WindowOptions window;
  window.size_px = options.window_px;
  window.overlap_px = options.overlap_px;
  window.offset = options.window_offset;
  return tracking::PlanWindows(
      cv::Size(static_cast<int>(grid.width), static_cast<int>(grid.height)),
      window);
}

SegmentReport Segment(db::Store& store, const SegmentOptions& options,
                      RunContext& context) {
  options.Validate();
  const auto started = std::chrono::steady_clock::now();
  SegmentReport report;
  report.checkpoint =
      options.checkpoint.empty() ? DefaultCheckpoint() : options.checkpoint;
  report.device = vis::ResolveDevice(options.device);
  report.precision = vis::ResolvePrecision(options.precision, report.device);
  const Project project = LoadProject(store);
  const std::vector<tracking::Window> windows =
      PlanProjectWindows(project.grid, options);
  LimitRasterCache(options.memory_mb);
  db::RunRow run = BeginRun(store, project, options, report, windows);
  report.run_id = run.run_id;
  report.windows = static_cast<int64_t>(windows.size());
  if (run.status == db::RunStatus::kDone) {
    report.windows_done_before = report.windows;
    return report;
  }
  std::vector<db::WorkRow> open;
  for (db::WorkRow& row : store.Work(run.run_id, kStage)) {
    if (!row.done) open.push_back(std::move(row));
  }
  report.windows_done_before =
      report.windows - static_cast<int64_t>(open.size());
  report.threads = WorkerCount(options, project.editions.size(), report.device);
  LogInfo("segment: {} windows on {} in {} with {} worker{}{}", windows.size(),
          report.device, report.precision, report.threads,
          report.threads == 1 ? "" : "s",
          report.windows_done_before > 0
              ? fmt::format(", {} done before", report.windows_done_before)
              : "");
  context.progress.Start("segment", report.windows, report.windows_done_before);
  WindowQueue queue(store, run.run_id, std::move(open), context);
  RunWorkers(queue, report,
             {report.device, report.precision, options.looks, options.zoom},
             project, windows);
  run.seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started)
          .count();
  store.SaveRun(run);
  queue.Rethrow();
  report.network_share = queue.NetworkShare();
  context.progress.Finish();
  return report;
}

}  // namespace mapweave::pipelines
