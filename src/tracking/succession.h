// SPDX-License-Identifier: MIT
//
// The whole lineage of a series: what happened within buildings and between
// them, told once, with a learned linker's opinion where there is one.
#pragma once

#include "tracking/lineage.h"
#include "tracking/link_decision.h"
#include "tracking/link_graph.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

// An opinion on two drawings of different editions, each named by one of its
// pixels: so it outlives the joining of windows, by which tracks change.
struct Relation {
  int from_edition = 0;
  int to_edition = 0;  // > from_edition
  cv::Point from;      // in the frame of the tracks' masks
  cv::Point to;
  PairOpinion opinion;
  bool operator==(const Relation&) const = default;
};

// Opinions on the pairs of which one end, moved onto the other, lies at least
// by a quarter within it; in the order of the pairs.
std::vector<Relation> RelationsOf(
    const std::vector<std::vector<Instance>>& per_edition,
    const LinkGraph& graph, const std::vector<PairOpinion>& opinions);

// DeriveLineage and DeriveSuccession together, by from_edition, then by tracks.
// Where a building goes on through a split, a merger or a recomposition, this
// is its event, and not the change of its outline.
//
// With `relations`, two drawings hang together as parts of one change if the
// opinion on them is that they are related, and where there is no opinion, if
// one lies at least half within the other. What lies on the plot of another
// without being related to it is a rebuilding. The event's probability and
// evidence are the opinion's. Throws as DeriveLineage.
std::vector<LineageEvent> DeriveHistory(
    const TrackSet& tracks, const TrackCoverage& coverage,
    const LineageOptions& options, const std::vector<Relation>& relations = {});

}  // namespace mapweave::tracking
