// SPDX-License-Identifier: MIT
//
// Methods with one encoder and one projector for all views, which differ in
// their loss alone: SimCLR, Barlow Twins, VICReg, LeJEPA, SupCon, X-Sample.
#include "core/error.h"
#include "models/ssl/methods.h"
#include "models/ssl/tensor_random.h"

#include <utility>

namespace mapweave::ssl {
namespace {

// From projections, one [N, P] per view, to a scalar.
using ViewLoss = std::function<torch::Tensor(const std::vector<torch::Tensor>&,
                                             const Views&, const StepContext&)>;

MlpOptions Projector(const HeadOptions& head, int64_t width) {
  return {width, head.hidden, head.out, head.layers};
}

class JointEmbedding : public Method {
 public:
  JointEmbedding(const char* name, Encoder encoder, const HeadOptions& head,
                 ViewLoss loss, const Rng& rng)
      : Method(name, std::move(encoder)), loss_(std::move(loss)) {
    projector_ = register_module(
        "projector", MakeMlp(Projector(head, Online().Width()), rng));
  }

  Bag Step(const Views& views, const StepContext& context) override {
    std::vector<torch::Tensor> projections;
    Bag bag;
    for (const View& view : views.views) {
      const torch::Tensor embedding = Online().Encode(view.images).embedding;
      if (projections.empty()) bag[kEmbedding] = embedding.detach();
      projections.push_back(projector_->forward(embedding));
    }
    if (projections.size() < 2) {
      throw Error(ErrorCode::kBadInput,
                  name() + ": needs two views of every image");
    }
    bag[kLoss] = loss_(projections, views, context);
    bag[kProjection] = projections[0].detach();
    return bag;
  }

 private:
  ViewLoss loss_;
  torch::nn::Sequential projector_{nullptr};
};

// Mean of a loss of two views over all pairs that the first view is in.
template <typename PairLoss>
ViewLoss OverPairs(PairLoss loss) {
  return [loss](const std::vector<torch::Tensor>& z, const Views&,
                const StepContext&) {
    torch::Tensor sum;
    for (size_t i = 1; i < z.size(); ++i) {
      const torch::Tensor term = loss(z[0], z[i]);
      sum = sum.defined() ? sum + term : term;
    }
    return sum / static_cast<double>(z.size() - 1);
  };
}

template <typename... Arguments>
MethodPtr Make(Arguments&&... arguments) {
  return std::make_shared<JointEmbedding>(
      std::forward<Arguments>(arguments)...);
}

}  // namespace

MethodPtr MakeSimClr(Encoder encoder, const SimClrOptions& options,
                     const Rng& rng) {
  const double temperature = options.temperature;
  return Make("simclr", std::move(encoder), options.projector,
              OverPairs([temperature](const auto& a, const auto& b) {
                return NtXent(a, b, temperature);
              }),
              rng);
}

MethodPtr MakeBarlowTwins(Encoder encoder, const BarlowTwinsOptions& options,
                          const Rng& rng) {
  const double lambda = options.lambda;
  return Make("barlow-twins", std::move(encoder), options.projector,
              OverPairs([lambda](const auto& a, const auto& b) {
                return BarlowTwins(a, b, lambda);
              }),
              rng);
}

MethodPtr MakeVicReg(Encoder encoder, const VicRegMethodOptions& options,
                     const Rng& rng) {
  const VicRegOptions loss = options.loss;
  return Make("vicreg", std::move(encoder), options.projector,
              OverPairs([loss](const auto& a, const auto& b) {
                return VicReg(a, b, loss);
              }),
              rng);
}

MethodPtr MakeLeJepa(Encoder encoder, const LeJepaOptions& options,
                     const Rng& rng) {
  return Make(
      "lejepa", std::move(encoder), options.projector,
      [options](const std::vector<torch::Tensor>& z, const Views&,
                const StepContext& context) {
        torch::Generator generator = MakeGenerator(context.rng);
        const torch::Tensor directions =
            RandomDirections(options.directions, z[0].size(1), generator);
        return LeJepaLoss(z, directions, options.lambda);
      },
      rng);
}

MethodPtr MakeSupCon(Encoder encoder, const SupConOptions& options,
                     const Rng& rng) {
  const double temperature = options.temperature;
  return Make(
      "supcon", std::move(encoder), options.projector,
      [temperature](const std::vector<torch::Tensor>& z, const Views& views,
                    const StepContext&) {
        // A sample without a label is a class of its own: numbers
        // below all others, so that no label is met.
        const torch::Tensor own = views.sample_index + views.label.max() + 1;
        const torch::Tensor label =
            torch::where(views.label.ge(0), views.label, own);
        return SupCon(torch::cat(z),
                      label.repeat({static_cast<int64_t>(z.size())}),
                      temperature);
      },
      rng);
}

MethodPtr MakeXSample(Encoder encoder, const XSampleOptions& options,
                      const Rng& rng) {
  return Make(
      "x-sample", std::move(encoder), options.projector,
      [options](const std::vector<torch::Tensor>& z, const Views& views,
                const StepContext&) {
        const torch::Tensor all = torch::cat(z);
        const int64_t n = z[0].size(0);
        const auto views_count = static_cast<int64_t>(z.size());
        torch::Tensor graph = options.graph
                                  ? options.graph(views).to(all.options())
                                  : torch::zeros({n, n}, all.options());
        if (graph.dim() != 2 || graph.size(0) != n || graph.size(1) != n) {
          throw Error(ErrorCode::kBadInput,
                      "x-sample: the graph is not [samples, samples]");
        }
        graph = graph.detach().clone();
        graph.fill_diagonal_(options.own_view);
        return SoftContrastive(
            all,
            XSampleTargets(graph.repeat({views_count, views_count}),
                           options.graph_temperature),
            options.temperature);
      },
      rng);
}

}  // namespace mapweave::ssl
