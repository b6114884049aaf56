// SPDX-License-Identifier: MIT
#include "models/vis/query_loss.h"

#include "core/error.h"
#include "core/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <algorithm>
#include <cmath>

namespace mapweave::vis {
namespace {

constexpr double kClassWeight = 2.0;
constexpr double kMaskWeight = 5.0;
constexpr double kDiceWeight = 5.0;
constexpr double kPresenceWeight = 2.0;
constexpr double kNothingWeight = 0.1;  // of queries without a track
// Of matching a query to a track in which it lies (FastInst).
constexpr double kGateReward = 1e3;
// Of Mask2Former's choice of points: candidates per point, and the part of the
// points that are the least certain of them (PointRend, Kirillov et al., 2020).
constexpr int64_t kOversample = 3;
constexpr double kUncertainPart = 0.75;
// Boxes of local losses are at least so many pixels wide.
constexpr double kLeastBoxPx = 16.0;

// The true tracks of one clip, on the network's device.
struct Truth {
  torch::Tensor masks;     // [N, T, H, W] float32, 0 or 1
  torch::Tensor coverage;  // [T, H, W] float32
  // [N, 4] left, top, right, bottom in pixels: twice the box around all
  // editions, or the whole clip.
  torch::Tensor boxes;
};

torch::Tensor TrackBoxes(const torch::Tensor& masks) {
  const torch::Tensor drawn = masks.amax(1);          // [N, H, W]
  const auto range = [](const torch::Tensor& line) {  // [N, L] of 0 and 1
    const auto length = static_cast<double>(line.size(1));
    const torch::Tensor low = line.argmax(1).to(torch::kFloat);
    const torch::Tensor high =
        length - line.flip(1).argmax(1).to(torch::kFloat);
    const torch::Tensor half = (high - low).clamp_min(kLeastBoxPx / 2.0);
    const torch::Tensor middle = 0.5 * (low + high);
    return std::pair{(middle - half).clamp_min(0.0),
                     (middle + half).clamp_max(length)};
  };
  const auto [left, right] = range(drawn.amax(1));
  const auto [top, bottom] = range(drawn.amax(2));
  return torch::stack({left, top, right, bottom}, 1);
}

Truth MakeTruth(const torch::Tensor& labels, const torch::Tensor& coverage,
                const QueryConfig& config) {
  Truth truth;
  truth.coverage = coverage;
  const int64_t count = labels.numel() == 0 ? 0 : labels.max().item<int64_t>();
  const torch::Tensor ids =
      torch::arange(1, count + 1, labels.options()).view({-1, 1, 1, 1});
  truth.masks = labels.unsqueeze(0).eq(ids).to(torch::kFloat);
  if (config.local_losses && count > 0) {
    truth.boxes = TrackBoxes(truth.masks);
  } else {
    truth.boxes = torch::tensor({0.0f, 0.0f, static_cast<float>(labels.size(2)),
                                 static_cast<float>(labels.size(1))},
                                coverage.options())
                      .expand({count, 4});
  }
  return truth;
}

// Uniform in [0, 1).
torch::Tensor Uniform(at::IntArrayRef sizes, at::Generator& generator,
                      const torch::Device& device) {
  return torch::rand(sizes, generator, torch::TensorOptions(torch::kFloat))
      .to(device);
}

// Values of maps [N, h, w] at points [N or 1, P, 2], x and y in [0, 1]: [N, P].
torch::Tensor Sample(const torch::Tensor& maps, const torch::Tensor& points) {
  return torch::grid_sampler_2d(maps.unsqueeze(1),
                                (2.0 * points - 1.0)
                                    .unsqueeze(1)
                                    .expand({maps.size(0), -1, -1, -1}),
                                /*interpolation_mode=*/0, /*padding_mode=*/0,
                                /*align_corners=*/false)
      .flatten(1);
}

// As published, on points that all tracks and queries of a clip share.
torch::Tensor CostAtPoints(const torch::Tensor& masks, const Truth& truth,
                           const torch::Tensor& building,
                           const torch::Tensor& points) {
  const int64_t tracks = truth.masks.size(0);
  const auto at_points = [&points](const torch::Tensor& maps) {
    return Sample(maps.flatten(0, 1), points).view({maps.size(0), -1});
  };
  return MatchingCost({at_points(masks), at_points(truth.masks),
                       at_points(truth.coverage.unsqueeze(0))
                           .gt(0.5)
                           .to(torch::kFloat)
                           .expand({tracks, -1}),
                       building});
}

// On all cells in each track's box.
torch::Tensor CostInBoxes(const torch::Tensor& masks, const Truth& truth,
                          const torch::Tensor& building) {
  const int64_t stride = truth.coverage.size(1) / masks.size(2);
  const auto cells = [stride](const torch::Tensor& maps) {
    return torch::avg_pool2d(maps, stride);
  };
  const auto inside = [&](int64_t count, int64_t low, int64_t high) {
    const torch::Tensor at = (torch::arange(count, masks.options()) + 0.5) *
                             static_cast<double>(stride);
    return at.ge(truth.boxes.select(1, low).unsqueeze(1))
        .logical_and(at.le(truth.boxes.select(1, high).unsqueeze(1)))
        .to(torch::kFloat);
  };
  const torch::Tensor weight =  // [N, T, h, w]
      (inside(masks.size(2), 1, 3).unsqueeze(2) *
       inside(masks.size(3), 0, 2).unsqueeze(1))
          .unsqueeze(1) *
      cells(truth.coverage).unsqueeze(0);
  return MatchingCost({masks.flatten(1), cells(truth.masks).flatten(1),
                       weight.flatten(1), building});
}

// 1 where query k starts inside track n: [K, N].
torch::Tensor StartsInside(const torch::Tensor& places, const Truth& truth) {
  const torch::Tensor size =
      torch::tensor({static_cast<float>(truth.masks.size(3)),
                     static_cast<float>(truth.masks.size(2))},
                    places.options());
  const torch::Tensor drawn = truth.masks.amax(1);
  return torch::grid_sampler_2d(drawn.unsqueeze(1),
                                (2.0 * places / size - 1.0)
                                    .view({1, 1, -1, 2})
                                    .expand({drawn.size(0), -1, -1, -1}),
                                /*interpolation_mode=*/1, /*padding_mode=*/0,
                                /*align_corners=*/false)
      .flatten(1)
      .transpose(0, 1);
}

struct Matches {
  torch::Tensor queries;  // [M] int64
  torch::Tensor tracks;   // [M]
};

// The cheapest pairs of a [K, N] cost.
Matches Match(const torch::Tensor& cost) {
  const torch::Tensor values =
      cost.detach().to(torch::kCPU, torch::kDouble).t().contiguous();
  if (!torch::isfinite(values).all().item<bool>()) return {};
  const cv::Mat matrix(static_cast<int>(values.size(0)),
                       static_cast<int>(values.size(1)), CV_64FC1,
                       values.data_ptr<double>());
  std::vector<int64_t> queries;
  std::vector<int64_t> tracks;
  for (const auto& [row, col] : tracking::SolveAssignment(matrix)) {
    tracks.push_back(row);
    queries.push_back(col);
  }
  return {torch::tensor(queries, torch::kLong).to(cost.device()),
          torch::tensor(tracks, torch::kLong).to(cost.device())};
}

// One row for each matched track and edition.
struct MaskRows {
  torch::Tensor logits;    // [M, h, w]
  torch::Tensor drawn;     // [M, H, W], 0 or 1
  torch::Tensor coverage;  // [M, H, W], 0 or 1
  torch::Tensor boxes;     // [M, 4] in parts of the clip
};

// Where the mask loss of each row looks, [M, P, 2] in [0, 1]: mostly at the
// least certain of many places in its box, the rest anywhere. The choice is not
// swayed by what is answered where nothing is covered.
torch::Tensor ChoosePoints(const MaskRows& rows, int64_t points,
                           at::Generator& generator) {
  const torch::NoGradGuard no_grad;
  const int64_t count = rows.logits.size(0);
  const auto options = rows.logits.options();
  const auto uncertain =
      static_cast<int64_t>(kUncertainPart * static_cast<double>(points));
  const torch::Tensor corner = rows.boxes.slice(1, 0, 2).unsqueeze(1);
  const torch::Tensor size = rows.boxes.slice(1, 2, 4).unsqueeze(1) - corner;
  const torch::Tensor candidates =
      corner + size * Uniform({count, kOversample * points, 2}, generator,
                              options.device());
  const torch::Tensor doubt = torch::where(
      Sample(rows.coverage, candidates).gt(0.5),
      -Sample(rows.logits, candidates).abs(), torch::full({}, -1e9, options));
  const torch::Tensor chosen = std::get<1>(doubt.topk(uncertain, 1));
  return torch::cat(
      {candidates.gather(1, chosen.unsqueeze(-1).expand({-1, -1, 2})),
       Uniform({count, points - uncertain, 2}, generator, options.device())},
      1);
}

// Sums over tracks, to be divided by their number.
struct ClipLoss {
  torch::Tensor masks;
  torch::Tensor dice;
  torch::Tensor presence;
};

ClipLoss MatchedLoss(const torch::Tensor& masks, const torch::Tensor& presence,
                     const Truth& truth, const Matches& matches, int64_t points,
                     at::Generator& generator) {
  const int64_t editions = masks.size(1);
  const torch::Tensor drawn = truth.masks.index_select(0, matches.tracks);
  const auto height = static_cast<float>(drawn.size(2));
  const auto width = static_cast<float>(drawn.size(3));
  const torch::Tensor size =
      torch::tensor({width, height, width, height}, masks.options());
  const MaskRows rows{masks.index_select(0, matches.queries).flatten(0, 1),
                      drawn.flatten(0, 1),
                      truth.coverage.repeat({drawn.size(0), 1, 1}),
                      (truth.boxes.index_select(0, matches.tracks) / size)
                          .repeat_interleave(editions, 0)};
  const torch::Tensor places = ChoosePoints(rows, points, generator);
  const torch::Tensor x = Sample(rows.logits, places);
  const torch::Tensor target = Sample(rows.drawn, places);
  const torch::Tensor valid =
      Sample(rows.coverage, places).gt(0.5).to(torch::kFloat);
  ClipLoss loss;
  loss.masks = (torch::binary_cross_entropy_with_logits(x, target, valid, {},
                                                        at::Reduction::None)
                    .sum(1) /
                valid.sum(1).clamp_min(1.0))
                   .sum();
  const torch::Tensor probability = torch::sigmoid(x) * valid;
  const torch::Tensor masked = target * valid;
  loss.dice = (1.0 - (2.0 * (probability * masked).sum(1) + 1.0) /
                         (probability.sum(1) + masked.sum(1) + 1.0))
                  .sum();
  if (presence.defined()) {
    // Asked only where most of the building's ground is covered.
    const torch::Tensor ground = drawn.amax(1, /*keepdim=*/true);
    const torch::Tensor known = (ground * truth.coverage.unsqueeze(0))
                                    .sum({2, 3})
                                    .ge(0.5 * ground.sum({2, 3}))
                                    .to(torch::kFloat);  // [M, T]
    const torch::Tensor is_drawn = drawn.amax({2, 3});
    loss.presence = (torch::binary_cross_entropy_with_logits(
                         presence.index_select(0, matches.queries), is_drawn,
                         known, {}, at::Reduction::None)
                         .sum(1) /
                     known.sum(1).clamp_min(1.0))
                        .sum();
  }
  return loss;
}

}  // namespace

torch::Tensor MatchingCost(const MatchingInput& input) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor wanted = (input.target * input.weight).t();  // [L, N]
  const torch::Tensor weight = input.weight.t();
  const torch::Tensor entropy =
      (torch::matmul(torch::softplus(-input.logits), wanted) +
       torch::matmul(torch::softplus(input.logits), weight - wanted)) /
      weight.sum(0).clamp_min(1.0);
  const torch::Tensor probability = torch::sigmoid(input.logits);
  const torch::Tensor dice =
      1.0 - (2.0 * torch::matmul(probability, wanted) + 1.0) /
                (torch::matmul(probability, weight) + wanted.sum(0) + 1.0);
  return kMaskWeight * entropy + kDiceWeight * dice -
         kClassWeight * input.building.unsqueeze(1);
}

