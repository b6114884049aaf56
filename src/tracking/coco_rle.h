// SPDX-License-Identifier: MIT
//
// Masks in the form in which COCO and YouTube-VIS keep them: run lengths of a
// frame's pixels, column by column, as a list of numbers or packed into a
// string; and COCO's own rule of which pixels a polygon covers. The pixel frame
// is the image's: (0, 0) is its first pixel.
#pragma once

#include "tracking/mask.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mapweave::tracking {

// Neither side of a frame is longer, so that run lengths fit 32 bits.
inline constexpr int kMaxFrameSide = 46340;

// Lengths of alternating runs of background and mask over the pixels of a frame
// of `size`, from top to bottom and then from left to right. The first is of
// background and may be 0; no other is. They add up to the frame's area. Pixels
// of the mask beyond the frame are left out.
std::vector<uint32_t> RleCounts(const Mask& mask, cv::Size size);

// The inverse; runs of length 0 are allowed anywhere. Throws Error{kBadInput}
// if the lengths do not add up to the frame's area.
Mask MaskFromRleCounts(std::span<const uint32_t> counts, cv::Size size);

// COCO's packing of run lengths (pycocotools' "counts" string): from the third
// length of a kind on, the difference to the one before of that kind; in groups
// of five bits, the lowest first, each as a character from '0' on. Unpacking
// throws Error{kBadInput} on a text that is not of this form.
std::string PackRleCounts(std::span<const uint32_t> counts);
std::vector<uint32_t> UnpackRleCounts(const std::string& packed);

// The pixels of a frame of `size` that pycocotools' frPyObjects gives to a
// polygon [x0, y0, x1, y1, ...], to the pixel. It differs from
// Mask::FromPolygons by up to a pixel along the outline; for what is to be
// compared with other programs' figures on COCO polygons. Throws
// Error{kBadInput} on fewer than three vertices and on coordinates that are not
// finite or farther than a frame's longest side from it.
Mask MaskFromCocoPolygon(std::span<const double> coordinates, cv::Size size);

}  // namespace mapweave::tracking
