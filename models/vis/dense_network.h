// SPDX-License-Identifier: MIT
//
// The dense family as the trainer and the segmenter see it: the network, its
// loss, and the decoder that makes tracks of its maps.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/vis/dense_decoder.h"
#include "models/vis/dense_net.h"
#include "models/vis/network.h"

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::vis {

// The network's maps for a clip of any size, in float32. `net` is on the
// device of `compute` and in evaluation mode. Throws Error{kBadInput} if the
// clip is empty or its images do not fit together.
DenseMaps PredictMaps(DenseNet& net, const tracking::Clip& clip,
                      const Compute& compute);

class DenseNetwork : public Network {
 public:
  explicit DenseNetwork(const DenseConfig& config) : net_(config) {}

  DenseNet& Net() { return net_; }

  std::string Family() const override { return "dense"; }
  Json Config() const override { return net_->Config().ToJson(); }
  torch::nn::Module& Module() override { return *net_; }
  TargetKind Targets() const override { return TargetKind::kDense; }
  std::vector<std::string> LossTerms() const override;
  NetworkLoss ComputeLoss(const Batch& batch, const Compute& compute,
                          nn::ProcessGroup& group) override;
  std::unique_ptr<Prediction> Predict(const tracking::Clip& clip,
                                      const Compute& compute) override;
  tracking::TrackSet AllTracks(const Prediction& prediction,
                               const std::vector<cv::Mat>& coverage,
                               const Json& decode) const override;
  std::optional<tracking::LinkScene> Instances(
      const Prediction& prediction, const std::vector<cv::Mat>& coverage,
      const Json& decode) const override;
  std::vector<std::vector<Point2d>> CentreVotes(
      const Prediction& prediction,
      const std::vector<std::vector<tracking::Instance>>& per_edition)
      const override;
  Json CheckDecode(const Json& decode) const override;
  std::vector<DecodeChoice> DecodeChoices() const override;

 private:
  DenseNet net_;
};

}  // namespace mapweave::vis
