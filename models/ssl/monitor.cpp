// SPDX-License-Identifier: MIT
#include "models/ssl/monitor.h"

#include "core/error.h"

#include <cmath>

namespace mapweave::ssl {
namespace {

torch::Tensor Entropy(const torch::Tensor& p) {
  return -(p * p.clamp_min(1e-12).log()).sum(-1);
}

class CollapseMonitor : public Monitor {
 public:
  explicit CollapseMonitor(const CollapseOptions& options)
      : options_(options) {}
  Phase When() const override { return Phase::kAfterForward; }
  std::vector<std::string> Keys() const override { return {kProjection}; }

  std::map<std::string, double> Measure(const Observation& seen) override {
    const torch::Tensor z =
        seen.outputs.at(kProjection).detach().to(torch::kDouble);
    const torch::Tensor unit =
        z / z.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
    const double spread =
        unit.var(0, /*unbiased=*/false).sqrt().mean().item<double>() *
        std::sqrt(static_cast<double>(z.size(1)));
    std::map<std::string, double> measures = {{"spread", spread}};
    bool collapsed = spread < options_.least_spread;
    const auto assignment = seen.outputs.find(kAssignment);
    if (assignment != seen.outputs.end()) {
      const torch::Tensor p = assignment->second.to(torch::kDouble);
      const torch::Tensor gain = Entropy(p.mean(0)) - Entropy(p).mean();
      const double information =
          gain.item<double>() / std::log(static_cast<double>(p.size(1)));
      measures["information"] = information;
      collapsed = information < options_.least_information;
    }
    measures["collapsed"] = collapsed ? 1.0 : 0.0;
    return measures;
  }

 private:
  CollapseOptions options_;
};

class RankMeMonitor : public Monitor {
 public:
  explicit RankMeMonitor(double factor) : factor_(factor) {
    if (!(factor > 1.0)) {
      throw Error(ErrorCode::kUsage,
                  "RankMe needs more embeddings than dimensions",
                  "use a factor above 1");
    }
  }
  Phase When() const override { return Phase::kAfterForward; }
  std::vector<std::string> Keys() const override { return {kEmbedding}; }

  std::map<std::string, double> Measure(const Observation& seen) override {
    recent_.push_back(seen.outputs.at(kEmbedding).detach().to(torch::kCPU));
    held_ += recent_.back().size(0);
    const auto wanted = static_cast<int64_t>(
        std::ceil(factor_ * static_cast<double>(recent_.back().size(1))));
    if (held_ < wanted) return {};
    const std::vector<torch::Tensor> parts(recent_.begin(), recent_.end());
    recent_.clear();
    held_ = 0;
    return {{"rankme", RankMe(torch::cat(parts).slice(0, 0, wanted))}};
  }

 private:
  double factor_;
  std::deque<torch::Tensor> recent_;
  int64_t held_ = 0;
};

class ProbeMonitor : public Monitor {
 public:
  ProbeMonitor(const Dataset& train, const Dataset& test)
      : train_(train), test_(test) {}
  Phase When() const override { return Phase::kEvaluation; }
  std::vector<std::string> Keys() const override { return {}; }

  std::map<std::string, double> Measure(const Observation& seen) override {
    EncoderImpl& encoder = seen.method.Online();
    const LabelledFeatures train{EmbedDataset(encoder, train_), train_.label};
    const LabelledFeatures test{EmbedDataset(encoder, test_), test_.label};
    return {{"knn_accuracy", KnnAccuracy(train, test)},
            {"linear_accuracy", LinearProbeAccuracy(train, test)}};
  }

 private:
  const Dataset& train_;
  const Dataset& test_;
};

}  // namespace

std::unique_ptr<Monitor> MakeCollapseMonitor(const CollapseOptions& options) {
  return std::make_unique<CollapseMonitor>(options);
}

std::unique_ptr<Monitor> MakeRankMeMonitor(double factor) {
  return std::make_unique<RankMeMonitor>(factor);
}

std::unique_ptr<Monitor> MakeProbeMonitor(const Dataset& train,
                                          const Dataset& test) {
  return std::make_unique<ProbeMonitor>(train, test);
}

}  // namespace mapweave::ssl
