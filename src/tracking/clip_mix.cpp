// SPDX-License-Identifier: MIT
#include "tracking/clip_mix.h"

#include "core/error.h"
#include "core/random.h"

#include <algorithm>
#include <utility>

namespace mapweave::tracking {
namespace {

// Keeps the choice of a part apart from what the parts draw for their clips.
constexpr uint64_t kMixStream = 0x6d6978ULL;

}  // namespace

MixedClips::MixedClips(std::vector<Part> parts, uint64_t seed)
    : parts_(std::move(parts)), seed_(seed) {
  for (const Part& part : parts_) weights_.push_back(part.weight);
  const bool any =
      std::ranges::any_of(weights_, [](double w) { return w > 0; });
  const bool sound =
      std::ranges::all_of(weights_, [](double w) { return w >= 0; });
  if (any && sound) return;
  throw Error(ErrorCode::kUsage, "no clips to mix",
              "give at least one source a share above 0 and none below");
}

LabelledClip MixedClips::Get(uint64_t index) const {
  Rng rng = Rng(seed_, kMixStream).Fork(index);
  return parts_[rng.Choice(weights_)].source->Get(index);
}

ListedClips::ListedClips(std::vector<Part> parts) : parts_(std::move(parts)) {
  for (const Part& part : parts_) count_ += part.count;
  if (count_ == 0) throw Error(ErrorCode::kUsage, "an empty list of clips");
}

LabelledClip ListedClips::Get(uint64_t index) const {
  uint64_t left = index % count_;
  auto part = parts_.begin();
  for (; left >= part->count; ++part) left -= part->count;
  return part->source->Get(left);
}

}  // namespace mapweave::tracking
