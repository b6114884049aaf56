// SPDX-License-Identifier: MIT
#include "models/ssl/defects.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/views.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace mapweave::ssl {
namespace {

// Paints one kind of defect on all of its images, [n, 3, side, side]. Numbers
// per image are [n, 1, 1, 1], fields [n, 1, side, side]; lengths in pixels.
class DefectPainter {
 public:
  DefectPainter(const torch::Tensor& images, const torch::Tensor& strength,
                const Rng& rng)
      : images_(images),
        strength_(strength.view({-1, 1, 1, 1})),
        generator_(MakeGenerator(rng)),
        count_(images.size(0)),
        side_(images.size(3)) {
    const torch::Tensor place =
        torch::arange(side_, images.options()) + 0.5;  // pixel centres
    x_ = place.view({1, 1, 1, -1});
    y_ = place.view({1, 1, -1, 1});
  }

  torch::Tensor Paint(Defect defect) {
    switch (defect) {
      case Defect::kTear:
        return Tear();
      case Defect::kStain:
        return Stained();
      case Defect::kDoublePrint:
        return DoublePrint();
      case Defect::kShiftedPatch:
        return ShiftedPatch();
      case Defect::kFold:
        return Fold();
      case Defect::kBlank:
        return Blank();
    }
    throw Error(ErrorCode::kBug, "defects: no such kind");
  }

 private:
  // Coordinates across and along a line through the middle part of the image.
  struct Line {
    torch::Tensor across;
    torch::Tensor along;
  };

  torch::Tensor Uniform(double low, double high) {
    const torch::Tensor u = torch::rand({count_, 1, 1, 1}, generator_);
    return (u * (high - low) + low).to(images_.options());
  }
  torch::Tensor Chance(double probability) {
    return Uniform(0.0, 1.0).lt(probability);
  }
  double Side() const { return static_cast<double>(side_); }

  // `upright`: chance of a line within three degrees of a side's direction.
  Line DrawLine(double upright) {
    constexpr double kNearly = 0.05;  // radians
    const torch::Tensor quarter =
        Uniform(0.0, 4.0).floor() * (std::numbers::pi / 2.0);
    const torch::Tensor angle =
        torch::where(Chance(upright), quarter + Uniform(-kNearly, kNearly),
                     Uniform(0.0, 2.0 * std::numbers::pi));
    const torch::Tensor x = x_ - Uniform(0.25, 0.75) * Side();
    const torch::Tensor y = y_ - Uniform(0.25, 0.75) * Side();
    return {x * angle.cos() + y * angle.sin(),
            y * angle.cos() - x * angle.sin()};
  }

  // How far an unsteady line strays at a place along it.
  torch::Tensor Waver(const torch::Tensor& along, double amount) {
    torch::Tensor sum = torch::zeros_like(along);
    double shortest = 4.0;
    for (const double amplitude : {0.5, 1.2, 2.5}) {
      const torch::Tensor length = Uniform(shortest, 3.0 * shortest);
      sum = sum +
            Uniform(0.0, amount * amplitude) *
                (along * (2.0 * std::numbers::pi) / length + Uniform(0.0, 6.3))
                    .sin();
      shortest *= 3.0;
    }
    return sum;
  }

  // The images moved by `distance` in a direction drawn for each.
  torch::Tensor Moved(const torch::Tensor& distance) {
    const torch::Tensor angle = Uniform(0.0, 2.0 * std::numbers::pi);
    const torch::Tensor step = distance * (2.0 / Side());
    const torch::Tensor dx = (step * angle.cos()).view({-1});
    const torch::Tensor dy = (step * angle.sin()).view({-1});
    const torch::Tensor one = torch::ones_like(dx);
    const torch::Tensor zero = torch::zeros_like(dx);
    return Crop(images_,
                torch::stack({torch::stack({one, zero, dx}, 1),
                              torch::stack({zero, one, dy}, 1)},
                             1),
                side_);
  }

  // One side of a line, a strip or a block; [n, 1, side, side] bool.
  torch::Tensor DrawRegion(double upright) {
    const Line line = DrawLine(upright);
    const torch::Tensor half_width = Uniform(0.12, 0.35) * Side();
    const torch::Tensor half_length = Uniform(0.12, 0.35) * Side();
    const torch::Tensor within = line.across.abs().lt(half_width);
    const torch::Tensor form = Uniform(0.0, 3.0).floor();
    return torch::where(
        form.eq(0), line.across.gt(0),
        torch::where(form.eq(1), within,
                     within.logical_and(line.along.abs().lt(half_length))));
  }

