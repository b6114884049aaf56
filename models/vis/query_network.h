// SPDX-License-Identifier: MIT
//
// The query family as the trainer and the segmenter see it: the network, its
// loss, and the decoder that makes tracks of its answers.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/vis/network.h"
#include "models/vis/query_decoder.h"
#include "models/vis/query_net.h"

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

namespace mapweave::vis {

// Every query's answer for a clip of any size, but for those that are hardly
// buildings. `net` is on `device` and in evaluation mode.
// Throws Error{kBadInput} if the clip is empty or its images do not fit
// together.
std::vector<QueryTrack> PredictQueries(QueryNet& net,
                                       const tracking::Clip& clip,
                                       const Compute& compute);

class QueryNetwork : public Network {
 public:
  explicit QueryNetwork(const QueryConfig& config) : net_(config) {}

  QueryNet& Net() { return net_; }

  std::string Family() const override { return "query"; }
  Json Config() const override { return net_->Config().ToJson(); }
  torch::nn::Module& Module() override { return *net_; }
  double RateOf(const std::string& parameter) const override;
  TargetKind Targets() const override;
  std::vector<std::string> LossTerms() const override;
  NetworkLoss ComputeLoss(const Batch& batch, const Compute& compute,
                          nn::ProcessGroup& group) override;
  std::unique_ptr<Prediction> Predict(const tracking::Clip& clip,
                                      const Compute& compute) override;
  tracking::TrackSet AllTracks(const Prediction& prediction,
                               const std::vector<cv::Mat>& coverage,
                               const Json& decode) const override;
  Json CheckDecode(const Json& decode) const override;
  std::vector<DecodeChoice> DecodeChoices() const override;

 private:
  // As published for the preset "paper", else QueryDecodeOptions's own.
  QueryDecodeOptions DecodeDefaults() const;

  QueryNet net_;
};

}  // namespace mapweave::vis
