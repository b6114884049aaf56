// SPDX-License-Identifier: MIT
//
// The losses of a training by the group that clips belong to (the map hand of a
// simulated world), over the last steps. No Torch.
#pragma once

#include "core/json.h"
#include "models/nn/per_group_loss.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::vis {

class GroupLosses {
 public:
  // The editions of one clip, `groups` and `losses` of one length. The clip
  // counts once for every group that it shows, with the mean of that group's
  // editions; editions without a name or a finite loss are left out.
  void AddClip(const std::vector<std::string>& groups,
               const std::vector<double>& losses);
  void EndStep();

  // Over the last 250 to 500 steps; the observations are clips.
  nn::PerGroupLoss Recent() const;

  Json ToJson() const;
  // Adds what ToJson wrote; throws Error{kBadInput} naming what is amiss.
  void Add(const Json& json);

 private:
  // Of the steps before the current block, and of the block.
  std::array<nn::PerGroupLoss, 2> blocks_;
  int64_t steps_ = 0;  // in the current block
};

}  // namespace mapweave::vis
