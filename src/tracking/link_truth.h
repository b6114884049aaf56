// SPDX-License-Identifier: MIT
//
// What is true of the pairs of a link graph, from labels: the lesson of a
// learned linker, and what its opinions are measured against.
#pragma once

#include "tracking/link_graph.h"
#include "tracking/linked_clip.h"

#include <cstdint>
#include <vector>

namespace mapweave::tracking {

enum class Answer : int8_t { kNo = 0, kYes = 1, kNotAsked = -1 };

struct PairTruth {
  Answer same = Answer::kNotAsked;
  Answer related = Answer::kNotAsked;  // split, merged or recomposed
};

// The label that each instance stands for, by edition: one to one at IoU >= 0.5
// with the labelled drawing. kFalseInstance: it meets no drawing at IoU >= 0.2.
// kUnclearInstance: all between, where neither answer to a question would be
// right: half a building, two in one, or the second instance on one drawing.
inline constexpr int32_t kFalseInstance = 0;
inline constexpr int32_t kUnclearInstance = -1;
std::vector<std::vector<int32_t>> LabelsOfInstances(
    const std::vector<std::vector<Instance>>& per_edition,
    const std::vector<cv::Mat>& labels);

// One per pair of `graph`, which is of `per_edition` and of the clip's
// editions. Nothing is asked of a pair with an unclear end, or with two false
// ones: what is no building has no identity. A false instance and a building
// are neither the same nor related. Over several editions two drawings are
// related if links lead from one to the other of which one is a split, a merger
// or a recomposition and none a rebuilding.
std::vector<PairTruth> TruthOfPairs(
    const std::vector<std::vector<Instance>>& per_edition,
    const LinkGraph& graph, const LinkedClip& clip);

// One per node of `graph`: whether the instance is a building (kYes: it stands
// for a drawing), is none (kNo), or is unclear (kNotAsked).
std::vector<Answer> TruthOfInstances(
    const std::vector<std::vector<Instance>>& per_edition,
    const LinkGraph& graph, const std::vector<cv::Mat>& labels);

// The true tracks of the clip as instances of score 1 by edition, in ascending
// order of label.
std::vector<std::vector<Instance>> InstancesFromLabels(
    const std::vector<cv::Mat>& labels);

// The links as events on TracksFromLabels(labels), without evidence,
// probability 1.
std::vector<LineageEvent> TrueLineage(const std::vector<LabelLink>& links);

}  // namespace mapweave::tracking
