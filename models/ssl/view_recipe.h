// SPDX-License-Identifier: MIT
//
// Which views are made of an image, and how they are disturbed. No Torch here,
// so that recipes can be read and written without it.
#pragma once

#include "core/json.h"

namespace mapweave::ssl {

// Chances are per image and view, in [0, 1]; strengths are the largest change.
struct ViewRecipe {
  int globals = 2;
  int locals = 0;
  // Side in pixels; 0: that of the images, half of it for local views.
  int global_px = 0;
  int local_px = 0;
  // Share of the image's area that a crop keeps, drawn uniformly.
  double global_area_min = 0.4;
  double global_area_max = 1.0;
  double local_area_min = 0.1;
  double local_area_max = 0.4;
  double flip = 0.5;           // left-right
  double quarter_turns = 1.0;  // by any of the four
  double colour = 0.8;         // brightness, contrast, saturation
  double colour_strength = 0.4;
  double grey = 0.1;
  double blur = 0.3;           // Gaussian
  double blur_sigma_px = 1.5;  // largest
  double solarise = 0.0;
  // What differs between maps of one place.
  double palette = 0.3;     // other ink on other paper, by brightness
  double line_width = 0.2;  // ink a pixel wider or thinner
  double stain = 0.2;       // slow blotches
  // Throws Error{kUsage} naming the field.
  void Validate() const;
  Json ToJson() const;
};

// As it is: one global view, undisturbed.
ViewRecipe PlainView();

}  // namespace mapweave::ssl