  torch::Tensor Tear() {
    const Line line = DrawLine(0.0);
    const torch::Tensor off = line.across - Waver(line.along, 1.0);
    const torch::Tensor open =
        ((line.along + Uniform(-0.1, 0.8) * Side()) / (0.3 * Side()))
            .clamp(0.0, 1.0);
    const torch::Tensor half = Uniform(0.7, 2.2) * open;
    const torch::Tensor torn = open.gt(0.0);
    const torch::Tensor gap =
        ((half - off.abs()) * 2.0 + 0.5).clamp(0.0, 1.0) * torn;
    const torch::Tensor shade = ((half + 2.5 - off) / 2.5).clamp(0.0, 1.0) *
                                off.gt(0.0) * torn * 0.25 * strength_;
    // The scanner's lid, dark or light, is seen through it.
    const torch::Tensor behind =
        torch::where(Chance(0.3), Uniform(0.0, 0.15), Uniform(0.88, 1.0));
    const torch::Tensor opacity = gap * (0.6 + 0.4 * strength_);
    return images_ * (1.0 - shade) * (1.0 - opacity) + behind * opacity;
  }

  torch::Tensor Stained() {
    namespace F = torch::nn::functional;
    const torch::Tensor unrest = F::interpolate(
        torch::randn({count_, 1, 5, 5}, generator_).to(images_.options()),
        F::InterpolateFuncOptions()
            .size(std::vector<int64_t>{side_, side_})
            .mode(torch::kBicubic)
            .align_corners(false));
    const torch::Tensor x =
        (x_ / Side() - Uniform(0.2, 0.8)) / Uniform(0.15, 0.5);
    const torch::Tensor y =
        (y_ / Side() - Uniform(0.2, 0.8)) / Uniform(0.15, 0.5);
    const torch::Tensor radius =
        (x.square() + y.square()).sqrt() + 0.15 * unrest;
    const torch::Tensor wet =
        ((1.0 - radius) * Uniform(2.0, 12.0)).clamp(0.0, 1.0);
    const torch::Tensor tide =
        (-((radius - 1.0) / 0.07).square()).exp() * Uniform(0.0, 0.8);
    const torch::Tensor ink = Chance(0.25);
    const torch::Tensor depth =
        strength_ * torch::where(ink, Uniform(0.7, 0.95), Uniform(0.3, 0.6));
    // Brown takes blue first; ink takes all alike.
    const torch::Tensor brown =
        torch::tensor({0.4, 0.7, 1.0}, images_.options()).view({1, 3, 1, 1});
    const torch::Tensor share =
        torch::where(ink.expand({-1, 3, -1, -1}), torch::ones_like(brown),
                     brown.expand({count_, -1, -1, -1}));
    return images_ * (1.0 - (wet + tide).clamp(0.0, 1.0) * depth * share);
  }

  torch::Tensor DoublePrint() {
    const torch::Tensor ghost = Moved(Uniform(2.0, 6.0));
    // Two exposures, or two passes of the press on one paper.
    const torch::Tensor weight = 0.25 + 0.25 * strength_;
    const torch::Tensor exposed = images_ * (1.0 - weight) + ghost * weight;
    const torch::Tensor pressed =
        torch::minimum(images_, 1.0 - (1.0 - ghost) * (0.4 + 0.6 * strength_));
    const torch::Tensor doubled = torch::where(Chance(0.5), exposed, pressed);
    const torch::Tensor everywhere = Chance(0.6);
    return torch::where(everywhere.logical_or(DrawRegion(0.3)), doubled,
                        images_);
  }

  torch::Tensor ShiftedPatch() {
    const torch::Tensor moved =
        Moved(1.5 + 6.5 * strength_ * Uniform(0.2, 1.0));
    return torch::where(DrawRegion(0.6), moved, images_);
  }

  torch::Tensor Fold() {
    const Line line = DrawLine(0.6);
    const torch::Tensor off = line.across - Waver(line.along, 0.2);
    const torch::Tensor depth = strength_ * Uniform(0.2, 0.5);
    const torch::Tensor other_side = Uniform(-0.3, 0.4);
    const torch::Tensor shadow =
        (-off.abs() / Uniform(2.0, 8.0)).exp() *
        torch::where(off.gt(0.0), torch::ones_like(other_side), other_side);
    const torch::Tensor crease = (1.3 - off.abs()).clamp(0.0, 1.0);
    return images_ * (1.0 - depth * (shadow + crease));
  }

