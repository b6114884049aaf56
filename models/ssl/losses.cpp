// SPDX-License-Identifier: MIT
#include "models/ssl/losses.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>
#include <sstream>
#include <string>

namespace mapweave::ssl {
namespace {

namespace F = torch::nn::functional;

std::string ShapeText(const torch::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

[[noreturn]] void Fail(const std::string& loss, const std::string& what,
                       const std::string& hint = "") {
  throw Error(ErrorCode::kBadInput, loss + ": " + what, hint);
}

void Require(bool holds, const std::string& loss, const char* argument,
             const torch::Tensor& tensor, const char* wanted) {
  if (holds) return;
  Fail(loss, fmt::format("{} is {}, must be {}", argument, ShapeText(tensor),
                         wanted));
}

// [N, D] with at least two rows.
void RequireRows(const std::string& loss, const char* argument,
                 const torch::Tensor& z) {
  Require(z.defined() && z.dim() == 2 && z.size(1) >= 1, loss, argument, z,
          "[samples, dimensions]");
  if (z.size(0) < 2) {
    Fail(loss, fmt::format("{} has {} sample, needs two", argument, z.size(0)),
         "use a larger batch and drop the incomplete last one");
  }
}

void RequirePair(const std::string& loss, const torch::Tensor& first,
                 const torch::Tensor& second) {
  RequireRows(loss, "the first view", first);
  Require(second.defined() && second.sizes() == first.sizes(), loss,
          "the second view", second, "of the first one's shape");
}

torch::Tensor RequireFinite(const std::string& name,
                            const torch::Tensor& loss) {
  if (!std::isfinite(loss.item<double>())) {
    Fail(name, "the loss is no number",
         "look for NaN in the images, or lower the learning rate");
  }
  return loss;
}

torch::Tensor Normalised(const torch::Tensor& z) {
  return F::normalize(z, F::NormalizeFuncOptions().p(2).dim(1));
}

torch::Tensor OffDiagonalMask(const torch::Tensor& square) {
  return torch::eye(square.size(0), square.options().dtype(torch::kBool))
      .logical_not();
}

// Rows scaled to sum 1; rows of nothing stay.
torch::Tensor Contrast(const std::string& name, const torch::Tensor& z,
                       const torch::Tensor& targets, double temperature) {
  if (!(temperature > 0.0)) Fail(name, "the temperature must be positive");
  const torch::Tensor unit = Normalised(z);
  const torch::Tensor others = OffDiagonalMask(targets);
  const torch::Tensor logits =
      (unit.mm(unit.t()) / temperature).masked_fill(others.logical_not(), -1e9);
  const torch::Tensor mass = targets.sum(1);
  const torch::Tensor has_target = mass.gt(0.0);
  const torch::Tensor share =
      targets /
      torch::where(has_target, mass, torch::ones_like(mass)).unsqueeze(1);
  const torch::Tensor loss = -(share * torch::log_softmax(logits, 1)).sum(1);
  const torch::Tensor count = has_target.sum();
  if (count.item<int64_t>() == 0) {
    Fail(name, "no sample of the batch is like any other",
         "use a larger batch, or labels that repeat");
  }
  return RequireFinite(name, loss.sum() / count);
}

}  // namespace

torch::Tensor SoftContrastive(const torch::Tensor& z,
                              const torch::Tensor& targets,
                              double temperature) {
  const std::string name = "soft contrastive loss";
  RequireRows(name, "z", z);
  Require(targets.defined() && targets.dim() == 2 &&
              targets.size(0) == z.size(0) && targets.size(1) == z.size(0),
          name, "targets", targets, "[samples, samples]");
  return Contrast(name, z, targets, temperature);
}

torch::Tensor NtXent(const torch::Tensor& first, const torch::Tensor& second,
                     double temperature) {
  const std::string name = "NT-Xent";
  RequirePair(name, first, second);
  const int64_t n = first.size(0);
  // Row i's other view is row i + n, cyclically.
  const torch::Tensor targets =
      torch::eye(2 * n, first.options().requires_grad(false)).roll(n, 1);
  return Contrast(name, torch::cat({first, second}), targets, temperature);
}

torch::Tensor SupCon(const torch::Tensor& z, const torch::Tensor& label,
                     double temperature) {
  const std::string name = "SupCon";
  RequireRows(name, "z", z);
  Require(label.defined() && label.dim() == 1 && label.size(0) == z.size(0),
          name, "label", label, "[samples]");
  const torch::Tensor known = label.ge(0);
  const torch::Tensor same =
      label.unsqueeze(0)
          .eq(label.unsqueeze(1))
          .logical_and(known.unsqueeze(0).logical_and(known.unsqueeze(1)));
  const torch::Tensor targets =
      same.logical_and(OffDiagonalMask(same)).to(z.scalar_type());
  return Contrast(name, z, targets, temperature);
}

torch::Tensor XSampleTargets(const torch::Tensor& graph, double temperature) {
  const std::string name = "X-Sample targets";
  Require(graph.defined() && graph.dim() == 2 &&
              graph.size(0) == graph.size(1) && graph.size(0) >= 2,
          name, "graph", graph, "[samples, samples] of two or more");
  if (!(temperature > 0.0)) Fail(name, "the temperature must be positive");
  const torch::Tensor self = OffDiagonalMask(graph).logical_not();
  return torch::softmax((graph / temperature).masked_fill(self, -1e30), 1)
      .masked_fill(self, 0.0);
}

double TemperatureForPositives(const torch::Tensor& graph, double wanted) {
  const std::string name = "X-Sample targets";
  Require(graph.defined() && graph.dim() == 2 &&
              graph.size(0) == graph.size(1) && graph.size(0) >= 2 &&
              torch::isfinite(graph).all().item<bool>(),
          name, "graph", graph, "[samples, samples] of two or more, finite");
  const auto others = static_cast<double>(graph.size(0) - 1);
  if (!(wanted > 1.0 && wanted < others)) {
    Fail(name,
         fmt::format("{} effective positives of {} other samples", wanted,
                     others),
         "ask for more than one and fewer than the batch has");
  }
  const auto positives = [&](double temperature) {
    return EffectivePositives(
               XSampleTargets(graph.to(torch::kDouble), temperature))
        .mean()
        .item<double>();
  };
  // Entropy grows with the temperature.
  double low = 1e-4;
  double high = 1e4;
  if (positives(low) > wanted || positives(high) < wanted) {
    Fail(name,
         fmt::format("no temperature gives {} effective positives: {} samples "
                     "are equally alike",
                     wanted, positives(low) > wanted ? "more" : "all"),
         "ask for another number, or tell samples apart in the graph");
  }
  for (int i = 0; i < 60; ++i) {
    const double middle = std::sqrt(low * high);
    (positives(middle) < wanted ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

torch::Tensor EffectivePositives(const torch::Tensor& targets) {
  Require(targets.defined() && targets.dim() == 2, "effective positives",
          "targets", targets, "[samples, samples]");
  const torch::Tensor p = targets.to(torch::kDouble);
  return (-(p * p.clamp_min(1e-300).log()).sum(1)).exp();
}

torch::Tensor ByolLoss(const torch::Tensor& prediction,
                       const torch::Tensor& target) {
  const std::string name = "BYOL loss";
  Require(
      prediction.defined() && prediction.dim() == 2 && prediction.size(0) >= 1,
      name, "the prediction", prediction, "[samples, dimensions]");
  Require(target.defined() && target.sizes() == prediction.sizes(), name,
          "the target", target, "of the prediction's shape");
  const torch::Tensor cosine =
      (Normalised(prediction) * Normalised(target.detach())).sum(1);
  return RequireFinite(name, (2.0 - 2.0 * cosine).mean());
}

torch::Tensor BarlowTwins(const torch::Tensor& first,
                          const torch::Tensor& second, double lambda) {
  const std::string name = "Barlow Twins";
  RequirePair(name, first, second);
  const auto standardised = [](const torch::Tensor& z) {
    const torch::Tensor centred = z - z.mean(0);
    return centred / (centred.square().mean(0) + 1e-5).sqrt();
  };
  const torch::Tensor correlation =
      standardised(first).t().mm(standardised(second)) /
      static_cast<double>(first.size(0));
  const torch::Tensor diagonal = correlation.diagonal();
  const torch::Tensor off =
      correlation.square().sum() - diagonal.square().sum();
  return RequireFinite(name, (diagonal - 1.0).square().sum() + lambda * off);
}

torch::Tensor VicReg(const torch::Tensor& first, const torch::Tensor& second,
                     const VicRegOptions& options) {
  const std::string name = "VICReg";
  RequirePair(name, first, second);
  const auto n = static_cast<double>(first.size(0));
  const auto d = static_cast<double>(first.size(1));
  torch::Tensor loss = options.invariance * (first - second).square().mean();
  for (const torch::Tensor& z : {first, second}) {
    const torch::Tensor centred = z - z.mean(0);
    const torch::Tensor covariance = centred.t().mm(centred) / (n - 1.0);
    const torch::Tensor variance = covariance.diagonal();
    const torch::Tensor hinge =
        torch::relu(1.0 - (variance + options.epsilon).sqrt()).mean();
    const torch::Tensor off =
        (covariance.square().sum() - variance.square().sum()) / d;
    loss = loss + options.variance * 0.5 * hinge + options.covariance * off;
  }
  return RequireFinite(name, loss);
}

torch::Tensor DinoLoss(const std::vector<torch::Tensor>& student,
                       const std::vector<torch::Tensor>& teacher,
                       const torch::Tensor& centre,
                       const DinoOptions& options) {
  const std::string name = "DINO loss";
  if (teacher.empty() || student.size() < 2 ||
      student.size() < teacher.size()) {
    Fail(name,
         fmt::format("{} student and {} teacher views", student.size(),
                     teacher.size()),
         "the student needs two views, and all of the teacher's");
  }
  torch::Tensor loss;
  int terms = 0;
  for (size_t t = 0; t < teacher.size(); ++t) {
    Require(centre.dim() == 1 && teacher[t].dim() == 2 &&
                teacher[t].size(1) == centre.size(0),
            name, "a teacher view", teacher[t], "[samples, outputs]");
    const torch::Tensor target = torch::softmax(
        (teacher[t].detach() - centre) / options.teacher_temperature, 1);
    for (size_t s = 0; s < student.size(); ++s) {
      if (s == t) continue;
      Require(student[s].sizes() == target.sizes(), name, "a student view",
              student[s], "of the teacher's shape");
      const torch::Tensor term =
          -(target *
            torch::log_softmax(student[s] / options.student_temperature, 1))
               .sum(1)
               .mean();
      loss = loss.defined() ? loss + term : term;
      ++terms;
    }
  }
  return RequireFinite(name, loss / static_cast<double>(terms));
}

torch::Tensor MaskedPatchLoss(const torch::Tensor& prediction,
                              const torch::Tensor& target,
                              const torch::Tensor& masked, PatchTarget kind) {
  const std::string name = "masked patch loss";
  Require(prediction.defined() && prediction.dim() == 3, name, "the prediction",
          prediction, "[samples, patches, pixels]");
  Require(target.sizes() == prediction.sizes(), name, "the target", target,
          "of the prediction's shape");
  Require(masked.dim() == 2 && masked.size(0) == prediction.size(0) &&
              masked.size(1) == prediction.size(1),
          name, "masked", masked, "[samples, patches]");
  torch::Tensor wanted = target;
  if (kind == PatchTarget::kStandardised) {
    const torch::Tensor centred = target - target.mean(2, /*keepdim=*/true);
    wanted =
        centred / (centred.square().mean(2, /*keepdim=*/true) + 1e-6).sqrt();
  }
  const torch::Tensor weight = masked.to(prediction.scalar_type());
  const torch::Tensor hidden = weight.sum();
  if (hidden.item<double>() <= 0.0) Fail(name, "no patch is masked");
  const torch::Tensor error = (prediction - wanted).square().mean(2);
  return RequireFinite(name, (error * weight).sum() / hidden);
}

torch::Tensor SigReg(const torch::Tensor& z, const torch::Tensor& directions,
                     const SigRegOptions& options) {
  const std::string name = "SIGReg";
  RequireRows(name, "z", z);
  Require(directions.defined() && directions.dim() == 2 &&
              directions.size(1) == z.size(1),
          name, "directions", directions, "[directions, dimensions of z]");
  if (options.knots < 2) Fail(name, "needs at least two knots");
  const torch::Tensor t =
      torch::linspace(-options.t_max, options.t_max, options.knots,
                      z.options().requires_grad(false));
  const torch::Tensor window = (-0.5 * t.square()).exp();  // [knots]
  // [N, M, knots]
  const torch::Tensor phase =
      z.mm(directions.to(z.options()).t()).unsqueeze(2) * t;
  const torch::Tensor error =
      ((phase.cos().mean(0) - window).square() + phase.sin().mean(0).square()) *
      window;  // [M, knots]
  const torch::Tensor statistic =
      torch::trapezoid(error, t, 1) * static_cast<double>(z.size(0));
  return RequireFinite(name, statistic.mean());
}

torch::Tensor LeJepaLoss(const std::vector<torch::Tensor>& views,
                         const torch::Tensor& directions, double lambda,
                         const SigRegOptions& options) {
  const std::string name = "LeJEPA loss";
  if (views.size() < 2) Fail(name, "needs two views");
  for (const torch::Tensor& view : views) RequirePair(name, views[0], view);
  const torch::Tensor stacked = torch::stack(views);  // [V, N, D]
  const torch::Tensor invariance =
      (stacked - stacked.mean(0, /*keepdim=*/true)).square().mean();
  torch::Tensor gaussian;
  for (const torch::Tensor& view : views) {
    const torch::Tensor term = SigReg(view, directions, options);
    gaussian = gaussian.defined() ? gaussian + term : term;
  }
  return RequireFinite(
      name, (1.0 - lambda) * invariance +
                lambda * gaussian / static_cast<double>(views.size()));
}

torch::Tensor DietLoss(const torch::Tensor& logits, const torch::Tensor& index,
                       double label_smoothing) {
  const std::string name = "DIET loss";
  Require(logits.defined() && logits.dim() == 2, name, "logits", logits,
          "[samples, data set's samples]");
  Require(index.defined() && index.dim() == 1 &&
              index.size(0) == logits.size(0) && index.size(0) > 0,
          name, "index", index, "[samples]");
  if (index.min().item<int64_t>() < 0 ||
      index.max().item<int64_t>() >= logits.size(1)) {
    Fail(name,
         fmt::format("a sample's index is not in [0, {})", logits.size(1)),
         "train on the data set that the head was made for");
  }
  return RequireFinite(
      name, F::cross_entropy(
                logits, index,
                F::CrossEntropyFuncOptions().label_smoothing(label_smoothing)));
}

GroupLosses PerGroupLoss(const torch::Tensor& loss, const torch::Tensor& group,
                         int64_t groups) {
  const std::string name = "loss per group";
  Require(loss.defined() && loss.dim() == 1 && loss.size(0) > 0, name, "loss",
          loss, "[samples]");
  Require(group.defined() && group.sizes() == loss.sizes(), name, "group",
          group, "[samples]");
  if (group.max().item<int64_t>() >= groups) {
    Fail(name, fmt::format("a group is not below {}", groups));
  }
  const torch::Tensor known = group.ge(0);
  const torch::Tensor members = group.masked_select(known);
  const torch::Tensor values = loss.masked_select(known);
  GroupLosses result;
  result.count = torch::zeros({groups}, group.options())
                     .index_add(0, members, torch::ones_like(members));
  const torch::Tensor sum =
      torch::zeros({groups}, loss.options().requires_grad(false))
          .index_add(0, members, values);
  result.mean = sum / result.count.clamp_min(1);
  result.micro = loss.mean();
  result.macro = result.mean.sum() / result.count.gt(0).sum().clamp_min(1);
  return result;
}

}  // namespace mapweave::ssl
