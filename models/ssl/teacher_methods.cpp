// SPDX-License-Identifier: MIT
//
// Methods with a teacher that follows the student: BYOL and DINO.
#include "core/error.h"
#include "models/ssl/methods.h"
#include "models/ssl/schedule.h"

#include <utility>

namespace mapweave::ssl {
namespace {

// An encoder with its head, which a teacher copies whole.
class BranchImpl : public torch::nn::Module {
 public:
  BranchImpl(Encoder encoder, const HeadOptions& head, const Rng& rng)
      : encoder_(std::move(encoder)) {
    register_module("encoder", encoder_);
    head_ = register_module(
        "head",
        MakeMlp({encoder_->Width(), head.hidden, head.out, head.layers}, rng));
  }
  torch::Tensor Embed(const torch::Tensor& images) {
    return encoder_->Encode(images).embedding;
  }
  torch::Tensor Project(const torch::Tensor& embedding) {
    return head_->forward(embedding);
  }
  torch::Tensor forward(const torch::Tensor& images) {
    return Project(Embed(images));
  }
  torch::nn::Sequential& Head() { return head_; }

 private:
  Encoder encoder_;
  torch::nn::Sequential head_{nullptr};
};
TORCH_MODULE(Branch);

// A student, and a teacher that is made equal to it.
class TeacherMethod : public Method {
 public:
  TeacherMethod(const char* name, const Encoder& encoder,
                const HeadOptions& head, double momentum, const Rng& rng)
      : Method(name, encoder),
        student_(encoder, head, rng),
        teacher_(MakeEncoder(encoder->Config(), rng), head, rng),
        ema_(*student_, *teacher_),
        momentum_(momentum) {
    // The student's encoder is registered already.
    register_module("head", student_->Head());
    register_module("teacher", teacher_);
  }

  void AfterUpdate(const StepContext& context) override {
    ema_.Update(TeacherMomentum(momentum_, context.progress));
  }

 protected:
  Branch& Student() { return student_; }
  torch::Tensor Teach(const torch::Tensor& images) {
    const torch::NoGradGuard no_grad;
    return teacher_(images);
  }

 private:
  Branch student_;
  Branch teacher_;
  EmaTeacher ema_;
  double momentum_;
};

class Byol : public TeacherMethod {
 public:
  Byol(const Encoder& encoder, const ByolOptions& options, const Rng& rng)
      : TeacherMethod("byol", encoder, options.projector, options.momentum,
                      rng) {
    if (options.variant == ByolOptions::Variant::kPublished) {
      predictor_ = register_module(
          "predictor",
          MakeMlp({options.projector.out, options.predictor.hidden,
                   options.projector.out, options.predictor.layers},
                  rng.Fork(1)));
    }
  }

  Bag Step(const Views& views, const StepContext&) override {
    const std::vector<torch::Tensor> images = views.ImagesOf(ViewKind::kGlobal);
    if (images.size() != 2) {
      throw Error(ErrorCode::kBadInput, "byol: needs two global views");
    }
    Bag bag;
    torch::Tensor loss;
    for (size_t i = 0; i < 2; ++i) {
      const torch::Tensor embedding = Student()->Embed(images[i]);
      const torch::Tensor projection = Student()->Project(embedding);
      if (i == 0) {
        bag[kEmbedding] = embedding.detach();
        bag[kProjection] = projection.detach();
      }
      // Without a predictor the target is the student's own other view, or
      // the teacher alone would hold off the collapse for long.
      const torch::Tensor term =
          predictor_.is_empty()
              ? ByolLoss(projection, Student()(images[1 - i]))
              : ByolLoss(predictor_->forward(projection), Teach(images[1 - i]));
      loss = i == 0 ? term : loss + term;
    }
    bag[kLoss] = loss;
    return bag;
  }

 private:
  torch::nn::Sequential predictor_{nullptr};
};

class Dino : public TeacherMethod {
 public:
  Dino(const Encoder& encoder, const DinoMethodOptions& options, const Rng& rng)
      : TeacherMethod("dino", encoder, options.head, options.momentum, rng),
        options_(options) {
    centre_ = register_buffer("centre", torch::zeros({options.head.out}));
  }

  ViewRecipe DefaultViews() const override {
    ViewRecipe recipe;
    // Transformers take one size of image; convolutions take any.
    if (!Online().Config().kind.starts_with("vit")) recipe.locals = 2;
    return recipe;
  }

  Bag Step(const Views& views, const StepContext&) override {
    std::vector<torch::Tensor> student;
    std::vector<torch::Tensor> teacher;
    Bag bag;
    for (const View& view : views.views) {
      const torch::Tensor embedding = Student()->Embed(view.images);
      student.push_back(Student()->Project(embedding));
      if (view.kind == ViewKind::kGlobal) {
        teacher.push_back(Teach(view.images));
      }
      if (bag.empty()) bag[kEmbedding] = embedding.detach();
    }
    bag[kLoss] = DinoLoss(student, teacher, centre_, options_.loss);
    bag[kProjection] = student[0].detach();
    bag[kAssignment] = torch::softmax(
        (teacher[0] - centre_) / options_.loss.teacher_temperature, 1);
    const torch::NoGradGuard no_grad;
    centre_.lerp_(torch::cat(teacher).mean(0), 1.0 - options_.centre_momentum);
    return bag;
  }

 private:
  DinoMethodOptions options_;
  torch::Tensor centre_;  // [K]
};

}  // namespace

MethodPtr MakeByol(Encoder encoder, const ByolOptions& options,
                   const Rng& rng) {
  return std::make_shared<Byol>(encoder, options, rng);
}

MethodPtr MakeDino(Encoder encoder, const DinoMethodOptions& options,
                   const Rng& rng) {
  return std::make_shared<Dino>(encoder, options, rng);
}

}  // namespace mapweave::ssl
