// SPDX-License-Identifier: MIT
#include "models/vis/link_trainer.h"

#include "core/error.h"
#include "core/random.h"
#include "models/nn/adamw.h"
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "models/vis/link_net.h"
#include "models/vis/segmenter.h"
#include "tracking/link.h"
#include "tracking/measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <optional>
#include <utility>

namespace mapweave::vis {
namespace {

using tracking::Answer;
using tracking::LinkGraph;
using tracking::PairTruth;
using tracking::TrackSet;

constexpr uint64_t kWeightStream = 1;
constexpr uint64_t kOrderStream = 2;

void CheckRange(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the option {} of the linker's training is {}, must "
                          "be {} to {}",
                          name, value, low, high));
}

bool IsAsked(const PairTruth& truth) { return truth.same != Answer::kNotAsked; }

int64_t CountAsked(const LinkLesson& lesson) {
  return std::count_if(lesson.truth.begin(), lesson.truth.end(), IsAsked);
}

// [P, 2] float32: the right answers, and [P, 1] whether they are asked for.
std::pair<torch::Tensor, torch::Tensor> Answers(
    const std::vector<const LinkLesson*>& lessons) {
  std::vector<float> answers;
  std::vector<float> asked;
  for (const LinkLesson* lesson : lessons) {
    for (const PairTruth& truth : lesson->truth) {
      answers.push_back(truth.same == Answer::kYes ? 1.0f : 0.0f);
      answers.push_back(truth.related == Answer::kYes ? 1.0f : 0.0f);
      asked.push_back(IsAsked(truth) ? 1.0f : 0.0f);
    }
  }
  return {torch::tensor(answers).view({-1, 2}),
          torch::tensor(asked).view({-1, 1})};
}

// [N] float32: whether each instance is a building, and whether it is asked.
std::pair<torch::Tensor, torch::Tensor> InstanceAnswers(
    const std::vector<const LinkLesson*>& lessons) {
  std::vector<float> answers;
  std::vector<float> asked;
  for (const LinkLesson* lesson : lessons) {
    for (size_t n = 0; n < lesson->graph.nodes.size(); ++n) {
      const Answer truth =
          lesson->instances.empty() ? Answer::kNotAsked : lesson->instances[n];
      answers.push_back(truth == Answer::kYes ? 1.0f : 0.0f);
      asked.push_back(truth == Answer::kNotAsked ? 0.0f : 1.0f);
    }
  }
  return {torch::tensor(answers), torch::tensor(asked)};
}

// Mean over what is asked; 0 if nothing is.
torch::Tensor MeanLoss(const torch::Tensor& logits,
                       const std::pair<torch::Tensor, torch::Tensor>& truth) {
  const auto& [answers, asked] = truth;
  const torch::Tensor losses =
      torch::binary_cross_entropy_with_logits(logits, answers, {}, {},
                                              at::Reduction::None) *
      asked;
  return losses.sum() / asked.sum().clamp_min(1.0f);
}

torch::Tensor LossOf(LinkNet& net,
                     const std::vector<const LinkLesson*>& lessons) {
  std::vector<const LinkGraph*> graphs;
  for (const LinkLesson* lesson : lessons) graphs.push_back(&lesson->graph);
  const LinkLogits logits = net(MakeLinkBatch(graphs));
  const torch::Tensor loss = MeanLoss(logits.pairs, Answers(lessons));
  if (!logits.instances.defined()) return loss;
  return loss + MeanLoss(logits.instances, InstanceAnswers(lessons));
}

double LearningRate(const LinkFitOptions& options, int64_t step) {
  const double warmup = std::min(
      1.0, static_cast<double>(step + 1) /
               std::max(1.0, static_cast<double>(options.warmup_steps)));
  const double done =
      static_cast<double>(step) / static_cast<double>(options.steps);
  return options.learning_rate * warmup * 0.5 *
         (1.0 + std::cos(std::numbers::pi * done));
}

// Hands out the lessons in random order, again and again.
class LessonOrder {
 public:
  LessonOrder(const std::vector<LinkLesson>& lessons, Rng rng) : rng_(rng) {
    for (const LinkLesson& lesson : lessons) {
      if (CountAsked(lesson) > 0) order_.push_back(&lesson);
    }
    if (order_.empty()) {
      throw Error(ErrorCode::kUsage,
                  "the clips have no two buildings to be linked",
                  "train the linker on more clips");
    }
    at_ = order_.size();
  }

  std::vector<const LinkLesson*> Take(int count) {
    std::vector<const LinkLesson*> taken;
    for (int i = 0; i < count; ++i) {
      if (at_ == order_.size()) {
        rng_.Shuffle(order_);
        at_ = 0;
      }
      taken.push_back(order_[at_++]);
    }
    return taken;
  }

 private:
  Rng rng_;
  std::vector<const LinkLesson*> order_;
  size_t at_ = 0;
};

