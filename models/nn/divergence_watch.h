// SPDX-License-Identifier: MIT
//
// Tells from the losses of a training that it has left what it had learned,
// long before they cease to be finite. Plain numbers, no Torch.
//
// The rule: the running median of the loss lies above a limit for many steps on
// end. The limit is a multiple of the lowest running median so far, but no less
// than a part of the first one: a network that knows its few clips by heart has
// a loss near zero, of which a hard clip is a large multiple. Single wild steps
// do not move a median, and at the start, where the loss falls, the best is the
// latest, so that a warm-up cannot trip it.
#pragma once

#include "core/json.h"

#include <deque>
#include <limits>
#include <string>

namespace mapweave::nn {

struct DivergenceOptions {
  int window = 50;        // losses that the running median is taken over
  double factor = 3.0;    // of the lowest median
  double of_first = 0.5;  // of the first median, over five losses
  int patience = 100;     // steps on end; 0 = never diverged

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

class DivergenceWatch {
 public:
  explicit DivergenceWatch(const DivergenceOptions& options = {});

  // The loss of the next step; infinite or NaN counts as very large.
  void Add(double loss);

  // Above the limit now; for long enough.
  bool IsOver() const { return over_ > 0; }
  bool HasDiverged() const;
  // Neither over nor, by the last few losses, on the way to it: the weights are
  // worth keeping.
  bool IsCalm() const;

  // Over the window, or over as many losses as there are.
  double Median() const;
  // Infinite before the fifth loss.
  double Limit() const;
  double Best() const { return best_; }

  Json ToJson() const;
  // Goes on from what ToJson wrote. Throws Error{kBadInput} naming what is
  // amiss.
  void Load(const Json& json);

 private:
  DivergenceOptions options_;
  std::deque<double> recent_;
  double first_ = std::numeric_limits<double>::infinity();
  double best_ = std::numeric_limits<double>::infinity();
  int over_ = 0;  // steps on end
};

}  // namespace mapweave::nn
