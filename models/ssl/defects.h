// SPDX-License-Identifier: MIT
//
// What goes wrong with a sheet between the drawing and the file, painted on
// images that are sound: for experiments, and to train the probe that ranks
// suspect places of a sheet. Batched; every image gets a defect of its own.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

#include <string>
#include <vector>

namespace mapweave::ssl {

enum class Defect {
  kTear,          // a wavering gap with a shadow, open towards one end
  kStain,         // a brown cloud with a tide mark, or a blot of ink
  kDoublePrint,   // everything is there twice, some pixels apart
  kShiftedPatch,  // a strip, block or side out of register with the rest
  kFold,          // a crease: a dark line with a shadow to one side
  kBlank,         // an area in one flat shade: lost data, a hole, a cover
};

const std::vector<Defect>& AllDefects();
// "tear", "stain", "double print", "shifted patch", "fold", "blank area".
const char* DefectName(Defect defect);

struct DefectOptions {
  // Drawn uniformly from these.
  std::vector<Defect> kinds = AllDefects();
  // 1 = as strong as it comes; drawn uniformly per image.
  double strength_min = 0.5;
  double strength_max = 1.0;
  // A defect that cannot be seen is none: the sum over pixels of what the
  // change exceeds 0.05 by, divided by the side, must reach this. A double
  // print of bare paper does not.
  double least_seen = 0.1;
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct DefectedImages {
  torch::Tensor images;   // [N, 3, side, side] in [0, 1]
  torch::Tensor kind;     // [N] int64: place in options.kinds; -1 = sound
  torch::Tensor changed;  // [N, 1, side, side] bool
};

// Damages images where `chosen`, [N] bool, says so; where the defect would not
// be seen the image stays as it is. images: [N, 3, side, side] float in [0, 1].
// A pure function of its arguments. Throws Error{kBadInput} for other shapes
// and for values that are no numbers.
DefectedImages ApplyDefects(const torch::Tensor& images,
                            const torch::Tensor& chosen,
                            const DefectOptions& options, const Rng& rng);

}  // namespace mapweave::ssl
