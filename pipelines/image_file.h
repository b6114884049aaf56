// SPDX-License-Identifier: MIT
//
// Pictures on disk: frames, previews.
#pragma once

#include "core/atomic_file.h"
#include "tracking/clip.h"

#include <opencv2/core.hpp>

#include <filesystem>

namespace mapweave::pipelines {

// `rgb` is CV_8UC3 in R, G, B order; the format is that of the extension.
// Throws Error{kFailure} if the file cannot be written, Error{kUsage} if it is
// there already and may not be replaced.
void WriteImage(const std::filesystem::path& path, const cv::Mat& rgb,
                Overwrite overwrite);

// CV_8UC3 in R, G, B order. Throws Error{kBadInput} naming the file if it is
// missing or no picture that OpenCV reads.
cv::Mat ReadImage(const std::filesystem::path& path);

// Clips 0 to `clips` - 1 with their truth on one picture; at most `frames` of
// the frames of each. Throws as WriteImage.
void WriteContactSheet(const tracking::ClipSource& source, int clips,
                       int frames, const std::filesystem::path& path,
                       Overwrite overwrite);

}  // namespace mapweave::pipelines
