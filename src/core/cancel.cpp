// SPDX-License-Identifier: MIT
#include "core/cancel.h"

#include "core/error.h"

#include <csignal>
#include <unistd.h>

namespace mapweave {
namespace {

std::atomic<CancelToken*> g_token{nullptr};

extern "C" void HandleSignal(int) {
  CancelToken* token = g_token.load();
  if (token == nullptr || token->IsCancelled()) _exit(130);
  token->Cancel();
}

}  // namespace

void CancelToken::ThrowIfCancelled() const {
  if (IsCancelled()) {
    throw Error(ErrorCode::kInterrupted, "interrupted",
                "Run the same command again to go on where it stopped.");
  }
}

void CancelOnSignals(CancelToken& token) {
  g_token.store(&token);
  struct sigaction action = {};
  action.sa_handler = HandleSignal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace mapweave
