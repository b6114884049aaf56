// SPDX-License-Identifier: MIT
#include "models/vis/query_net.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace mapweave::vis {
namespace {

// A query from a proposal begins with the mask of all building pixels that
// believe their centre to lie near its place: the logits of the foreground, no
// further from zero than this, plus a bump of this height and standard
// deviation, in pixels.
constexpr double kForegroundMost = 4.0;
constexpr double kBumpTop = 1.0;
constexpr double kBumpSigma = 3.0;
// Shared centres less probable than this get no query of their own.
constexpr double kLikelyPlace = 0.05;
// No deeper than this below the top: a track that no query starts near is
// matched to a far one, whose loss would otherwise drown all others.
constexpr double kBumpDepth = 8.0;

// [B * T, C, h, w] as [B, T * h * w, C].
torch::Tensor Flatten(const torch::Tensor& x, int64_t editions) {
  return x.view({x.size(0) / editions, editions, x.size(1), -1})
      .permute({0, 1, 3, 2})
      .reshape({x.size(0) / editions, -1, x.size(1)});
}

// Features [B * T, C, h, w] at `places` [B, K, 2] of an image of [height,
// width] pixels, averaged over the editions with `weights` [B, T, K, 1]:
// [B, K, C].
torch::Tensor FeaturesAt(const torch::Tensor& features,
                         const torch::Tensor& grid,
                         const torch::Tensor& weights) {
  const int64_t editions = weights.size(1);
  const torch::Tensor seen =
      torch::grid_sampler_2d(features.to(torch::kFloat), grid,
                             /*interpolation_mode=*/0, /*padding_mode=*/1,
                             /*align_corners=*/false);
  return (seen.squeeze(2).transpose(1, 2).reshape(
              {-1, editions, seen.size(3), seen.size(1)}) *
          weights)
      .sum(1);
}

struct Peaks {
  torch::Tensor probability;  // [B, h, w], 0 where no edition is covered
  torch::Tensor is_peak;      // bool, likewise
};

Peaks FindPeaks(const torch::Tensor& heat, const torch::Tensor& coverage) {
  const torch::Tensor covered =
      torch::max_pool2d(coverage, 2, 2)
          .view({heat.size(0), -1, heat.size(2), heat.size(3)})
          .amax(1, /*keepdim=*/true);
  const torch::Tensor probability = torch::sigmoid(heat) * covered;
  const torch::Tensor is_peak =
      probability.eq(torch::max_pool2d(probability, 3, 1, 1))
          .logical_and(covered.gt(0.0));
  return {probability.squeeze(1), is_peak.squeeze(1)};
}

}  // namespace

torch::Tensor ProposePlaces(const torch::Tensor& heat,
                            const torch::Tensor& coverage, int64_t count) {
  const torch::NoGradGuard no_grad;
  const Peaks peaks = FindPeaks(heat, coverage);
  const int64_t width = heat.size(3);
  const torch::Tensor rank =
      peaks.probability + peaks.is_peak.to(torch::kFloat);
  const torch::Tensor cells = std::get<1>(
      rank.flatten(1).topk(std::min(count, heat.size(2) * width), 1));
  return torch::stack({cells % width, torch::div(cells, width, "floor")}, -1)
                 .to(torch::kFloat) *
             2.0 +
         1.0;
}

int64_t CountPlaces(const torch::Tensor& heat, const torch::Tensor& coverage) {
  const torch::NoGradGuard no_grad;
  const Peaks peaks = FindPeaks(heat, coverage);
  return peaks.probability.gt(kLikelyPlace)
      .logical_and(peaks.is_peak)
      .flatten(1)
      .sum(1)
      .max()
      .item<int64_t>();
}

QueryNetImpl::QueryNetImpl(const QueryConfig& config) : config_(config) {
  const int64_t channels = config.channels;
  if (config.trunk == QueryTrunk::kResNet50) {
    resnet_ = register_module("pixels", ResNetFeatures(config));
  } else {
    dense_ = register_module("pixels", DenseFeatures(config));
  }
  level_code_ = register_parameter("level_code", torch::zeros({3, channels}));
  if (config.proposals) {
    seed_ = register_module(
        "seed",
        torch::nn::Linear(config.dense.fine + config.dense.pyramid, channels));
    place_code_ = register_module(
        "place_code",
        nn::Mlp(std::vector<int64_t>{channels, channels, channels}));
    spread_ = register_module("spread", torch::nn::Linear(channels, 1));
  } else {
    query_content_ = register_parameter(
        "query_content", torch::zeros({config.queries, channels}));
    query_code_ = register_parameter("query_code",
                                     torch::zeros({config.queries, channels}));
  }
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string name = "layer" + std::to_string(i);
    layers_.push_back(
        {register_module(name + "_cross",
                         nn::Attention(channels, config.heads)),
         register_module(name + "_self", nn::Attention(channels, config.heads)),
         register_module(name + "_forward",
                         nn::FeedForward(channels, config.hidden))});
  }
  norm_ = register_module(
      "norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
  class_ = register_module("class", torch::nn::Linear(channels, 2));
  mask_ = register_module(
      "mask", nn::Mlp(std::vector<int64_t>{channels, channels, channels,
                                           config.mask_channels}));
  if (config.presence) {
    presence_ = register_module(
        "presence", nn::Mlp(std::vector<int64_t>{
                        channels + config.mask_channels, channels, 1}));
  }
}

