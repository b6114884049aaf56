// SPDX-License-Identifier: MIT
//
// Methods that are no joint embedding: the masked autoencoder, and the two
// that classify (DIET by the sample's index, supervised by its label). And the
// list of all methods.
#include "core/error.h"
#include "models/ssl/methods.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/vit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mapweave::ssl {
namespace {

class Mae : public Method {
 public:
  Mae(const Encoder& encoder, const MaeOptions& options, const Rng& rng)
      : Method("mae", encoder),
        options_(options),
        vit_(std::dynamic_pointer_cast<VitEncoderImpl>(encoder)) {
    if (!vit_) {
      throw Error(
          ErrorCode::kUsage,
          "mae: " + encoder->Config().kind + " cannot leave out patches",
          "use a vision transformer");
    }
    const int64_t width = options.decoder_width;
    const int64_t patch_px = encoder->Config().patch_px;
    embed_ = register_module("decoder_embed",
                             torch::nn::Linear(vit_->Width(), width));
    for (int64_t i = 0; i < options.decoder_depth; ++i) {
      blocks_->push_back(TransformerBlock(width, /*heads=*/4, 4 * width));
    }
    register_module("decoder_blocks", blocks_);
    norm_ = register_module("decoder_norm",
                            torch::nn::LayerNorm(std::vector<int64_t>{width}));
    pixels_ = register_module(
        "decoder_pred", torch::nn::Linear(width, 3 * patch_px * patch_px));
    uint64_t key = 0;
    for (const auto& child : children()) {
      if (child.get() != static_cast<torch::nn::Module*>(encoder.get())) {
        InitialiseModule(*child, rng.Fork(++key));
      }
    }
    mask_token_ = register_parameter("mask_token", torch::zeros({1, 1, width}));
    const auto side = static_cast<int64_t>(
        std::lround(std::sqrt(static_cast<double>(vit_->Patches()))));
    if (options.mask_block < 1 || side % options.mask_block != 0 ||
        !(options.mask_ratio >= 0.0 && options.mask_ratio < 1.0)) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("mae: cannot hide {} of {} x {} patches in "
                      "squares of {}",
                      options.mask_ratio, side, side, options.mask_block),
          "use a ratio below 1 and a divisor of the side");
    }
    positions_ = register_buffer("decoder_positions",
                                 SineCosinePositions(side, width).slice(0, 1));
  }

  ViewRecipe DefaultViews() const override {
    ViewRecipe recipe = PlainView();  // crops and flips alone
    recipe.global_area_min = 0.4;
    recipe.flip = 0.5;
    recipe.quarter_turns = 1.0;
    return recipe;
  }

  Bag Step(const Views& views, const StepContext& context) override {
    const torch::Tensor& images = views.views.at(0).images;
    const int64_t n = images.size(0);
    const int64_t t = vit_->Patches();
    const torch::Tensor visible = Visible(n, context.rng).to(images.device());
    const EncoderOutput seen = vit_->EncodeKept(images, visible);

    // Decoder: what was seen in its place, the mask token everywhere else.
    const torch::Tensor embedded = embed_(seen.tokens);
    const torch::Tensor index =
        visible.unsqueeze(2).expand({-1, -1, embedded.size(2)});
    torch::Tensor x =
        mask_token_.expand({n, t, -1}).scatter(1, index, embedded) + positions_;
    for (const auto& block : *blocks_) {
      x = block->as<TransformerBlock>()->forward(x);
    }
    const torch::Tensor prediction = pixels_(norm_(x));
    const torch::Tensor masked =
        torch::ones({n, t}, images.options()).scatter(1, visible, 0.0);
    Bag bag;
    bag[kLoss] =
        MaskedPatchLoss(prediction, ToPatches(images, vit_->Config().patch_px),
                        masked, options_.target);
    bag[kEmbedding] = seen.embedding.detach();
    return bag;
  }

 private:
  // Patches that are not hidden, [n, kept] int64: those of whole blocks.
  torch::Tensor Visible(int64_t n, const Rng& rng) const {
    const int64_t block = options_.mask_block;
    const auto side = static_cast<int64_t>(
        std::lround(std::sqrt(static_cast<double>(vit_->Patches()))));
    const int64_t across = side / block;
    const int64_t blocks = across * across;
    const auto kept = std::max<int64_t>(
        1,
        std::lround(static_cast<double>(blocks) * (1.0 - options_.mask_ratio)));
    torch::Generator generator = MakeGenerator(rng);
    const torch::Tensor chosen = torch::rand({n, blocks}, generator)
                                     .argsort(/*dim=*/1, /*descending=*/false)
                                     .slice(1, 0, kept);
    const torch::Tensor corner = (torch::floor_divide(chosen, across) * side +
                                  chosen.remainder(across)) *
                                 block;
    const torch::Tensor place = torch::arange(block);
    const torch::Tensor within =
        (place.unsqueeze(1) * side + place.unsqueeze(0)).view({1, 1, -1});
    return (corner.unsqueeze(2) + within).reshape({n, kept * block * block});
  }

  MaeOptions options_;
  std::shared_ptr<VitEncoderImpl> vit_;
  torch::nn::Linear embed_{nullptr};
  torch::nn::ModuleList blocks_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear pixels_{nullptr};
  torch::Tensor mask_token_;
  torch::Tensor positions_;  // [T, decoder width]
};

ViewRecipe OneView() {
  ViewRecipe recipe;
  recipe.globals = 1;
  return recipe;
}

