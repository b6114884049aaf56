// SPDX-License-Identifier: MIT
#include "models/ssl/views.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace mapweave::ssl {
namespace {

namespace F = torch::nn::functional;

// Random tensors of one view, drawn on the CPU and moved to the images.
class Draw {
 public:
  Draw(const Rng& rng, const torch::Tensor& images)
      : generator_(MakeGenerator(rng)),
        count_(images.size(0)),
        options_(images.options()) {}

  torch::Tensor Uniform(double low, double high) {
    const torch::Tensor u = torch::rand({count_}, generator_);
    return (u * (high - low) + low).to(options_);
  }
  torch::Tensor Chance(double probability) {
    return Uniform(0.0, 1.0).lt(probability);
  }
  // [N, channels]
  torch::Tensor Colours(double low, double high) {
    const torch::Tensor u = torch::rand({count_, 3}, generator_);
    return (u * (high - low) + low).to(options_);
  }
  // [N, 1, side, side], standard normal.
  torch::Tensor Noise(int64_t side) {
    return torch::randn({count_, 1, side, side}, generator_).to(options_);
  }

 private:
  torch::Generator generator_;
  int64_t count_;
  torch::TensorOptions options_;
};

torch::Tensor PerImage(const torch::Tensor& values) {
  return values.view({-1, 1, 1, 1});
}

torch::Tensor Where(const torch::Tensor& chosen, const torch::Tensor& changed,
                    const torch::Tensor& images) {
  return torch::where(PerImage(chosen), changed, images);
}

// [N, 1, H, W]; weights of ITU-R BT.601.
torch::Tensor Luminance(const torch::Tensor& images) {
  const torch::Tensor weights =
      torch::tensor({0.299, 0.587, 0.114}, images.options()).view({1, 3, 1, 1});
  return (images * weights).sum(1, /*keepdim=*/true);
}

struct AreaRange {
  double min;
  double max;
};

// [N, 2, 3]
torch::Tensor DrawCrops(const ViewRecipe& recipe, AreaRange area, Draw& draw) {
  const torch::Tensor scale = draw.Uniform(area.min, area.max).sqrt();
  const torch::Tensor room = 1.0 - scale;
  const torch::Tensor x = draw.Uniform(-1.0, 1.0) * room;
  const torch::Tensor y = draw.Uniform(-1.0, 1.0) * room;
  const torch::Tensor turns =
      draw.Uniform(0.0, 4.0).floor() * draw.Chance(recipe.quarter_turns);
  const torch::Tensor angle = turns * (std::numbers::pi / 2.0);
  const torch::Tensor mirror = 1.0 - 2.0 * draw.Chance(recipe.flip);
  const torch::Tensor c = angle.cos() * scale;
  const torch::Tensor s = angle.sin() * scale;
  return torch::stack({torch::stack({c * mirror, -s, x}, 1),
                       torch::stack({s * mirror, c, y}, 1)},
                      1);
}

torch::Tensor JitterColours(const torch::Tensor& images, double strength,
                            const torch::Tensor& chosen, Draw& draw) {
  const auto factor = [&] {
    return PerImage(draw.Uniform(1.0 - strength, 1.0 + strength));
  };
  torch::Tensor y = images * factor();
  const torch::Tensor mean = Luminance(y).mean({1, 2, 3}, /*keepdim=*/true);
  y = mean + (y - mean) * factor();
  const torch::Tensor grey = Luminance(y);
  y = grey + (y - grey) * factor();
  return Where(chosen, y.clamp(0.0, 1.0), images);
}

torch::Tensor Stain(const torch::Tensor& images, const torch::Tensor& chosen,
                    Draw& draw) {
  constexpr int64_t kCells = 4;
  constexpr double kDepth = 0.2;
  const torch::Tensor blotches = F::interpolate(
      draw.Noise(kCells),
      F::InterpolateFuncOptions()
          .size(std::vector<int64_t>{images.size(2), images.size(3)})
          .mode(torch::kBicubic)
          .align_corners(false));
  const torch::Tensor stained =
      (images * (1.0 - kDepth * blotches.clamp(0.0, 1.0))).clamp(0.0, 1.0);
  return Where(chosen, stained, images);
}

torch::Tensor Disturb(torch::Tensor y, const ViewRecipe& recipe, Draw& draw) {
  if (recipe.line_width > 0.0) {
    y = ChangeLineWidth(y, draw.Chance(0.5), draw.Chance(recipe.line_width));
  }
  if (recipe.palette > 0.0) {
    y = SwapPalette(y, draw.Colours(0.0, 0.5), draw.Colours(0.65, 1.0),
                    draw.Chance(recipe.palette));
  }
  if (recipe.stain > 0.0) y = Stain(y, draw.Chance(recipe.stain), draw);
  if (recipe.colour > 0.0) {
    y = JitterColours(y, recipe.colour_strength, draw.Chance(recipe.colour),
                      draw);
  }
  if (recipe.grey > 0.0) {
    y = Where(draw.Chance(recipe.grey), Luminance(y).expand_as(y), y);
  }
  if (recipe.blur > 0.0) {
    y = GaussianBlur(y, draw.Uniform(0.1, recipe.blur_sigma_px),
                     draw.Chance(recipe.blur));
  }
  if (recipe.solarise > 0.0) y = Solarise(y, draw.Chance(recipe.solarise));
  return y;
}

void RequireChance(const char* name, double value) {
  if (value >= 0.0 && value <= 1.0) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("views: {} is {}, must be 0 to 1", name, value));
}

