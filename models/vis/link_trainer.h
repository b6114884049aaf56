// SPDX-License-Identifier: MIT
//
// Training of the learned linker on clips whose links are known, with the
// segmenter frozen: it learns from the outlines that this segmenter finds, and
// from the true ones, so that it does not lean on the segmenter's habits alone.
// No Torch here, so that its users do not pay for Torch headers.
#pragma once

#include "core/progress.h"
#include "models/vis/trainer.h"
#include "tracking/link_decision.h"
#include "tracking/link_graph.h"
#include "tracking/link_truth.h"
#include "tracking/linked_clip.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mapweave::vis {

struct Linker;  // link_net.h

// A window's instances and what is true of them and of their pairs.
struct LinkLesson {
  tracking::LinkScene scene;  // without the foreground
  tracking::LinkGraph graph;
  std::vector<tracking::PairTruth> truth;
  // One per node of the graph; empty = nothing is asked of single instances.
  std::vector<tracking::Answer> instances;
};

// The two lessons of one clip.
struct LinkLessons {
  LinkLesson found;  // by the segmenter
  LinkLesson drawn;  // the true outlines
};

// Turns clips into lessons with a trained checkpoint.
class LessonMaker {
 public:
  // Throws as LoadSegmenter.
  LessonMaker(const std::string& checkpoint, const std::string& device);
  ~LessonMaker();
  LessonMaker(const LessonMaker&) = delete;
  LessonMaker& operator=(const LessonMaker&) = delete;

  // Throws Error{kUsage} if the checkpoint's network finds tracks and not
  // instances, so that there is nothing to link.
  LinkLessons Make(const tracking::LinkedClip& clip) const;
  // Below which the checkpoint drops tracks.
  double MinScore() const;

 private:
  struct Parts;
  explicit LessonMaker(Parts parts);
  std::unique_ptr<Parts> parts_;
};

struct LinkFitOptions {
  int64_t steps = 1500;
  int lessons_per_step = 8;
  double learning_rate = 3e-3;
  int warmup_steps = 50;
  double weight_decay = 0.02;
  double clip_norm = 1.0;
  uint64_t seed = 1;
  // See LinkNetConfig.
  bool colours = true;
  bool from_overlap = true;
  bool judges_instances = true;
  int pair_features = tracking::kPairFeatures;

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct LinkFit {
  std::shared_ptr<Linker> linker;
  // Mean binary cross-entropy, of pairs plus of instances, over the last tenth
  // of the steps.
  double loss = 0.0;
};

// The result depends on the lessons and the options alone. Throws
// Error{kUsage} if no lesson has a pair of which something is asked,
// Error{kInterrupted} when cancelled, and Error{kFailure} when the loss is no
// longer finite.
LinkFit FitLinker(const std::vector<LinkLesson>& lessons,
                  const LinkFitOptions& options, RunContext& context);

// What the linker thinks of the graph.
tracking::LinkOpinions Judge(const Linker& linker,
                             const tracking::LinkGraph& graph);

struct LinkTrainOptions {
  // Read and written: the linker is put into it, all else stays.
  std::string checkpoint;
  std::string device = "cpu";  // of the segmenter; the linker stays on the CPU
  int threads = 1;             // of the arithmetic
  // Clips 0 .. n-1 of the two sources are used.
  int clips = 600;
  int validation_clips = 40;
  LinkFitOptions fit;

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct LinkTrainResult {
  int64_t lessons = 0;
  int64_t pairs = 0;  // of which something was asked
  double loss = 0.0;
  // On the validation clips, with the checkpoint's minimal score: with the
  // hand-set linker, and with the learned one at the threshold that did best.
  ValidationScores before;
  ValidationScores after;
  double link_threshold = 0.5;
  double min_score = 0.0;  // of a track, with the learned linker
};

// Throws what LessonMaker and FitLinker throw.
LinkTrainResult TrainLinks(const tracking::LinkedClipSource& train,
                           const tracking::LinkedClipSource& validation,
                           const LinkTrainOptions& options,
                           RunContext& context);

}  // namespace mapweave::vis
