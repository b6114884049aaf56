// SPDX-License-Identifier: MIT
//
// The learned linker: a small graph network that judges every candidate pair
// of a window's instances in the light of its rivals. Messages run along pairs
// (after Battaglia et al., "Interaction networks", 2016); those of one instance
// with one edition compete, since it can be one building there at most.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "core/random.h"
#include "tracking/link_decision.h"
#include "tracking/link_graph.h"

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace mapweave::vis {

struct LinkNetConfig {
  int64_t width = 64;  // of all hidden layers
  int64_t rounds = 3;  // of messages
  // Whether colours and ink are looked at, or outlines and votes alone.
  bool colours = true;
  // Whether the overlap speaks for itself, and the rest of the network says
  // only what is to be added to it.
  bool from_overlap = true;
  // Whether it says of every instance, too, if it is a building at all.
  bool judges_instances = true;
  // Of the first so many features of a pair; a network that knew fewer goes on.
  int64_t pair_features = tracking::kPairFeatures;

  // Throws Error{kBadInput} naming the field that is missing or impossible.
  static LinkNetConfig FromJson(const Json& json);
  Json ToJson() const;
};

// Graphs side by side as tensors: N nodes, P pairs, 2 P directed edges. Edge p
// is pair p as its older end sees it, edge P + p as its newer end does.
struct LinkBatch {
  torch::Tensor nodes;  // [N, kInstanceFeatures] float32
  torch::Tensor edges;  // [2 P, kPairFeatures] float32
  torch::Tensor from;   // [2 P] int64: node that an edge starts from
  torch::Tensor to;     // [2 P] int64
  // [2 P] int64: edges into one node from one edition have the same number; and
  // [G] int64: that node.
  torch::Tensor rivalry;
  torch::Tensor rivalry_node;
};

// Borrows the graphs only while it runs.
LinkBatch MakeLinkBatch(const std::vector<const tracking::LinkGraph*>& graphs);

// One round of messages.
class LinkRoundImpl : public torch::nn::Module {
 public:
  explicit LinkRoundImpl(int64_t width);
  // Updates node states [N, width] and edge states [2 P, width].
  void Step(const LinkBatch& batch, torch::Tensor& nodes, torch::Tensor& edges);

 private:
  torch::nn::Linear from_{nullptr};
  torch::nn::Linear to_{nullptr};
  torch::nn::Linear edge_{nullptr};
  torch::nn::Linear gate_{nullptr};
  torch::nn::Linear own_{nullptr};
  torch::nn::Linear rivals_{nullptr};
  torch::nn::Linear update_{nullptr};
  torch::nn::LayerNorm edge_norm_{nullptr};
  torch::nn::LayerNorm node_norm_{nullptr};
};
TORCH_MODULE(LinkRound);

struct LinkLogits {
  torch::Tensor pairs;  // [P, 2] float32: same, related (PairOpinion)
  torch::Tensor
      instances;  // [N] float32: is a building; undefined = not judged
};

class LinkNetImpl : public torch::nn::Module {
 public:
  // The weights are drawn from `rng`.
  LinkNetImpl(const LinkNetConfig& config, Rng rng);

  // The order of nodes and pairs does not matter, nor which end of a pair is
  // the older one.
  LinkLogits forward(const LinkBatch& batch);

  const LinkNetConfig& Config() const { return config_; }

 private:
  LinkNetConfig config_;
  torch::nn::Linear node_in_{nullptr};
  torch::nn::Linear edge_in_{nullptr};
  std::vector<LinkRound> rounds_;
  torch::nn::Linear hidden_{nullptr};
  torch::nn::Linear out_{nullptr};
  torch::Tensor overlap_gain_;  // [1]
  torch::nn::Linear node_hidden_{nullptr};
  torch::nn::Linear node_out_{nullptr};
};
TORCH_MODULE(LinkNet);

// A trained linker: the network and how its opinions become tracks.
struct Linker {
  LinkNet net{nullptr};  // on the CPU
  tracking::LinkDecision decision;
  // Tracks whose instances are judged to be buildings with less probability, on
  // average, are dropped; nothing = instances are not judged, and the score of
  // the network decides.
  std::optional<double> min_score;
  Json training = Json::object();  // how, for the checkpoint's header
};

// What the network thinks of the graph. Without gradients, in the calling
// thread alone.
tracking::LinkOpinions JudgeGraph(LinkNet& net,
                                  const tracking::LinkGraph& graph);

}  // namespace mapweave::vis
