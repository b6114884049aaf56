// SPDX-License-Identifier: MIT
//
// A loss kept apart by groups: tokens, classes, hands, editions. The mean over
// all observations (micro) is ruled by whatever there is most of; the mean over
// groups (macro) and the worst group show what it hides. It reports and changes
// nothing in a training. No Torch here, so that its users do not pay for
// Torch's headers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::nn {

struct GroupLoss {
  std::string group;
  int64_t count = 0;  // observations
  double loss = 0.0;  // their mean
};

// Not thread-safe.
class PerGroupLoss {
 public:
  // `count` more observations of `group` whose mean loss is `mean_loss`; none
  // are no group. Throws Error{kBadInput} naming the group if mean_loss is not
  // finite or count is negative, and is then as before.
  void Add(const std::string& group, double mean_loss, int64_t count = 1);
  // All observations of `other`, which may be this one.
  void Add(const PerGroupLoss& other);
  void Clear() { sums_.clear(); }

  bool Empty() const { return sums_.empty(); }
  int64_t Count() const;
  // Sum over observations / Count(); NaN while Empty().
  double MicroMean() const;
  // Mean of the groups' means, all groups weighted alike; NaN while Empty().
  double MacroMean() const;
  // The group with the highest mean, of equals the first by name.
  std::optional<GroupLoss> Worst() const;
  std::optional<GroupLoss> Find(const std::string& group) const;
  // By name.
  std::vector<GroupLoss> Groups() const;

 private:
  struct Sum {
    int64_t count = 0;
    double loss = 0.0;
  };
  std::map<std::string, Sum> sums_;
};

}  // namespace mapweave::nn
