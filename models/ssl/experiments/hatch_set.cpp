// SPDX-License-Identifier: MIT
#include "models/ssl/experiments/hatch_set.h"

#include "models/ssl/tensor_random.h"

#include <cmath>
#include <numbers>

namespace mapweave::ssl {

HatchSet MakeHatchSet(int64_t count, const HatchOptions& options,
                      const Rng& rng) {
  constexpr double kFrequency = 0.35;  // cycles per pixel
  torch::Generator generator = MakeGenerator(rng);
  const auto normal = [&] {
    return torch::randn({count, kHatchSide, kHatchSide}, generator,
                        torch::kDouble);
  };
  const torch::Tensor f = torch::fft_fftfreq(kHatchSide, 1.0, torch::kDouble);
  torch::Tensor radius =
      (f.square().unsqueeze(0) + f.square().unsqueeze(1)).sqrt();
  radius[0][0] = 1.0 / kHatchSide;
  torch::Tensor tone = torch::real(torch::fft_ifft2(
      torch::fft_fft2(normal()) / radius.pow(options.tone_exponent)));
  tone = tone / tone.std();
  const torch::Tensor label =
      torch::randint(0, kHatchClasses, {count}, generator, torch::kLong);
  const torch::Tensor axis = torch::arange(kHatchSide, torch::kDouble);
  const torch::Tensor angle = torch::arange(kHatchClasses, torch::kDouble) *
                              (std::numbers::pi / kHatchClasses);
  const torch::Tensor phase =
      axis.view({1, 1, -1}) * angle.cos().view({-1, 1, 1}) +
      axis.view({1, -1, 1}) * angle.sin().view({-1, 1, 1});
  const torch::Tensor hatch =
      (2.0 * std::numbers::pi * kFrequency * phase).sin();
  HatchSet set;
  set.images = tone + options.hatch * hatch.index_select(0, label) +
               options.grain * normal();
  set.images = set.images - set.images.mean(0);
  set.label = label;
  set.targets = torch::one_hot(label, kHatchClasses).to(torch::kDouble);
  return set;
}

}  // namespace mapweave::ssl