QueryNetImpl::Tokens QueryNetImpl::MakeTokens(const QueryFeatures& features,
                                              size_t level,
                                              int64_t editions) const {
  const torch::Tensor& map = features.levels[level];
  Tokens tokens;
  tokens.height = map.size(2);
  tokens.width = map.size(3);
  const int64_t stride = features.coverage.size(2) / tokens.height;
  tokens.value =
      Flatten(map, editions) + level_code_[static_cast<int64_t>(level)];
  const nn::GridShape shape{editions, tokens.height, tokens.width};
  // Queries with a place need codes in which they can find it again.
  torch::Tensor code =
      config_.proposals
          ? nn::PixelCode(
                nn::CellCentres(tokens.height, tokens.width,
                                static_cast<double>(stride), map.options()),
                config_.channels)
                .reshape({-1, config_.channels})
                .repeat({editions, 1})
          : nn::GridCode(shape, config_.channels, map.options());
  if (config_.edition_code) {
    code = code + nn::EditionCode(shape, config_.channels, map.options());
  }
  tokens.key = tokens.value + code;
  tokens.covered =
      Flatten(torch::max_pool2d(features.coverage, stride, stride), editions)
          .squeeze(-1)
          .gt(0.0);
  return tokens;
}

QueryNetImpl::Queries QueryNetImpl::StartingQueries(
    const QueryFeatures& features, int64_t editions) {
  Queries queries;
  if (!config_.proposals) {
    const int64_t clips = features.coverage.size(0) / editions;
    queries.content = query_content_.expand({clips, -1, -1});
    queries.code = query_code_.expand({clips, -1, -1});
    return queries;
  }
  const torch::Tensor& heat = features.dense.heat;
  // Windows may be larger than the clips of the training.
  const int64_t count =
      is_training()
          ? config_.queries
          : std::max(config_.queries, CountPlaces(heat, features.coverage));
  queries.places = ProposePlaces(heat, features.coverage, count);
  const torch::Tensor size =
      torch::tensor({static_cast<float>(features.coverage.size(3)),
                     static_cast<float>(features.coverage.size(2))},
                    queries.places.options());
  const torch::Tensor grid = (2.0 * queries.places / size - 1.0)
                                 .unsqueeze(1)
                                 .repeat_interleave(editions, 0);
  const torch::Tensor covered =
      torch::grid_sampler_2d(features.coverage, grid, /*interpolation_mode=*/1,
                             /*padding_mode=*/1, /*align_corners=*/false)
          .view({-1, editions, queries.places.size(1), 1});
  const torch::Tensor weights =
      covered / covered.sum(1, /*keepdim=*/true).clamp_min(1.0);
  queries.content =
      seed_(torch::cat({FeaturesAt(features.dense.fine, grid, weights),
                        FeaturesAt(features.dense.levels[0], grid, weights)},
                       -1));
  queries.code = place_code_(nn::PixelCode(queries.places, config_.channels));
  return queries;
}

QueryAnswer QueryNetImpl::Answer(const Queries& queries, const Canvas& canvas) {
  const torch::Tensor x = norm_(queries.content);
  const int64_t clips = canvas.features.size(0);
  const int64_t editions = canvas.features.size(1);
  const int64_t count = x.size(1);
  QueryAnswer answer;
  answer.classes = class_(x);
  // [B, T, K, h * w], then the editions behind the queries.
  answer.masks =
      torch::matmul(mask_(x).unsqueeze(1), canvas.features)
          .view({clips, editions, count, canvas.height, canvas.width})
          .transpose(1, 2);
  if (config_.proposals) {
    const auto each = [&](const torch::Tensor& values) {
      return values.reshape({clips, count, 1, 1, 1});
    };
    const torch::Tensor distance =  // [B, K, T, h, w], squared
        (canvas.vote_x - each(queries.places.select(-1, 0))).square() +
        (canvas.vote_y - each(queries.places.select(-1, 1))).square();
    const torch::Tensor sigma =
        each(kBumpSigma * spread_(x).clamp(-2.0, 3.0).exp());
    answer.masks = answer.masks + canvas.foreground + kBumpTop -
                   (0.5 * distance / sigma.square()).clamp_max(kBumpDepth);
  }
  if (config_.presence) {
    // The place is looked at on every edition, also where nothing is drawn.
    torch::Tensor place =
        torch::sigmoid(answer.masks.detach().amax(2)).flatten(2);
    place = place / place.sum(-1, /*keepdim=*/true).clamp_min(1e-3);
    const torch::Tensor seen =  // [B, T, K, mask_channels]
        torch::matmul(place.unsqueeze(1), canvas.features.transpose(2, 3));
    answer.presence =
        presence_(
            torch::cat({x.unsqueeze(1).expand({-1, editions, -1, -1}), seen},
                       -1))
            .squeeze(-1)
            .transpose(1, 2);
  }
  return answer;
}

