// SPDX-License-Identifier: MIT
#include "pipelines/adapt.h"

#include "core/error.h"
#include "core/log.h"
#include "pipelines/digest.h"
#include "pipelines/series_workspace.h"
#include "tracking/clip_mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// Fewer believed tracks teach chance.
constexpr int64_t kFewestTracks = 10;

std::string RoundPath(const AdaptOptions& options, int round) {
  return fmt::format("{}.round{}", options.training.output, round + 1);
}

void RemoveRounds(const AdaptOptions& options) {
  for (int round = 0; round < options.rounds; ++round) {
    std::error_code ignored;
    fs::remove(RoundPath(options, round), ignored);
    fs::remove(RoundPath(options, round) + ".state", ignored);
  }
}

// Where people have labelled, nothing else is believed.
void GiveWay(SeriesLabels& pseudo, const SeriesLabels& drawn) {
  for (size_t i = 0; i < drawn.editions.size(); ++i) {
    tracking::Mask& doubtful = pseudo.doubtful[drawn.editions[i]];
    doubtful = doubtful.Union(drawn.extent[i]);
  }
}

PlacedClips DrawnClips(const AdaptOptions& options, const Project& project,
                       const SeriesLabels& drawn) {
  PlacedClipOptions clips;
  clips.seed = options.training.seed;
  clips.size_px = options.clip_px;
  clips.max_editions = options.training.max_editions;
  clips.held_out = options.held_out;
  return MakeSeriesClips(project, drawn, clips);
}

std::shared_ptr<const tracking::ClipSource> PseudoClips(
    const AdaptOptions& options, const Project& project, SeriesLabels pseudo) {
  PlacedClipOptions clips;
  clips.seed = options.training.seed;
  clips.size_px = options.clip_px;
  clips.max_editions = options.training.max_editions;
  clips.held_out = 0.0;
  return MakeSeriesClips(project, std::move(pseudo), clips).training;
}

}  // namespace

void AdaptOptions::Validate() const {
  const auto require = [](bool condition, const char* name, double value) {
    if (condition) return;
    throw Error(ErrorCode::kUsage, fmt::format("{} is {}", name, value),
                "set it within the range that --help gives");
  };
  require(rounds >= 1 && rounds <= 20, "--rounds", rounds);
  require(mix_worlds >= 0.0 && mix_worlds < 1.0, "--mix-worlds", mix_worlds);
  require(label_share > 0.0 && label_share <= 1.0, "label_share", label_share);
  if (training.processes.size > 1) {
    throw Error(ErrorCode::kUsage, "adapt runs in one process",
                "unset RANK and WORLD_SIZE, and start it once");
  }
  reading.Validate();
  looking.Validate();
}

AdaptReport Adapt(const AdaptOptions& options, RunContext& context) {
  options.Validate();
  const Project project =
      OpenSeries({options.series.begin(), options.series.end()},
                 options.training.threads, context);
  std::optional<SeriesLabels> drawn;
  std::optional<PlacedClips> drawn_clips;
  if (!options.labels.empty()) {
    drawn = ReadSeriesLabels({options.labels.begin(), options.labels.end()},
                             project, options.reading);
    drawn_clips = DrawnClips(options, project, *drawn);
  }
  AdaptReport report;
  std::string teacher = options.training.init_checkpoint;
  for (int round = 0; round < options.rounds; ++round) {
    PseudoTrackOptions looking = options.looking;
    looking.device = options.training.device;
    looking.threads = options.training.threads;
    looking.seed = options.training.seed + static_cast<uint64_t>(round);
    PseudoLabels found = FindPseudoTracks(project, teacher, looking, context);
    LogInfo("round {} of {}: {} tracks believed, {} doubted", round + 1,
            options.rounds, found.believed, found.doubted);
    if (found.believed < kFewestTracks) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("{} finds {} buildings on the series that it is sure of",
                      teacher, found.believed),
          "That is too little to learn from: label some by hand and use "
          "'mapweave train --labels', or 'mapweave pretrain' on the sheets.");
    }
    if (drawn) GiveWay(found.labels, *drawn);
    std::shared_ptr<const tracking::ClipSource> clips =
        PseudoClips(options, project, std::move(found.labels));
    if (drawn_clips) {
      std::vector<tracking::MixedClips::Part> parts;
      parts.push_back({clips, 1.0 - options.label_share});
      parts.push_back({drawn_clips->training, options.label_share});
      clips = std::make_shared<tracking::MixedClips>(std::move(parts),
                                                     options.training.seed);
    }
    vis::TrainOptions training = options.training;
    training.seed += static_cast<uint64_t>(round);
    training.output = RoundPath(options, round);
    training.init_checkpoint = teacher;
    training.resume =
        options.training.resume && fs::exists(training.output + ".state");
    if (training.resume) training.init_checkpoint.clear();
    training.notes["data"] = "pseudo-labels on the user's own series";
    training.notes["rounds"] = options.rounds;
    training.notes["believed"] = found.believed;
    training.notes["mix_worlds"] = options.mix_worlds;
    clips =
        MixWithWorlds(clips, options.mix_worlds, {}, options.clip_px, training);
    const bool is_last = round + 1 == options.rounds;
    std::optional<tracking::ListedClips> validation;
    if (is_last && drawn_clips) {
      validation = HeldOutClips({*drawn_clips}, training);
    }
    report.training =
        TrainOn(*clips, validation ? &*validation : nullptr, training, context);
    report.rounds.push_back(
        {found.believed, found.doubted, report.training.result.loss});
    teacher = training.output;
  }
  fs::rename(teacher, options.training.output);
  RemoveRounds(options);
  report.training.checkpoint = options.training.output;
  return report;
}

Json ToJson(const AdaptReport& report) {
  Json document = ToJson(report.training);
  document["rounds"] = Json::array();
  for (const AdaptRound& round : report.rounds) {
    document["rounds"].push_back({{"believed", round.believed},
                                  {"doubted", round.doubted},
                                  {"loss", round.loss}});
  }
  return document;
}

}  // namespace mapweave::pipelines
