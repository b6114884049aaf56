// SPDX-License-Identifier: MIT
//
// Masked image modelling for encoders that cannot leave patches out, as
// convolutions cannot: hidden patches are painted over and predicted from the
// encoder's tokens (Xie et al., 2022, SimMIM, arXiv:2111.09886). Here a ResNet
// can be compared with a transformer's MAE.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/losses.h"
#include "models/ssl/methods.h"

namespace mapweave::ssl {

struct MaskedPixelsOptions {
  double mask_ratio = 0.6;
  int64_t patch_px = 8;   // of the mask; divides the side of the images
  int64_t hidden = 256;   // of the two layers that paint from a token
  int64_t image_px = 64;  // side of the views
  PatchTarget target = PatchTarget::kStandardised;
};

// The paper paints hidden patches with a learned token and scores raw pixels by
// their absolute error; here they are painted grey, and the loss is MAE's.
// Throws Error{kUsage} if the sides do not fit, and if the encoder's tokens do
// not tile an image of that size.
MethodPtr MakeMaskedPixels(Encoder encoder, const MaskedPixelsOptions& options,
                           const Rng& rng);

}  // namespace mapweave::ssl