torch::Tensor QueryNetImpl::Hidden(const torch::Tensor& masks,
                                   const Tokens& tokens) const {
  const torch::NoGradGuard no_grad;
  // Published: bilinear, which looks at four cells of the mask. A small
  // building may lie between them, so that with proposals any cell counts.
  const torch::Tensor maps = masks.flatten(1, 2);
  const int64_t ratio = maps.size(2) / tokens.height;
  const torch::Tensor small =
      (config_.proposals
           ? torch::max_pool2d(maps, ratio, ratio)
           : torch::upsample_bilinear2d(maps, {tokens.height, tokens.width},
                                        /*align_corners=*/false))
          .reshape({masks.size(0), masks.size(1), -1});
  const torch::Tensor uncovered = tokens.covered.logical_not().unsqueeze(1);
  const torch::Tensor hidden = small.lt(0.0).logical_or(uncovered);
  // A query that sees nothing looks at all that is covered, and if nothing is,
  // everywhere: attention to nothing is no number.
  const torch::Tensor instead =
      uncovered.logical_and(uncovered.all(-1, /*keepdim=*/true).logical_not());
  return torch::where(hidden.all(-1, /*keepdim=*/true), instead, hidden);
}

QueryOutput QueryNetImpl::forward(const torch::Tensor& bytes, int64_t editions,
                                  torch::ScalarType dtype) {
  MAPWEAVE_CHECK(bytes.dim() == 4 && bytes.size(3) == 4 && editions >= 1 &&
                 bytes.size(0) % editions == 0);
  const QueryFeatures features =
      dense_ ? dense_(bytes, editions, dtype) : resnet_(bytes);
  std::array<Tokens, 3> levels;
  for (size_t i = 0; i < levels.size(); ++i) {
    levels[i] = MakeTokens(features, i, editions);
  }
  Canvas canvas;
  canvas.height = features.masks.size(2);
  canvas.width = features.masks.size(3);
  canvas.features = features.masks.flatten(2).view(
      {-1, editions, features.masks.size(1), canvas.height * canvas.width});
  if (config_.proposals) {
    const auto by_clip = [&](const torch::Tensor& values) {
      return values.reshape({-1, 1, editions, canvas.height, canvas.width});
    };
    canvas.vote_x = by_clip(features.votes.select(-1, 0));
    canvas.vote_y = by_clip(features.votes.select(-1, 1));
    canvas.foreground =
        by_clip(features.foreground).clamp(-kForegroundMost, kForegroundMost);
  }

  Queries queries = StartingQueries(features, editions);
  QueryOutput output;
  output.places = queries.places;
  output.coverage = features.coverage;
  output.dense = features.dense;
  output.answers.push_back(Answer(queries, canvas));
  for (size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    const Tokens& tokens = levels[i % levels.size()];
    torch::Tensor& x = queries.content;
    x = layer.cross(
        nn::AttentionImpl::Input{x, x + queries.code, tokens.key, tokens.value,
                                 Hidden(output.answers.back().masks, tokens)});
    x = layer.self(
        nn::AttentionImpl::Input{x, x + queries.code, x + queries.code, x, {}});
    x = layer.forward(x);
    output.answers.push_back(Answer(queries, canvas));
  }
  return output;
}

void InitialiseQueryNet(QueryNet& net, Rng rng) {
  nn::InitialiseWeights(*net, rng.Fork(1));
  Rng linear = rng.Fork(2);
  nn::InitialiseLinear(*net, linear);
  const torch::NoGradGuard no_grad;
  for (const auto& part : net->modules()) {
    auto* conv = part->as<torch::nn::Conv2dImpl>();
    if (conv != nullptr && conv->bias.defined()) conv->bias.zero_();
  }
  Rng codes = rng.Fork(3);
  for (auto& item : net->named_parameters()) {
    const std::string& name = item.key();
    if (!name.ends_with("level_code") && !name.starts_with("query_co")) {
      continue;
    }
    torch::Tensor values = torch::empty(item.value().sizes(), torch::kFloat);
    float* data = values.data_ptr<float>();
    for (int64_t i = 0; i < values.numel(); ++i) {
      data[i] = static_cast<float>(codes.Normal());
    }
    item.value().copy_(values);
  }
}

}  // namespace mapweave::vis
