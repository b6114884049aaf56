// SPDX-License-Identifier: MIT
//
// Feature images at reduced size. The inner part of registration.h.
#pragma once

#include "tracking/registration.h"

namespace mapweave::tracking {

// Half the size (rounded up), means over the covered pixels; covered where half
// of them are. A shift of the image is exactly halved.
FeatureImage Halved(const FeatureImage& image);

}  // namespace mapweave::tracking
