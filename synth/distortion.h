// SPDX-License-Identifier: MIT
//
// Smooth displacement fields: what bends the streets of a town, and what
// survey and paper do to the drawing of an edition. Internal to synth.
#pragma once

#include "core/random.h"
#include "synth/world.h"

#include <vector>

namespace mapweave::synth {

// Three waves of lengths between the two whose displacements sum to at most
// `reach`; all in pixels.
DistortionField MakeField(double reach, double min_length, double max_length,
                          Rng& rng);

// One field per edition, as strong as the options say.
std::vector<DistortionField> MakeDistortion(const WorldOptions& options,
                                            Rng rng);

void Bend(const DistortionField& field, std::vector<Point2d>& points);

// Draws the buildings as the editions distort them.
void DistortBuildings(World& world);

}  // namespace mapweave::synth