void RequireArea(const char* name, double min, double max) {
  if (min > 0.0 && min <= max && max <= 1.0) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("views: {} is {} to {}, must rise within 0 to 1",
                          name, min, max));
}

}  // namespace

void ViewRecipe::Validate() const {
  for (const auto& [name, value] :
       {std::pair{"flip", flip}, std::pair{"quarter_turns", quarter_turns},
        std::pair{"colour", colour},
        std::pair{"colour_strength", colour_strength}, std::pair{"grey", grey},
        std::pair{"blur", blur}, std::pair{"solarise", solarise},
        std::pair{"palette", palette}, std::pair{"line_width", line_width},
        std::pair{"stain", stain}}) {
    RequireChance(name, value);
  }
  RequireArea("global_area", global_area_min, global_area_max);
  RequireArea("local_area", local_area_min, local_area_max);
  if (globals < 1 || locals < 0 || global_px < 0 || local_px < 0 ||
      !(blur_sigma_px > 0.0)) {
    throw Error(ErrorCode::kUsage,
                "views: need one global view, sizes of 0 or more and a "
                "positive blur_sigma_px");
  }
}

Json ViewRecipe::ToJson() const {
  return {{"globals", globals},
          {"locals", locals},
          {"global_px", global_px},
          {"local_px", local_px},
          {"global_area", {global_area_min, global_area_max}},
          {"local_area", {local_area_min, local_area_max}},
          {"flip", flip},
          {"quarter_turns", quarter_turns},
          {"colour", colour},
          {"colour_strength", colour_strength},
          {"grey", grey},
          {"blur", blur},
          {"blur_sigma_px", blur_sigma_px},
          {"solarise", solarise},
          {"palette", palette},
          {"line_width", line_width},
          {"stain", stain}};
}

ViewRecipe PlainView() {
  ViewRecipe recipe;
  recipe.globals = 1;
  recipe.global_area_min = 1.0;
  recipe.flip = recipe.quarter_turns = recipe.colour = recipe.grey =
      recipe.blur = recipe.palette = recipe.line_width = recipe.stain = 0.0;
  return recipe;
}

torch::Tensor Crop(const torch::Tensor& images, const torch::Tensor& affine,
                   int64_t side_px) {
  const torch::Tensor grid = torch::affine_grid_generator(
      affine, {images.size(0), images.size(1), side_px, side_px},
      /*align_corners=*/false);
  return F::grid_sample(images, grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kReflection)
                            .align_corners(false));
}

