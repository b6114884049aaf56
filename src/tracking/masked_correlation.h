// SPDX-License-Identifier: MIT
//
// Masked normalised cross-correlation of two images over a square of shifts,
// by FFT and in blocks, so that memory depends on the block and not on the
// image. The inner part of registration.h.
#pragma once

#include "tracking/registration.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

// [2 radius + 1, 2 radius + 1] CV_32F each; entry (radius + dy, radius + dx)
// is for the shift origin + (dx, dy).
struct CorrelationSurface {
  cv::Mat value;    // in [-1, 1]; 0 where the overlap is too small
  cv::Mat overlap;  // pixels that are covered in both
  int radius = 0;
};

struct CorrelationRequest {
  // The part of `a` that is looked for in `b`.
  cv::Rect part;
  // The centre of the searched shifts, added to a's coordinates.
  cv::Point origin;
  int radius = 0;
  // In (0, 1]: smallest overlap as a part of the smaller coverage.
  double min_overlap = 0.3;
};

// Coefficients of eq. (1) of Padfield (2012) with the sums of numerator and
// denominators pooled over channels. `a` and `b` are CV_32F of the same number
// of channels with coverage CV_8UC1 or empty; b may be of another size than a.
CorrelationSurface Correlate(const FeatureImage& a, const FeatureImage& b,
                             const CorrelationRequest& request);

// A window of one image, transformed once to be correlated with the same
// window of several others. Uncovered pixels count as without features, which
// is cheaper than to mask them and as good for features that fade out towards
// the coverage's edge, as those of StructureFeatures do.
struct WindowSpectra {
  int radius = 0;
  double pixels = 0.0;         // covered ones of the window
  double energy = 0.0;         // of the window, less its means
  std::vector<cv::Mat> inner;  // spectra of the window's channels
  std::vector<cv::Mat> outer;  // of the window with `radius` around it
  cv::Mat outer_energy;        // CV_64F, per shift
};

// What lies outside the image is uncovered.
WindowSpectra TransformWindow(const FeatureImage& image, cv::Rect window,
                              int radius);

// As Correlate with a's window as the part and an origin of 0.
CorrelationSurface Correlate(const WindowSpectra& a, const WindowSpectra& b);

}  // namespace mapweave::tracking
