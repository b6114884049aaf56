// SPDX-License-Identifier: MIT
#include "models/vis/dense_network.h"

#include "core/error.h"
#include "models/vis/dense_loss.h"
#include "models/vis/device.h"

#include <array>
#include <cmath>
#include <utility>

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

// A symmetry of the square: first transposed, then mirrored.
struct Look {
  bool transpose = false;
  bool mirror_x = false;
  bool mirror_y = false;
};

// Any first two, four or eight of them treat both axes alike.
constexpr std::array<Look, 8> kLooks = {{{false, false, false},
                                         {false, true, true},
                                         {true, false, true},
                                         {true, true, false},
                                         {false, true, false},
                                         {false, false, true},
                                         {true, false, false},
                                         {true, true, true}}};

// The network's maps for one look, turned back: [T, 4, H, W] float32 on the
// CPU, probabilities of foreground and interior, and offsets in pixels.
torch::Tensor LookAt(DenseNet& net, const torch::Tensor& bytes,
                     const Look& look, const Compute& compute) {
  std::vector<int64_t> mirrored;
  if (look.mirror_y) mirrored.push_back(-2);
  if (look.mirror_x) mirrored.push_back(-1);
  torch::Tensor seen = bytes.permute({0, 3, 1, 2});
  if (look.transpose) seen = seen.transpose(2, 3);
  if (!mirrored.empty()) seen = seen.flip(mirrored);
  const torch::Tensor cells = net->Infer(NormaliseInput(
      seen.permute({0, 2, 3, 1}).contiguous(), compute.device, compute.dtype));
  torch::Tensor maps = torch::pixel_shuffle(cells, 2)
                           .slice(2, 0, seen.size(2))
                           .slice(3, 0, seen.size(3))
                           .to(torch::kCPU);
  if (!mirrored.empty()) maps = maps.flip(mirrored);
  torch::Tensor x = maps.slice(1, 2, 3) * kOffsetUnit;
  torch::Tensor y = maps.slice(1, 3, 4) * kOffsetUnit;
  if (look.mirror_x) x = -x;
  if (look.mirror_y) y = -y;
  if (look.transpose) std::swap(x, y);
  maps = torch::cat({torch::sigmoid(maps.slice(1, 0, 2)), x, y}, 1);
  return look.transpose ? maps.transpose(2, 3) : maps;
}

// uint8 [T, H, W, 4], larger by `zoom`.
torch::Tensor Magnify(const torch::Tensor& bytes, double zoom) {
  const auto scaled = [zoom](int64_t side) {
    return static_cast<int64_t>(std::ceil(static_cast<double>(side) * zoom));
  };
  return torch::upsample_bilinear2d(
             bytes.permute({0, 3, 1, 2}).to(torch::kFloat),
             {scaled(bytes.size(1)), scaled(bytes.size(2))}, false)
      .round()
      .to(torch::kByte)
      .permute({0, 2, 3, 1})
      .contiguous();
}

// What LookAt said of a magnified clip, in the pixels of `bytes`.
torch::Tensor Shrink(const torch::Tensor& maps, const torch::Tensor& bytes) {
  torch::Tensor small = torch::upsample_bilinear2d(
      maps.contiguous(), {bytes.size(1), bytes.size(2)}, false);
  small.select(1, 2).mul_(static_cast<double>(bytes.size(2)) /
                          static_cast<double>(maps.size(3)));
  small.select(1, 3).mul_(static_cast<double>(bytes.size(1)) /
                          static_cast<double>(maps.size(2)));
  return small;
}

}  // namespace

DenseMaps PredictMaps(DenseNet& net, const Clip& clip, const Compute& compute) {
  const torch::NoGradGuard no_grad;
  const OneThreadScope one_thread;
  MAPWEAVE_CHECK(!net->is_training());
  MAPWEAVE_CHECK(compute.looks >= 1 && compute.looks <= 8);
  const torch::Tensor bytes = ClipBytes(clip);
  torch::Tensor maps = LookAt(net, bytes, kLooks[0], compute);
  const auto looks = static_cast<size_t>(compute.looks);
  for (size_t i = 1; i < looks; ++i) {
    maps.add_(LookAt(net, bytes, kLooks[i], compute));
  }
  if (compute.zoom > 1.0) {
    const torch::Tensor larger = Magnify(bytes, compute.zoom);
    for (size_t i = 0; i < looks; ++i) {
      maps.add_(Shrink(LookAt(net, larger, kLooks[i], compute), bytes));
    }
    maps.div_(2.0);
  }
  maps.div_(compute.looks);
  DenseMaps result;
  for (int64_t t = 0; t < bytes.size(0); ++t) {
    result.foreground.push_back(ToMat(maps[t][0]));
    result.interior.push_back(ToMat(maps[t][1]));
    result.offset_x.push_back(ToMat(maps[t][2]));
    result.offset_y.push_back(ToMat(maps[t][3]));
  }
  return result;
}

std::vector<std::string> DenseNetwork::LossTerms() const {
  return {"foreground",    "interior", "foreground_dice",
          "interior_dice", "offset",   "heat"};
}

NetworkLoss DenseNetwork::ComputeLoss(const Batch& batch,
                                      const Compute& compute,
                                      nn::ProcessGroup& group) {
  MAPWEAVE_CHECK(batch.dense.has_value());
  const DenseOutput output =
      net_(NormaliseInput(BatchBytes(batch), compute.device, compute.dtype),
           batch.editions);
  const DenseLoss loss = ComputeDenseLoss(output, *batch.dense, group);
  NetworkLoss result{loss.total, {}, loss.editions};
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
