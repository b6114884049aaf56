// SPDX-License-Identifier: MIT
//
// The configurations of the query-based networks.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "models/vis/dense_net.h"

#include <cstdint>
#include <string>

namespace mapweave::vis {

// Where the decoder's features come from.
enum class QueryTrunk {
  kResNet50,  // with a deformable pixel decoder: Mask2Former-VIS as published
  kDense,     // the dense network's trunk and pyramid, shared with it
};

struct QueryConfig {
  std::string preset = "query-small";
  QueryTrunk trunk = QueryTrunk::kDense;
  DenseConfig dense;  // of the trunk kDense
  // "frozen" or "group"; the trunk kDense has its own.
  std::string norm = "group";
  // kDense: the trunk's weights and statistics stay as they are.
  bool freeze_trunk = false;
  // kDense: the dense network's own loss is added, so that its heads go on
  // learning with the trunk. Without, only its map of centres is used.
  bool dense_loss = true;

  int64_t channels = 96;  // of queries and tokens
  int64_t heads = 4;
  int64_t layers = 3;    // of the decoder
  int64_t hidden = 384;  // of its feed forward layers
  int64_t encoder_layers = 0;
  int64_t encoder_hidden = 0;
  // At stride 2 on the dense trunk, at stride 4 on the other.
  int64_t mask_channels = 48;

  // Per clip in training. With proposals, the network in use takes as many as
  // there are likely places, at least these; memory grows with them.
  int64_t queries = 100;
  // Queries start at the peaks of the map of shared centres (cf. FastInst, He
  // et al., 2023), with the features there, and with the masks of all building
  // pixels that the dense heads give to that centre. Without: learned queries
  // that know no place.
  bool proposals = true;
  // A query that starts inside a true building is matched to it first.
  bool location_gate = true;
  // One answer per edition to "is it drawn here", beside the mask.
  bool presence = true;
  // Matching on all cells, and mask losses on points, around each building
  // instead of all over the clip.
  bool local_losses = true;
  // Points of the mask loss per mask and edition (published: 12544).
  int64_t points = 512;
  // Tokens know the place of their edition in the series. Without, editions in
  // another order give the same masks in that order.
  bool edition_code = false;
  // A track's score is its class's probability times that of its pixels.
  bool score_masks = true;

  // "paper" or "query-small"; throws Error{kUsage} for another.
  static QueryConfig Preset(const std::string& name);
  static bool IsPreset(const std::string& name);
  // Throws Error{kBadInput} naming the field that is missing or impossible.
  static QueryConfig FromJson(const Json& json);
  Json ToJson() const;
};

}  // namespace mapweave::vis
