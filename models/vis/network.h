// SPDX-License-Identifier: MIT
//
// What the trainer, the checkpoints and the segmenter need of a network,
// whichever family it is of. A family is added by one implementation of Network
// and one line in MakeNetwork and one in NetworkFromHeader.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "models/nn/process_group.h"
#include "models/vis/batch_loader.h"
#include "models/vis/device.h"
#include "models/vis/trainer.h"
#include "tracking/clip.h"
#include "tracking/link_graph.h"

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::vis {

struct NetworkLoss {
  torch::Tensor total;  // what is minimised: a float32 scalar
  // Its unweighted parts, in the order of Network::LossTerms; detached.
  std::vector<torch::Tensor> terms;
  // [B * T] float32, detached: the loss of every edition by itself, or of its
  // clip where editions cannot be told apart; NaN where nothing is covered.
  torch::Tensor editions;
};

// What a network says of a clip before thresholds make tracks of it; each
// family has its own kind.
class Prediction {
 public:
  virtual ~Prediction() = default;
};

// Values to try for one decoding option when it is calibrated.
struct DecodeChoice {
  std::string key;
  std::vector<Json> values;
};

// Decoding options travel as a JSON object, as the checkpoint's header holds
// them. Every family has "min_score": tracks that score lower are dropped.
class Network {
 public:
  virtual ~Network() = default;

  virtual std::string Family() const = 0;
  // Enough to build it again; holds "preset".
  virtual Json Config() const = 0;
  // All weights. Its buffers are float32.
  virtual torch::nn::Module& Module() = 0;
  // What the learning rate of a parameter is multiplied by.
  virtual double RateOf(const std::string& /*parameter*/) const { return 1.0; }

  // What ComputeLoss reads of a batch.
  virtual TargetKind Targets() const = 0;
  virtual std::vector<std::string> LossTerms() const = 0;
  // In training mode, on the device of `compute`, where the module is. Pixels
  // without coverage have no influence. Of a batch that the processes of
  // `group` share, total and terms are parts: their sums over the processes,
  // and those of the gradients, are what the joined batch has.
  virtual NetworkLoss ComputeLoss(const Batch& batch, const Compute& compute,
                                  nn::ProcessGroup& group) = 0;

  // In evaluation mode, without gradients, in the calling thread alone. Throws
  // Error{kBadInput} if the clip is empty or its images do not fit together.
  virtual std::unique_ptr<Prediction> Predict(const tracking::Clip& clip,
                                              const Compute& compute) = 0;
  // All tracks, whatever their score. `prediction` is one of this family;
  // `coverage` as in Clip; `decode` as CheckDecode returns it.
  virtual tracking::TrackSet AllTracks(const Prediction& prediction,
                                       const std::vector<cv::Mat>& coverage,
                                       const Json& decode) const = 0;

  // For a learned linker: the instances of each edition before they are linked,
  // as AllTracks takes them; nothing of a family that finds whole tracks.
  virtual std::optional<tracking::LinkScene> Instances(
      const Prediction& prediction, const std::vector<cv::Mat>& coverage,
      const Json& decode) const;
  // Where the network believes the centres shared by all editions of known
  // instances to lie (LinkScene::centres); empty of such a family.
  virtual std::vector<std::vector<Point2d>> CentreVotes(
      const Prediction& prediction,
      const std::vector<std::vector<tracking::Instance>>& per_edition) const;

  // `decode` with the defaults of what it lacks: all of them for {}. Throws
  // Error{kUsage} or Error{kBadInput} naming the option that is impossible.
  virtual Json CheckDecode(const Json& decode) const = 0;
  // Beside min_score, in the order in which they are calibrated.
  virtual std::vector<DecodeChoice> DecodeChoices() const = 0;
};

// Fresh weights on the CPU, but for those loaded. Throws what Validate does,
// and Error{kDevice} naming a file that does not fit.
std::shared_ptr<Network> MakeNetwork(const NetworkOptions& options);
// With weights yet to be filled. Throws Error{kBadInput} naming what is
// missing or impossible.
std::shared_ptr<Network> NetworkFromHeader(const std::string& family,
                                           const Json& config);

// uint8 [B * T, H, W, 4] on the CPU, a view of `batch`.
torch::Tensor BatchBytes(const Batch& batch);
// uint8 [T, H, W, 4]: red, green, blue, coverage (0 or 1). Throws
// Error{kBadInput} if the clip is empty or its images do not fit together.
torch::Tensor ClipBytes(const tracking::Clip& clip);

}  // namespace mapweave::vis
