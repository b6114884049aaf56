// SPDX-License-Identifier: MIT
#include "models/nn/per_group_loss.h"

#include "core/error.h"

#include <cmath>
#include <limits>

namespace mapweave::nn {

void PerGroupLoss::Add(const std::string& group, double mean_loss,
                       int64_t count) {
  if (count < 0 || !std::isfinite(mean_loss)) {
    throw Error(ErrorCode::kBadInput,
                "loss of group \"" + group + "\": " + std::to_string(count) +
                    " observations with a mean of " + std::to_string(mean_loss),
                "leave out what has no loss");
  }
  if (count == 0) return;
  Sum& sum = sums_[group];
  sum.count += count;
  sum.loss += mean_loss * static_cast<double>(count);
}

void PerGroupLoss::Add(const PerGroupLoss& other) {
  // Sums, not means, so that nothing is rounded on the way.
  for (const auto& [group, more] : other.sums_) {
    Sum& sum = sums_[group];
    sum.count += more.count;
    sum.loss += more.loss;
  }
}

int64_t PerGroupLoss::Count() const {
  int64_t count = 0;
  for (const auto& [group, sum] : sums_) count += sum.count;
  return count;
}

double PerGroupLoss::MicroMean() const {
  if (Empty()) return std::numeric_limits<double>::quiet_NaN();
  double loss = 0.0;
  for (const auto& [group, sum] : sums_) loss += sum.loss;
  return loss / static_cast<double>(Count());
}

double PerGroupLoss::MacroMean() const {
  if (Empty()) return std::numeric_limits<double>::quiet_NaN();
  double mean = 0.0;
  for (const GroupLoss& group : Groups()) mean += group.loss;
  return mean / static_cast<double>(sums_.size());
}

std::optional<GroupLoss> PerGroupLoss::Worst() const {
  std::optional<GroupLoss> worst;
  for (const GroupLoss& group : Groups()) {
    if (!worst || group.loss > worst->loss) worst = group;
  }
  return worst;
}

std::optional<GroupLoss> PerGroupLoss::Find(const std::string& group) const {
  const auto found = sums_.find(group);
  if (found == sums_.end()) return std::nullopt;
  const Sum& sum = found->second;
  return GroupLoss{group, sum.count, sum.loss / static_cast<double>(sum.count)};
}

std::vector<GroupLoss> PerGroupLoss::Groups() const {
  std::vector<GroupLoss> groups;
  for (const auto& [group, sum] : sums_) {
    groups.push_back(
        {group, sum.count, sum.loss / static_cast<double>(sum.count)});
  }
  return groups;
}

}  // namespace mapweave::nn
