// SPDX-License-Identifier: MIT
//
// From opinions on pairs of instances to tracks: who is who, when every pair
// has been judged by itself.
#pragma once

#include "tracking/link_graph.h"
#include "tracking/track.h"

#include <string>
#include <vector>

namespace mapweave::tracking {

// Both in [0, 1], and not exclusive: where a building was split, the part that
// goes on as the old one is both.
struct PairOpinion {
  float same = 0.0f;     // both are one building
  float related = 0.0f;  // one was split, merged or recomposed into the other
  bool operator==(const PairOpinion&) const = default;
};

// What is thought of a whole graph.
struct LinkOpinions {
  std::vector<PairOpinion> pairs;  // of graph.pairs
  // Probability in [0, 1] that each of graph.nodes is a building; empty = that
  // was not asked.
  std::vector<float> instances;
  bool operator==(const LinkOpinions&) const = default;
};

enum class LinkMethod {
  // One to one between neighbouring editions, most probable in sum; then ends
  // that found nobody look over gaps.
  kAssignment,
  // All editions at once: the two groups that most speaks for are joined, again
  // and again, while more speaks for it than against and no edition would be
  // in a group twice (greedy additive edge contraction; Keuper et al., ICCV
  // 2015).
  kContraction,
};

// "assignment" or "contraction"; Parse throws Error{kBadInput}.
const char* LinkMethodName(LinkMethod method);
LinkMethod ParseLinkMethod(const std::string& name);

struct LinkDecision {
  LinkMethod method = LinkMethod::kAssignment;
  // Probability from which two instances rather are one building.
  double threshold = 0.5;

  // Throws Error{kUsage}.
  void Validate() const;
};

// `per_edition` with the score of each instance times its probability of being a
// building, where `opinions` has it: the score alone knows how well the outline
// is drawn, the probability whether it is one at all. `graph` is of
// `per_edition`.
std::vector<std::vector<Instance>> Rescored(
    std::vector<std::vector<Instance>> per_edition, const LinkGraph& graph,
    const LinkOpinions& opinions);

// Tracks as LinkInstances orders and fills them; every instance belongs to
// exactly one. link is the pair's probability, or where two neighbours of a
// track are no pair of the graph, the threshold. `opinions` are those of
// graph.pairs; `graph` is of `per_edition`. Throws Error{kBug} if they do not
// fit together.
TrackSet DecideTracks(const std::vector<std::vector<Instance>>& per_edition,
                      const LinkGraph& graph,
                      const std::vector<PairOpinion>& opinions,
                      const LinkDecision& decision);

}  // namespace mapweave::tracking
