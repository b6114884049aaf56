// SPDX-License-Identifier: MIT
#include "models/ssl/probe.h"

#include "core/error.h"
#include "tracking/assignment.h"
#include "models/ssl/abmilp.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/schedule.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace mapweave::ssl {
namespace {

constexpr int64_t kBatch = 256;

[[noreturn]] void Fail(const char* probe, const std::string& what) {
  throw Error(ErrorCode::kBadInput, fmt::format("{}: {}", probe, what));
}

torch::Tensor Checked(const char* probe, const torch::Tensor& x, int64_t dim) {
  if (!x.defined() || x.dim() != dim || x.size(0) < 2) {
    Fail(probe, fmt::format("needs features of {} dimensions and two rows or "
                            "more",
                            dim));
  }
  const torch::Tensor y = x.detach().to(torch::kCPU, torch::kDouble);
  if (!torch::isfinite(y).all().item<bool>()) {
    Fail(probe, "the features hold values that are no numbers");
  }
  return y;
}

// Rows to be judged, of the width of `like`, [*, D].
torch::Tensor CheckedRows(const char* probe, const torch::Tensor& x,
                          const torch::Tensor& like) {
  if (!x.defined() || x.dim() != 2 || x.size(0) < 1 ||
      x.size(1) != like.size(1)) {
    Fail(probe,
         fmt::format("needs rows of {} features to judge", like.size(1)));
  }
  const torch::Tensor y = x.detach().to(torch::kCPU, torch::kDouble);
  if (!torch::isfinite(y).all().item<bool>()) {
    Fail(probe, "the features hold values that are no numbers");
  }
  return y;
}

LabelledFeatures Labelled(const char* probe, const LabelledFeatures& in,
                          int64_t dim = 2) {
  LabelledFeatures out;
  out.features = Checked(probe, in.features, dim);
  if (!in.label.defined() || in.label.dim() != 1 ||
      in.label.size(0) != out.features.size(0)) {
    Fail(probe, "needs one label for every row");
  }
  const torch::Tensor label = in.label.to(torch::kCPU, torch::kLong);
  const torch::Tensor known = label.ge(0).nonzero().view({-1});
  if (known.numel() < 2) Fail(probe, "has fewer than two labelled rows");
  out.features = out.features.index_select(0, known);
  out.label = label.index_select(0, known);
  return out;
}

// Brings columns to mean 0 and deviation 1 of the training rows.
class Standardiser {
 public:
  explicit Standardiser(const torch::Tensor& train)
      : mean_(train.mean(0)),
        sigma_(train.var(0, /*unbiased=*/false).sqrt().clamp_min(1e-8)) {}
  torch::Tensor operator()(const torch::Tensor& x) const {
    return (x - mean_) / sigma_;
  }
  const torch::Tensor& Mean() const { return mean_; }
  const torch::Tensor& Sigma() const { return sigma_; }

 private:
  torch::Tensor mean_;
  torch::Tensor sigma_;
};

torch::Tensor WithOne(const torch::Tensor& x) {
  return torch::cat({x, torch::ones({x.size(0), 1}, x.options())}, 1);
}

double EffectiveRank(const torch::Tensor& spectrum) {
  const torch::Tensor p = spectrum / spectrum.sum().clamp_min(1e-300) + 1e-12;
  return (-(p * p.log()).sum()).exp().item<double>();
}

double Accuracy(const torch::Tensor& predicted, const torch::Tensor& label) {
  return predicted.eq(label).to(torch::kDouble).mean().item<double>();
}

}  // namespace

torch::Tensor EmbedDataset(EncoderImpl& encoder, const Dataset& data,
                           EmbeddingKind kind) {
  const torch::NoGradGuard no_grad;
  const bool was_training = encoder.is_training();
  const torch::Device device = encoder.parameters().at(0).device();
  encoder.eval();
  std::vector<torch::Tensor> parts;
  for (int64_t begin = 0; begin < data.Size(); begin += kBatch) {
    const torch::Tensor index =
        torch::arange(begin, std::min(begin + kBatch, data.Size()));
    const EncoderOutput output =
        encoder.Encode(data.Gather(index, device).images);
    const torch::Tensor part = kind == EmbeddingKind::kPooled ? output.embedding
                               : kind == EmbeddingKind::kTokens
                                   ? output.tokens
                                   : output.tokens.mean(1);
    parts.push_back(part.to(torch::kCPU));
  }
  encoder.train(was_training);
  if (parts.empty()) Fail("embedding", "the data set is empty");
  return torch::cat(parts);
}

