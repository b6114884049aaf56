// SPDX-License-Identifier: MIT
#include "tracking/link_truth.h"

#include "core/error.h"
#include "tracking/assignment.h"

#include <map>
#include <set>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr double kMatchIoU = 0.5;
constexpr double kFalseIoU = 0.2;

using Drawing = std::pair<int32_t, int>;  // label, edition

std::map<int32_t, int64_t> AreasOf(const cv::Mat& labels) {
  std::map<int32_t, int64_t> areas;
  for (int row = 0; row < labels.rows; ++row) {
    const auto* line = labels.ptr<int32_t>(row);
    for (int col = 0; col < labels.cols; ++col) {
      if (line[col] != 0) ++areas[line[col]];
    }
  }
  return areas;
}

// Pixels of each label under the mask.
std::map<int32_t, int64_t> LabelsUnder(const Mask& mask,
                                       const cv::Mat& labels) {
  std::map<int32_t, int64_t> found;
  for (const Run& run : mask.Runs()) {
    const auto* line = labels.ptr<int32_t>(run.row);
    for (int col = run.begin; col < run.end; ++col) {
      if (line[col] != 0) ++found[line[col]];
    }
  }
  return found;
}

std::vector<int32_t> LabelsOfEdition(const std::vector<Instance>& instances,
                                     const cv::Mat& labels) {
  const std::map<int32_t, int64_t> areas = AreasOf(labels);
  std::vector<int32_t> result(instances.size(), kFalseInstance);
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < instances.size(); ++i) {
    const Mask& mask = instances[i].mask;
    for (const auto& [label, both] : LabelsUnder(mask, labels)) {
      const double iou =
          static_cast<double>(both) /
          static_cast<double>(mask.Area() + areas.at(label) - both);
      if (iou >= kFalseIoU) result[i] = kUnclearInstance;
      if (iou >= kMatchIoU)
        candidates.push_back({static_cast<int>(i), label, iou});
    }
  }
  for (const Candidate& match : MatchByWeight(std::move(candidates))) {
    result[static_cast<size_t>(match.row)] = match.col;
  }
  return result;
}

bool IsDivision(LineageKind kind) {
  return kind == LineageKind::kSplit || kind == LineageKind::kMerge ||
         kind == LineageKind::kRecompose;
}

// Which drawings come of which.
class Descent {
 public:
  explicit Descent(const std::vector<LabelLink>& links) {
    for (const LabelLink& link : links) {
      if (link.from == 0 || link.to == 0 ||
          link.kind == LineageKind::kRebuild) {
        continue;
      }
      next_[{link.from, link.from_edition}].push_back(
          {{link.to, link.to_edition}, IsDivision(link.kind)});
    }
  }

  // Whether a path with a division in it leads from one to the other.
  bool IsRelated(const Drawing& from, const Drawing& to) const {
    std::set<std::pair<Drawing, bool>> seen;
    std::vector<std::pair<Drawing, bool>> open = {{from, false}};
    while (!open.empty()) {
      const auto [at, divided] = open.back();
      open.pop_back();
      if (at == to && divided) return true;
      const auto found = next_.find(at);
      if (found == next_.end() || at.second >= to.second) continue;
      for (const auto& [next, is_division] : found->second) {
        const std::pair<Drawing, bool> state(next, divided || is_division);
        if (seen.insert(state).second) open.push_back(state);
      }
    }
    return false;
  }

 private:
  std::map<Drawing, std::vector<std::pair<Drawing, bool>>> next_;
};

Answer AnswerOf(bool yes) { return yes ? Answer::kYes : Answer::kNo; }

}  // namespace

std::vector<std::vector<int32_t>> LabelsOfInstances(
    const std::vector<std::vector<Instance>>& per_edition,
    const std::vector<cv::Mat>& labels) {
  MAPWEAVE_CHECK(per_edition.size() == labels.size());
  std::vector<std::vector<int32_t>> result;
  for (size_t t = 0; t < labels.size(); ++t) {
    result.push_back(LabelsOfEdition(per_edition[t], labels[t]));
  }
  return result;
}

std::vector<PairTruth> TruthOfPairs(
    const std::vector<std::vector<Instance>>& per_edition,
    const LinkGraph& graph, const LinkedClip& clip) {
  const std::vector<std::vector<int32_t>> labels =
      LabelsOfInstances(per_edition, clip.labelled.labels);
  const Descent descent(clip.links);
  std::vector<PairTruth> truth;
  truth.reserve(graph.pairs.size());
  for (const LinkPair& pair : graph.pairs) {
    const InstanceRef& a = graph.nodes[pair.older].instance;
    const InstanceRef& b = graph.nodes[pair.newer].instance;
    const Drawing from{labels[a.edition][a.index], a.edition};
    const Drawing to{labels[b.edition][b.index], b.edition};
    PairTruth answers;
    const bool is_unclear =
        from.first == kUnclearInstance || to.first == kUnclearInstance;
    const bool is_nothing =
        from.first == kFalseInstance && to.first == kFalseInstance;
    if (!is_unclear && !is_nothing) {
      const bool is_false =
          from.first == kFalseInstance || to.first == kFalseInstance;
      answers.same = AnswerOf(!is_false && from.first == to.first);
      answers.related = AnswerOf(!is_false && descent.IsRelated(from, to));
    }
    truth.push_back(answers);
  }
  return truth;
}

std::vector<Answer> TruthOfInstances(
    const std::vector<std::vector<Instance>>& per_edition,
    const LinkGraph& graph, const std::vector<cv::Mat>& all_labels) {
  const std::vector<std::vector<int32_t>> labels =
      LabelsOfInstances(per_edition, all_labels);
  std::vector<Answer> truth;
  truth.reserve(graph.nodes.size());
  for (const LinkNode& node : graph.nodes) {
    const int32_t label = labels[node.instance.edition][node.instance.index];
    truth.push_back(label == kUnclearInstance ? Answer::kNotAsked
                                              : AnswerOf(label > 0));
  }
  return truth;
}

std::vector<std::vector<Instance>> InstancesFromLabels(
    const std::vector<cv::Mat>& labels) {
  std::vector<std::vector<Instance>> per_edition(labels.size());
  for (const Track& track : TracksFromLabels(labels)) {
    for (size_t t = 0; t < labels.size(); ++t) {
      if (track.masks[t].IsEmpty()) continue;
      per_edition[t].push_back({track.masks[t], 1.0f});
    }
  }
  return per_edition;
}

std::vector<LineageEvent> TrueLineage(const std::vector<LabelLink>& links) {
  std::vector<LineageEvent> events;
  for (const LabelLink& link : links) {
    LineageEvent event;
    if (link.from != 0) event.from_track = static_cast<size_t>(link.from) - 1;
    if (link.to != 0) event.to_track = static_cast<size_t>(link.to) - 1;
    event.from_edition = static_cast<size_t>(link.from_edition);
    event.to_edition = static_cast<size_t>(link.to_edition);
    event.kind = link.kind;
    event.probability = 1.0;
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace mapweave::tracking
