// SPDX-License-Identifier: MIT
#include "models/nn/process_group.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

// What the installed LibTorch has is found out by cmake/Distributed.cmake.
#if defined(MAPWEAVE_HAS_GLOO) || defined(MAPWEAVE_HAS_NCCL)
#define MAPWEAVE_HAS_C10D
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif
#ifdef MAPWEAVE_HAS_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef MAPWEAVE_HAS_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace mapweave::nn {
namespace {

class LoneProcess : public ProcessGroup {
 public:
  int Rank() const override { return 0; }
  int Size() const override { return 1; }
  void Sum(torch::Tensor& /*values*/) override {}
  void Max(torch::Tensor& /*values*/) override {}
  void Broadcast(torch::Tensor& /*values*/, int /*from*/) override {}
};

#ifdef MAPWEAVE_HAS_C10D

// Elements of one bucket: 16 MB of float32.
constexpr int64_t kBucket = int64_t{1} << 22;

std::chrono::milliseconds Timeout(const ProcessOptions& options) {
  return std::chrono::milliseconds(
      static_cast<int64_t>(options.timeout_seconds * 1000.0));
}

// The first line, without Torch's backtrace.
std::string Reason(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text =
      torch_error != nullptr ? torch_error->msg() : std::string(error.what());
  return text.substr(0, text.find('\n'));
}

// `Backend` is one of c10d's: its releases differ in what they derive from, not
// in what is called here.
template <typename Backend>
class C10dGroup : public ProcessGroup {
 public:
  C10dGroup(c10::intrusive_ptr<Backend> backend, const ProcessOptions& options,
            const torch::Device& device)
      : backend_(std::move(backend)), options_(options), device_(device) {}

  int Rank() const override { return options_.rank; }
  int Size() const override { return options_.size; }

  void Sum(torch::Tensor& values) override {
    Reduce(values, c10d::ReduceOp::SUM);
  }
  void Max(torch::Tensor& values) override {
    Reduce(values, c10d::ReduceOp::MAX);
  }
  void Broadcast(torch::Tensor& values, int from) override {
    c10d::BroadcastOptions how;
    how.rootRank = from;
    InBuckets(values, [&](std::vector<torch::Tensor>& bucket) {
      return backend_->broadcast(bucket, how);
    });
  }

 private:
  void Reduce(torch::Tensor& values, c10d::ReduceOp operation) {
    c10d::AllreduceOptions how;
    how.reduceOp = operation;
    InBuckets(values, [&](std::vector<torch::Tensor>& bucket) {
      return backend_->allreduce(bucket, how);
    });
  }

  // Starts `call` on all parts of `values`, then waits for all of them.
  template <typename Call>
  void InBuckets(torch::Tensor& values, const Call& call) {
    const torch::NoGradGuard no_grad;
    MAPWEAVE_CHECK(values.is_contiguous());
    const torch::Tensor there = values.to(device_);
    const torch::Tensor flat = there.view({-1});
    try {
      std::vector<std::vector<torch::Tensor>> buckets;
      for (int64_t at = 0; at < flat.numel(); at += kBucket) {
        buckets.push_back(
            {flat.narrow(0, at, std::min(kBucket, flat.numel() - at))});
      }
      std::vector<decltype(call(buckets[0]))> works;
      for (auto& bucket : buckets) works.push_back(call(bucket));
      for (auto& work : works) work->wait();
    } catch (const std::exception& error) {
      throw Error(
          ErrorCode::kFailure,
          fmt::format("process {} of {} has lost the others: {}", options_.rank,
                      options_.size, Reason(error)),
          "one of them has stopped, see what it says; once all have ended, "
          "start them again with --resume");
    }
    if (!there.is_same(values)) values.copy_(there);
  }

