// SPDX-License-Identifier: MIT
#include "pipelines/placed_clips.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mapweave::pipelines {
namespace {

constexpr size_t kFewestPlaces = 4;

}  // namespace

void PlacedClipOptions::Validate() const {
  const auto require = [](bool condition, const char* name, double value) {
    if (condition) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("the clip option {} is {}", name, value),
                "set it within the range that --help gives");
  };
  require(size_px >= 32 && size_px <= 2048, "size_px", size_px);
  require(max_editions >= 1 && max_editions <= 16, "max_editions",
          max_editions);
  require(held_out >= 0.0 && held_out <= 0.9, "held_out", held_out);
}

size_t PlacedClipOptions::HeldOutOf(size_t places) const {
  if (held_out <= 0.0 || places < kFewestPlaces) return 0;
  const double share = held_out * static_cast<double>(places);
  return static_cast<size_t>(std::max<int64_t>(1, std::llround(share)));
}

std::vector<size_t> DrawPositions(size_t count, size_t most, Rng& rng) {
  std::vector<size_t> positions(count);
  std::iota(positions.begin(), positions.end(), 0);
  rng.Shuffle(positions);
  positions.resize(std::min(count, most));
  std::ranges::sort(positions);
  return positions;
}

}  // namespace mapweave::pipelines
