// SPDX-License-Identifier: MIT
//
// The Segmenter behind LoadSegmenter: a network of any family, then its
// decoder.
#include "core/log.h"
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "models/vis/link_net.h"
#include "models/vis/network.h"
#include "models/vis/segmenter.h"
#include "tracking/link_decision.h"
#include "tracking/link_graph.h"

#include <optional>
#include <utility>
#include <vector>

namespace mapweave::vis {
namespace {

class NetworkSegmenter : public Segmenter {
 public:
  // Shares what `checkpoint` holds; its network is on the device and in
  // evaluation mode.
  NetworkSegmenter(Checkpoint checkpoint, Compute compute)
      : network_(std::move(checkpoint.network)),
        linker_(std::move(checkpoint.linker)),
        decode_(std::move(checkpoint.decode)),
        compute_(compute) {}

  Segmentation Segment(const tracking::Clip& clip) override {
    const std::unique_ptr<Prediction> prediction =
        WithTorchErrors("segmenting a window",
                        [&] { return network_->Predict(clip, compute_); });
    Segmentation result = Link(*prediction, clip);
    const auto min_score = decode_.at("min_score").get<double>();
    std::erase_if(result.tracks, [&](const tracking::Track& track) {
      return static_cast<double>(track.score) < min_score;
    });
    return result;
  }

  std::unique_ptr<Segmenter> Clone() const override {
    return std::make_unique<NetworkSegmenter>(*this);
  }

 private:
  // All tracks, whatever their score.
  Segmentation Link(const Prediction& prediction, const tracking::Clip& clip) {
    const auto scene =
        linker_ ? network_->Instances(prediction, clip.coverage, decode_)
                : std::nullopt;
    if (!scene) {
      return {network_->AllTracks(prediction, clip.coverage, decode_), {}};
    }
    const tracking::LinkGraph graph = tracking::BuildLinkGraph(*scene, &clip);
    const std::vector<tracking::PairOpinion> opinions =
        JudgePairs(linker_->net, graph);
    return {tracking::DecideTracks(scene->per_edition, graph, opinions,
                                   linker_->decision),
            tracking::RelationsOf(scene->per_edition, graph, opinions)};
  }

  std::shared_ptr<Network> network_;
  std::shared_ptr<Linker> linker_;
  Json decode_;
  Compute compute_;
};

}  // namespace

std::unique_ptr<Segmenter> LoadSegmenter(const std::string& path,
                                         const std::string& device,
                                         const std::string& precision) {
  const Compute compute = ToCompute(device, precision);
  Checkpoint checkpoint = LoadCheckpoint(path);
  checkpoint.network->Module().to(compute.device);
  // Queries find whole tracks, which need no linker.
  if (!checkpoint.linker && checkpoint.network->Family() == "dense") {
    LogInfo("{} holds no trained linker: editions are linked by overlap", path);
  }
  return std::make_unique<NetworkSegmenter>(std::move(checkpoint), compute);
}

}  // namespace mapweave::vis
