// SPDX-License-Identifier: MIT
#include "models/ssl/masked_pixels.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/vit.h"

#include <algorithm>
#include <cmath>

namespace mapweave::ssl {
namespace {

constexpr double kHiddenShade = 0.5;

// Side of the square of pixels that each token stands for; 0 if they do not
// tile an image of `image_px`.
int64_t TokenSide(EncoderImpl& encoder, int64_t image_px) {
  const torch::NoGradGuard no_grad;
  const bool was_training = encoder.is_training();
  encoder.eval();
  const torch::Device device = encoder.parameters().at(0).device();
  const int64_t tokens =
      encoder.Encode(torch::zeros({1, 3, image_px, image_px}, device))
          .tokens.size(1);
  encoder.train(was_training);
  const int64_t side = std::lround(std::sqrt(static_cast<double>(tokens)));
  return side * side == tokens && image_px % side == 0 ? image_px / side : 0;
}

class MaskedPixels : public Method {
 public:
  MaskedPixels(const Encoder& encoder, const MaskedPixelsOptions& options,
               const Rng& rng)
      : Method("masked-pixels", encoder),
        options_(options),
        token_px_(TokenSide(*encoder, options.image_px)) {
    if (options.patch_px < 1 || options.image_px % options.patch_px != 0 ||
        token_px_ == 0 || !(options.mask_ratio > 0.0) ||
        !(options.mask_ratio < 1.0)) {
      throw Error(ErrorCode::kUsage,
                  "masked-pixels: patches or tokens do not tile the images, or "
                  "the share of hidden patches is not within 0 to 1",
                  "use sides that are multiples of the patch and of the "
                  "encoder's stride");
    }
    painter_ =
        register_module("painter", MakeMlp({Online().Width(), options.hidden,
                                            3 * token_px_ * token_px_, 2},
                                           rng));
  }

  ViewRecipe DefaultViews() const override {
    ViewRecipe recipe = PlainView();
    recipe.global_area_min = 0.4;
    recipe.flip = 0.5;
    recipe.quarter_turns = 1.0;
    return recipe;
  }

  Bag Step(const Views& views, const StepContext& context) override {
    const torch::Tensor& images = views.views.at(0).images;
    const int64_t n = images.size(0);
    const torch::Tensor patches = ToPatches(images, options_.patch_px);
    const int64_t t = patches.size(1);
    const int64_t hidden = std::clamp<int64_t>(
        std::lround(static_cast<double>(t) * options_.mask_ratio), 1, t - 1);
    torch::Generator generator = MakeGenerator(context.rng);
    const torch::Tensor order = torch::rand({n, t}, generator)
                                    .argsort(/*dim=*/1, /*descending=*/false)
                                    .to(images.device());
    const torch::Tensor masked =
        torch::zeros({n, t}, images.options())
            .scatter(1, order.slice(1, 0, hidden), 1.0);
    const torch::Tensor painted_over =
        torch::where(masked.unsqueeze(2).gt(0.5),
                     torch::full_like(patches, kHiddenShade), patches);
    const EncoderOutput seen = Online().Encode(
        FromPatches(painted_over, options_.patch_px, /*channels=*/3));
    const torch::Tensor squares = painter_->forward(seen.tokens.flatten(0, 1))
                                      .view({n, -1, 3 * token_px_ * token_px_});
    const torch::Tensor prediction = ToPatches(
        FromPatches(squares, token_px_, /*channels=*/3), options_.patch_px);
    Bag bag;
    bag[kLoss] = MaskedPatchLoss(prediction, patches, masked, options_.target);
    bag[kEmbedding] = seen.embedding.detach();
    return bag;
  }

 private:
  MaskedPixelsOptions options_;
  int64_t token_px_;
  torch::nn::Sequential painter_{nullptr};
};

}  // namespace

MethodPtr MakeMaskedPixels(Encoder encoder, const MaskedPixelsOptions& options,
                           const Rng& rng) {
  return std::make_shared<MaskedPixels>(encoder, options, rng);
}

}  // namespace mapweave::ssl
