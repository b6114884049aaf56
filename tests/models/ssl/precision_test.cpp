// SPDX-License-Identifier: MIT
//
// The same step in another type and on another device. Skipped, and seen to be
// skipped, where the machine has neither.
#include "core/random.h"
#include "models/ssl/losses.h"
#include "models/ssl/methods.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/trainer.h"
#include "models/vis/device.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <utility>

namespace mapweave::ssl {
namespace {

torch::Tensor Images(int64_t count) {
  torch::Generator generator = MakeGenerator(Rng(5));
  // Blocks of four pixels, so that there is something to see.
  return torch::rand({count, 3, 8, 8}, generator)
      .repeat_interleave(4, 2)
      .repeat_interleave(4, 3);
}

Encoder SmallResNet() {
  EncoderConfig config;
  config.width = 16;
  return MakeEncoder(config, Rng(3));
}

// Loss of images beside their mirror images, and the gradient of the first
// convolution, both in float32; the encoder computes in `dtype`, the loss does
// not.
std::pair<double, torch::Tensor> LossAndGradient(torch::ScalarType dtype) {
  const Encoder encoder = SmallResNet();
  encoder->to(dtype);
  encoder->train();
  const torch::Tensor images = Images(32);
  const auto embed = [&](const torch::Tensor& x) {
    return encoder->Encode(x.to(dtype)).embedding.to(torch::kFloat);
  };
  const torch::Tensor loss =
      NtXent(embed(images), embed(images.flip({3})), 0.5);
  loss.backward();
  return {loss.item<double>(), encoder->named_parameters()["conv1.weight"]
                                   .grad()
                                   .to(torch::kFloat)
                                   .flatten()};
}

TEST(Precision, BfloatEncodersLoseLittle) {
  if (!vis::CpuHasBf16()) {
    GTEST_SKIP() << "this CPU has no bfloat16 arithmetic";
  }
  const auto [loss, gradient] = LossAndGradient(torch::kFloat);
  const auto [rough_loss, rough_gradient] = LossAndGradient(torch::kBFloat16);
  EXPECT_NE(loss, rough_loss) << "the type was not used";
  EXPECT_NEAR(rough_loss, loss, 0.01 * loss);
  const double cosine =
      torch::cosine_similarity(gradient, rough_gradient, 0).item<double>();
  EXPECT_GE(cosine, 0.9);
}

TEST(Precision, TrainingOnAGpuFollowsTheCpu) {
  if (!torch::cuda::is_available()) {
    GTEST_SKIP() << "no CUDA device is usable";
  }
  Dataset data;
  data.images = (Images(64) * 255.0).to(torch::kUInt8);
  data.label = torch::full({64}, -1, torch::kLong);
  TrainerOptions options;
  options.steps = 5;
  options.batch = 32;
  options.measure_every = 1;
  const auto losses = [&](const char* device) {
    const MethodPtr method = MakeSimClr(SmallResNet(), {}, Rng(4));
    method->to(torch::Device(device));
    Progress progress;
    CancelToken cancel;
    RunContext context{progress, cancel};
    std::vector<double> values;
    for (const Measure& measure :
         TrainMethod(*method, data, options, {}, context).measures) {
      values.push_back(measure.value);
    }
    return values;
  };
  const std::vector<double> cpu = losses("cpu");
  const std::vector<double> gpu = losses("cuda");
  ASSERT_EQ(cpu.size(), gpu.size());
  for (size_t i = 0; i < cpu.size(); ++i) {
    EXPECT_NEAR(gpu[i], cpu[i], 0.02 * cpu[i]) << "step " << i + 1;
  }
}

}  // namespace
}  // namespace mapweave::ssl
