// SPDX-License-Identifier: MIT
//
// What builders and draughtsmen do to the outline of one building or of
// neighbours. All outlines are tidy (synth/outline.h) and in pixels. Internal
// to synth.
#pragma once

#include "core/geometry.h"
#include "core/random.h"
#include "synth/outline.h"

#include <functional>
#include <optional>
#include <vector>

namespace mapweave::synth {

// Whether nothing stands in the way of building on that ground.
using GroundCheck = std::function<bool(const Polygon&)>;

// Each gives none where it finds no way in a few tries.

// A wing or a deeper house: a fifth to a half more ground, none lost.
std::optional<Polygon> Enlarge(const Polygon& outline,
                               const GroundCheck& is_free, Rng& rng);
// A part pulled down: 55 to 80 % of the ground stay, none is gained.
std::optional<Polygon> Reduce(const Polygon& outline, Rng& rng);
// A corner given up and a wing built: a sixth to a quarter each.
std::optional<Polygon> Reshape(const Polygon& outline,
                               const GroundCheck& is_free, Rng& rng);
// The same building by another draughtsman: court filled, notch filled, bay
// left out or put in, corner cut off. IoU with the old drawing >= 0.7.
std::optional<Polygon> Generalise(const Polygon& outline,
                                  const GroundCheck& is_free, Rng& rng);

// Another building on the ground of the old one: within it, a part of it, so
// that 40 to 60 % of its ground are built on again.
std::optional<Polygon> RebuildWithin(const Polygon& outline, Rng& rng);

struct Parts {
  std::vector<Polygon> outlines;  // 2 or 3; empty: no way found
  bool share_walls = false;       // else there is a gap between
};
// Two or three buildings out of one, within its outline.
Parts Split(const Polygon& outline, Rng& rng);

// One outline of two buildings that share a wall or face each other across a
// gap of at most `max_gap` pixels, which is then built over.
std::optional<Polygon> Join(const Polygon& a, const Polygon& b, double max_gap,
                            const GroundCheck& is_free);

struct Recomposition {
  std::vector<Polygon> outlines;  // 2 or 3; empty: no way found
  // overlap[i][j]: area that old outline i and new outline j have in common.
  std::vector<std::vector<double>> overlap;
};
// `whole` is what the neighbours `before` cover together; it is cut up in
// another way, so that before and after hang together by outlines of which at
// least half lie within one another.
Recomposition Recompose(const std::vector<Polygon>& before,
                        const Polygon& whole, Rng& rng);

}  // namespace mapweave::synth
