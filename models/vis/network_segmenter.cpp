// SPDX-License-Identifier: MIT
//
// The Segmenter behind LoadSegmenter: a network of any family, then its
// decoder.
#include "core/error.h"
#include "core/log.h"
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "models/vis/link_net.h"
#include "models/vis/network.h"
#include "models/vis/segmenter.h"
#include "tracking/link_decision.h"
#include "tracking/link_graph.h"

#include <chrono>
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
    const auto start = std::chrono::steady_clock::now();
    const std::unique_ptr<Prediction> prediction =
        WithTorchErrors("segmenting a window",
                        [&] { return network_->Predict(clip, compute_); });
    const std::chrono::duration<double> network =
        std::chrono::steady_clock::now() - start;
    Segmentation result = Link(*prediction, clip);
    result.network_seconds = network.count();
    const double min_score = linker_ && linker_->min_score
                                 ? *linker_->min_score
                                 : decode_.at("min_score").get<double>();
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
      return {network_->AllTracks(prediction, clip.coverage, decode_), {}, 0.0};
    }
    const tracking::LinkGraph graph = tracking::BuildLinkGraph(*scene, &clip);
    const tracking::LinkOpinions opinions = JudgeGraph(linker_->net, graph);
    const auto instances =
        tracking::Rescored(scene->per_edition, graph, opinions);
    return {tracking::DecideTracks(instances, graph, opinions.pairs,
                                   linker_->decision),
            tracking::RelationsOf(instances, graph, opinions.pairs), 0.0};
  }

  std::shared_ptr<Network> network_;
  std::shared_ptr<Linker> linker_;
  Json decode_;
  Compute compute_;
};

}  // namespace

void SegmenterOptions::Validate() const {
  if (looks != 1 && looks != 2 && looks != 4 && looks != 8) {
    throw Error(ErrorCode::kUsage, "--looks must be 1, 2, 4 or 8");
  }
  if (!(zoom >= 1.0 && zoom <= 3.0)) {
    throw Error(ErrorCode::kUsage, "--zoom must lie in [1, 3]");
  }
}

std::unique_ptr<Segmenter> LoadSegmenter(const std::string& path,
                                         const SegmenterOptions& options) {
  options.Validate();
  Compute compute = ToCompute(options.device, options.precision);
  compute.looks = options.looks;
  compute.zoom = options.zoom;
  Checkpoint checkpoint = LoadCheckpoint(path);
  checkpoint.network->Module().to(compute.device);
  const bool dense = checkpoint.network->Family() == "dense";
  if (!dense && (options.looks > 1 || options.zoom > 1.0)) {
    throw Error(ErrorCode::kUsage,
                path + ": only networks of the dense family look twice",
                "leave --looks and --zoom at 1");
  }
  // Queries find whole tracks, which need no linker.
  if (!checkpoint.linker && dense) {
    LogInfo("{} holds no trained linker: editions are linked by overlap", path);
  }
  return std::make_unique<NetworkSegmenter>(std::move(checkpoint), compute);
}

}  // namespace mapweave::vis
