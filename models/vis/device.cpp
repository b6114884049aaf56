// SPDX-License-Identifier: MIT
#include "models/vis/device.h"

#include "core/error.h"
#include "models/vis/segmenter.h"

#include <torch/version.h>

#include <charconv>
#include <thread>

// There where Torch multiplies matrices by OpenBLAS, which does not heed Torch's
// number of threads: its own spin while they wait, beside other work they slow
// small products down many times, and sums would depend on their number. So it
// has one.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int threads);

namespace mapweave::vis {
namespace {

// The N of "cuda:N", 0 for "cuda", -1 for anything else.
int CudaIndex(const std::string& name) {
  if (name == "cuda") return 0;
  constexpr std::string_view kPrefix = "cuda:";
  if (!name.starts_with(kPrefix)) return -1;
  int index = -1;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, index);
  return parsed.ec == std::errc() && parsed.ptr == end ? index : -1;
}

int CudaDevices() {
  return torch::cuda::is_available()
             ? static_cast<int>(torch::cuda::device_count())
             : 0;
}

}  // namespace

std::string TorchVersion() { return TORCH_VERSION; }

std::string ResolveDevice(const std::string& requested) {
  const int count = CudaDevices();
  if (requested == "auto") return count > 0 ? "cuda:0" : "cpu";
  if (requested == "cpu") return requested;
  const int index = CudaIndex(requested);
  if (index < 0) {
    throw Error(ErrorCode::kDevice, "unknown device \"" + requested + "\"",
                "use auto, cpu, cuda or cuda:N");
  }
  if (index >= count) {
    throw Error(ErrorCode::kDevice,
                "device \"" + requested + "\" is not there: " +
                    std::to_string(count) + " CUDA devices are usable",
                "use --device auto or cpu, or a build with CUDA");
  }
  return "cuda:" + std::to_string(index);
}

std::vector<std::string> ListDevices() {
  std::vector<std::string> lines;
  lines.push_back(
      "cpu: " + std::to_string(std::thread::hardware_concurrency()) +
      " threads" + (CpuHasBf16() ? ", bfloat16" : ""));
  for (int i = 0; i < CudaDevices(); ++i) {
    lines.push_back("cuda:" + std::to_string(i));
  }
  return lines;
}

void SetTorchThreads(int threads) {
  MAPWEAVE_CHECK(threads >= 1);
  torch::set_num_threads(threads);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
}

OneThreadScope::OneThreadScope() : before_(torch::get_num_threads()) {
  torch::set_num_threads(1);
}

OneThreadScope::~OneThreadScope() { torch::set_num_threads(before_); }

torch::Device ToTorchDevice(const std::string& requested) {
  return torch::Device(ResolveDevice(requested));
}

std::string ResolvePrecision(const std::string& requested,
                             const std::string& device) {
  // What a GPU lacks in hardware, it has in software.
  const bool can = ToTorchDevice(device).is_cuda() || CpuHasBf16();
  if (requested == "auto") return can ? "bf16" : "fp32";
  if (requested == "fp32") return requested;
  if (requested != "bf16") {
    throw Error(ErrorCode::kUsage, "unknown precision \"" + requested + "\"",
                "use auto, bf16 or fp32");
  }
  if (!can) {
    throw Error(ErrorCode::kDevice, "this CPU has no bfloat16 arithmetic",
                "use --precision auto or fp32");
  }
  return requested;
}

Compute ToCompute(const std::string& device, const std::string& precision) {
  return {ToTorchDevice(device), ResolvePrecision(precision, device) == "bf16"
                                     ? torch::kBFloat16
                                     : torch::kFloat};
}

bool CpuHasBf16() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  return __builtin_cpu_supports("avx512bf16") > 0;
#else
  return false;
#endif
}

}  // namespace mapweave::vis
