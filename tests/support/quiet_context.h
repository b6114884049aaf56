// SPDX-License-Identifier: MIT
//
// A run context that reports to nobody and is never cancelled.
#pragma once

#include "core/progress.h"

namespace mapweave::testing {

inline RunContext& QuietContext() {
  static Progress progress;
  static CancelToken cancel;
  static RunContext context{progress, cancel};
  return context;
}

}  // namespace mapweave::testing
