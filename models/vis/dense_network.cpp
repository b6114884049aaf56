// SPDX-License-Identifier: MIT
#include "models/vis/dense_network.h"

#include "core/error.h"
#include "models/vis/dense_loss.h"
#include "models/vis/device.h"

namespace mapweave::vis {
namespace {

using tracking::Clip;

struct DensePrediction : Prediction {
  DenseMaps maps;
};

const DenseMaps& MapsOf(const Prediction& prediction) {
  return dynamic_cast<const DensePrediction&>(prediction).maps;
}

// A copy of a contiguous float32 [H, W] tensor.
cv::Mat ToMat(const torch::Tensor& map) {
  const torch::Tensor values = map.contiguous();
  return cv::Mat(static_cast<int>(values.size(0)),
                 static_cast<int>(values.size(1)), CV_32FC1,
                 values.data_ptr<float>())
      .clone();
}

}  // namespace

DenseMaps PredictMaps(DenseNet& net, const Clip& clip, const Compute& compute) {
  const torch::NoGradGuard no_grad;
  const OneThreadScope one_thread;
  MAPWEAVE_CHECK(!net->is_training());
  const torch::Tensor bytes = ClipBytes(clip);
  const int64_t editions = bytes.size(0);
  const torch::Tensor cells =
      net->Infer(NormaliseInput(bytes, compute.device, compute.dtype));
  // [T, 4, H, W] without the padding.
  const torch::Tensor maps = torch::pixel_shuffle(cells, 2)
                                 .slice(2, 0, bytes.size(1))
                                 .slice(3, 0, bytes.size(2))
                                 .to(torch::kCPU);
  const torch::Tensor probability = torch::sigmoid(maps.slice(1, 0, 2));
  const torch::Tensor offset = maps.slice(1, 2, 4) * kOffsetUnit;
  DenseMaps result;
  for (int64_t t = 0; t < editions; ++t) {
    result.foreground.push_back(ToMat(probability[t][0]));
    result.interior.push_back(ToMat(probability[t][1]));
    result.offset_x.push_back(ToMat(offset[t][0]));
    result.offset_y.push_back(ToMat(offset[t][1]));
  }
  return result;
}

std::vector<std::string> DenseNetwork::LossTerms() const {
  return {"foreground",    "interior", "foreground_dice",
          "interior_dice", "offset",   "heat"};
}

NetworkLoss DenseNetwork::ComputeLoss(const Batch& batch,
                                      const torch::Device& device,
                                      torch::ScalarType dtype) {
  MAPWEAVE_CHECK(batch.dense.has_value());
  const DenseOutput output =
      net_(NormaliseInput(BatchBytes(batch), device, dtype), batch.editions);
  const DenseLoss loss = ComputeDenseLoss(output, *batch.dense);
  NetworkLoss result{loss.total, {}};
  for (const torch::Tensor* term :
       {&loss.foreground, &loss.interior, &loss.foreground_dice,
        &loss.interior_dice, &loss.offset, &loss.heat}) {
    result.terms.push_back(term->detach());
  }
  return result;
}

std::unique_ptr<Prediction> DenseNetwork::Predict(const Clip& clip,
                                                  const Compute& compute) {
  auto prediction = std::make_unique<DensePrediction>();
  prediction->maps = PredictMaps(net_, clip, compute);
  return prediction;
}

tracking::TrackSet DenseNetwork::AllTracks(const Prediction& prediction,
                                           const std::vector<cv::Mat>& coverage,
                                           const Json& decode) const {
  return DecodeAllTracks(MapsOf(prediction), coverage,
                         DecodeOptions::FromJson(decode));
}

std::optional<tracking::LinkScene> DenseNetwork::Instances(
    const Prediction& prediction, const std::vector<cv::Mat>& coverage,
    const Json& decode) const {
  return FindInstances(MapsOf(prediction), coverage,
                       DecodeOptions::FromJson(decode));
}

std::vector<std::vector<Point2d>> DenseNetwork::CentreVotes(
    const Prediction& prediction,
    const std::vector<std::vector<tracking::Instance>>& per_edition) const {
  return vis::CentreVotes(MapsOf(prediction), per_edition);
}

Json DenseNetwork::CheckDecode(const Json& decode) const {
  return DecodeOptions::FromJson(decode).ToJson();
}

std::vector<DecodeChoice> DenseNetwork::DecodeChoices() const {
  return {{"interior_threshold", {0.3, 0.4, 0.6, 0.7}},
          {"foreground_threshold", {0.3, 0.4, 0.6, 0.7}},
          {"grow_px", {1, 3, 4}}};
}

}  // namespace mapweave::vis
