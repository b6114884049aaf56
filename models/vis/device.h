// SPDX-License-Identifier: MIT
//
// From device names to Torch's devices, and what the CPU can do.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <string>

namespace mapweave::vis {

// `requested` as ResolveDevice takes it; same errors.
torch::Device ToTorchDevice(const std::string& requested);

// Whether the CPU multiplies bfloat16 in hardware; without, convolutions in
// that type are slower than in float32 or not there at all.
bool CpuHasBf16();

// Makes the calling thread use the number of threads that was set last with
// SetTorchThreads. Torch hands that number to its own loops in every thread,
// but not to the convolutions in threads that it has not seen before.
void UseTorchThreadsHere();

}  // namespace mapweave::vis
