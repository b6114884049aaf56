// SPDX-License-Identifier: MIT
//
// A method is a struct of modules with a step: views in, tensors by name out.
// It owns what it trains (encoder, heads, teacher) and nothing else; data,
// optimiser, schedule and monitors are the trainer's. methods.h has the
// methods, losses.h what they minimise.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/ssl/batch.h"
#include "models/ssl/encoder.h"
#include "models/ssl/view_recipe.h"

#include <torch/torch.h>

#include <cstdint>
#include <string>

namespace mapweave::ssl {

// What a step may know besides its views. `rng` is this step's own stream.
struct StepContext {
  int64_t step = 0;
  double progress = 0.0;  // of the training, in [0, 1]
  Rng rng{0};
};

// Names in the bag that a step returns. Only the loss must be there.
inline constexpr char kLoss[] = "loss";              // scalar
inline constexpr char kEmbedding[] = "embedding";    // [N, D] of the first view
inline constexpr char kProjection[] = "projection";  // [N, P] of the first view
// [N, K] probabilities of a method that assigns samples to outputs.
inline constexpr char kAssignment[] = "assignment";

class Method : public torch::nn::Module {
 public:
  Method(std::string name, Encoder encoder)
      : torch::nn::Module(name), encoder_(std::move(encoder)) {
    register_module("encoder", encoder_);
  }

  // Everything but the loss is detached. Throws Error{kBadInput} for views that
  // the method cannot use and for a loss that is no number.
  virtual Bag Step(const Views& views, const StepContext& context) = 0;
  // After the optimiser has moved the weights: a teacher follows.
  virtual void AfterUpdate(const StepContext&) {}

  // Every batch is drawn from samples whose index leaves one remainder when
  // divided by this.
  virtual int64_t Shards() const { return 1; }

  // What the paper's recipe asks for where it differs from ViewRecipe().
  virtual ViewRecipe DefaultViews() const { return {}; }

  EncoderImpl& Online() const { return *encoder_; }
  const Encoder& SharedEncoder() const { return encoder_; }

 private:
  Encoder encoder_;
};

// A copy of modules that follows them by an exponential moving average, buffers
// included (copied: running statistics are averages already). Without
// gradients.
class EmaTeacher {
 public:
  // Makes `teacher` equal to `online`; both are of one build and stay borrowed.
  EmaTeacher(torch::nn::Module& online, torch::nn::Module& teacher);
  // teacher = momentum * teacher + (1 - momentum) * online.
  void Update(double momentum);

 private:
  torch::nn::Module& online_;
  torch::nn::Module& teacher_;
};

// Linear layers with batch norm and ReLU between them: `layers` of them, the
// last one bare.
struct MlpOptions {
  int64_t in = 0;
  int64_t hidden = 256;
  int64_t out = 64;
  int layers = 2;
};
torch::nn::Sequential MakeMlp(const MlpOptions& options, const Rng& rng);

}  // namespace mapweave::ssl
