// SPDX-License-Identifier: MIT
#include "models/vis/link_net.h"

#include "core/error.h"
#include "models/vis/device.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>

namespace mapweave::vis {
namespace {

using tracking::kInstanceFeatures;
using tracking::kPairFeatures;
using tracking::LinkGraph;
using tracking::LinkOpinions;

// Of an instance's features the first are of its outline and its vote, the
// others of its colours.
constexpr int64_t kOutlineFeatures = 8;
// Of a pair's features these have always been there.
constexpr int64_t kFewestPairFeatures = 20;
// Few pairs are one building and fewer are related: start the sigmoids low.
constexpr float kSameBias = -0.5f;
constexpr float kRelatedBias = -2.0f;
// Overlap from which two instances rather are one building, if nothing else is
// known; and where more or less of it says nothing more.
constexpr double kEvenOverlap = 0.25;
constexpr double kSurestOverlap = 1e-2;

int64_t PositiveField(const Json& json, const char* key, int64_t most) {
  if (!json.contains(key) || !json[key].is_number_integer()) {
    throw Error(ErrorCode::kBadInput, std::string("linker configuration: \"") +
                                          key +
                                          "\" is missing or no whole number");
  }
  const int64_t value = json[key].get<int64_t>();
  if (value < 1 || value > most) {
    throw Error(ErrorCode::kBadInput,
                std::string("linker configuration: \"") + key + "\" is " +
                    std::to_string(value) + ", must be 1 to " +
                    std::to_string(most));
  }
  return value;
}

// He et al. (2015) by fan-in; biases 0. Norms stay as constructed.
void DrawWeights(torch::nn::Module& model, Rng& rng) {
  const torch::NoGradGuard no_grad;
  for (auto& item : model.named_parameters()) {
    torch::Tensor weight = item.value();
    if (item.key().ends_with("bias")) weight.zero_();
    if (weight.dim() != 2) continue;
    const double sigma = std::sqrt(2.0 / static_cast<double>(weight.size(1)));
    float* data = weight.data_ptr<float>();
    for (int64_t i = 0; i < weight.numel(); ++i) {
      data[i] = static_cast<float>(rng.Normal(0.0, sigma));
    }
  }
}

// Sum of the rows of `values` [E, C] by `index` [E], as [count, C].
torch::Tensor SumBy(const torch::Tensor& values, const torch::Tensor& index,
                    int64_t count) {
  return torch::zeros({count, values.size(1)}, values.options())
      .index_add(0, index, values);
}

// [P, 1] float32: what speaks for each pair by its overlap alone, in log odds:
// the greater one of what its two ends see.
torch::Tensor OverlapEvidence(const torch::Tensor& edges) {
  const int64_t pairs = edges.size(0) / 2;
  const torch::Tensor overlap = edges.narrow(1, 0, 1);
  return torch::logit(torch::max(overlap.narrow(0, 0, pairs),
                                 overlap.narrow(0, pairs, pairs)),
                      kSurestOverlap) -
         std::log(kEvenOverlap / (1.0 - kEvenOverlap));
}

}  // namespace

Json LinkNetConfig::ToJson() const {
  return {{"width", width},
          {"rounds", rounds},
          {"colours", colours},
          {"from_overlap", from_overlap},
          {"judges_instances", judges_instances},
          {"instance_features", kInstanceFeatures},
          {"pair_features", pair_features}};
}

LinkNetConfig LinkNetConfig::FromJson(const Json& json) {
  if (!json.is_object()) {
    throw Error(ErrorCode::kBadInput, "linker configuration: not an object");
  }
  LinkNetConfig config;
  config.width = PositiveField(json, "width", 1024);
  config.rounds = PositiveField(json, "rounds", 32);
  config.colours = json.value("colours", true);
  config.from_overlap = json.value("from_overlap", false);
  config.judges_instances = json.value("judges_instances", false);
  config.pair_features = PositiveField(json, "pair_features", 4096);
  // A network of other features would read nonsense.
  if (PositiveField(json, "instance_features", 4096) != kInstanceFeatures ||
      config.pair_features < kFewestPairFeatures ||
      config.pair_features > kPairFeatures) {
    throw Error(ErrorCode::kBadInput,
                "linker configuration: made for other features of instances "
                "and pairs");
  }
  return config;
}

LinkBatch MakeLinkBatch(const std::vector<const LinkGraph*>& graphs) {
  int64_t node_count = 0;
  int64_t pair_count = 0;
  for (const LinkGraph* graph : graphs) {
    node_count += static_cast<int64_t>(graph->nodes.size());
    pair_count += static_cast<int64_t>(graph->pairs.size());
  }
  LinkBatch batch;
  batch.nodes = torch::empty({node_count, kInstanceFeatures}, torch::kFloat);
  batch.edges = torch::empty({2 * pair_count, kPairFeatures}, torch::kFloat);
  batch.from = torch::empty({2 * pair_count}, torch::kLong);
  batch.to = torch::empty_like(batch.from);
  batch.rivalry = torch::empty_like(batch.from);
  auto* nodes = batch.nodes.data_ptr<float>();
  auto* edges = batch.edges.data_ptr<float>();
  auto* from = batch.from.data_ptr<int64_t>();
  auto* to = batch.to.data_ptr<int64_t>();
  auto* rivalry = batch.rivalry.data_ptr<int64_t>();
  std::vector<int64_t> rivalry_node;
  int64_t first_node = 0;
  int64_t pair_at = 0;
  for (const LinkGraph* graph : graphs) {
    for (const tracking::LinkNode& node : graph->nodes) {
      nodes = std::copy(node.features.begin(), node.features.end(), nodes);
    }
    std::map<std::pair<int, int>, int64_t> rivals;  // by node and edition
    for (const tracking::LinkPair& pair : graph->pairs) {
      const auto add = [&](int64_t edge, int source, int target,
                           const tracking::PairFeatures& features) {
        std::copy(features.begin(), features.end(),
                  edges + edge * kPairFeatures);
        from[edge] = first_node + source;
        to[edge] = first_node + target;
        const auto [at, is_new] = rivals.emplace(
            std::pair(target, graph->nodes[source].instance.edition),
            static_cast<int64_t>(rivalry_node.size()));
        if (is_new) rivalry_node.push_back(first_node + target);
        rivalry[edge] = at->second;
      };
      add(pair_at, pair.older, pair.newer, pair.from_older);
      add(pair_count + pair_at, pair.newer, pair.older, pair.from_newer);
      ++pair_at;
    }
    first_node += static_cast<int64_t>(graph->nodes.size());
  }
  batch.rivalry_node = torch::tensor(rivalry_node, torch::kLong);
  return batch;
}

LinkRoundImpl::LinkRoundImpl(int64_t width) {
  const auto linear = [&](const char* name, bool bias) {
    return register_module(
        name,
        torch::nn::Linear(torch::nn::LinearOptions(width, width).bias(bias)));
  };
  const auto norm = [&](const char* name) {
    return register_module(
        name, torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
  };
  from_ = linear("from", false);
  to_ = linear("to", false);
  edge_ = linear("edge", true);
  gate_ = linear("gate", true);
  own_ = linear("own", true);
  rivals_ = linear("rivals", false);
  update_ = linear("update", true);
  edge_norm_ = norm("edge_norm");
  node_norm_ = norm("node_norm");
}

void LinkRoundImpl::Step(const LinkBatch& batch, torch::Tensor& nodes,
                         torch::Tensor& edges) {
  const torch::Tensor message =
      torch::relu(from_(nodes).index_select(0, batch.from) +
                  to_(nodes).index_select(0, batch.to) + edge_(edges));
  const torch::Tensor weighed = torch::sigmoid(gate_(message)) * message;
  const int64_t groups = batch.rivalry_node.size(0);
  const torch::Tensor all = SumBy(weighed, batch.rivalry, groups);
  const torch::Tensor others = all.index_select(0, batch.rivalry) - weighed;
  edges = edge_norm_(edges + own_(message) + rivals_(others));
  nodes = node_norm_(nodes + SumBy(torch::relu(update_(all)),
                                   batch.rivalry_node, nodes.size(0)));
}

LinkNetImpl::LinkNetImpl(const LinkNetConfig& config, Rng rng)
    : config_(config) {
  const int64_t width = config.width;
  const int64_t features =
      config.colours ? kInstanceFeatures : kOutlineFeatures;
  node_in_ = register_module("node_in", torch::nn::Linear(features, width));
  edge_in_ = register_module("edge_in",
                             torch::nn::Linear(config.pair_features, width));
  for (int64_t i = 0; i < config.rounds; ++i) {
    rounds_.push_back(
        register_module("round" + std::to_string(i), LinkRound(width)));
  }
  hidden_ = register_module("hidden", torch::nn::Linear(3 * width, width));
  out_ = register_module("out", torch::nn::Linear(width, 2));
  if (config.from_overlap) {
    overlap_gain_ = register_parameter("overlap_gain", torch::ones({1}));
  }
  if (config.judges_instances) {
    node_hidden_ =
        register_module("node_hidden", torch::nn::Linear(width, width));
    node_out_ = register_module("node_out", torch::nn::Linear(width, 1));
  }
  DrawWeights(*this, rng);
  const torch::NoGradGuard no_grad;
  out_->weight.mul_(0.1f);
  out_->bias[0] = config.from_overlap ? 0.0f : kSameBias;
  out_->bias[1] = kRelatedBias;
}

LinkLogits LinkNetImpl::forward(const LinkBatch& batch) {
  const int64_t pairs = batch.edges.size(0) / 2;
  torch::Tensor nodes = torch::relu(
      node_in_(batch.nodes.narrow(1, 0, node_in_->options.in_features())));
  torch::Tensor edges =
      torch::relu(edge_in_(batch.edges.narrow(1, 0, config_.pair_features)));
  for (LinkRound& round : rounds_) round->Step(batch, nodes, edges);
  LinkLogits logits;
  if (config_.judges_instances) {
    logits.instances = node_out_(torch::relu(node_hidden_(nodes))).flatten();
  }
  // Sums and differences do not know which end is older.
  const torch::Tensor a = edges.narrow(0, 0, pairs);
  const torch::Tensor b = edges.narrow(0, pairs, pairs);
  const torch::Tensor ends =
      nodes.index_select(0, batch.from.narrow(0, 0, pairs)) +
      nodes.index_select(0, batch.to.narrow(0, 0, pairs));
  logits.pairs =
      out_(torch::relu(hidden_(torch::cat({a + b, (a - b).abs(), ends}, 1))));
  if (config_.from_overlap) {
    logits.pairs = torch::cat({logits.pairs.narrow(1, 0, 1) +
                                   overlap_gain_ * OverlapEvidence(batch.edges),
                               logits.pairs.narrow(1, 1, 1)},
                              1);
  }
  return logits;
}

LinkOpinions JudgeGraph(LinkNet& net, const LinkGraph& graph) {
  LinkOpinions result;
  if (graph.nodes.empty()) return result;
  const torch::NoGradGuard no_grad;
  const OneThreadScope one_thread;
  const LinkLogits logits = net(MakeLinkBatch({&graph}));
  const torch::Tensor pairs = torch::sigmoid(logits.pairs).contiguous();
  const float* values = pairs.data_ptr<float>();
  result.pairs.reserve(graph.pairs.size());
  for (size_t p = 0; p < graph.pairs.size(); ++p) {
    result.pairs.push_back({values[2 * p], values[2 * p + 1]});
  }
  if (logits.instances.defined()) {
    const torch::Tensor instances =
        torch::sigmoid(logits.instances).contiguous();
    values = instances.data_ptr<float>();
    result.instances.assign(values, values + graph.nodes.size());
  }
  return result;
}

}  // namespace mapweave::vis
