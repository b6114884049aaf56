// SPDX-License-Identifier: MIT
//
// What all ways to find pseudo-instances share: components are measured,
// filtered by what buildings look like on maps, and where several cover one
// place, one is chosen. Internal to synth.
#pragma once

#include "synth/palette.h"
#include "synth/pseudo_instances.h"
#include "tracking/mask.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::synth {

// A sheet as the ways look at it.
struct SheetView {
  cv::Mat lab;       // CV_32FC3, lightly smoothed
  cv::Mat coverage;  // CV_8UC1, 1 = paper
  Palette palette;
  cv::Mat classes;  // CV_8UC1: index into the palette
};

// CV_8UC1: 255 where `classes` (CV_8UC1) has one of `members`.
cv::Mat PixelsOfClasses(const cv::Mat& classes,
                        const std::vector<int>& members);

SheetView MakeSheetView(const cv::Mat& rgb, const cv::Mat& coverage,
                        uint64_t seed);

struct ShapeMeasures {
  double area = 0.0;            // with small holes filled
  double solidity = 0.0;        // area over that of the convex hull
  double rectangularity = 0.0;  // area over that of the smallest rectangle
  double thickness = 0.0;       // diameter of the largest inscribed disc
  double elongation = 0.0;      // long over short side of that rectangle
  double hole_share = 0.0;      // area of all holes over the filled area
};

// `mask`: CV_8UC1 with one component; small holes, as letters leave them, are
// filled in place. `filled` becomes the mask with all its holes filled.
ShapeMeasures MeasureShape(cv::Mat& mask, cv::Mat& filled);

struct Candidate {
  tracking::Mask mask;
  tracking::Mask filled;  // with all holes
  cv::Rect bounds;
  double score = 0.0;
};

// What a component must be, besides its size and shape.
enum class ComponentLook {
  kFlat,      // of one colour, inked against the ring around it
  kTextured,  // inked against the ring: hatching and stipple count
  kFace,      // the same, less the rim that its edges have taken
  kOutline,   // an outline that stands alone, whatever is in it
};

// Adds the components of the non-zero pixels of `binary` (CV_8UC1) that pass
// the filters of `options`, grown into their outline.
void AddComponents(const SheetView& view, const cv::Mat& binary,
                   const PseudoOptions& options, ComponentLook look,
                   std::vector<Candidate>& candidates);

// Disjoint instances. A candidate that holds smaller ones is a plot or a block
// and gives way to them; of those that share most of their pixels, the best
// stays.
std::vector<tracking::Instance> ResolveCandidates(
    std::vector<Candidate> candidates);

// One per way.
std::vector<Candidate> PaletteCandidates(const SheetView& view,
                                         const PseudoOptions& options);
std::vector<Candidate> FaceCandidates(const SheetView& view,
                                      const PseudoOptions& options);
std::vector<Candidate> FeatureCandidates(const SheetView& view,
                                         const PseudoOptions& options);

// Patches of colour whose texture is that of faces: members of clusters in
// which many are faces, too.
std::vector<Candidate> KinOfFaces(const SheetView& view,
                                  const std::vector<Candidate>& faces,
                                  const PseudoOptions& options);

}  // namespace mapweave::synth
