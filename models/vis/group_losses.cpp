// SPDX-License-Identifier: MIT
#include "models/vis/group_losses.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace mapweave::vis {
namespace {

constexpr int64_t kBlock = 250;

}  // namespace

void GroupLosses::AddClip(const std::vector<std::string>& groups,
                          const std::vector<double>& losses) {
  MAPWEAVE_CHECK(groups.size() == losses.size());
  std::map<std::string, std::pair<double, int>> sums;
  for (size_t t = 0; t < groups.size(); ++t) {
    if (groups[t].empty() || !std::isfinite(losses[t])) continue;
    auto& [sum, count] = sums[groups[t]];
    sum += losses[t];
    ++count;
  }
  for (const auto& [group, sum] : sums) {
    blocks_[1].Add(group, sum.first / sum.second);
  }
}

void GroupLosses::EndStep() {
  if (++steps_ < kBlock) return;
  steps_ = 0;
  blocks_[0] = std::move(blocks_[1]);
  blocks_[1].Clear();
}

nn::PerGroupLoss GroupLosses::Recent() const {
  nn::PerGroupLoss recent = blocks_[0];
  recent.Add(blocks_[1]);
  return recent;
}

Json GroupLosses::ToJson() const {
  Json blocks = Json::array();
  for (const nn::PerGroupLoss& block : blocks_) {
    Json groups = Json::object();
    for (const nn::GroupLoss& group : block.Groups()) {
      groups[group.group] = {{"loss", group.loss}, {"clips", group.count}};
    }
    blocks.push_back(std::move(groups));
  }
  return {{"steps", steps_}, {"blocks", std::move(blocks)}};
}

void GroupLosses::Add(const Json& json) {
  const JsonPlace root(json, "losses by group");
  steps_ = std::max(steps_, root.At("steps").Integer(0, kBlock - 1));
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const JsonPlace groups = root.At("blocks").At(i);
    if (!groups.IsObject()) groups.Throw("is no object");
    for (const auto& [name, ignored] : json["blocks"][i].items()) {
      const JsonPlace group = groups.At(name);
      blocks_[i].Add(name, group.At("loss").Number(),
                     group.At("clips").Integer());
    }
  }
}

}  // namespace mapweave::vis
