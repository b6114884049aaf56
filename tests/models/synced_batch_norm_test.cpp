// SPDX-License-Identifier: MIT
#include "models/nn/synced_batch_norm.h"

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <thread>
#include <vector>

namespace mapweave::nn {
namespace {

// Two threads as two processes.
class Meeting {
 public:
  torch::Tensor Sum(int rank, const torch::Tensor& values) {
    parts_[static_cast<size_t>(rank)] = values.clone();
    barrier_.arrive_and_wait();
    torch::Tensor sum = parts_[0] + parts_[1];
    barrier_.arrive_and_wait();
    return sum;
  }

 private:
  std::barrier<> barrier_{2};
  std::array<torch::Tensor, 2> parts_;
};

class OneOfTwo : public ProcessGroup {
 public:
  OneOfTwo(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}
  int Rank() const override { return rank_; }
  int Size() const override { return 2; }
  void Sum(torch::Tensor& values) override {
    values.copy_(meeting_.Sum(rank_, values));
  }
  void Max(torch::Tensor& /*values*/) override { FAIL(); }
  void Broadcast(torch::Tensor& /*values*/, int /*from*/) override { FAIL(); }

 private:
  Meeting& meeting_;
  int rank_;
};

struct Normed {
  torch::Tensor y;
  torch::Tensor dx;
  torch::Tensor of_scale;
  torch::Tensor of_shift;
  BatchNormState state;
};

// Of a loss that weighs every value differently.
template <typename Norm>
Normed RunNorm(const torch::Tensor& x, const torch::Tensor& weights,
               Norm norm) {
  Normed result;
  const torch::Tensor own = x.clone().requires_grad_();
  const torch::Tensor scale =
      torch::tensor({1.5f, 0.5f, -1.0f}).requires_grad_();
  const torch::Tensor shift =
      torch::tensor({0.2f, -0.3f, 0.0f}).requires_grad_();
  result.state = {torch::full({3}, 0.5f), torch::full({3}, 2.0f), 0.1, 1e-5};
  result.y = norm(own, scale, shift, result.state);
  (result.y.square() * weights).sum().backward();
  result.dx = own.grad();
  result.of_scale = scale.grad();
  result.of_shift = shift.grad();
  return result;
}

void ExpectNearTensors(const torch::Tensor& a, const torch::Tensor& b) {
  EXPECT_LT((a - b).abs().max().item<double>(),
            2e-5 * (1.0 + b.abs().max().item<double>()))
      << a << b;
}

TEST(SyncedBatchNorm, TwoProcessesDoWhatOneDoesWithTheJoinedBatch) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({5, 3, 4, 6}) * 3.0 + 7.0;
  const torch::Tensor weights = torch::rand({5, 3, 4, 6});
  const Normed whole =
      RunNorm(x, weights,
              [](const torch::Tensor& in, const torch::Tensor& scale,
                 const torch::Tensor& shift, BatchNormState& state) {
                return torch::batch_norm(in, scale, shift, state.running_mean,
                                         state.running_var, true,
                                         state.momentum, state.epsilon, false);
              });

  Meeting meeting;
  std::vector<Normed> parts(2);
  const auto run = [&](int rank, int64_t begin, int64_t end) {
    OneOfTwo group(meeting, rank);
    parts[static_cast<size_t>(rank)] =
        RunNorm(x.slice(0, begin, end), weights.slice(0, begin, end),
                [&](const torch::Tensor& in, const torch::Tensor& scale,
                    const torch::Tensor& shift, BatchNormState& state) {
                  return SyncedBatchNorm(in, scale, shift, state, group);
                });
  };
  std::thread other([&] { run(1, 2, 5); });
  run(0, 0, 2);
  other.join();

  ExpectNearTensors(torch::cat({parts[0].y, parts[1].y}), whole.y);
  ExpectNearTensors(torch::cat({parts[0].dx, parts[1].dx}), whole.dx);
  ExpectNearTensors(parts[0].of_scale + parts[1].of_scale, whole.of_scale);
  ExpectNearTensors(parts[0].of_shift + parts[1].of_shift, whole.of_shift);
  for (const Normed& part : parts) {
    ExpectNearTensors(part.state.running_mean, whole.state.running_mean);
    ExpectNearTensors(part.state.running_var, whole.state.running_var);
  }
  // And they would not without each other.
  const auto lone = JoinProcesses({}, torch::kCPU);
  const Normed alone =
      RunNorm(x.slice(0, 0, 2), weights.slice(0, 0, 2),
              [&](const torch::Tensor& in, const torch::Tensor& scale,
                  const torch::Tensor& shift, BatchNormState& state) {
                return SyncedBatchNorm(in, scale, shift, state, *lone);
              });
  EXPECT_GT((alone.y - parts[0].y).abs().max().item<double>(), 1e-3);
}

}  // namespace
}  // namespace mapweave::nn
