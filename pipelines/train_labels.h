// SPDX-License-Identifier: MIT
//
// Training on what people have labelled, beside simulated worlds.
#pragma once

#include "core/progress.h"
#include "pipelines/series_labels.h"
#include "pipelines/train.h"
#include "tracking/clip_mix.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct LabelTrainOptions {
  // Polygons with track_id and edition, project files, YouTube-VIS JSON.
  std::vector<std::string> labels;
  // What the polygons were drawn on: a project file, or sheets and catalogues.
  // Empty: label files are project files themselves.
  std::vector<std::string> series;
  // Of YouTube-VIS JSON; its own folder if empty.
  std::string frames;
  LabelReadOptions reading;
  // Side of the clips and share of the places held out; the seed and the
  // editions are those of `training`.
  PlacedClipOptions clips;
  // Learn from so many different clips only; 0 = all there are.
  int64_t limit = 0;
  // Share of clips that are cut from simulated worlds, so that nothing that the
  // labels do not show is forgotten, and the hands to draw these in (empty:
  // all).
  double mix_worlds = 0.3;
  std::vector<std::string> hands;
  vis::TrainOptions training;

  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// Thresholds are chosen on the held-out places; with fewer than 20 buildings
// there, those of the checkpoint that training starts from stay. Throws
// Error{kUsage} for polygons without a series, and what OpenSeries,
// ReadSeriesLabels, MakeSeriesClips, MakeVideoClips and vis::Train throw.
TrainReport TrainOnLabels(const LabelTrainOptions& options,
                          RunContext& context);

// The held-out places of all sources as one list, of which
// training.validation_clips takes in no more than there are; none, with a
// warning, if fewer than 20 buildings stand on them.
std::optional<tracking::ListedClips> HeldOutClips(
    const std::vector<PlacedClips>& sources, vis::TrainOptions& training);

// Clips of worlds take `share` of the result, the others the rest.
// Worlds are drawn in `hands` (empty: all) as TrainOnWorlds draws them.
std::shared_ptr<const tracking::ClipSource> MixWithWorlds(
    std::shared_ptr<const tracking::ClipSource> clips, double share,
    const std::vector<std::string>& hands, int clip_px,
    const vis::TrainOptions& training);

}  // namespace mapweave::pipelines
