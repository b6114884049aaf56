// SPDX-License-Identifier: MIT
#include "models/vis/dense_segmenter.h"

#include "core/error.h"
#include "models/vis/dense_checkpoint.h"
#include "models/vis/device.h"

namespace mapweave::vis {
namespace {

using tracking::Clip;

// [T, H, W, 4] uint8: red, green, blue, coverage.
torch::Tensor ClipBytes(const Clip& clip) {
  bool fits =
      !clip.frames.empty() && clip.frames.size() == clip.coverage.size();
  for (size_t t = 0; fits && t < clip.frames.size(); ++t) {
    fits = clip.frames[t].type() == CV_8UC3 &&
           clip.coverage[t].type() == CV_8UC1 && !clip.frames[t].empty() &&
           clip.frames[t].size() == clip.frames[0].size() &&
           clip.coverage[t].size() == clip.frames[0].size();
  }
  if (!fits) {
    throw Error(ErrorCode::kBadInput,
                "a clip's frames and coverage do not fit together");
  }
  const int rows = clip.frames[0].rows;
  const int cols = clip.frames[0].cols;
  torch::Tensor bytes = torch::empty(
      {static_cast<int64_t>(clip.frames.size()), rows, cols, 4}, torch::kByte);
  uint8_t* to = bytes.data_ptr<uint8_t>();
  for (size_t t = 0; t < clip.frames.size(); ++t) {
    for (int row = 0; row < rows; ++row) {
      const auto* colours = clip.frames[t].ptr<uint8_t>(row);
      const auto* covered = clip.coverage[t].ptr<uint8_t>(row);
      for (int col = 0; col < cols; ++col, colours += 3, to += 4) {
        std::copy_n(colours, 3, to);
        to[3] = covered[col] != 0 ? 1 : 0;
      }
    }
  }
  return bytes;
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

DenseMaps PredictMaps(DenseNet& net, const Clip& clip,
                      const torch::Device& device) {
  const torch::NoGradGuard no_grad;
  const OneThreadScope one_thread;
  MAPWEAVE_CHECK(!net->is_training());
  const torch::Tensor bytes = ClipBytes(clip);
  const int64_t editions = bytes.size(0);
  const torch::Tensor cells =
      net->Infer(NormaliseInput(bytes, device, torch::kFloat));
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

DenseSegmenter::DenseSegmenter(DenseNet net, DecodeOptions decode,
                               torch::Device device)
    : net_(std::move(net)), decode_(decode), device_(device) {}

tracking::TrackSet DenseSegmenter::Segment(const Clip& clip) {
  const DenseMaps maps = WithTorchErrors(
      "segmenting a window", [&] { return PredictMaps(net_, clip, device_); });
  return DecodeTracks(maps, clip.coverage, decode_);
}

std::unique_ptr<Segmenter> DenseSegmenter::Clone() const {
  return std::make_unique<DenseSegmenter>(net_, decode_, device_);
}

std::unique_ptr<Segmenter> LoadSegmenter(const std::string& path,
                                         const std::string& device) {
  const torch::Device torch_device = ToTorchDevice(device);
  DenseCheckpoint checkpoint = LoadDenseCheckpoint(path);
  checkpoint.net->to(torch_device);
  return std::make_unique<DenseSegmenter>(checkpoint.net, checkpoint.decode,
                                          torch_device);
}

}  // namespace mapweave::vis
