// SPDX-License-Identifier: MIT
//
// The methods. Each is made by a function that takes an encoder and the
// paper's hyper-parameters; the variants that are known to collapse are there
// as options, so that monitors can be tested on them.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/class_head.h"
#include "models/ssl/losses.h"
#include "models/ssl/method.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mapweave::ssl {

using MethodPtr = std::shared_ptr<Method>;

struct HeadOptions {
  int64_t hidden = 256;
  int64_t out = 64;
  int layers = 2;
};

struct SimClrOptions {
  HeadOptions projector;
  double temperature = 0.5;
};
MethodPtr MakeSimClr(Encoder encoder, const SimClrOptions& options,
                     const Rng& rng);

struct BarlowTwinsOptions {
  HeadOptions projector;
  double lambda = 5e-3;
};
MethodPtr MakeBarlowTwins(Encoder encoder, const BarlowTwinsOptions& options,
                          const Rng& rng);

struct VicRegMethodOptions {
  HeadOptions projector;
  // variance = covariance = 0 lets everything fall into one point.
  VicRegOptions loss;
};
MethodPtr MakeVicReg(Encoder encoder, const VicRegMethodOptions& options,
                     const Rng& rng);

struct LeJepaOptions {
  HeadOptions projector;
  double lambda = 0.02;
  int64_t directions = 256;  // drawn anew at every step
};
MethodPtr MakeLeJepa(Encoder encoder, const LeJepaOptions& options,
                     const Rng& rng);

// Labels of the batch are the positives; a sample without one has its other
// views.
struct SupConOptions {
  HeadOptions projector;
  double temperature = 0.1;
};
MethodPtr MakeSupCon(Encoder encoder, const SupConOptions& options,
                     const Rng& rng);

// Similarity of the batch's samples: [N, N], larger is more alike. The views of
// one sample get `own_view`, which should be the largest.
using SimilarityGraph = std::function<torch::Tensor(const Views& views)>;
struct XSampleOptions {
  HeadOptions projector;
  double temperature = 0.1;
  double graph_temperature = 0.1;
  double own_view = 1.0;
  SimilarityGraph graph;  // none: no sample is like another
};
MethodPtr MakeXSample(Encoder encoder, const XSampleOptions& options,
                      const Rng& rng);

struct ByolOptions {
  HeadOptions projector;
  HeadOptions predictor;
  double momentum = 0.99;  // of the teacher at the start
  // Without a predictor the target is the student's own other view, without a
  // gradient: it collapses.
  enum class Variant { kPublished, kWithoutPredictor };
  Variant variant = Variant::kPublished;
};
MethodPtr MakeByol(Encoder encoder, const ByolOptions& options, const Rng& rng);

struct DinoMethodOptions {
  HeadOptions head{256, 128, 3};
  DinoOptions loss;
  double momentum = 0.99;
  // Of the running centre; 1 keeps it at 0, which is DINO without centring.
  double centre_momentum = 0.9;
};
MethodPtr MakeDino(Encoder encoder, const DinoMethodOptions& options,
                   const Rng& rng);

struct MaeOptions {
  double mask_ratio = 0.75;
  // Patches are hidden in squares of so many on a side; a divisor of the
  // patches on the image's side.
  int64_t mask_block = 1;
  int64_t decoder_width = 64;
  int64_t decoder_depth = 2;
  PatchTarget target = PatchTarget::kStandardised;
};
// Throws Error{kUsage} unless the encoder is a ViT, the ratio in [0, 1) and
// the block fits.
MethodPtr MakeMae(Encoder encoder, const MaeOptions& options, const Rng& rng);

// With more than one shard, batches come from one shard each and a sample is
// told apart from those of its shard alone; see ShardedHead.
struct DietOptions {
  int64_t samples = 0;  // of the data set; sample_index lies in [0, samples)
  double label_smoothing = 0.8;
  int64_t shards = 1;
};
MethodPtr MakeDiet(Encoder encoder, const DietOptions& options, const Rng& rng);

// Cross-entropy of the labels, as the reference that labels make possible.
struct SupervisedOptions {
  int64_t classes = 0;
  HeadKind head = HeadKind::kLinear;
};
MethodPtr MakeSupervised(Encoder encoder, const SupervisedOptions& options,
                         const Rng& rng);

// What `mapweave ssl list` shows.
struct MethodInfo {
  std::string name;
  std::string summary;
  std::string source;
  bool needs_labels = false;
};
const std::vector<MethodInfo>& Methods();

// What MakeMethod cannot know from the name.
struct MethodFacts {
  int64_t samples = 0;
  int64_t classes = 0;
};
// With default hyper-parameters. Throws Error{kUsage} for an unknown name and
// where a method needs labels and classes is 0.
MethodPtr MakeMethod(const std::string& name, const Encoder& encoder,
                     const MethodFacts& facts, const Rng& rng);

}  // namespace mapweave::ssl