LinkLesson MakeLesson(tracking::LinkScene scene,
                      const tracking::LinkedClip& clip) {
  LinkLesson lesson;
  lesson.graph = tracking::BuildLinkGraph(scene, &clip.labelled.clip);
  lesson.truth = tracking::TruthOfPairs(scene.per_edition, lesson.graph, clip);
  lesson.scene = std::move(scene);
  // Only registration needs it, and it is most of the memory.
  lesson.scene.foreground.clear();
  return lesson;
}

// Validation lessons and what is true of their clips.
struct LinkValidation {
  std::vector<LinkLesson> lessons;
  std::vector<TrackSet> truth;
  double min_score = 0.0;
};

template <typename Link>
ValidationScores ScoresOf(const LinkValidation& validation, double min_score,
                          Link&& link) {
  std::vector<tracking::SeriesTracks> series;
  for (size_t i = 0; i < validation.lessons.size(); ++i) {
    series.push_back({link(validation.lessons[i]), validation.truth[i]});
  }
  tracking::MeasureOptions measure;
  measure.min_score = min_score;
  const tracking::Measures measures = tracking::Evaluate(series, measure);
  tracking::MatchScore detections;
  for (const auto& edition : measures.editions) detections += edition.counts;
  return {detections.F1(), measures.link_f1, measures.track_f1,
          measures.ap_unlimited, min_score};
}

ValidationScores HandSetScores(const LinkValidation& validation,
                               double min_iou) {
  tracking::LinkOptions options;
  options.min_iou = min_iou;
  return ScoresOf(
      validation, validation.min_score, [&](const LinkLesson& lesson) {
        return tracking::LinkInstances(lesson.scene.per_edition, {}, options);
      });
}

// Chooses the threshold of links, and where instances are judged the least
// score of a track, for the best sum of detection, link and track F1.
ValidationScores CalibrateLinks(const LinkValidation& validation,
                                Linker& linker) {
  std::vector<tracking::LinkOpinions> opinions;
  for (const LinkLesson& lesson : validation.lessons) {
    opinions.push_back(JudgeGraph(linker.net, lesson.graph));
  }
  ValidationScores best;
  double best_sum = -1.0;
  const auto attempt = [&](double threshold, double min_score) {
    const tracking::LinkDecision decision{linker.decision.method, threshold};
    size_t at = 0;
    const ValidationScores scores =
        ScoresOf(validation, min_score, [&](const LinkLesson& lesson) {
          const tracking::LinkOpinions& thought = opinions[at++];
          return tracking::DecideTracks(
              tracking::Rescored(lesson.scene.per_edition, lesson.graph,
                                 thought),
              lesson.graph, thought.pairs, decision);
        });
    const double sum = scores.detection_f1 + scores.link_f1 + scores.track_f1;
    if (sum <= best_sum) return;
    best_sum = sum;
    best = scores;
    linker.decision = decision;
  };
  const bool judged = linker.net->Config().judges_instances;
  // From the middle outwards, as in CalibrateScore.
  for (const double threshold : {0.5, 0.4, 0.6, 0.3, 0.7, 0.2}) {
    attempt(threshold, judged ? 0.5 : validation.min_score);
  }
  if (!judged) return best;
  const double threshold = linker.decision.threshold;
  for (const double min_score :
       {0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.75, 0.8, 0.85, 0.9}) {
    attempt(threshold, min_score);
  }
  linker.min_score = best.threshold;
  return best;
}

}  // namespace

struct LessonMaker::Parts {
  Compute compute;
  Checkpoint checkpoint;
};

LessonMaker::LessonMaker(const std::string& checkpoint,
                         const std::string& device)
    : LessonMaker(
          Parts{ToCompute(device, "auto"), LoadCheckpoint(checkpoint)}) {}

LessonMaker::LessonMaker(Parts parts)
    : parts_(std::make_unique<Parts>(std::move(parts))) {
  parts_->checkpoint.network->Module().to(parts_->compute.device);
}

LessonMaker::~LessonMaker() = default;

LinkLessons LessonMaker::Make(const tracking::LinkedClip& clip) const {
  const tracking::LabelledClip& labelled = clip.labelled;
  Network& network = *parts_->checkpoint.network;
  const std::unique_ptr<Prediction> prediction = WithTorchErrors(
      "finding instances",
      [&] { return network.Predict(labelled.clip, parts_->compute); });
  std::optional<tracking::LinkScene> found = network.Instances(
      *prediction, labelled.clip.coverage, parts_->checkpoint.decode);
  if (!found) {
    throw Error(ErrorCode::kUsage,
                "a network of the family \"" + network.Family() +
                    "\" finds whole tracks: there is nothing to link",
                "train linkers for networks of the dense family");
  }
  tracking::LinkScene drawn;
  drawn.per_edition = tracking::InstancesFromLabels(labelled.labels);
  drawn.centres = network.CentreVotes(*prediction, drawn.per_edition);
  LinkLessons lessons{MakeLesson(std::move(*found), clip),
                      MakeLesson(std::move(drawn), clip)};
  // Of true outlines there is nothing to ask: all of them are buildings.
  lessons.found.instances = tracking::TruthOfInstances(
      lessons.found.scene.per_edition, lessons.found.graph, labelled.labels);
  return lessons;
}

