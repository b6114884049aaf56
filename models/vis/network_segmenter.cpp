// SPDX-License-Identifier: MIT
//
// The Segmenter behind LoadSegmenter: a network of any family, then its
// decoder.
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "models/vis/network.h"
#include "models/vis/segmenter.h"

#include <utility>

namespace mapweave::vis {
namespace {

class NetworkSegmenter : public Segmenter {
 public:
  // Shares `network`, which is on the device and in evaluation mode.
  NetworkSegmenter(std::shared_ptr<Network> network, Json decode,
                   Compute compute)
      : network_(std::move(network)),
        decode_(std::move(decode)),
        compute_(compute) {}

  tracking::TrackSet Segment(const tracking::Clip& clip) override {
    const std::unique_ptr<Prediction> prediction =
        WithTorchErrors("segmenting a window",
                        [&] { return network_->Predict(clip, compute_); });
    tracking::TrackSet tracks =
        network_->AllTracks(*prediction, clip.coverage, decode_);
    const auto min_score = decode_.at("min_score").get<double>();
    std::erase_if(tracks, [&](const tracking::Track& track) {
      return static_cast<double>(track.score) < min_score;
    });
    return tracks;
  }

  std::unique_ptr<Segmenter> Clone() const override {
    return std::make_unique<NetworkSegmenter>(*this);
  }

 private:
  std::shared_ptr<Network> network_;
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
  return std::make_unique<NetworkSegmenter>(checkpoint.network,
                                            checkpoint.decode, compute);
}

}  // namespace mapweave::vis
