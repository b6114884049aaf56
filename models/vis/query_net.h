// SPDX-License-Identifier: MIT
//
// The query-based network: a fixed number of queries per clip look at the
// tokens of all editions at once, and each answers with a class and a mask on
// every edition, so that finding and linking are one step. With the preset
// "paper" it is Mask2Former-VIS (Cheng et al., 2021, arXiv 2112.10764); the
// options of QueryConfig change it for many small buildings on maps.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/vis/query_features.h"

#include <torch/torch.h>

#include <vector>

namespace mapweave::vis {

// Index of a query's class logits; the other is "nothing".
inline constexpr int64_t kBuildingClass = 0;

// What K queries answer about B clips of T editions. All float32.
struct QueryAnswer {
  torch::Tensor classes;   // [B, K, 2] logits
  torch::Tensor masks;     // [B, K, T, h, w] logits
  torch::Tensor presence;  // [B, K, T] logits; undefined without the option
};

struct QueryOutput {
  // Of the queries before the decoder and after each of its layers; the last is
  // the network's answer, the others are supervised alike.
  std::vector<QueryAnswer> answers;
  torch::Tensor places;    // [B, K, 2] x and y in pixels; only of proposals
  torch::Tensor coverage;  // [B * T, 1, H, W] of the padded clips
  DenseOutput dense;       // of the trunk kDense
};

class QueryNetImpl : public torch::nn::Module {
 public:
  explicit QueryNetImpl(const QueryConfig& config);

  // bytes: uint8 [B * T, H, W, 4] on the module's device, as in Batch::pixels;
  // convolutions of the dense trunk in `dtype`.
  QueryOutput forward(const torch::Tensor& bytes, int64_t editions,
                      torch::ScalarType dtype);

  const QueryConfig& Config() const { return config_; }
  ResNetFeatures& ResNetPart() { return resnet_; }  // null on the other trunk
  DenseFeatures& DensePart() { return dense_; }     // likewise

 private:
  struct Layer {
    nn::Attention cross{nullptr};
    nn::Attention self{nullptr};
    nn::FeedForward forward{nullptr};
  };
  // One stride's tokens of a clip, all editions: [B, T * h * w, C].
  struct Tokens {
    torch::Tensor key;  // with the position code
    torch::Tensor value;
    torch::Tensor covered;  // bool [B, T * h * w]
    int64_t height = 0;
    int64_t width = 0;
  };
  struct Queries {
    torch::Tensor content;  // [B, K, C]
    torch::Tensor code;     // of their places
    torch::Tensor places;   // [B, K, 2] or undefined
  };
  // What answers are read from.
  struct Canvas {
    torch::Tensor features;  // [B, T, mask_channels, h * w]
    int64_t height = 0;
    int64_t width = 0;
    // Of proposals: QueryFeatures::votes and foreground, [B, 1, T, h, w] each.
    torch::Tensor vote_x;
    torch::Tensor vote_y;
    torch::Tensor foreground;
  };
  Tokens MakeTokens(const QueryFeatures& features, size_t level,
                    int64_t editions) const;
  Queries StartingQueries(const QueryFeatures& features, int64_t editions);
  QueryAnswer Answer(const Queries& queries, const Canvas& canvas);
  // Where a query may not look: bool [B, K, T * h * w].
  torch::Tensor Hidden(const torch::Tensor& masks, const Tokens& tokens) const;

  QueryConfig config_;
  ResNetFeatures resnet_{nullptr};
  DenseFeatures dense_{nullptr};
  torch::Tensor level_code_;  // [3, C]
  // Learned queries.
  torch::Tensor query_content_;  // [K, C]
  torch::Tensor query_code_;
  // Queries from proposals.
  torch::nn::Linear seed_{nullptr};
  nn::Mlp place_code_{nullptr};
  torch::nn::Linear spread_{nullptr};

  std::vector<Layer> layers_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear class_{nullptr};
  nn::Mlp mask_{nullptr};
  nn::Mlp presence_{nullptr};
};
TORCH_MODULE(QueryNet);

// The `count` likeliest shared centres of each clip: [B, count, 2], x and y in
// pixels, local maxima first. heat: DenseOutput::heat; coverage: [B * T, 1, H,
// W], and no proposal lies where no edition is covered unless all others are
// used up.
torch::Tensor ProposePlaces(const torch::Tensor& heat,
                            const torch::Tensor& coverage, int64_t count);

// How many places likely are shared centres, of the clip that has the most.
int64_t CountPlaces(const torch::Tensor& heat, const torch::Tensor& coverage);

// Fresh weights. A trunk or backbone that is loaded is filled afterwards.
void InitialiseQueryNet(QueryNet& net, Rng rng);

}  // namespace mapweave::vis
