// SPDX-License-Identifier: MIT
//
// Learning rates and momenta as functions of the step. LibTorch for C++ has
// none of them.
#pragma once

#include <cstdint>
#include <string>

namespace mapweave::ssl {

enum class ScheduleKind {
  kConstant,
  kCosine,    // from the peak to final_fraction of it
  kOneCycle,  // up by a cosine in the warm-up, down by a cosine to the end
};

// "constant", "cosine" or "one-cycle"; throws Error{kUsage}.
ScheduleKind ParseScheduleKind(const std::string& text);
const char* ScheduleKindName(ScheduleKind kind);

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  double peak = 1e-3;
  // Share of all steps in which the rate rises: linearly, or by half a cosine
  // from peak / 25 for kOneCycle (Smith & Topin, 2019).
  double warmup_fraction = 0.1;
  double final_fraction = 0.0;
  // Throws Error{kUsage}.
  void Validate() const;
};

// The rate of step `step` of `steps`, counted from 0.
double RateAt(const ScheduleOptions& options, int64_t step, int64_t steps);

// Momentum of a teacher: from `start` to 1 by half a cosine (Grill et al.,
// 2020, section 3.3). progress in [0, 1].
double TeacherMomentum(double start, double progress);

}  // namespace mapweave::ssl
