// SPDX-License-Identifier: MIT
#include "pipelines/train_labels.h"

#include "core/error.h"
#include "core/log.h"
#include "pipelines/series_clips.h"
#include "pipelines/series_workspace.h"
#include "pipelines/video_folder.h"
#include "synth/clip_source.h"
#include "tracking/clip_mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// Of fewer, thresholds would be chosen by chance.
constexpr int64_t kFewestToCalibrate = 20;

bool IsProject(const fs::path& path) {
  try {
    const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
    return FindIngestRecord(store) && !store.Sheets().empty();
  } catch (const Error&) {
    return false;
  }
}

PlacedClips OnSeries(const std::vector<fs::path>& labels,
                     const std::vector<fs::path>& series,
                     const LabelTrainOptions& options,
                     const PlacedClipOptions& clips, RunContext& context) {
  const Project project = OpenSeries(series, options.training.threads, context);
  return MakeSeriesClips(
      project, ReadSeriesLabels(labels, project, options.reading), clips);
}

std::vector<PlacedClips> OpenLabels(const LabelTrainOptions& options,
                                    RunContext& context) {
  PlacedClipOptions clips = options.clips;
  clips.seed = options.training.seed;
  clips.max_editions = options.training.max_editions;
  std::vector<PlacedClips> sources;
  std::vector<fs::path> polygons;
  for (const std::string& file : options.labels) {
    if (!fs::exists(file)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("there is no file '{}'", file),
                  "Check the path given to --labels.");
    }
    if (IsVideoLabels(file)) {
      sources.push_back(MakeVideoClips(file, options.frames, clips));
    } else {
      polygons.push_back(file);
    }
  }
  if (!options.series.empty()) {
    if (polygons.empty()) {
      throw Error(ErrorCode::kUsage, "a series without labels on it",
                  "YouTube-VIS JSON brings its own frames: leave --series out, "
                  "or add a file of polygons.");
    }
    sources.push_back(OnSeries(polygons,
                               {options.series.begin(), options.series.end()},
                               options, clips, context));
    return sources;
  }
  for (const fs::path& file : polygons) {
    if (IsProject(file)) {
      sources.push_back(OnSeries({file}, {file}, options, clips, context));
      continue;
    }
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' does not say which sheets it was drawn on",
                            file.string()),
                "Name them with --series: a project file, a catalogue or the "
                "sheets themselves.");
  }
  return sources;
}

}  // namespace

void LabelTrainOptions::Validate() const {
  if (labels.empty()) {
    throw Error(ErrorCode::kUsage, "no labels to train on",
                "Name a file with --labels.");
  }
  const auto require = [](bool condition, const char* name, double value) {
    if (condition) return;
    throw Error(ErrorCode::kUsage, fmt::format("{} is {}", name, value),
                "set it within the range that --help gives");
  };
  require(limit >= 0, "--limit-labels", static_cast<double>(limit));
  require(mix_worlds >= 0.0 && mix_worlds < 1.0, "--mix-worlds", mix_worlds);
  reading.Validate();
  clips.Validate();
}

std::shared_ptr<const tracking::ClipSource> MixWithWorlds(
    std::shared_ptr<const tracking::ClipSource> clips, double share,
    const std::vector<std::string>& hands, int clip_px,
    const vis::TrainOptions& training) {
  if (share <= 0.0) return clips;
  synth::WorldClipOptions worlds;
  worlds.seed = training.seed;
  worlds.size_px = clip_px;
  worlds.min_editions = training.min_editions;
  worlds.max_editions = training.max_editions;
  worlds.hands = hands;
  std::vector<tracking::MixedClips::Part> parts;
  parts.push_back({std::move(clips), 1.0 - share});
  parts.push_back({std::make_shared<synth::WorldClipSource>(worlds), share});
  return std::make_shared<tracking::MixedClips>(std::move(parts),
                                                training.seed);
}

std::optional<tracking::ListedClips> HeldOutClips(
    const std::vector<PlacedClips>& sources, vis::TrainOptions& training) {
  std::vector<tracking::ListedClips::Part> parts;
  int64_t buildings = 0;
  for (const PlacedClips& source : sources) {
    parts.push_back(
        {source.held_out, static_cast<uint64_t>(source.held_out_places)});
    buildings += source.held_out_buildings;
  }
  if (buildings < kFewestToCalibrate) {
    LogWarning(
        "only {} labelled buildings are held out, too few to measure on: the "
        "thresholds stay as they were",
        buildings);
    return std::nullopt;
  }
  tracking::ListedClips clips(std::move(parts));
  training.validation_clips = static_cast<int>(std::min<uint64_t>(
      static_cast<uint64_t>(training.validation_clips), clips.Count()));
  return clips;
}

TrainReport TrainOnLabels(const LabelTrainOptions& options,
                          RunContext& context) {
  options.Validate();
  vis::TrainOptions training = options.training;
  std::vector<tracking::MixedClips::Part> parts;
  int64_t buildings = 0;
  int64_t held_out_buildings = 0;
  const std::vector<PlacedClips> sources = OpenLabels(options, context);
  for (const PlacedClips& source : sources) {
    parts.push_back({source.training, static_cast<double>(std::max<int64_t>(
                                          1, source.training_buildings))});
    buildings += source.training_buildings;
    held_out_buildings += source.held_out_buildings;
  }
  LogInfo("{} labelled buildings to train on, {} held out", buildings,
          held_out_buildings);
  std::shared_ptr<const tracking::ClipSource> clips =
      std::make_shared<tracking::MixedClips>(std::move(parts), training.seed);
  if (options.limit > 0) {
    clips = std::make_shared<tracking::ListedClips>(
        std::vector<tracking::ListedClips::Part>{
            {clips, static_cast<uint64_t>(options.limit)}});
  }
  clips = MixWithWorlds(clips, options.mix_worlds, options.hands,
                        options.clips.size_px, training);
  const std::optional<tracking::ListedClips> validation =
      HeldOutClips(sources, training);
  training.notes["data"] = "labels";
  Json names = Json::array();
  for (const std::string& file : options.labels) {
    names.push_back(fs::path(file).filename().string());
  }
  training.notes["labels"] = names;
  training.notes["labelled_buildings"] = buildings;
  training.notes["held_out_buildings"] = held_out_buildings;
  training.notes["limit_labels"] = options.limit;
  training.notes["mix_worlds"] = options.mix_worlds;
  training.notes["clip_px"] = options.clips.size_px;
  return TrainOn(*clips, validation ? &*validation : nullptr, training,
                 context);
}

}  // namespace mapweave::pipelines
