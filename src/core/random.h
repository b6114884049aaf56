// SPDX-License-Identifier: MIT
//
// Seeded random streams. Item i of a set is drawn from Rng(seed, i) alone, so
// results do not depend on the order of work or the number of threads. The
// distributions are written out here because those of the standard library
// differ between implementations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mapweave {

// xoshiro256** (Blackman & Vigna, 2018) seeded by SplitMix64. Not for
// cryptography. Not thread-safe: one per thread of work.
class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0);

  // A new generator that depends on this one's seed and stream and on `key`,
  // but not on how many numbers were drawn.
  Rng Fork(uint64_t key) const;

  uint64_t Next();
  double Uniform();                         // [0, 1)
  double Uniform(double low, double high);  // [low, high)
  // Both ends included; low <= high.
  int64_t Int(int64_t low, int64_t high);
  bool Chance(double probability);
  double Normal(double mean = 0.0, double sigma = 1.0);

  // A position in [0, weights.size()), drawn by weight; some weight > 0.
  size_t Choice(const std::vector<double>& weights);

  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[static_cast<size_t>(
        Int(0, static_cast<int64_t>(items.size()) - 1))];
  }

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) {
      std::swap(
          items[i - 1],
          items[static_cast<size_t>(Int(0, static_cast<int64_t>(i) - 1))]);
    }
  }

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t state_[4];
};

}  // namespace mapweave
