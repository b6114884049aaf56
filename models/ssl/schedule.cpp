// SPDX-License-Identifier: MIT
#include "models/ssl/schedule.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::ssl {
namespace {

constexpr double kOneCycleStart = 1.0 / 25.0;

// From 1 at x = 0 to 0 at x = 1.
double HalfCosine(double x) {
  return 0.5 * (1.0 + std::cos(std::numbers::pi * x));
}

}  // namespace

ScheduleKind ParseScheduleKind(const std::string& text) {
  for (const ScheduleKind kind :
       {ScheduleKind::kConstant, ScheduleKind::kCosine,
        ScheduleKind::kOneCycle}) {
    if (text == ScheduleKindName(kind)) return kind;
  }
  throw Error(ErrorCode::kUsage, "unknown schedule \"" + text + "\"",
              "use constant, cosine or one-cycle");
}

const char* ScheduleKindName(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::kConstant:
      return "constant";
    case ScheduleKind::kCosine:
      return "cosine";
    case ScheduleKind::kOneCycle:
      return "one-cycle";
  }
  return "";
}

void ScheduleOptions::Validate() const {
  if (!(peak > 0.0) || warmup_fraction < 0.0 || warmup_fraction >= 1.0 ||
      final_fraction < 0.0 || final_fraction > 1.0) {
    throw Error(ErrorCode::kUsage,
                "schedule: the peak must be positive, warmup_fraction in "
                "[0, 1) and final_fraction in [0, 1]");
  }
}

double RateAt(const ScheduleOptions& options, int64_t step, int64_t steps) {
  const auto all = static_cast<double>(std::max<int64_t>(steps, 1));
  const double warmup = options.warmup_fraction * all;
  const auto now = static_cast<double>(step);
  if (now < warmup) {
    if (options.kind == ScheduleKind::kOneCycle) {
      const double rise = 1.0 - HalfCosine(now / warmup);
      return options.peak * (kOneCycleStart + (1.0 - kOneCycleStart) * rise);
    }
    return options.peak * (now + 1.0) / (warmup + 1.0);
  }
  if (options.kind == ScheduleKind::kConstant) return options.peak;
  const double fall = HalfCosine((now - warmup) / (all - warmup));
  return options.peak *
         (options.final_fraction + (1.0 - options.final_fraction) * fall);
}

double TeacherMomentum(double start, double progress) {
  return 1.0 - (1.0 - start) * HalfCosine(progress);
}

}  // namespace mapweave::ssl
