// SPDX-License-Identifier: MIT
#include "tracking/link_decision.h"

#include "core/error.h"
#include "tracking/assignment.h"
#include "tracking/link_chains.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <queue>
#include <tuple>
#include <utility>

namespace mapweave::tracking {
namespace {

// Certainty beyond this counts no more, so that one pair cannot outvote all.
constexpr double kSurest = 1e-4;

double LogOdds(double probability) {
  const double p = std::clamp(probability, kSurest, 1.0 - kSurest);
  return std::log(p / (1.0 - p));
}

// What speaks for each pair, in log odds against the threshold.
std::vector<double> Evidence(const std::vector<PairOpinion>& opinions,
                             double threshold) {
  std::vector<double> evidence;
  for (const PairOpinion& opinion : opinions) {
    evidence.push_back(LogOdds(static_cast<double>(opinion.same)) -
                       LogOdds(threshold));
  }
  return evidence;
}

void LinkByAssignment(const LinkGraph& graph,
                      const std::vector<PairOpinion>& opinions,
                      const std::vector<double>& evidence, Chains& chains) {
  // Pairs by span, then by the older edition.
  std::map<std::pair<int, int>, std::vector<size_t>> rounds;
  for (size_t p = 0; p < graph.pairs.size(); ++p) {
    const LinkPair& pair = graph.pairs[p];
    rounds[{pair.span, graph.nodes[pair.older].instance.edition}].push_back(p);
  }
  for (const auto& [key, pairs] : rounds) {
    std::vector<Candidate> candidates;
    std::map<std::pair<int, int>, size_t> pair_of;
    for (const size_t p : pairs) {
      const LinkPair& pair = graph.pairs[p];
      const InstanceRef& a = graph.nodes[pair.older].instance;
      const InstanceRef& b = graph.nodes[pair.newer].instance;
      if (evidence[p] <= 0.0 || !chains.IsEnd(a.edition, a.index) ||
          !chains.IsStart(b.edition, b.index)) {
        continue;
      }
      candidates.push_back({a.index, b.index, evidence[p]});
      pair_of[{a.index, b.index}] = p;
    }
    for (const Candidate& chosen : MatchByWeight(std::move(candidates))) {
      const size_t p = pair_of.at({chosen.row, chosen.col});
      chains.Link(graph.nodes[graph.pairs[p].older].instance,
                  graph.nodes[graph.pairs[p].newer].instance,
                  static_cast<double>(opinions[p].same));
    }
  }
}

// Groups of nodes of which no two are of one edition.
class Contraction {
 public:
  Contraction(const LinkGraph& graph, const std::vector<double>& evidence)
      : graph_(graph), ties_(graph.nodes.size()), members_(graph.nodes.size()) {
    for (size_t i = 0; i < members_.size(); ++i) {
      members_[i] = {static_cast<int>(i)};
    }
    for (size_t p = 0; p < graph.pairs.size(); ++p) {
      const LinkPair& pair = graph.pairs[p];
      ties_[pair.older][pair.newer] = evidence[p];
      ties_[pair.newer][pair.older] = evidence[p];
      Offer(pair.older, pair.newer, evidence[p]);
    }
  }

  // Each group's nodes in ascending order, which is that of their editions.
  std::vector<std::vector<int>> Groups() {
    while (!offers_.empty()) {
      const Bid offer = offers_.top();
      offers_.pop();
      const auto found = ties_[offer.a].find(offer.b);
      // Outdated by a later joining of one of the two.
      if (found == ties_[offer.a].end() || found->second != offer.evidence) {
        continue;
      }
      if (ShareEdition(offer.a, offer.b)) {
        ties_[offer.a].erase(offer.b);
        ties_[offer.b].erase(offer.a);
        continue;
      }
      Join(offer.a, offer.b);
    }
    std::vector<std::vector<int>> groups;
    for (std::vector<int>& members : members_) {
      if (members.empty()) continue;
      std::sort(members.begin(), members.end());
      groups.push_back(std::move(members));
    }
    return groups;
  }

 private:
  struct Bid {
    double evidence = 0.0;
    int a = 0;
    int b = 0;
    // Most evidence first, then the earlier nodes.
    bool operator<(const Bid& other) const {
      return std::tuple(evidence, -a, -b) <
             std::tuple(other.evidence, -other.a, -other.b);
    }
  };

