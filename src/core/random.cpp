// SPDX-License-Identifier: MIT
#include "core/random.h"

#include "core/error.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace mapweave {
namespace {

__extension__ using Uint128 = unsigned __int128;

uint64_t SplitMix(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {
  uint64_t mix = seed;
  uint64_t a = SplitMix(mix);
  mix = a ^ (stream * 0xda942042e4dd58b5ULL + 0x2545f4914f6cdd1dULL);
  for (uint64_t& word : state_) word = SplitMix(mix);
}

Rng Rng::Fork(uint64_t key) const {
  uint64_t mix = stream_ + 0x632be59bd9b4e019ULL;
  const uint64_t a = SplitMix(mix);
  mix = a ^ key;
  return Rng(seed_, SplitMix(mix));
}

uint64_t Rng::Next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Rng::Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

double Rng::Uniform(double low, double high) {
  return low + (high - low) * Uniform();
}

int64_t Rng::Int(int64_t low, int64_t high) {
  MAPWEAVE_CHECK(low <= high);
  const uint64_t span = static_cast<uint64_t>(high - low) + 1;
  if (span == 0) return static_cast<int64_t>(Next());
  // Multiply-shift; the bias is below 2^-40 for any span used here.
  const auto wide = static_cast<Uint128>(Next()) * span;
  return low + static_cast<int64_t>(wide >> 64);
}

bool Rng::Chance(double probability) { return Uniform() < probability; }

double Rng::Normal(double mean, double sigma) {
  // Box-Muller; the second value is dropped to keep the state simple.
  const double u = 1.0 - Uniform();
  const double v = Uniform();
  return mean + sigma * std::sqrt(-2.0 * std::log(u)) *
                    std::cos(2.0 * std::numbers::pi * v);
}

size_t Rng::Choice(const std::vector<double>& weights) {
  double total = 0.0;
  for (double w : weights) total += w;
  MAPWEAVE_CHECK(total > 0.0);
  double left = Uniform() * total;
  for (size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0.0) return i;
  }
  return weights.size() - 1;
}

}  // namespace mapweave
