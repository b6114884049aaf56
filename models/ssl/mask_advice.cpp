// SPDX-License-Identifier: MIT
#include "models/ssl/mask_advice.h"

#include "core/error.h"
#include "models/ssl/denoising.h"
#include "models/ssl/image_set.h"
#include "models/ssl/mask_ranking.h"
#include "models/vis/device.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::ssl {
namespace {

void CheckAdvice(const torch::Tensor& images,
                 const MaskAdviceOptions& options) {
  constexpr int64_t kMostPx = 64;
  const auto fail = [](ErrorCode code, const std::string& what,
                       const std::string& hint) {
    throw Error(code, "mask advice: " + what, hint);
  };
  const int64_t side = images.size(2);
  if (side != images.size(3) || side > kMostPx) {
    fail(ErrorCode::kUsage,
         fmt::format("tiles of {} x {} px", images.size(3), side),
         fmt::format("use square tiles of at most {} px", kMostPx));
  }
  if (options.code_width < 1 || options.code_width >= side * side) {
    fail(ErrorCode::kUsage,
         fmt::format("a code of {} dimensions for {} pixels",
                     options.code_width, side * side),
         "use a smaller code");
  }
  if (images.size(0) <= options.code_width) {
    fail(ErrorCode::kBadInput,
         fmt::format("{} tiles for a code of {} dimensions", images.size(0),
                     options.code_width),
         "cut more tiles or use a smaller code");
  }
  for (const int64_t patch : options.patch_px) {
    if (patch < 1 || side % patch != 0) {
      fail(ErrorCode::kUsage,
           fmt::format("squares of {} px do not fill tiles of {} px", patch,
                       side),
           "use divisors of the tile's side");
    }
  }
  for (const double ratio : options.ratios) {
    if (!(ratio > 0.0 && ratio < 1.0)) {
      fail(ErrorCode::kUsage, fmt::format("a ratio of {}", ratio),
           "use ratios between 0 and 1");
    }
  }
  if (options.patch_px.empty() || options.ratios.empty()) {
    fail(ErrorCode::kUsage, "no masks to rank", "name a size and a ratio");
  }
}

}  // namespace

MaskAdvice RankMasks(const torch::Tensor& images, const torch::Tensor& targets,
                     const MaskAdviceOptions& options, RunContext& context) {
  CheckAdvice(images, options);
  const torch::NoGradGuard no_grad;
  MaskAdvice advice;
  advice.tiles = images.size(0);
  advice.tile_px = images.size(2);
  torch::Tensor grey = images.to(torch::kDouble).mean(1) / 255.0;
  grey = grey - grey.mean(0);
  const torch::Tensor moments = SecondMoments(grey);
  const torch::Tensor pixels = grey.flatten(1);
  const auto alignment =
      [&](const torch::Tensor& code) -> std::optional<double> {
    if (!targets.defined()) return std::nullopt;
    return SupervisedAlignment(pixels, pixels.mm(code), targets);
  };
  const torch::Tensor clean =
      DenoisingCode(moments, advice.tile_px, {}, options.code_width);
  advice.alignment_without = alignment(clean);
  context.progress.Start(
      "rank masks",
      static_cast<int64_t>(options.patch_px.size() * options.ratios.size()));
  for (const int64_t patch : options.patch_px) {
    for (const double ratio : options.ratios) {
      context.cancel.ThrowIfCancelled();
      const torch::Tensor code = DenoisingCode(
          moments, advice.tile_px, {0.0, ratio, patch}, options.code_width);
      advice.ranked.push_back(
          {{patch, ratio}, SubspaceChange(clean, code), alignment(code)});
      context.progress.Advance();
    }
  }
  context.progress.Finish();
  std::ranges::stable_sort(
      advice.ranked, [](const RankedMask& a, const RankedMask& b) {
        return a.alignment ? *a.alignment > *b.alignment : a.change > b.change;
      });
  return advice;
}

MaskAdvice AdviseMask(const ImageSource& tiles,
                      const MaskAdviceOptions& options, RunContext& context) {
  return vis::WithTorchErrors("mask advice", [&] {
    const Dataset data = ReadImages(tiles);
    torch::Tensor targets;
    if (data.label.min().item<int64_t>() >= 0) {
      targets = torch::one_hot(data.label).to(torch::kDouble);
    }
    return RankMasks(data.images, targets, options, context);
  });
}

}  // namespace mapweave::ssl
