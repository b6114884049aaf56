// SPDX-License-Identifier: MIT
#include "tracking/link.h"

#include "core/error.h"
#include "tracking/assignment.h"
#include "tracking/box_index.h"
#include "tracking/link_chains.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace mapweave::tracking {
namespace {

using Editions = std::vector<std::vector<Instance>>;

// Probability from which a map's pixel counts as drawn.
constexpr double kForeground = 0.5;
// A shift one pixel farther from the clip's must overlap this much better.
constexpr double kShiftReluctance = 0.01;
// How fast the probability of a link rises with the overlap. In simulated towns
// nine in ten of the links at an IoU of a half are right.
constexpr double kProbabilityGain = 4.0;

void CheckRange(double value, double low, double high, const char* name) {
  if (!(value >= low && value <= high)) {
    throw Error(ErrorCode::kUsage, std::string(name) + " is out of range: " +
                                       std::to_string(value));
  }
}

Mask UnionOf(const std::vector<Instance>& instances) {
  std::vector<Run> runs;
  for (const Instance& instance : instances) {
    runs.insert(runs.end(), instance.mask.Runs().begin(),
                instance.mask.Runs().end());
  }
  return Mask::FromRuns(std::move(runs));
}

// What one edition is registered and searched by.
struct EditionView {
  EditionView(const std::vector<Instance>& list, Mask all_drawn)
      : instances(list), drawn(std::move(all_drawn)) {
    for (size_t i = 0; i < list.size(); ++i) {
      index.Insert(static_cast<int>(i), list[i].mask.Bounds());
    }
  }
  const std::vector<Instance>& instances;
  Mask drawn;  // all that is drawn as a building
  BoxIndex index;
};

// The shift within `reach` of `middle` that brings `a` to overlap `b` best.
cv::Point BestOverlap(const Mask& a, const Mask& b, cv::Point middle,
                      int reach) {
  cv::Point best = middle;
  double best_value = 0.0;
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      const cv::Point shift = middle + cv::Point(dx, dy);
      const double overlap = static_cast<double>(a.IntersectionArea(b, shift));
      const double value =
          overlap * (1.0 - kShiftReluctance * std::hypot(dx, dy));
      // The middle comes first among equals.
      if (value > best_value || (value == best_value && dx == 0 && dy == 0)) {
        best_value = value;
        best = shift;
      }
    }
  }
  return best;
}

// The shift near `whole` that fits the surroundings of `mask`. Everything
// around counts, so that a house in a row of equal ones is not moved onto its
// neighbour.
cv::Point LocalShift(const Mask& mask, const EditionView& a,
                     const EditionView& b, cv::Point whole,
                     const LinkOptions& options) {
  if (options.neighbourhood_px == 0) return whole;
  const int half = options.neighbourhood_px / 2;
  const cv::Rect bounds = mask.Bounds();
  const cv::Point centre = (bounds.tl() + bounds.br()) / 2;
  const cv::Rect around(centre.x - half, centre.y - half, 2 * half, 2 * half);
  return BestOverlap(a.drawn.Clipped(bounds | around), b.drawn, whole,
                     options.max_local_shift_px);
}

// The two editions of one round of linking.
struct EditionPair {
  int older = 0;
  int newer = 0;
  cv::Point shift;
};

// All pairs that pass the gate, among the instances that are still free;
// `weight` is the IoU.
std::vector<Candidate> FindCandidates(const std::vector<EditionView>& views,
                                      const EditionPair& pair,
                                      const Chains& chains,
                                      const LinkOptions& options) {
  const EditionView& a = views[pair.older];
  const EditionView& b = views[pair.newer];
  std::vector<Candidate> candidates;
  for (int i = 0; i < static_cast<int>(a.instances.size()); ++i) {
    const Mask& mask = a.instances[i].mask;
    if (mask.IsEmpty() || !chains.IsEnd(pair.older, i)) continue;
    const cv::Point shift = LocalShift(mask, a, b, pair.shift, options);
    const Mask moved = mask.Translated(shift.x, shift.y);
    for (const int j : b.index.Overlapping(moved.Bounds())) {
      if (!chains.IsStart(pair.newer, j)) continue;
      const Mask& other = b.instances[j].mask;
      const double iou = IoU(moved, other);
      if (iou < options.min_iou || iou <= 0.0) continue;
      candidates.push_back({i, j, iou});
    }
  }
  return candidates;
}

// The highest weight in each row or column besides the candidate's own.
class Rivals {
 public:
  explicit Rivals(const std::vector<Candidate>& candidates) {
    for (const Candidate& candidate : candidates) {
      Note(rows_[candidate.row], candidate.weight);
      Note(cols_[candidate.col], candidate.weight);
    }
  }
  double Of(const Candidate& candidate) const {
    return std::max(Besides(rows_.at(candidate.row), candidate.weight),
                    Besides(cols_.at(candidate.col), candidate.weight));
  }