torch::Tensor KnnPredictions(const LabelledFeatures& train,
                             const torch::Tensor& features, int64_t k) {
  constexpr double kTemperature = 0.07;
  const LabelledFeatures a = Labelled("kNN probe", train);
  const torch::Tensor x = CheckedRows("kNN probe", features, a.features);
  const auto unit = [](const torch::Tensor& rows) {
    return rows / rows.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
  };
  const torch::Tensor cosine = unit(x).mm(unit(a.features).t());
  const auto [nearest, index] = cosine.topk(std::min(k, a.features.size(0)), 1);
  const torch::Tensor votes =
      torch::zeros({x.size(0), a.label.max().item<int64_t>() + 1},
                   torch::kDouble)
          .scatter_add(
              1, a.label.index_select(0, index.reshape({-1})).view_as(index),
              (nearest / kTemperature).exp());
  return votes.argmax(1);
}

double KnnAccuracy(const LabelledFeatures& train, const LabelledFeatures& test,
                   int64_t k) {
  const LabelledFeatures b = Labelled("kNN probe", test);
  return Accuracy(KnnPredictions(train, b.features, k), b.label);
}

LinearProbe::LinearProbe(const LabelledFeatures& train,
                         const LinearProbeOptions& options) {
  constexpr double kRate = 0.05;
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  const torch::NoGradGuard no_grad;
  const LabelledFeatures a = Labelled("linear probe", train);
  const Standardiser standardise(a.features);
  mean_ = standardise.Mean();
  sigma_ = standardise.Sigma();
  const torch::Tensor x = WithOne(standardise(a.features));
  const int64_t classes = a.label.max().item<int64_t>() + 1;
  const torch::Tensor wanted =
      torch::one_hot(a.label, classes).to(torch::kDouble);
  weights_ = torch::zeros({x.size(1), classes}, torch::kDouble);
  torch::Tensor first = torch::zeros_like(weights_);
  torch::Tensor second = torch::zeros_like(weights_);
  double power1 = 1.0;
  double power2 = 1.0;
  // The objective is convex; Adam from zero needs no line search.
  for (int64_t i = 0; i < options.iterations; ++i) {
    const torch::Tensor error = torch::softmax(x.mm(weights_), 1) - wanted;
    const torch::Tensor gradient =
        x.t().mm(error) / static_cast<double>(x.size(0)) +
        options.ridge * weights_;
    first.lerp_(gradient, 1.0 - kBeta1);
    second.lerp_(gradient.square(), 1.0 - kBeta2);
    power1 *= kBeta1;
    power2 *= kBeta2;
    weights_ -= kRate * (first / (1.0 - power1)) /
                ((second / (1.0 - power2)).sqrt() + 1e-8);
  }
}

torch::Tensor LinearProbe::Predict(const torch::Tensor& features) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x =
      CheckedRows("linear probe", features, mean_.unsqueeze(0));
  return WithOne((x - mean_) / sigma_).mm(weights_).argmax(1);
}

double LinearProbeAccuracy(const LabelledFeatures& train,
                           const LabelledFeatures& test,
                           const LinearProbeOptions& options) {
  const LabelledFeatures b = Labelled("linear probe", test);
  return Accuracy(LinearProbe(train, options).Predict(b.features), b.label);
}

namespace {

class AttentiveHeadImpl : public torch::nn::Module {
 public:
  AttentiveHeadImpl(const AbmilpOptions& pooling, int64_t classes,
                    const Rng& rng) {
    pool_ = register_module("pool", Abmilp(pooling, rng.Fork(1)));
    norm_ = register_module(
        "norm",
        torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(pooling.width)
                                   .affine(false)
                                   .eps(1e-6)));
    linear_ =
        register_module("linear", torch::nn::Linear(pooling.width, classes));
    InitialiseModule(*linear_, rng.Fork(2));
  }
  torch::Tensor forward(const torch::Tensor& tokens) {
    return linear_(norm_(pool_(tokens)));
  }

 private:
  Abmilp pool_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
  torch::nn::Linear linear_{nullptr};
};
TORCH_MODULE(AttentiveHead);

}  // namespace

double AttentiveProbeAccuracy(const LabelledFeatures& train,
                              const LabelledFeatures& test,
                              const AttentiveProbeOptions& options) {
  const char* probe = "attentive probe";
  const LabelledFeatures a = Labelled(probe, train, 3);
  const LabelledFeatures b = Labelled(probe, test, 3);
  if (a.features.size(2) != b.features.size(2)) {
    Fail(probe, "the tokens of both sets must be of one width");
  }
  const torch::Tensor x = a.features.to(torch::kFloat);
  const int64_t n = x.size(0);
  const int64_t batch = std::min(options.batch, n);
  const Rng rng(options.seed);
  AttentiveHead head(AbmilpOptions{x.size(2), options.depth},
                     a.label.max().item<int64_t>() + 1, rng);
  OptimiserOptions adam;
  adam.weight_decay = 0.0;
  Optimiser optimiser(*head, adam);
  ScheduleOptions schedule;
  schedule.peak = options.learning_rate;
  schedule.warmup_fraction = 1.0 / 9.0;
  torch::Generator generator = MakeGenerator(rng.Fork(3));
  const int64_t per_epoch = n / batch;
  torch::Tensor order;
  for (int64_t step = 0; step < options.steps; ++step) {
    const int64_t place = step % per_epoch;
    if (place == 0) order = RandomPermutation(n, generator);
    const torch::Tensor rows = order.narrow(0, place * batch, batch);
    const torch::Tensor loss = torch::nn::functional::cross_entropy(
        head(x.index_select(0, rows)), a.label.index_select(0, rows));
    optimiser.ZeroGrad();
    loss.backward();
    optimiser.Step(RateAt(schedule, step, options.steps));
  }
  const torch::NoGradGuard no_grad;
  head->eval();
  return Accuracy(head(b.features.to(torch::kFloat)).argmax(1), b.label);
}

