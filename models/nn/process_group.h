// SPDX-License-Identifier: MIT
//
// What several processes that train one network tell each other, by Torch's
// c10d: Gloo between CPUs, NCCL between GPUs.
//
// Internal to models: pulls in Torch, but not c10d.
#pragma once

#include "models/nn/process_options.h"

#include <torch/torch.h>

#include <memory>
#include <string>

namespace mapweave::nn {

// All processes make the same calls in the same order, with tensors of the same
// shape and type; afterwards all hold the same bits. Tensors are contiguous, on
// any device. A call that the others do not answer, because they are gone or
// beyond the timeout, throws Error{kFailure}; nothing more can be said then.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;

  virtual int Rank() const = 0;
  virtual int Size() const = 0;

  // Over the processes, in place; large tensors in several buckets at once.
  virtual void Sum(torch::Tensor& values) = 0;
  virtual void Max(torch::Tensor& values) = 0;
  virtual void Broadcast(torch::Tensor& values, int from) = 0;
};

// Waits for all processes. Of one, it needs nothing and does nothing. Throws
// Error{kUsage} as Validate does, Error{kDevice} where this LibTorch lacks the
// backend for `device`, Error{kFailure} if the others do not come in time.
std::unique_ptr<ProcessGroup> JoinProcesses(const ProcessOptions& options,
                                            const torch::Device& device);

// The text that process `from` has given.
std::string BroadcastText(ProcessGroup& group, const std::string& text,
                          int from);

}  // namespace mapweave::nn