  void Offer(int a, int b, double evidence) {
    if (evidence > 0.0) {
      offers_.push({evidence, std::min(a, b), std::max(a, b)});
    }
  }

  int EditionOf(int node) const { return graph_.nodes[node].instance.edition; }

  bool ShareEdition(int a, int b) const {
    return std::any_of(members_[a].begin(), members_[a].end(), [&](int i) {
      return std::any_of(members_[b].begin(), members_[b].end(),
                         [&](int j) { return EditionOf(i) == EditionOf(j); });
    });
  }

  void Join(int a, int b) {
    if (ties_[a].size() < ties_[b].size()) std::swap(a, b);
    members_[a].insert(members_[a].end(), members_[b].begin(),
                       members_[b].end());
    members_[b].clear();
    ties_[a].erase(b);
    for (const auto& [other, evidence] : ties_[b]) {
      if (other == a) continue;
      const double sum = ties_[a][other] += evidence;
      ties_[other].erase(b);
      ties_[other][a] = sum;
      Offer(a, other, sum);
    }
    ties_[b].clear();
  }

  const LinkGraph& graph_;
  std::vector<std::map<int, double>> ties_;
  std::vector<std::vector<int>> members_;
  std::priority_queue<Bid> offers_;
};

void LinkByContraction(const LinkGraph& graph,
                       const std::vector<PairOpinion>& opinions,
                       const std::vector<double>& evidence, double threshold,
                       Chains& chains) {
  std::map<std::pair<int, int>, double> probability;
  for (size_t p = 0; p < graph.pairs.size(); ++p) {
    probability[{graph.pairs[p].older, graph.pairs[p].newer}] =
        static_cast<double>(opinions[p].same);
  }
  for (const std::vector<int>& group : Contraction(graph, evidence).Groups()) {
    for (size_t k = 0; k + 1 < group.size(); ++k) {
      const auto known = probability.find({group[k], group[k + 1]});
      chains.Link(graph.nodes[group[k]].instance,
                  graph.nodes[group[k + 1]].instance,
                  known == probability.end() ? threshold : known->second);
    }
  }
}

}  // namespace

const char* LinkMethodName(LinkMethod method) {
  return method == LinkMethod::kAssignment ? "assignment" : "contraction";
}

LinkMethod ParseLinkMethod(const std::string& name) {
  for (const LinkMethod method :
       {LinkMethod::kAssignment, LinkMethod::kContraction}) {
    if (name == LinkMethodName(method)) return method;
  }
  throw Error(ErrorCode::kBadInput, "'" + name + "' is no way of linking");
}

void LinkDecision::Validate() const {
  if (!(threshold > 0.0 && threshold < 1.0)) {
    throw Error(ErrorCode::kUsage,
                "the threshold of links must lie between 0 and 1, not " +
                    std::to_string(threshold));
  }
}

std::vector<std::vector<Instance>> Rescored(
    std::vector<std::vector<Instance>> per_edition, const LinkGraph& graph,
    const LinkOpinions& opinions) {
  if (opinions.instances.empty()) return per_edition;
  MAPWEAVE_CHECK(opinions.instances.size() == graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const InstanceRef& ref = graph.nodes[n].instance;
    per_edition[static_cast<size_t>(ref.edition)]
               [static_cast<size_t>(ref.index)]
                   .score *= opinions.instances[n];
  }
  return per_edition;
}

TrackSet DecideTracks(const std::vector<std::vector<Instance>>& per_edition,
                      const LinkGraph& graph,
                      const std::vector<PairOpinion>& opinions,
                      const LinkDecision& decision) {
  decision.Validate();
  MAPWEAVE_CHECK(opinions.size() == graph.pairs.size());
  Chains chains(per_edition);
  const std::vector<double> evidence = Evidence(opinions, decision.threshold);
  if (decision.method == LinkMethod::kAssignment) {
    LinkByAssignment(graph, opinions, evidence, chains);
  } else {
    LinkByContraction(graph, opinions, evidence, decision.threshold, chains);
  }
  return chains.ToTracks();
}

}  // namespace mapweave::tracking