  torch::Tensor Blank() {
    const torch::Tensor choice = Uniform(0.0, 3.0).floor();
    const torch::Tensor shade = torch::where(
        choice.eq(0), Uniform(0.0, 0.06),
        torch::where(choice.eq(1), Uniform(0.97, 1.0), Uniform(0.3, 0.7)));
    // All of it only in a shade that is no paper.
    const torch::Tensor everywhere =
        Chance(0.2).logical_and(choice.eq(1).logical_not());
    return torch::where(everywhere.logical_or(DrawRegion(0.7)),
                        shade.expand_as(images_), images_);
  }

  const torch::Tensor& images_;
  torch::Tensor strength_;
  torch::Generator generator_;
  int64_t count_;
  int64_t side_;
  torch::Tensor x_;
  torch::Tensor y_;
};

// [n]; see DefectOptions::least_seen.
torch::Tensor SeenChange(const torch::Tensor& before,
                         const torch::Tensor& after) {
  constexpr double kUnseen = 0.05;
  return ((after - before).abs().mean(1) - kUnseen).clamp_min(0.0).sum({1, 2}) /
         static_cast<double>(before.size(3));
}

void RequireSquares(const torch::Tensor& images, const torch::Tensor& chosen) {
  if (!images.defined() || images.dim() != 4 || images.size(1) != 3 ||
      images.size(2) != images.size(3) || !images.is_floating_point() ||
      !chosen.defined() || chosen.dim() != 1 ||
      chosen.size(0) != images.size(0)) {
    throw Error(ErrorCode::kBadInput,
                "defects: the images are not [samples, 3, side, side] with one "
                "choice for each");
  }
  if (!torch::isfinite(images).all().item<bool>()) {
    throw Error(ErrorCode::kBadInput,
                "defects: the images hold values that are no numbers");
  }
}

}  // namespace

const std::vector<Defect>& AllDefects() {
  static const std::vector<Defect> defects = {
      Defect::kTear,         Defect::kStain, Defect::kDoublePrint,
      Defect::kShiftedPatch, Defect::kFold,  Defect::kBlank};
  return defects;
}

const char* DefectName(Defect defect) {
  switch (defect) {
    case Defect::kTear:
      return "tear";
    case Defect::kStain:
      return "stain";
    case Defect::kDoublePrint:
      return "double print";
    case Defect::kShiftedPatch:
      return "shifted patch";
    case Defect::kFold:
      return "fold";
    case Defect::kBlank:
      return "blank area";
  }
  throw Error(ErrorCode::kBug, "defects: no such kind");
}

void DefectOptions::Validate() const {
  if (kinds.empty()) {
    throw Error(ErrorCode::kUsage, "defects: kinds is empty");
  }
  if (!(strength_min > 0.0 && strength_min <= strength_max &&
        strength_max <= 1.0)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("defects: strength is {} to {}, must rise within 0 "
                            "to 1",
                            strength_min, strength_max));
  }
  if (!(least_seen >= 0.0)) {
    throw Error(ErrorCode::kUsage, "defects: least_seen is negative");
  }
}

DefectedImages ApplyDefects(const torch::Tensor& images,
                            const torch::Tensor& chosen,
                            const DefectOptions& options, const Rng& rng) {
  const torch::NoGradGuard no_grad;
  options.Validate();
  RequireSquares(images, chosen);
  const int64_t n = images.size(0);
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor drawn =
      torch::randint(0, std::ssize(options.kinds), {n}, generator, torch::kLong)
          .to(images.device());
  const torch::Tensor strength =
      (torch::rand({n}, generator) *
           (options.strength_max - options.strength_min) +
       options.strength_min)
          .to(images.options());
  DefectedImages result;
  result.images = images.clone();
  result.kind = torch::full({n}, -1, drawn.options());
  for (size_t k = 0; k < options.kinds.size(); ++k) {
    const torch::Tensor index = drawn.eq(static_cast<int64_t>(k))
                                    .logical_and(chosen)
                                    .nonzero()
                                    .view({-1});
    if (index.numel() == 0) continue;
    const torch::Tensor sound = images.index_select(0, index);
    const torch::Tensor painted =
        DefectPainter(sound, strength.index_select(0, index), rng.Fork(k + 1))
            .Paint(options.kinds[k])
            .clamp(0.0, 1.0);
    const torch::Tensor seen =
        SeenChange(sound, painted).ge(options.least_seen).nonzero().view({-1});
    const torch::Tensor damaged = index.index_select(0, seen);
    result.images.index_copy_(0, damaged, painted.index_select(0, seen));
    result.kind.index_fill_(0, damaged, static_cast<int64_t>(k));
  }
  result.changed =
      (result.images - images).abs().amax(1, /*keepdim=*/true).gt(2.0 / 255.0);
  return result;
}

}  // namespace mapweave::ssl
