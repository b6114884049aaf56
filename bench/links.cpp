// SPDX-License-Identifier: MIT
//
// Who is who between editions: ways of linking compared on the same outlines.
// Linkers are trained on simulated worlds in some hands and tested on worlds in
// the others, as drawn and with each edition displaced locally by some pixels;
// on the outlines that the checkpoint's segmenter finds and on the true ones.
// The segmenter itself may have seen all hands; every way gets its outlines.
//
//   links --checkpoint small.safetensors
#include "core/error.h"
#include "core/log.h"
#include "core/random.h"
#include "models/vis/link_trainer.h"
#include "models/vis/segmenter.h"
#include "synth/clip_source.h"
#include "synth/render.h"
#include "tracking/lineage.h"
#include "tracking/lineage_measures.h"
#include "tracking/link.h"
#include "tracking/measures.h"
#include "tracking/succession.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

namespace mapweave {
namespace {

using tracking::LineageKind;
using tracking::LinkOpinions;
using tracking::MatchScore;
using tracking::PairOpinion;
using tracking::TrackSet;

constexpr uint64_t kTrainSeed = 41;
constexpr uint64_t kTestSeed = 0x6c696e6b73ULL;
// A displacement of a pixels varies over at least this many times a pixels:
// paper and survey bend a line by some per cent, not more.
constexpr double kWaveOfShift = 42.0;
constexpr double kShortestWave = 126.0;
// Of a pair's features, those before the rims (tracking/link_graph.h).
constexpr int kFeaturesWithoutRims = 24;

struct Options {
  std::string checkpoint;
  std::vector<std::string> held_out = {"insurance", "brown-double", "colonial",
                                       "engraved"};
  std::vector<uint64_t> seeds = {1, 2, 3};
  std::vector<double> shifts = {0.0, 3.0, 6.0, 10.0};
  int clips = 300;
  int test_clips = 30;
  int test_px = 192;
  int64_t steps = 1200;
  bool ablate = false;
};

// Of each edition after the first, every point is displaced by `shift_px` in a
// direction that turns slowly over the clip.
void Displace(tracking::LabelledClip& labelled, double shift_px, Rng rng) {
  const double wave =
      std::max(kShortestWave, kWaveOfShift * shift_px) / 2.0 / std::numbers::pi;
  for (size_t t = 1; t < labelled.labels.size(); ++t) {
    const double phase = rng.Uniform(0.0, 2.0 * std::numbers::pi);
    const double angle = rng.Uniform(0.0, 2.0 * std::numbers::pi);
    const double kx = std::cos(angle) / wave;
    const double ky = std::sin(angle) / wave;
    const cv::Size size = labelled.labels[t].size();
    cv::Mat x(size, CV_32FC1);
    cv::Mat y(size, CV_32FC1);
    for (int row = 0; row < size.height; ++row) {
      for (int col = 0; col < size.width; ++col) {
        const double turn = kx * col + ky * row + phase;
        x.at<float>(row, col) =
            static_cast<float>(col + shift_px * std::cos(turn));
        y.at<float>(row, col) =
            static_cast<float>(row + shift_px * std::sin(turn));
      }
    }
    cv::Mat moved;
    cv::Mat& frame = labelled.clip.frames[t];
    cv::remap(frame, moved, x, y, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    frame = moved.clone();
    cv::Mat& coverage = labelled.clip.coverage[t];
    cv::remap(coverage, moved, x, y, cv::INTER_NEAREST, cv::BORDER_REPLICATE);
    coverage = moved.clone();
    // Labels are whole numbers below 2^24, which floats hold exactly.
    cv::Mat labels;
    labelled.labels[t].convertTo(labels, CV_32FC1);
    cv::remap(labels, moved, x, y, cv::INTER_NEAREST, cv::BORDER_CONSTANT);
    moved.convertTo(labelled.labels[t], CV_32SC1);
  }
}

synth::WorldClipOptions Clips(uint64_t seed, std::vector<std::string> hands) {
  synth::WorldClipOptions clips = synth::LinkingClipOptions();
  clips.seed = seed;
  clips.hands = std::move(hands);
  return clips;
}

std::vector<std::string> OtherHands(const std::vector<std::string>& held_out) {
  std::vector<std::string> hands = synth::HandNames();
  std::erase_if(hands, [&](const std::string& hand) {
    return std::ranges::find(held_out, hand) != held_out.end();
  });
  return hands;
}

// One clip to be linked, and its truth.
struct Case {
  vis::LinkLesson lesson;
  TrackSet truth;  // position = label - 1; some may be seen nowhere
  std::vector<tracking::LineageEvent> true_events;
  std::vector<cv::Mat> coverage;
};

struct CaseSet {
  std::string outlines;
  double shift_px = 0.0;
  double min_score = 0.0;
  std::vector<Case> cases;
};

std::vector<vis::LinkLesson> TrainingLessons(const Options& options,
                                             const vis::LessonMaker& maker) {
  const synth::WorldClipSource source(
      Clips(kTrainSeed, OtherHands(options.held_out)));
  std::vector<vis::LinkLesson> lessons;
  for (int i = 0; i < options.clips; ++i) {
    vis::LinkLessons made =
        maker.Make(source.GetLinked(static_cast<uint64_t>(i)));
    lessons.push_back(std::move(made.found));
    lessons.push_back(std::move(made.drawn));
    if (i % 50 == 49) LogInfo("{} clips for training", i + 1);
  }
  return lessons;
}

// As TracksFromLabels, but with every label's track at its place, though a
// displacement may have moved a building out of the clip.
TrackSet TruthTracks(const std::vector<cv::Mat>& labels) {
  double count = 0.0;
  for (const cv::Mat& image : labels) {
    double most = 0.0;
    cv::minMaxLoc(image, nullptr, &most);
    count = std::max(count, most);
  }
  TrackSet tracks;
  for (int label = 1; label <= static_cast<int>(count); ++label) {
    std::vector<tracking::Mask> masks;
    for (const cv::Mat& image : labels) {
      masks.push_back(tracking::Mask::FromLabels(
          image, label, cv::Rect({0, 0}, image.size())));
    }
    tracks.push_back(tracking::TrackAsDrawn(std::move(masks), 1.0f));
  }
  return tracks;
}

// The true events of which both drawings are still in the clip.
std::vector<tracking::LineageEvent> SeenEvents(const tracking::LinkedClip& clip,
                                               const TrackSet& truth) {
  std::vector<tracking::LineageEvent> events =
      tracking::TrueLineage(clip.links);
  std::erase_if(events, [&](const tracking::LineageEvent& event) {
    const auto is_gone = [&](std::optional<size_t> track, size_t edition) {
      return track &&
             (*track >= truth.size() || truth[*track].masks[edition].IsEmpty());
    };
    return is_gone(event.from_track, event.from_edition) ||
           is_gone(event.to_track, event.to_edition);
  });
  return events;
}

// Found and true outlines of the test clips, displaced by each shift.
std::vector<CaseSet> TestCases(const Options& options,
                               const vis::LessonMaker& maker) {
  synth::WorldClipOptions clips = Clips(kTestSeed, options.held_out);
  clips.size_px = options.test_px;
  clips.min_editions = clips.max_editions = 4;
  clips.min_distortion_px = 0.0;
  clips.max_distortion_px = 2.0;
  clips.hole = 0.0;
  const synth::WorldClipSource source(clips);
  std::vector<CaseSet> sets;
  for (const double shift : options.shifts) {
    sets.push_back({"found", shift, maker.MinScore(), {}});
    sets.push_back({"true", shift, 0.0, {}});
  }
  for (int i = 0; i < options.test_clips; ++i) {
    const tracking::LinkedClip clip =
        source.GetLinked(static_cast<uint64_t>(i));
    for (size_t s = 0; s < options.shifts.size(); ++s) {
      tracking::LinkedClip moved = clip;
      for (cv::Mat& labels : moved.labelled.labels) labels = labels.clone();
      Displace(moved.labelled, options.shifts[s],
               Rng(kTestSeed, static_cast<uint64_t>(i)));
      vis::LinkLessons lessons = maker.Make(moved);
      Case base;
      base.truth = TruthTracks(moved.labelled.labels);
      base.true_events = SeenEvents(moved, base.truth);
      base.coverage = moved.labelled.clip.coverage;
      Case found = base;
      found.lesson = std::move(lessons.found);
      base.lesson = std::move(lessons.drawn);
      sets[2 * s].cases.push_back(std::move(found));
      sets[2 * s + 1].cases.push_back(std::move(base));
    }
    LogInfo("test clip {}", i + 1);
  }
  return sets;
}

// Tracks of one lesson's instances, and what is thought of their kinship.
struct Linked {
  TrackSet tracks;
  std::vector<tracking::Relation> relations;
};
using Way = std::function<Linked(const vis::LinkLesson&)>;

struct Score {
  double link_f1 = 0.0;
  double track_f1 = 0.0;
  std::map<LineageKind, double> lineage_f1;
};

bool IsSeen(const tracking::Track& track) {
  return std::ranges::any_of(track.masks,
                             [](const auto& mask) { return !mask.IsEmpty(); });
}

Score Measure(const CaseSet& set, const Way& way) {
  std::vector<tracking::SeriesTracks> series;
  std::map<LineageKind, MatchScore> lineage;
  const tracking::LineageOptions options;
  for (const Case& test : set.cases) {
    Linked linked = way(test.lesson);
    TrackSet& tracks = linked.tracks;
    std::erase_if(tracks, [&](const tracking::Track& track) {
      return static_cast<double>(track.score) < set.min_score;
    });
    const auto coverage = tracking::CoverageOfTracks(tracks, test.coverage);
    const std::vector<tracking::LineageEvent> events =
        tracking::DeriveHistory(tracks, coverage, options, linked.relations);
    for (const auto& [kind, score] : tracking::EvaluateLineage(
             {tracks, events}, {test.truth, test.true_events})) {
      lineage[kind] += score;
    }
    TrackSet truth = test.truth;
    std::erase_if(truth, [](const auto& track) { return !IsSeen(track); });
    series.push_back({std::move(tracks), std::move(truth)});
  }
  const tracking::Measures measures = tracking::Evaluate(series, {});
  Score score{measures.link_f1, measures.track_f1, {}};
  for (const auto& [kind, counts] : lineage) {
    score.lineage_f1[kind] = counts.F1();
  }
  return score;
}

Way Learned(const vis::LinkFit& fit, tracking::LinkDecision decision) {
  return [&fit, decision](const vis::LinkLesson& lesson) {
    const auto& instances = lesson.scene.per_edition;
    const LinkOpinions opinions = vis::Judge(*fit.linker, lesson.graph);
    return Linked{
        tracking::DecideTracks(instances, lesson.graph, opinions.pairs,
                               decision),
        tracking::RelationsOf(instances, lesson.graph, opinions.pairs)};
  };
}

// The same, and tracks go that are more likely no buildings, whatever the
// network's own score.
Way LearnedWithInstances(const vis::LinkFit& fit,
                         tracking::LinkDecision decision) {
  return [&fit, decision](const vis::LinkLesson& lesson) {
    const LinkOpinions opinions = vis::Judge(*fit.linker, lesson.graph);
    const auto instances =
        tracking::Rescored(lesson.scene.per_edition, lesson.graph, opinions);
    Linked linked{
        tracking::DecideTracks(instances, lesson.graph, opinions.pairs,
                               decision),
        tracking::RelationsOf(instances, lesson.graph, opinions.pairs)};
    for (tracking::Track& track : linked.tracks) {
      track.score = track.score < 0.5f ? 0.0f : 1.0f;
    }
    return linked;
  };
}

// The pairs of the learned linker, judged by their overlap alone.
Linked ByOverlap(const vis::LinkLesson& lesson) {
  std::vector<PairOpinion> opinions;
  for (const tracking::LinkPair& pair : lesson.graph.pairs) {
    opinions.push_back({std::max(pair.from_older[0], pair.from_newer[0]), 0});
  }
  return {
      tracking::DecideTracks(lesson.scene.per_edition, lesson.graph, opinions,
                             {tracking::LinkMethod::kAssignment, 0.25}),
      {}};
}

// How far the candidates go.
Linked ByTruth(const vis::LinkLesson& lesson) {
  constexpr float kSure = 0.99f;
  const auto sure = [](tracking::Answer answer) {
    return answer == tracking::Answer::kYes ? kSure : 1.0f - kSure;
  };
  std::vector<PairOpinion> opinions;
  for (const tracking::PairTruth& truth : lesson.truth) {
    opinions.push_back({sure(truth.same), sure(truth.related)});
  }
  const auto& instances = lesson.scene.per_edition;
  return {tracking::DecideTracks(instances, lesson.graph, opinions, {}),
          tracking::RelationsOf(instances, lesson.graph, opinions)};
}

Linked HandSet(const vis::LinkLesson& lesson, int max_span) {
  tracking::LinkOptions options;
  options.min_iou = 0.25;
  options.max_span = max_span;
  return {tracking::LinkInstances(lesson.scene.per_edition, {}, options), {}};
}

std::string Text(const std::vector<double>& values) {
  double mean = 0.0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  if (values.size() < 2) return fmt::format("{:.3f}", mean);
  double sum = 0.0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return fmt::format("{:.3f} ± {:.3f}", mean,
                     std::sqrt(sum / static_cast<double>(values.size() - 1)));
}

void PrintRow(const CaseSet& set, const std::string& name,
              const std::vector<Way>& ways) {
  std::vector<double> links;
  std::vector<double> tracks;
  std::map<LineageKind, std::vector<double>> kinds;
  for (const Way& way : ways) {
    const Score score = Measure(set, way);
    links.push_back(score.link_f1);
    tracks.push_back(score.track_f1);
    for (const auto& [kind, f1] : score.lineage_f1) kinds[kind].push_back(f1);
  }
  fmt::print("| {} | {:g} | {} | {} | {} |", set.outlines, set.shift_px, name,
             Text(links), Text(tracks));
  for (const LineageKind kind :
       {LineageKind::kPersist, LineageKind::kEnlarge, LineageKind::kRebuild,
        LineageKind::kSplit, LineageKind::kMerge}) {
    fmt::print(" {} |", kinds[kind].empty() ? "-" : Text(kinds[kind]));
  }
  fmt::print("\n");
  std::fflush(stdout);
}

void Run(const Options& options, RunContext& context) {
  const vis::LessonMaker maker(options.checkpoint, "cpu");
  const std::vector<vis::LinkLesson> lessons = TrainingLessons(options, maker);
  const std::vector<CaseSet> sets = TestCases(options, maker);
  const auto fit_all = [&](vis::LinkFitOptions fit) {
    std::vector<vis::LinkFit> fits;
    fit.steps = options.steps;
    for (const uint64_t seed : options.seeds) {
      fit.seed = seed;
      fits.push_back(vis::FitLinker(lessons, fit, context));
      LogInfo("seed {}: loss {:.4f}", seed, fits.back().loss);
    }
    return fits;
  };
  const std::vector<vis::LinkFit> fits = fit_all({});
  std::vector<vis::LinkFit> colourless;
  std::vector<vis::LinkFit> rimless;
  if (options.ablate) {
    vis::LinkFitOptions fit;
    fit.colours = false;
    colourless = fit_all(fit);
    fit = {};
    fit.pair_features = kFeaturesWithoutRims;
    rimless = fit_all(fit);
  }
  const auto ways = [](const std::vector<vis::LinkFit>& from,
                       tracking::LinkMethod method) {
    std::vector<Way> result;
    for (const vis::LinkFit& fit : from) {
      result.push_back(Learned(fit, {method, 0.5}));
    }
    return result;
  };
  using tracking::LinkMethod;
  fmt::print(
      "| outlines | px | linker | link F1 | track F1 | persist | enlarge | "
      "rebuild | split | merge |\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (const CaseSet& set : sets) {
    PrintRow(set, "IoU as they lie", {[](const vis::LinkLesson& lesson) {
               return Linked{tracking::LinkByIoU(lesson.scene.per_edition), {}};
             }});
    PrintRow(set, "overlap, as without a linker",
             {[](const vis::LinkLesson& lesson) {
               return HandSet(lesson, tracking::LinkOptions{}.max_span);
             }});
    PrintRow(set, "overlap of the candidates", {ByOverlap});
    PrintRow(set, "learned", ways(fits, LinkMethod::kAssignment));
    std::vector<Way> with_instances;
    for (const vis::LinkFit& fit : fits) {
      with_instances.push_back(
          LearnedWithInstances(fit, {LinkMethod::kAssignment, 0.5}));
    }
    PrintRow(set, "learned, instances judged too", with_instances);
    if (!options.ablate) continue;
    PrintRow(set, "learned, all editions at once",
             ways(fits, LinkMethod::kContraction));
    PrintRow(set, "learned, without colours",
             ways(colourless, LinkMethod::kAssignment));
    PrintRow(set, "learned, without rims",
             ways(rimless, LinkMethod::kAssignment));
    PrintRow(set, "if every candidate were judged rightly", {ByTruth});
  }
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app{"Ways of linking compared on the same outlines"};
  app.add_option("--checkpoint", options.checkpoint)->required();
  app.add_option("--held-out", options.held_out, "Hands for the test alone")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--seeds", options.seeds)
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--shifts", options.shifts, "Local displacements in pixels")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--clips", options.clips, "For training")
      ->capture_default_str();
  app.add_option("--test-clips", options.test_clips)->capture_default_str();
  app.add_option("--test-px", options.test_px)->capture_default_str();
  app.add_option("--steps", options.steps)->capture_default_str();
  app.add_flag("--ablate", options.ablate, "Compare with less, and with more");
  CLI11_PARSE(app, argc, argv);
  CancelToken cancel;
  CancelOnSignals(cancel);
  Progress progress;
  RunContext context{progress, cancel};
  try {
    vis::SetTorchThreads(1);
    Run(options, context);
  } catch (const Error& error) {
    LogError("{}", error.what());
    return static_cast<int>(error.Code());
  }
  return 0;
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) { return mapweave::Main(argc, argv); }
