// SPDX-License-Identifier: MIT
#include "models/vis/query_network.h"

#include "core/error.h"
#include "models/vis/dense_loss.h"
#include "models/vis/device.h"
#include "models/vis/query_loss.h"

#include <algorithm>

namespace mapweave::vis {
namespace {

using tracking::Clip;
using tracking::Mask;

// Queries that are less probably buildings say nothing worth a mask.
constexpr float kLeastProbability = 0.01f;

struct QueryPrediction : Prediction {
  std::vector<QueryTrack> queries;
};

// The part [y0, y1) x [x0, x1) of a mask's cells where it is positive on some
// edition, one cell wider; empty if it is nowhere.
cv::Rect PositiveCells(const torch::Tensor& logits) {
  const torch::Tensor positive = logits.gt(0.0).any(0).contiguous();
  const cv::Mat image(static_cast<int>(positive.size(0)),
                      static_cast<int>(positive.size(1)), CV_8UC1,
                      positive.data_ptr<bool>());
  cv::Rect box;
  for (int row = 0; row < image.rows; ++row) {
    for (int col = 0; col < image.cols; ++col) {
      if (image.at<uint8_t>(row, col) != 0) box |= cv::Rect(col, row, 1, 1);
    }
  }
  if (box.empty()) return box;
  return cv::Rect(box.x - 1, box.y - 1, box.width + 2, box.height + 2) &
         cv::Rect(0, 0, image.cols, image.rows);
}

// The masks of one query, `logits` [T, h, w] float32 on the CPU, at the clip's
// resolution: only the cells where there is something are enlarged.
void FillMasks(const torch::Tensor& logits, int stride, const Clip& clip,
               QueryTrack& track) {
  const size_t editions = clip.coverage.size();
  track.masks.assign(editions, Mask());
  track.certainty.assign(editions, 0.0f);
  const cv::Rect cells = PositiveCells(logits);
  if (cells.empty()) return;
  const torch::Tensor part =
      torch::sigmoid(torch::upsample_bilinear2d(
                         logits.slice(1, cells.y, cells.br().y)
                             .slice(2, cells.x, cells.br().x)
                             .unsqueeze(1),
                         {cells.height * stride, cells.width * stride},
                         /*align_corners=*/false))
          .squeeze(1)
          .contiguous();
  const cv::Rect place(cells.x * stride, cells.y * stride, cells.width * stride,
                       cells.height * stride);
  for (size_t t = 0; t < editions; ++t) {
    const torch::Tensor values = part[static_cast<int64_t>(t)];
    const cv::Mat image(place.height, place.width, CV_32FC1,
                        values.data_ptr<float>());
    const cv::Mat& coverage = clip.coverage[t];
    const cv::Rect inside =
        place & cv::Rect(0, 0, coverage.cols, coverage.rows);
    if (inside.empty()) continue;
    const cv::Mat probability = image(inside - place.tl());
    const cv::Mat shown = (probability > 0.5f) & (coverage(inside) != 0);
    track.masks[t] = Mask::FromImage(shown, inside.tl());
    if (!track.masks[t].IsEmpty()) {
      track.certainty[t] = static_cast<float>(cv::mean(probability, shown)[0]);
    }
  }
}

}  // namespace

std::vector<QueryTrack> PredictQueries(QueryNet& net, const Clip& clip,
                                       const Compute& compute) {
  const torch::NoGradGuard no_grad;
  const OneThreadScope one_thread;
  MAPWEAVE_CHECK(!net->is_training());
  const torch::Tensor bytes = ClipBytes(clip);
  const QueryOutput output =
      net(bytes.to(compute.device), bytes.size(0), compute.dtype);
  const QueryAnswer& answer = output.answers.back();
  const torch::Tensor building = answer.classes[0]
                                     .softmax(-1)
                                     .select(1, kBuildingClass)
                                     .to(torch::kCPU)
                                     .contiguous();
  const torch::Tensor masks = answer.masks[0].to(torch::kCPU);
  torch::Tensor presence;
  if (answer.presence.defined()) {
    presence = torch::sigmoid(answer.presence[0]).to(torch::kCPU).contiguous();
  }
  const auto stride = static_cast<int>(output.coverage.size(2) / masks.size(2));
  std::vector<QueryTrack> tracks;
  for (int64_t k = 0; k < masks.size(0); ++k) {
    QueryTrack track;
    track.building = building.data_ptr<float>()[k];
    if (track.building < kLeastProbability) continue;
    FillMasks(masks[k], stride, clip, track);
    if (presence.defined()) {
      const float* first = presence.data_ptr<float>() + k * bytes.size(0);
      track.presence.assign(first, first + bytes.size(0));
    } else {
      track.presence = track.certainty;
    }
    tracks.push_back(std::move(track));
  }
  return tracks;
}

double QueryNetwork::RateOf(const std::string& parameter) const {
  // Published: a pretrained backbone learns at a tenth of the rate.
  const bool is_slow = net_->Config().norm == "frozen" &&
                       parameter.starts_with("pixels.backbone.");
  return is_slow ? 0.1 : 1.0;
}

TargetKind QueryNetwork::Targets() const {
  const QueryConfig& config = net_->Config();
  return config.trunk == QueryTrunk::kDense && config.dense_loss &&
                 !config.freeze_trunk
             ? TargetKind::kDense
             : TargetKind::kLabels;
}

std::vector<std::string> QueryNetwork::LossTerms() const {
  std::vector<std::string> terms = {"class", "mask", "dice", "presence"};
  if (Targets() == TargetKind::kDense) terms.push_back("dense");
  return terms;
}

NetworkLoss QueryNetwork::ComputeLoss(const Batch& batch,
                                      const Compute& compute,
                                      nn::ProcessGroup& group) {
  const QueryOutput output =
      net_(BatchBytes(batch).to(compute.device), batch.editions, compute.dtype);
  const QueryLoss loss = ComputeQueryLoss(output, batch, net_->Config(), group);
  NetworkLoss result{loss.total,
                     {loss.classes.detach(), loss.masks.detach(),
                      loss.dice.detach(), loss.presence.detach()},
                     loss.clips.repeat_interleave(batch.editions)};
  if (Targets() == TargetKind::kDense) {
    MAPWEAVE_CHECK(batch.dense.has_value());
    const DenseLoss dense = ComputeDenseLoss(output.dense, *batch.dense, group);
    result.total = result.total + dense.total;
    result.terms.push_back(dense.total.detach());
    result.editions = result.editions + dense.editions;
  }
  return result;
}

std::unique_ptr<Prediction> QueryNetwork::Predict(const Clip& clip,
                                                  const Compute& compute) {
  auto prediction = std::make_unique<QueryPrediction>();
  prediction->queries = PredictQueries(net_, clip, compute);
  return prediction;
}

tracking::TrackSet QueryNetwork::AllTracks(
    const Prediction& prediction, const std::vector<cv::Mat>& /*coverage*/,
    const Json& decode) const {
  return TracksFromQueries(
      dynamic_cast<const QueryPrediction&>(prediction).queries,
      QueryDecodeOptions::FromJson(decode, DecodeDefaults()));
}

QueryDecodeOptions QueryNetwork::DecodeDefaults() const {
  QueryDecodeOptions options;
  if (!net_->Config().score_masks) options.mask_weight = 0.0;
  if (!net_->Config().presence) options.min_presence = 0.0;
  if (net_->Config().trunk == QueryTrunk::kResNet50) options.max_overlap = 1.0;
  return options;
}

Json QueryNetwork::CheckDecode(const Json& decode) const {
  return QueryDecodeOptions::FromJson(decode, DecodeDefaults()).ToJson();
}

std::vector<DecodeChoice> QueryNetwork::DecodeChoices() const {
  if (!net_->Config().presence) return {};
  return {{"min_presence", {0.3, 0.4, 0.6, 0.7}}, {"max_overlap", {0.3, 0.7}}};
}

}  // namespace mapweave::vis
