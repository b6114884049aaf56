// SPDX-License-Identifier: MIT
//
// Finds by how much one map image is shifted against another of the same
// place: whole sheets against each other, or small windows. The estimate
// carries a confidence, so that images with nothing in common are refused
// rather than moved. It is a translation, or a rotation and a scale as well,
// and cannot bend real change away. All in pixels.
//
// Sign convention, throughout: `shift` is added to a's coordinates to get b's.
// What is drawn at (x, y) in `a` is drawn at (x + shift.x, y + shift.y) in
// `b`; content that stands further right in `b` gives a positive shift.x.
#pragma once

#include <opencv2/core.hpp>

#include <cstddef>
#include <vector>

namespace mapweave::tracking {

// An image to be registered and where it can be trusted.
struct FeatureImage {
  // [H, W], CV_32F with any number of channels (see StructureFeatures).
  cv::Mat features;
  // [H, W] CV_8UC1, non-zero = surveyed, legible; an empty Mat means all.
  cv::Mat coverage;
};

struct ShiftOptions {
  // Shifts beyond this in x or y are not considered.
  double max_shift_px = 32.0;
  // Shifts that leave less than this part of the smaller coverage in common
  // are not considered; in (0, 1].
  double min_overlap = 0.3;
  // Estimates below are refused (ShiftEstimate::is_confident); in [0, 1].
  double min_confidence = 0.5;
  // Images larger than this on a side are first searched at half size, and so
  // on down (coarse to fine).
  int coarse_side_px = 512;
  // Images larger than this on a side are not searched at their own size any
  // more: the estimate is good to a pixel or two of theirs.
  int finest_side_px = 1 << 30;

  // Throws Error{kUsage}.
  void Validate() const;
};

struct ShiftEstimate {
  cv::Point2d shift;  // px; add to a's coordinates to get b's
  // In [0, 1]: how high the peak of the correlation is for the number of pixels
  // compared, and how far it stands out of the correlations at all shifts more
  // than 6 px away. Not a probability: on real map tiles of 128 to 384 px,
  // unrelated places stay under 0.3 and shifts from 0.5 up are right. 0 where
  // the correlation goes on rising beyond the allowed shifts.
  double confidence = 0.0;
  // Masked normalised cross-correlation at the peak, in [-1, 1].
  double correlation = 0.0;
  // The highest correlation away from the peak's neighbourhood.
  double second_correlation = 0.0;
  // confidence >= ShiftOptions::min_confidence. The caller decides what to do
  // with a shift that is not.
  bool is_confident = false;
};

// What survives a change of cartographic hand: streets, block outlines, banks.
// Orientation-coded gradients, normalised by local contrast, with opposite
// gradients made equal (a dark line on light paper is a light line on dark).
//   rgb: [H, W] CV_8UC3 or CV_8UC1.
//   coverage: [H, W] CV_8UC1, non-zero = surveyed; empty = all. Its edge makes
//     no features.
// Returns [H, W] CV_32F with kStructureChannels channels, 0 off the coverage.
inline constexpr int kStructureChannels = 2;
cv::Mat StructureFeatures(const cv::Mat& rgb, const cv::Mat& coverage);

// Masked normalised cross-correlation by FFT (Padfield, "Masked Object
// Registration in the Fourier Domain", IEEE TIP 2012), channels pooled, with a
// sub-pixel peak. The images have the same size and number of channels; the
// time is O(n log n) in pixels, so windows of 128..512 px take milliseconds.
// Throws Error{kUsage} on bad options; never on image content: images without
// content or overlap give confidence 0 and shift 0.
ShiftEstimate EstimateShift(const FeatureImage& a, const FeatureImage& b,
                            const ShiftOptions& options);
ShiftEstimate EstimateShift(const cv::Mat& a, const cv::Mat& b,
                            const ShiftOptions& options);

struct SimilarityOptions {
  ShiftOptions shift;
  // Both ways. 2.5 degrees and 3.5 per cent by default: more than maps are
  // turned or stretched whose georeference was made with care.
  double max_rotation_rad = 0.0436;
  double max_stretch = 0.035;

  // Throws Error{kUsage}.
  void Validate() const;
};

// What is drawn at p in `a` is drawn at
//   centre + scale * R(rotation) (p - centre) + shift.shift
// in `b`, with the images' common centre and R = [cos -sin; sin cos] in image
// coordinates (y down).
struct SimilarityEstimate {
  double rotation_rad = 0.0;
  double scale = 1.0;
  ShiftEstimate shift;  // with its confidence as for shifts alone
};

// As EstimateShift for images that may be turned and stretched as well: tries
// `a` at angles and scales so close together that no part of it lies more than
// a line's width off, at reduced size, and narrows them down. About 50 times
// the work of EstimateShift at that size. Throws Error{kUsage} on bad options.
SimilarityEstimate EstimateSimilarity(const FeatureImage& a,
                                      const FeatureImage& b,
                                      const SimilarityOptions& options);

struct SeriesShiftOptions {
  ShiftOptions pair;

  // Throws Error{kUsage}.
  void Validate() const;
};

// A pair of editions, a < b, as it entered the joint solution.
struct PairShift {
  size_t a = 0;
  size_t b = 0;
  ShiftEstimate estimate;
  // |estimate - joint solution|, px; large where the pair was overruled.
  double disagreement_px = 0.0;
};

struct EditionShift {
  // Add to this edition's coordinates to get the newest edition's; (0, 0) for
  // the newest edition and for an edition that no confident pair ties to it.
  cv::Point2d shift;
  // Of the best chain of pairs to the newest edition (its weakest pair); 1 for
  // the newest edition, 0 without such a chain.
  double confidence = 0.0;
  bool is_confident = false;
};

struct SeriesShifts {
  std::vector<EditionShift> editions;  // T, oldest first
  std::vector<PairShift> pairs;        // all a < b
};

// Estimates the shifts of all pairs of T editions and solves them jointly by
// robust least squares over the confident pairs, the newest (last) edition
// standing still. The images have one size; on top of them, memory is about as
// much as two of them and does not depend on their number. Throws Error{kUsage}
// on bad options.
SeriesShifts EstimateSeriesShifts(const std::vector<FeatureImage>& editions,
                                  const SeriesShiftOptions& options);

}  // namespace mapweave::tracking
