// SPDX-License-Identifier: MIT
#include "models/ssl/token_stream.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <cmath>

namespace mapweave::ssl {

Json TokenStreamOptions::ToJson() const {
  return {{"targets", targets},
          {"cues", cues},
          {"zipf_exponent", zipf_exponent},
          {"noise", noise}};
}

void TokenStreamOptions::Validate() const {
  if (targets < 2 || cues < 1 || cues * cues % targets != 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("token stream: {} pairs of cues for {} targets",
                            cues * cues, targets),
                "every target needs the same number of pairs");
  }
  if (!(noise >= 0.0 && noise < 1.0)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("token stream: noise is {}", noise),
                "it is a probability below 1");
  }
  if (!std::isfinite(zipf_exponent) || zipf_exponent < 0.0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("token stream: exponent is {}", zipf_exponent),
                "use 0 for targets that are equally frequent, 1 for Zipf's");
  }
}

torch::Tensor TokenBatch::Targets() const {
  return tokens.slice(1, 2, tokens.size(1), 3);
}

TokenStream::TokenStream(const TokenStreamOptions& options, const Rng& rng)
    : options_(options) {
  options.Validate();
  torch::Generator generator = MakeGenerator(rng);
  frequencies_ = torch::arange(1, options.targets + 1, torch::kDouble)
                     .pow(-options.zipf_exponent);
  frequencies_ = frequencies_ / frequencies_.sum();
  contexts_ = RandomPermutation(options.cues * options.cues, generator)
                  .view({options.targets, -1});
}

int64_t TokenStream::Vocabulary() const {
  return options_.targets + 2 * options_.cues;
}

TokenBatch TokenStream::Draw(int64_t sequences, int64_t triples,
                             torch::Generator& generator) const {
  const int64_t count = sequences * triples;
  const torch::Tensor truth =
      torch::multinomial(frequencies_, count, /*replacement=*/true, generator);
  const torch::Tensor which =
      torch::randint(0, contexts_.size(1), {count}, generator, torch::kLong);
  const torch::Tensor context =
      contexts_.flatten().index_select(0, truth * contexts_.size(1) + which);
  const torch::Tensor is_noise =
      torch::rand({count}, generator, torch::kDouble) < options_.noise;
  const torch::Tensor any =
      torch::randint(0, options_.targets, {count}, generator, torch::kLong);
  const torch::Tensor target = torch::where(is_noise, any, truth);
  const torch::Tensor first =
      context.div(options_.cues, "floor") + options_.targets;
  const torch::Tensor second =
      context.remainder(options_.cues) + options_.targets + options_.cues;
  TokenBatch batch;
  batch.tokens =
      torch::stack({first, second, target}, 1).view({sequences, 3 * triples});
  batch.clean = (target == truth).view({sequences, triples});
  return batch;
}

double TokenStream::CleanFloor() const {
  const double other = options_.noise / static_cast<double>(options_.targets);
  return -std::log(1.0 - options_.noise + other);
}

double TokenStream::ConditionalEntropy() const {
  const double other = options_.noise / static_cast<double>(options_.targets);
  const double own = 1.0 - options_.noise + other;
  const double rest = static_cast<double>(options_.targets - 1) * other;
  return -own * std::log(own) - (rest > 0.0 ? rest * std::log(other) : 0.0);
}

}  // namespace mapweave::ssl
