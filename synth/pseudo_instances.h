// SPDX-License-Identifier: MIT
//
// Buildings that are guessed from the look of one unlabelled sheet alone: the
// seed of synthetic videos. Precision counts more than recall, since what is
// found becomes the truth of the videos; what is missed stays background.
#pragma once

#include "tracking/components.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::synth {

// How buildings are told from the rest of a sheet.
enum class PseudoWay {
  // Patches of one colour of the sheet's own palette that stand out from what
  // lies around them.
  kPalette,
  // Even faces closed by ink lines or edges, or outlines that stand alone.
  kFaces,
  // Patches of colour, taken generously and sorted by their texture in a
  // dictionary of whitened image patches (Coates, Lee and Ng, "An Analysis of
  // Single-Layer Networks in Unsupervised Feature Learning", AISTATS 2011).
  kFeatures,
  // Faces, and the patches of colour that fall into clusters of texture where
  // many are faces: one way says what buildings look like here, the others find
  // more of them.
  kAgreement,
};

// "palette", "faces", "features", "agreement"; parsing throws Error{kUsage}.
const char* PseudoWayName(PseudoWay way);
PseudoWay ParsePseudoWay(const std::string& name);
std::vector<std::string> PseudoWayNames();

// Lengths and areas are in pixels of the image.
struct PseudoOptions {
  PseudoWay way = PseudoWay::kAgreement;
  int min_area_px = 24;
  int max_area_px = 2500;
  // Area over the area of the convex hull. An L of equal arms has 0.75.
  double min_solidity = 0.7;
  // Diameter of the largest disc that fits in; pen strokes are thinner.
  double min_thickness_px = 4.0;
  // Colour difference (CIE 1976) between the patch and the ring around it.
  double min_contrast = 7.0;
  // Instances that score less are left out.
  double min_score = 0.4;
  uint64_t seed = 1;

  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// Disjoint masks in ascending order of their first pixel (row, then column),
// with a score in (0, 1] that ranks them by how much they look like a
// building. `rgb` is CV_8UC3 in R, G, B order; `coverage` is CV_8UC1, 1 =
// paper, of the same size, or empty when all is. The result is a function of
// the arguments alone. No instance at all is an empty result, not an error.
std::vector<tracking::Instance> FindPseudoInstances(
    const cv::Mat& rgb, const cv::Mat& coverage, const PseudoOptions& options);

}  // namespace mapweave::synth