namespace {

// What a batch asks of every answer.
struct Questions {
  std::vector<Truth> truths;              // one per clip
  std::vector<at::Generator> generators;  // one per clip, as it stands anywhere
  // Of the joined batch, over which sums are divided.
  double tracks = 0.0;
  double class_weight = 0.0;  // of all queries of one answer
};

Questions Ask(const QueryOutput& output, const Batch& batch,
              const QueryConfig& config, nn::ProcessGroup& group) {
  const torch::Tensor& coverage = output.coverage;
  const int64_t height = coverage.size(2);
  const int64_t width = coverage.size(3);
  const torch::Tensor labels = torch::constant_pad_nd(
      torch::from_blob(const_cast<int32_t*>(batch.labels.data()),
                       {batch.clips, batch.editions, batch.height, batch.width},
                       torch::TensorOptions(torch::kInt))
          .to(coverage.device()),
      {0, width - batch.width, 0, height - batch.height});
  const torch::Tensor covered =
      coverage.view({batch.clips, batch.editions, height, width});
  Questions questions;
  const auto queries =
      static_cast<double>(output.answers.front().classes.size(1));
  for (int64_t b = 0; b < batch.clips; ++b) {
    questions.truths.push_back(MakeTruth(labels[b], covered[b], config));
    const auto tracks =
        static_cast<double>(questions.truths.back().masks.size(0));
    const double matched = std::min(tracks, queries);
    questions.tracks += tracks;
    questions.class_weight += matched + kNothingWeight * (queries - matched);
    questions.generators.push_back(at::make_generator<at::CPUGeneratorImpl>(
        Rng(batch.seed, static_cast<uint64_t>(batch.first_clip + b)).Next()));
  }
  torch::Tensor sums =
      torch::tensor({questions.tracks, questions.class_weight}, torch::kDouble);
  group.Sum(sums);
  questions.tracks = std::max(1.0, sums[0].item<double>());
  questions.class_weight = sums[1].item<double>();
  return questions;
}

// Sums over the tracks of every clip, and over its queries for the classes, [B]
// each.
struct AnswerLoss {
  torch::Tensor classes;
  torch::Tensor class_weight;
  torch::Tensor masks;
  torch::Tensor dice;
  torch::Tensor presence;
};

// The queries that are each a track; undefined without tracks, and of a network
// that has diverged, which the total tells.
Matches MatchClip(const QueryAnswer& answer, const QueryOutput& output,
                  int64_t b, Questions& questions, const QueryConfig& config) {
  const Truth& truth = questions.truths[static_cast<size_t>(b)];
  if (truth.masks.size(0) == 0) return {};
  const torch::Tensor masks = answer.masks[b].detach();
  const torch::Tensor building =
      answer.classes[b].detach().softmax(-1).select(1, kBuildingClass);
  torch::Tensor cost =
      config.local_losses
          ? CostInBoxes(masks, truth, building)
          : CostAtPoints(masks, truth, building,
                         Uniform({1, config.points, 2},
                                 questions.generators[static_cast<size_t>(b)],
                                 masks.device()));
  if (config.location_gate) {
    cost = cost - kGateReward * StartsInside(output.places[b], truth);
  }
  return Match(cost);
}

AnswerLoss LossOfAnswer(const QueryAnswer& answer, const QueryOutput& output,
                        const Batch& batch, Questions& questions,
                        const QueryConfig& config) {
  const auto options = output.coverage.options();
  const torch::Tensor class_weight =
      torch::tensor({1.0f, static_cast<float>(kNothingWeight)}, options);
  // [B, K]: 1 = nothing
  torch::Tensor wanted =
      torch::ones({batch.clips, answer.classes.size(1)},
                  torch::TensorOptions(torch::kLong).device(options.device()));
  std::vector<torch::Tensor> masks;
  std::vector<torch::Tensor> dice;
  std::vector<torch::Tensor> presence;
  const torch::Tensor none = torch::zeros({}, options);
  for (int64_t b = 0; b < batch.clips; ++b) {
    // Keeps the graph without a track.
    masks.push_back(answer.masks[b].sum() * 0.0);
    dice.push_back(none);
    presence.push_back(
        answer.presence.defined() ? answer.presence[b].sum() * 0.0 : none);
    const Matches matches = MatchClip(answer, output, b, questions, config);
    if (!matches.queries.defined()) continue;
    wanted[b].index_fill_(0, matches.queries, kBuildingClass);
    const ClipLoss clip = MatchedLoss(
        answer.masks[b],
        answer.presence.defined() ? answer.presence[b] : torch::Tensor(),
        questions.truths[static_cast<size_t>(b)], matches, config.points,
        questions.generators[static_cast<size_t>(b)]);
    masks.back() = masks.back() + clip.masks;
    dice.back() = clip.dice;
    if (clip.presence.defined()) {
      presence.back() = presence.back() + clip.presence;
    }
  }
  AnswerLoss loss;
  loss.classes =
      torch::cross_entropy_loss(answer.classes.flatten(0, 1), wanted.flatten(),
                                class_weight, at::Reduction::None)
          .view(wanted.sizes())
          .sum(1);
  loss.class_weight = class_weight.index_select(0, wanted.flatten())
                          .view(wanted.sizes())
                          .sum(1);
  loss.masks = torch::stack(masks);
  loss.dice = torch::stack(dice);
  loss.presence = torch::stack(presence);
  return loss;
}

torch::Tensor PerClip(const AnswerLoss& answer, const Questions& questions) {
  const torch::NoGradGuard no_grad;
  std::vector<float> tracks;
  for (const Truth& truth : questions.truths) {
    tracks.push_back(
        static_cast<float>(std::max<int64_t>(truth.masks.size(0), 1)));
  }
  return (kClassWeight * answer.classes / answer.class_weight +
          (kMaskWeight * answer.masks + kDiceWeight * answer.dice +
           kPresenceWeight * answer.presence) /
              torch::tensor(tracks, answer.masks.options()))
      .detach();
}

}  // namespace

QueryLoss ComputeQueryLoss(const QueryOutput& output, const Batch& batch,
                           const QueryConfig& config, nn::ProcessGroup& group) {
  Questions questions = Ask(output, batch, config, group);
  QueryLoss loss;
  loss.total = torch::zeros({}, output.coverage.options());
  for (const QueryAnswer& given : output.answers) {
    const AnswerLoss answer =
        LossOfAnswer(given, output, batch, questions, config);
    loss.classes = answer.classes.sum() / questions.class_weight;
    loss.masks = answer.masks.sum() / questions.tracks;
    loss.dice = answer.dice.sum() / questions.tracks;
    loss.presence = answer.presence.sum() / questions.tracks;
    loss.total = loss.total + kClassWeight * loss.classes +
                 kMaskWeight * loss.masks + kDiceWeight * loss.dice +
                 kPresenceWeight * loss.presence;
    loss.clips = PerClip(answer, questions);
  }
  return loss;
}

QueryLoss ComputeQueryLoss(const QueryOutput& output, const Batch& batch,
                           const QueryConfig& config) {
  return ComputeQueryLoss(output, batch, config,
                          *nn::JoinProcesses({}, torch::kCPU));
}

}  // namespace mapweave::vis