 private:
  using TopTwo = std::pair<double, double>;  // descending
  static void Note(TopTwo& top, double weight) {
    top.second = std::max(top.second, std::min(top.first, weight));
    top.first = std::max(top.first, weight);
  }
  static double Besides(const TopTwo& top, double weight) {
    return weight == top.first ? top.second : top.first;
  }

  std::map<int, TopTwo> rows_;
  std::map<int, TopTwo> cols_;
};

double ProbabilityOf(double iou, double rival) {
  return 1.0 / (1.0 + std::exp(-kProbabilityGain * (iou - 0.5 * rival)));
}

void LinkPair(const std::vector<EditionView>& views, const EditionPair& pair,
              const LinkOptions& options, Chains& chains) {
  const std::vector<Candidate> candidates =
      FindCandidates(views, pair, chains, options);
  const Rivals rivals(candidates);
  std::map<std::pair<int, int>, double> probability;
  std::vector<Candidate> weighted;
  for (Candidate candidate : candidates) {
    double likely = ProbabilityOf(candidate.weight, rivals.Of(candidate));
    if (options.affinity) {
      likely = std::clamp(options.affinity({pair.older, candidate.row},
                                           {pair.newer, candidate.col}),
                          0.0, 1.0);
      candidate.weight *= likely;
    }
    if (likely < options.min_probability) continue;
    probability[{candidate.row, candidate.col}] = likely;
    weighted.push_back(candidate);
  }
  for (const Candidate& chosen : MatchByWeight(std::move(weighted))) {
    chains.Link({pair.older, chosen.row}, {pair.newer, chosen.col},
                probability.at({chosen.row, chosen.col}));
  }
}

bool HasFreePair(const Editions& editions, const Chains& chains, int older,
                 int newer) {
  const auto any = [](size_t count, auto is_free) {
    for (size_t i = 0; i < count; ++i) {
      if (is_free(static_cast<int>(i))) return true;
    }
    return false;
  };
  return any(editions[older].size(),
             [&](int i) { return chains.IsEnd(older, i); }) &&
         any(editions[newer].size(),
             [&](int i) { return chains.IsStart(newer, i); });
}

}  // namespace

void LinkOptions::Validate() const {
  CheckRange(min_iou, 0.0, 1.0, "min_iou");
  CheckRange(min_probability, 0.0, 1.0, "min_probability");
  CheckRange(max_span, 1, 1000, "max_span");
  CheckRange(max_shift_px, 0, 1000, "max_shift_px");
  CheckRange(neighbourhood_px, 0, 1e6, "neighbourhood_px");
  CheckRange(max_local_shift_px, 0, 100, "max_local_shift_px");
}

TrackSet LinkInstances(const Editions& per_edition,
                       const std::vector<cv::Mat>& foreground,
                       const LinkOptions& options) {
  options.Validate();
  const int count = static_cast<int>(per_edition.size());
  MAPWEAVE_CHECK(foreground.empty() || foreground.size() == per_edition.size());
  for (const cv::Mat& map : foreground) {
    MAPWEAVE_CHECK(map.type() == CV_32FC1);
    MAPWEAVE_CHECK(map.size() == foreground[0].size());
  }
  std::vector<EditionView> views;
  views.reserve(per_edition.size());
  for (size_t t = 0; t < per_edition.size(); ++t) {
    views.emplace_back(per_edition[t],
                       foreground.empty()
                           ? UnionOf(per_edition[t])
                           : Mask::FromImage(foreground[t] > kForeground));
  }
  Chains chains(per_edition);
  for (int span = 1; span <= std::min(options.max_span, count - 1); ++span) {
    for (int older = 0; older + span < count; ++older) {
      const int newer = older + span;
      if (!HasFreePair(per_edition, chains, older, newer)) continue;
      const cv::Point shift = BestOverlap(
          views[older].drawn, views[newer].drawn, {}, options.max_shift_px);
      LinkPair(views, {older, newer, shift}, options, chains);
    }
  }
  return chains.ToTracks();
}

TrackSet LinkByIoU(const Editions& per_edition, double min_iou) {
  CheckRange(min_iou, 0.0, 1.0, "min_iou");
  Chains chains(per_edition);
  for (int t = 0; t + 1 < static_cast<int>(per_edition.size()); ++t) {
    const EditionView newer(per_edition[t + 1], Mask());
    std::vector<Candidate> candidates;
    for (int i = 0; i < static_cast<int>(per_edition[t].size()); ++i) {
      const Mask& mask = per_edition[t][i].mask;
      for (const int j : newer.index.Overlapping(mask.Bounds())) {
        const double iou = IoU(mask, newer.instances[j].mask);
        if (iou >= min_iou) candidates.push_back({i, j, iou});
      }
    }
    for (const Candidate& chosen : MatchByWeight(std::move(candidates))) {
      chains.Link({t, chosen.row}, {t + 1, chosen.col}, chosen.weight);
    }
  }
  return chains.ToTracks();
}

}  // namespace mapweave::tracking