double LinearR2(const Regression& train, const Regression& test, double ridge) {
  const char* probe = "linear regression";
  const torch::Tensor x_raw = Checked(probe, train.features, 2);
  const torch::Tensor y_raw = Checked(probe, train.targets, 2);
  const torch::Tensor held_x = Checked(probe, test.features, 2);
  const torch::Tensor held_y = Checked(probe, test.targets, 2);
  if (x_raw.size(0) != y_raw.size(0) || held_x.size(0) != held_y.size(0) ||
      x_raw.size(1) != held_x.size(1) || y_raw.size(1) != held_y.size(1)) {
    Fail(probe, "features and targets do not fit together");
  }
  const Standardiser standardise(x_raw);
  const torch::Tensor x = standardise(x_raw);
  const torch::Tensor mean = y_raw.mean(0);
  const auto n = static_cast<double>(x.size(0));
  const torch::Tensor gram =
      x.t().mm(x) / n + ridge * torch::eye(x.size(1), x.options());
  const torch::Tensor weights =
      torch::linalg_solve(gram, x.t().mm(y_raw - mean) / n);
  const torch::Tensor error = held_y - mean - standardise(held_x).mm(weights);
  const torch::Tensor total = (held_y - held_y.mean(0)).square().sum(0);
  const torch::Tensor r2 = 1.0 - error.square().sum(0) / total.clamp_min(1e-12);
  return r2.mean().item<double>();
}

double MatchedCorrelation(const torch::Tensor& first,
                          const torch::Tensor& second) {
  const torch::Tensor a = Checked("matched correlation", first, 2);
  const torch::Tensor b = Checked("matched correlation", second, 2);
  if (a.sizes() != b.sizes()) Fail("matched correlation", "shapes differ");
  const torch::Tensor correlation =
      (Standardiser(a)(a).t().mm(Standardiser(b)(b)) /
       static_cast<double>(a.size(0)))
          .abs()
          .contiguous();
  const auto k = static_cast<int>(a.size(1));
  const cv::Mat cost =
      1.0 - cv::Mat(k, k, CV_64FC1, correlation.data_ptr<double>());
  double sum = 0.0;
  for (const tracking::AssignedPair& pair : tracking::SolveAssignment(cost)) {
    sum += correlation[pair.row][pair.col].item<double>();
  }
  return sum / k;
}

double RankMe(const torch::Tensor& embeddings) {
  const torch::Tensor z = Checked("RankMe", embeddings, 2);
  if (z.size(0) <= z.size(1)) {
    Fail("RankMe", fmt::format("{} embeddings of {} dimensions; it is bounded "
                               "by their number unless there are more",
                               z.size(0), z.size(1)));
  }
  return EffectiveRank(torch::linalg_svdvals(z));
}

double Lidar(const torch::Tensor& embeddings, double ridge) {
  const torch::Tensor z = Checked("LiDAR", embeddings, 3);
  const int64_t samples = z.size(0);
  const int64_t views = z.size(1);
  const int64_t d = z.size(2);
  if (views < 2 || samples * views <= d) {
    Fail("LiDAR",
         "needs two views of every sample and more views in all than "
         "dimensions");
  }
  const torch::Tensor mean = z.mean(1);  // [samples, D]
  const torch::Tensor between = mean - mean.mean(0);
  const torch::Tensor within = (z - mean.unsqueeze(1)).view({-1, d});
  const torch::Tensor sb =
      between.t().mm(between) / static_cast<double>(samples - 1);
  const torch::Tensor sw =
      within.t().mm(within) / static_cast<double>(samples * (views - 1)) +
      ridge * torch::eye(d, z.options());
  const auto [values, vectors] = torch::linalg_eigh(sw);
  const torch::Tensor whitening =
      vectors.mm((values.rsqrt()).unsqueeze(1) * vectors.t());
  const torch::Tensor discriminant = whitening.mm(sb).mm(whitening);
  return EffectiveRank(torch::linalg_eigvalsh(discriminant).clamp_min(0.0));
}

}  // namespace mapweave::ssl
