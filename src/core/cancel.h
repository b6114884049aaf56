// SPDX-License-Identifier: MIT
//
// Cooperative cancellation. Long work asks the token between units of work;
// Ctrl-C sets it, so that a transaction or a checkpoint is finished first.
#pragma once

#include <atomic>

namespace mapweave {

class CancelToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool IsCancelled() const {
    return cancelled_.load(std::memory_order_relaxed);
  }
  // Throws Error{kInterrupted} once cancelled.
  void ThrowIfCancelled() const;

 private:
  std::atomic<bool> cancelled_{false};
};

// Makes SIGINT and SIGTERM cancel `token`, which must outlive the process's
// last signal. A second signal ends the process at once with code 130.
void CancelOnSignals(CancelToken& token);

}  // namespace mapweave