torch::Tensor GaussianBlur(const torch::Tensor& images,
                           const torch::Tensor& sigma_px,
                           const torch::Tensor& chosen) {
  constexpr int64_t kRadius = 3;
  const int64_t n = images.size(0);
  const int64_t c = images.size(1);
  const torch::Tensor offsets =
      torch::arange(-kRadius, kRadius + 1, images.options());
  torch::Tensor kernel =
      (-0.5 * (offsets / sigma_px.view({-1, 1})).square()).exp();
  kernel = (kernel / kernel.sum(1, /*keepdim=*/true))
               .repeat_interleave(c, 0);  // [N * C, 2 * radius + 1]
  // Every channel of every image is a group with a kernel of its own.
  torch::Tensor y = images.reshape({1, n * c, images.size(2), images.size(3)});
  y = F::pad(y, F::PadFuncOptions({kRadius, kRadius, kRadius, kRadius})
                    .mode(torch::kReflect));
  const auto groups = F::Conv2dFuncOptions().groups(n * c);
  y = F::conv2d(y, kernel.view({n * c, 1, 1, -1}), groups);
  y = F::conv2d(y, kernel.view({n * c, 1, -1, 1}), groups);
  return Where(chosen, y.view_as(images), images);
}

torch::Tensor Solarise(const torch::Tensor& images,
                       const torch::Tensor& chosen) {
  return Where(chosen, torch::where(images.gt(0.5), 1.0 - images, images),
               images);
}

torch::Tensor SwapPalette(const torch::Tensor& images, const torch::Tensor& ink,
                          const torch::Tensor& paper,
                          const torch::Tensor& chosen) {
  const torch::Tensor grey = Luminance(images);
  const torch::Tensor low = ink.view({-1, 3, 1, 1});
  const torch::Tensor high = paper.view({-1, 3, 1, 1});
  return Where(chosen, low + (high - low) * grey, images);
}

torch::Tensor ChangeLineWidth(const torch::Tensor& images,
                              const torch::Tensor& widen,
                              const torch::Tensor& chosen) {
  // A minimum over a 2 x 2 neighbourhood widens dark strokes by one pixel; the
  // side that it grows to is the upper left for both.
  const auto spread = [](const torch::Tensor& x) {
    return torch::max_pool2d(
        F::pad(x, F::PadFuncOptions({0, 1, 0, 1}).mode(torch::kReplicate)), 2,
        1);
  };
  const torch::Tensor wider = -spread(-images);
  const torch::Tensor thinner = spread(images);
  return Where(chosen, Where(widen, wider, thinner), images);
}

Views MakeViews(const Batch& batch, const ViewRecipe& recipe, const Rng& rng) {
  recipe.Validate();
  const torch::Tensor& images = batch.images;
  if (!images.defined() || images.dim() != 4 || images.size(1) != 3) {
    throw Error(ErrorCode::kBadInput,
                "views: the images are not [samples, 3, height, width]",
                "give three colour channels");
  }
  const int64_t side = std::min(images.size(2), images.size(3));
  Views views;
  views.sample_index = batch.sample_index;
  views.label = batch.label;
  views.metadata = batch.metadata;
  for (int v = 0; v < recipe.globals + recipe.locals; ++v) {
    const bool global = v < recipe.globals;
    Draw draw(rng.Fork(static_cast<uint64_t>(v)), images);
    const AreaRange area =
        global ? AreaRange{recipe.global_area_min, recipe.global_area_max}
               : AreaRange{recipe.local_area_min, recipe.local_area_max};
    int64_t px = global ? recipe.global_px : recipe.local_px;
    if (px == 0) px = global ? side : side / 2;
    const torch::Tensor crops = DrawCrops(recipe, area, draw);
    View view;
    view.kind = global ? ViewKind::kGlobal : ViewKind::kLocal;
    view.images = Disturb(Crop(images, crops, px), recipe, draw);
    if (batch.mask.defined()) {
      view.mask = Crop(batch.mask, crops, px).ge(0.5).to(torch::kFloat);
    }
    views.views.push_back(std::move(view));
  }
  return views;
}

}  // namespace mapweave::ssl
