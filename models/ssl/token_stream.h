// SPDX-License-Identifier: MIT
//
// Streams of tokens that differ in how often they come and in nothing else.
// Natural text does not serve for that: its rare tokens are harder as well.
//
// Every third token is a target; the two before it, its cues, tell it by a
// fixed rule that each pair of cues belongs to one target, and all targets have
// equally many pairs. Targets are drawn by Zipf's law (the r-th in proportion
// to r^-exponent), then one of their pairs, all alike; then noise puts any
// target at all in the true one's place. So the entropy of a target given its
// cues is the same for all of them.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "core/random.h"

#include <torch/torch.h>

#include <cstdint>

namespace mapweave::ssl {

struct TokenStreamOptions {
  int64_t targets = 400;  // V
  // Kinds of first and of second cues; their pairs are the contexts.
  int64_t cues = 40;
  double zipf_exponent = 1.0;
  double noise = 0.1;  // probability that a target is drawn evenly from all

  Json ToJson() const;
  // Throws Error{kUsage}: cues^2 must be a multiple of targets, noise in [0,
  // 1).
  void Validate() const;
};

struct TokenBatch {
  // [N, 3 * triples] int64: cue, cue, target, cue, cue, target ...
  torch::Tensor tokens;
  // [N, triples] bool: the target is the one that the rule gives.
  torch::Tensor clean;

  // [N, triples] int64.
  torch::Tensor Targets() const;
};

class TokenStream {
 public:
  // Draws the rule; throws what Validate does.
  TokenStream(const TokenStreamOptions& options, const Rng& rng);

  // Targets are 0 .. targets - 1 from the most frequent on, first cues the next
  // ones, then the second cues.
  int64_t Vocabulary() const;
  // Sequences that depend on the generator alone.
  TokenBatch Draw(int64_t sequences, int64_t triples,
                  torch::Generator& generator) const;
  // Of the targets before noise, [V] float64.
  const torch::Tensor& Frequencies() const { return frequencies_; }
  // Nats: the loss of a clean target, whichever it is, for who knows the rule
  // and the noise, and the entropy of a target given its cues.
  double CleanFloor() const;
  double ConditionalEntropy() const;

 private:
  TokenStreamOptions options_;
  torch::Tensor frequencies_;
  torch::Tensor contexts_;  // [V, cues^2 / V] int64: the contexts of a target
};

}  // namespace mapweave::ssl