  c10::intrusive_ptr<Backend> backend_;
  ProcessOptions options_;
  torch::Device device_;
};

// Where the processes find each other.
c10::intrusive_ptr<c10d::Store> Meet(const ProcessOptions& options) {
  c10d::TCPStoreOptions how;
  how.port = static_cast<uint16_t>(options.port);
  how.isServer = options.IsFirst() && !options.launcher_listens;
  if (!options.launcher_listens) {
    how.numWorkers = static_cast<size_t>(options.size);
  }
  how.timeout = Timeout(options);
  return c10::make_intrusive<c10d::PrefixStore>(
      "mapweave/" + options.attempt,
      c10::make_intrusive<c10d::TCPStore>(options.host, how));
}

#endif  // MAPWEAVE_HAS_C10D

#ifdef MAPWEAVE_HAS_GLOO
std::unique_ptr<ProcessGroup> MakeGloo(const ProcessOptions& options,
                                       const torch::Device& device) {
  using Gloo = c10d::ProcessGroupGloo;
  const auto store = Meet(options);
  auto how = Gloo::Options::create(Timeout(options));
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  const bool on_one_machine =
      options.host == "localhost" || options.host.starts_with("127.");
  how->devices.push_back(
      interface != nullptr ? Gloo::createDeviceForInterface(interface)
      : on_one_machine     ? Gloo::createDeviceForHostname("127.0.0.1")
                           : Gloo::createDefaultDevice());
  how->threads = 2;
  return std::make_unique<C10dGroup<Gloo>>(
      c10::make_intrusive<Gloo>(store, options.rank, options.size, how),
      options, device);
}
#endif

#ifdef MAPWEAVE_HAS_NCCL
std::unique_ptr<ProcessGroup> MakeNccl(const ProcessOptions& options,
                                       const torch::Device& device) {
  using Nccl = c10d::ProcessGroupNCCL;
  // A wait that is in vain then throws, instead of its watchdog ending the
  // process. Both names, of older and newer releases; the user's choice stays.
  setenv("NCCL_BLOCKING_WAIT", "1", 0);
  setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
  const auto store = Meet(options);
  auto how = Nccl::Options::create();
  how->timeout = Timeout(options);
  return std::make_unique<C10dGroup<Nccl>>(
      c10::make_intrusive<Nccl>(store, options.rank, options.size, how),
      options, device);
}
#endif

std::unique_ptr<ProcessGroup> Connect(const ProcessOptions& options,
                                      const torch::Device& device) {
#ifdef MAPWEAVE_HAS_NCCL
  if (device.is_cuda()) return MakeNccl(options, device);
#endif
#ifdef MAPWEAVE_HAS_GLOO
  if (device.is_cpu()) return MakeGloo(options, device);
#endif
  throw Error(ErrorCode::kDevice,
              fmt::format("this build cannot train in {} processes on {}: its "
                          "LibTorch has no {}",
                          options.size, device.str(),
                          device.is_cpu() ? "Gloo" : "NCCL"),
              "train in one process, or build with a LibTorch that has it");
}

}  // namespace

std::unique_ptr<ProcessGroup> JoinProcesses(const ProcessOptions& options,
                                            const torch::Device& device) {
  options.Validate();
  if (options.size == 1) return std::make_unique<LoneProcess>();
  try {
    return Connect(options, device);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(
        ErrorCode::kFailure,
        fmt::format("process {} of {} has not found the others at {}:{}: {}",
                    options.rank, options.size, options.host, options.port,
                    error.what()),
        "start all processes with the same MASTER_ADDR and MASTER_PORT; the "
        "port must be free");
  }
}

std::string BroadcastText(ProcessGroup& group, const std::string& text,
                          int from) {
  std::string result = text;
  torch::Tensor size =
      torch::full({1}, static_cast<int64_t>(text.size()), torch::kLong);
  group.Broadcast(size, from);
  result.resize(static_cast<size_t>(size.item<int64_t>()));
  torch::Tensor bytes =
      torch::zeros({static_cast<int64_t>(result.size())}, torch::kByte);
  std::memcpy(bytes.data_ptr(), result.data(), result.size());
  group.Broadcast(bytes, from);
  std::memcpy(result.data(), bytes.data_ptr(), result.size());
  return result;
}

}  // namespace mapweave::nn
