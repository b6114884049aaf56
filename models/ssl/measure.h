// SPDX-License-Identifier: MIT
//
// One number of a run, as it goes into the `experiment` table. No Torch here.
#pragma once

#include <cstdint>
#include <string>

namespace mapweave::ssl {

struct Measure {
  int64_t step = 0;
  std::string name;  // "loss", "rankme", "linear_accuracy" ...
  double value = 0.0;
};

}  // namespace mapweave::ssl
