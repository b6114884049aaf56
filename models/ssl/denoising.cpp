// SPDX-License-Identifier: MIT
#include "models/ssl/denoising.h"

#include "core/error.h"

#include <fmt/format.h>

#include <tuple>

namespace mapweave::ssl {
namespace {

// E[noisy noisy^T] up to a factor, which changes no direction.
torch::Tensor NoisyMoments(const torch::Tensor& moments, int64_t image_width,
                           const NoiseKind& noise) {
  const int64_t pixels = moments.size(0);
  torch::Tensor noisy = moments;
  if (noise.drop > 0.0) {
    const torch::Tensor place = torch::arange(pixels);
    const auto part = [&](const torch::Tensor& x) {
      return torch::floor_divide(x, noise.patch_px);
    };
    const torch::Tensor patch =
        part(torch::floor_divide(place, image_width)) * image_width +
        part(place.remainder(image_width));
    const torch::Tensor same = patch.unsqueeze(0).eq(patch.unsqueeze(1));
    noisy = torch::where(same, moments / (1.0 - noise.drop), moments);
  }
  const double variance = noise.gaussian_sigma * noise.gaussian_sigma;
  return noisy + variance * torch::eye(pixels, moments.options());
}

}  // namespace

torch::Tensor SecondMoments(const torch::Tensor& images) {
  if (!images.defined() || images.dim() != 3 || images.size(0) < 1) {
    throw Error(ErrorCode::kBadInput,
                "denoising: the images are not [samples, height, width]");
  }
  const torch::Tensor x = images.flatten(1).to(torch::kDouble);
  return x.t().mm(x) / static_cast<double>(x.size(0));
}

torch::Tensor DenoisingCode(const torch::Tensor& moments, int64_t image_width,
                            const NoiseKind& noise, int64_t width) {
  const int64_t pixels = moments.defined() ? moments.size(0) : 0;
  const bool square =
      pixels > 0 && moments.dim() == 2 && moments.size(1) == pixels;
  const bool tiles = image_width > 0 && pixels % image_width == 0 &&
                     noise.patch_px > 0 && image_width % noise.patch_px == 0 &&
                     (pixels / image_width) % noise.patch_px == 0;
  if (!square || !tiles || width < 1 || width > pixels ||
      !(noise.drop >= 0.0 && noise.drop < 1.0)) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("denoising: no code of {} dimensions for {} pixels in rows "
                    "of {} with patches of {} px, of which {} are dropped",
                    width, pixels, image_width, noise.patch_px, noise.drop));
  }
  const torch::Tensor noisy = NoisyMoments(moments, image_width, noise);
  const auto [values, vectors] = torch::linalg_eigh(noisy);
  // Directions without any energy are noise of the arithmetic.
  const torch::Tensor floor = values.max() * 1e-13;
  const torch::Tensor whitening = vectors.mm(
      torch::maximum(values, floor).rsqrt().unsqueeze(1) * vectors.t());
  const torch::Tensor target = whitening.mm(moments.mm(moments)).mm(whitening);
  const torch::Tensor leading =
      std::get<1>(torch::linalg_eigh(target)).flip(1).slice(1, 0, width);
  return whitening.mm(leading);
}

double SubspaceChange(const torch::Tensor& first, const torch::Tensor& second) {
  const torch::Tensor a = std::get<0>(torch::linalg_qr(first));
  const torch::Tensor b = std::get<0>(torch::linalg_qr(second));
  return (b - a.mm(a.t().mm(b))).square().sum().item<double>() /
         static_cast<double>(b.size(1));
}

double LargestAngle(const torch::Tensor& first, const torch::Tensor& second) {
  const torch::Tensor a = std::get<0>(torch::linalg_qr(first));
  const torch::Tensor b = std::get<0>(torch::linalg_qr(second));
  // Sines are exact for small angles, cosines are not.
  return torch::linalg_svdvals(b - a.mm(a.t().mm(b))).max().item<double>();
}

torch::Tensor BandDirections(const torch::Tensor& moments,
                             const VarianceBand& band) {
  if (!moments.defined() || moments.dim() != 2 ||
      moments.size(0) != moments.size(1) || !(band.from >= 0.0) ||
      !(band.from < band.to) || !(band.to <= 1.0)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("denoising: no band of variance from {} to {}",
                            band.from, band.to));
  }
  const auto [values, vectors] = torch::linalg_eigh(moments);
  const torch::Tensor share =
      values.flip(0).clamp_min(0.0) / values.clamp_min(0.0).sum();
  const torch::Tensor before = share.cumsum(0) - share;
  // The arithmetic may put what is before the last ones a little above 1.
  const torch::Tensor chosen =
      before.ge(band.from)
          .logical_and(before.lt(band.to).logical_or(
              torch::full_like(before, band.to).ge(1.0)))
          .nonzero()
          .view({-1});
  if (chosen.numel() == 0) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("denoising: no direction begins between {} and {} "
                            "of the variance",
                            band.from, band.to));
  }
  return vectors.flip(1).index_select(1, chosen);
}

double SupervisedAlignment(const torch::Tensor& features,
                           const torch::Tensor& code,
                           const torch::Tensor& targets) {
  const auto fits = [&](const torch::Tensor& x) {
    return x.defined() && x.dim() == 2 && x.size(0) == features.size(0) &&
           torch::isfinite(x).all().item<bool>();
  };
  if (!features.defined() || !fits(features) || !fits(code) || !fits(targets) ||
      features.size(0) < 2) {
    throw Error(ErrorCode::kBadInput,
                "alignment: features, code and targets are not finite rows of "
                "the same samples");
  }
  const torch::Tensor y =
      targets.to(torch::kDouble) - targets.to(torch::kDouble).mean(0);
  const auto kept = [&](const torch::Tensor& x) {
    const torch::Tensor q = std::get<0>(torch::linalg_qr(x.to(torch::kDouble)));
    return y.mm(y.t().mm(q)).norm().item<double>();
  };
  const double all = kept(features);
  return all > 0.0 ? kept(code) / all : 0.0;
}

}  // namespace mapweave::ssl