// Classifies every sample as itself.
class Diet : public Method {
 public:
  Diet(const Encoder& encoder, const DietOptions& options, const Rng& rng)
      : Method("diet", encoder), options_(options) {
    if (options.samples < 2) {
      throw Error(ErrorCode::kUsage, "diet: needs two samples or more");
    }
    head_ = register_module(
        "head",
        ShardedHead(Online().Width(), options.samples, options.shards, rng));
  }

  int64_t Shards() const override { return options_.shards; }
  ViewRecipe DefaultViews() const override { return OneView(); }

  Bag Step(const Views& views, const StepContext&) override {
    const torch::Tensor embedding =
        Online().Encode(views.views.at(0).images).embedding;
    Bag bag;
    bag[kLoss] =
        head_->Loss(embedding, views.sample_index, options_.label_smoothing);
    bag[kEmbedding] = embedding.detach();
    return bag;
  }

 private:
  DietOptions options_;
  ShardedHead head_{nullptr};
};

// Cross-entropy of the labels that are known.
class Supervised : public Method {
 public:
  Supervised(const Encoder& encoder, const SupervisedOptions& options,
             const Rng& rng)
      : Method("supervised", encoder) {
    head_ = register_module("head", ClassHead(Online().Width(), options.classes,
                                              options.head, rng));
  }

  ViewRecipe DefaultViews() const override { return OneView(); }

  Bag Step(const Views& views, const StepContext&) override {
    const torch::Tensor known = views.label.ge(0).nonzero().view({-1});
    if (known.numel() == 0) {
      throw Error(ErrorCode::kBadInput,
                  name() + ": no sample of the batch has a label",
                  "train without labels, or label more samples");
    }
    const torch::Tensor embedding =
        Online().Encode(views.views.at(0).images).embedding;
    Bag bag;
    bag[kLoss] = DietLoss(head_(embedding).index_select(0, known),
                          views.label.index_select(0, known),
                          /*label_smoothing=*/0.0);
    bag[kEmbedding] = embedding.detach();
    return bag;
  }

 private:
  ClassHead head_{nullptr};
};

}  // namespace

MethodPtr MakeMae(Encoder encoder, const MaeOptions& options, const Rng& rng) {
  return std::make_shared<Mae>(encoder, options, rng);
}

MethodPtr MakeDiet(Encoder encoder, const DietOptions& options,
                   const Rng& rng) {
  return std::make_shared<Diet>(encoder, options, rng);
}

MethodPtr MakeSupervised(Encoder encoder, const SupervisedOptions& options,
                         const Rng& rng) {
  return std::make_shared<Supervised>(encoder, options, rng);
}

const std::vector<MethodInfo>& Methods() {
  static const std::vector<MethodInfo> methods = {
      {"simclr", "two views of an image are alike, all others are not",
       "Chen et al., 2020, arXiv:2002.05709"},
      {"byol", "predicts a slow teacher's view of the same image",
       "Grill et al., 2020, arXiv:2006.07733"},
      {"barlow-twins", "the views' features correlate one to one",
       "Zbontar et al., 2021, arXiv:2103.03230"},
      {"vicreg", "invariance, with variance and covariance held up",
       "Bardes et al., 2022, arXiv:2105.04906"},
      {"dino", "follows a slow teacher's centred assignments",
       "Caron et al., 2021, arXiv:2104.14294"},
      {"mae", "paints hidden patches (vision transformers only)",
       "He et al., 2022, arXiv:2111.06377"},
      {"lejepa", "views agree and embeddings are isotropic Gaussian",
       "Balestriero & LeCun, 2025, arXiv:2511.08544"},
      {"diet", "classifies each image as itself",
       "Balestriero, 2023, arXiv:2302.10260"},
      {"x-sample", "soft targets from a graph of similar images",
       "Sobal et al., 2024, arXiv:2407.18134"},
      {"supcon", "images of one label are alike",
       "Khosla et al., 2020, arXiv:2004.11362", true},
      {"supervised", "cross-entropy of the labels; a reference", "", true},
  };
  return methods;
}

MethodPtr MakeMethod(const std::string& name, const Encoder& encoder,
                     const MethodFacts& facts, const Rng& rng) {
  const auto& methods = Methods();
  const auto info = std::ranges::find(methods, name, &MethodInfo::name);
  if (info == methods.end()) {
    throw Error(ErrorCode::kUsage, "unknown method \"" + name + "\"",
                "'mapweave ssl list' shows them");
  }
  if (info->needs_labels && facts.classes < 2) {
    throw Error(ErrorCode::kUsage, name + ": needs labels of two classes",
                "use a method that needs none");
  }
  if (name == "simclr") return MakeSimClr(encoder, {}, rng);
  if (name == "byol") return MakeByol(encoder, {}, rng);
  if (name == "barlow-twins") return MakeBarlowTwins(encoder, {}, rng);
  if (name == "vicreg") return MakeVicReg(encoder, {}, rng);
  if (name == "dino") return MakeDino(encoder, {}, rng);
  if (name == "mae") return MakeMae(encoder, {}, rng);
  if (name == "lejepa") return MakeLeJepa(encoder, {}, rng);
  if (name == "diet") {
    DietOptions options;
    options.samples = facts.samples;
    return MakeDiet(encoder, options, rng);
  }
  if (name == "x-sample") return MakeXSample(encoder, {}, rng);
  if (name == "supcon") return MakeSupCon(encoder, {}, rng);
  SupervisedOptions options;
  options.classes = facts.classes;
  return MakeSupervised(encoder, options, rng);
}

}  // namespace mapweave::ssl
