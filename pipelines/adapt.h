// SPDX-License-Identifier: MIT
//
// Fitting a network to a user's own series, with a handful of labels or none:
// self-training on what it finds there whichever way it looks.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "pipelines/pseudo_tracks.h"
#include "pipelines/train_labels.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct AdaptOptions {
  // A project file, or sheets and catalogues.
  std::vector<std::string> series;
  // Polygons on that series; none is needed.
  std::vector<std::string> labels;
  LabelReadOptions reading;
  // Its device, threads and seed are those of `training`.
  PseudoTrackOptions looking;
  // The network looks, learns, and looks again with what it has become: the
  // moving average of its weights is the next round's teacher.
  int rounds = 2;
  // Of the clips, so many show simulated worlds, and, of the rest, so many a
  // labelled place if there are labels.
  double mix_worlds = 0.5;
  double label_share = 0.5;
  int clip_px = 128;
  double held_out = 0.2;  // of the labelled places
  // init_checkpoint is the network to fit; steps are those of one round.
  vis::TrainOptions training;

  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

struct AdaptRound {
  int64_t believed = 0;
  int64_t doubted = 0;
  double loss = 0.0;
};

struct AdaptReport {
  TrainReport training;  // of the last round
  std::vector<AdaptRound> rounds;
};

// Writes training.output. Tracks that most views of a place agree on become
// labels; what they do not agree on is left out of the loss. Pseudo-labels give
// way to drawn ones where there are any. Thresholds are chosen anew only on
// held-out labels, if there are enough (see TrainOnLabels). With
// training.resume, an interrupted call goes on in the round that it was in; its
// rounds lie in OUTPUT.round1 and so on until it is done.
//
// Throws Error{kBadInput} if the network believes too little on the series to
// learn from, and what OpenSeries, ReadSeriesLabels, FindPseudoTracks and
// vis::Train throw.
AdaptReport Adapt(const AdaptOptions& options, RunContext& context);

Json ToJson(const AdaptReport& report);

}  // namespace mapweave::pipelines