double LessonMaker::MinScore() const {
  return parts_->checkpoint.decode.at("min_score").get<double>();
}

void LinkFitOptions::Validate() const {
  CheckRange("steps", static_cast<double>(steps), 1, 1e7);
  CheckRange("lessons_per_step", lessons_per_step, 1, 1024);
  CheckRange("learning_rate", learning_rate, 1e-9, 1.0);
  CheckRange("warmup_steps", warmup_steps, 0, 1e7);
  CheckRange("weight_decay", weight_decay, 0.0, 10.0);
  CheckRange("clip_norm", clip_norm, 1e-6, 1e9);
  CheckRange("pair_features", pair_features, 1, tracking::kPairFeatures);
}

void LinkTrainOptions::Validate() const {
  CheckRange("clips", clips, 1, 1e6);
  CheckRange("validation_clips", validation_clips, 1, 1e6);
  CheckRange("threads", threads, 1, 1024);
  fit.Validate();
}

LinkFit FitLinker(const std::vector<LinkLesson>& lessons,
                  const LinkFitOptions& options, RunContext& context) {
  options.Validate();
  LinkNetConfig config;
  config.colours = options.colours;
  config.from_overlap = options.from_overlap;
  config.judges_instances = options.judges_instances;
  config.pair_features = options.pair_features;
  LinkNet net(config, Rng(options.seed, kWeightStream));
  nn::AdamWOptions adamw;
  adamw.weight_decay = options.weight_decay;
  adamw.ema_decay = 0.99;
  nn::AdamW optimiser(*net, adamw);
  LessonOrder order(lessons, Rng(options.seed, kOrderStream));
  LinkFit fit;
  const int64_t tail = std::max<int64_t>(1, options.steps / 10);
  for (int64_t step = 0; step < options.steps; ++step) {
    context.cancel.ThrowIfCancelled();
    const torch::Tensor loss =
        LossOf(net, order.Take(options.lessons_per_step));
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      throw Error(
          ErrorCode::kFailure,
          fmt::format("the linker's training diverged at step {}", step),
          "start again with a lower learning rate");
    }
    optimiser.ZeroGrad();
    loss.backward();
    optimiser.Step(LearningRate(options, step), optimiser.GradientNorm(),
                   options.clip_norm);
    if (step >= options.steps - tail) {
      fit.loss += value / static_cast<double>(tail);
    }
  }
  optimiser.SwapAverage();
  fit.linker = std::make_shared<Linker>();
  fit.linker->net = net;
  return fit;
}

tracking::LinkOpinions Judge(const Linker& linker, const LinkGraph& graph) {
  LinkNet net = linker.net;
  return JudgeGraph(net, graph);
}

LinkTrainResult TrainLinks(const tracking::LinkedClipSource& train,
                           const tracking::LinkedClipSource& validation,
                           const LinkTrainOptions& options,
                           RunContext& context) {
  options.Validate();
  SetTorchThreads(options.threads);
  const LessonMaker maker(options.checkpoint, options.device);
  const int64_t clips = options.clips + options.validation_clips;
  context.progress.Start("look at clips", clips, 0);
  std::vector<LinkLesson> lessons;
  for (int i = 0; i < options.clips; ++i) {
    context.cancel.ThrowIfCancelled();
    LinkLessons made = maker.Make(train.GetLinked(static_cast<uint64_t>(i)));
    lessons.push_back(std::move(made.found));
    lessons.push_back(std::move(made.drawn));
    context.progress.Advance();
  }
  LinkValidation set;
  set.min_score = maker.MinScore();
  for (int i = 0; i < options.validation_clips; ++i) {
    context.cancel.ThrowIfCancelled();
    const tracking::LinkedClip clip =
        validation.GetLinked(static_cast<uint64_t>(i));
    set.lessons.push_back(maker.Make(clip).found);
    set.truth.push_back(tracking::TracksFromLabels(clip.labelled.labels));
    context.progress.Advance();
  }
  context.progress.Finish();

  const LinkFit fit = WithTorchErrors("training the linker", [&] {
    return FitLinker(lessons, options.fit, context);
  });
  LinkTrainResult result;
  result.lessons = static_cast<int64_t>(lessons.size());
  for (const LinkLesson& lesson : lessons) result.pairs += CountAsked(lesson);
  result.loss = fit.loss;
  result.before = HandSetScores(set, tracking::LinkOptions{}.min_iou);
  result.after = CalibrateLinks(set, *fit.linker);
  result.link_threshold = fit.linker->decision.threshold;
  result.min_score = result.after.threshold;
  fit.linker->training = {{"clips", options.clips},
                          {"pairs", result.pairs},
                          {"steps", options.fit.steps},
                          {"seed", options.fit.seed},
                          {"loss", result.loss},
                          {"validation_clips", options.validation_clips},
                          {"link_f1", result.after.link_f1},
                          {"track_f1", result.after.track_f1}};
  Checkpoint checkpoint = LoadCheckpoint(options.checkpoint);
  checkpoint.linker = fit.linker;
  SaveCheckpoint(options.checkpoint, checkpoint);
  return result;
}

}  // namespace mapweave::vis
