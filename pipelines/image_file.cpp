// SPDX-License-Identifier: MIT
#include "pipelines/image_file.h"

#include "core/error.h"
#include "synth/preview.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>

namespace mapweave::pipelines {
namespace {

// Frames beside each other; wider pictures are hard to look at.
constexpr int kFramesPerRow = 16;

}  // namespace

void WriteImage(const std::filesystem::path& path, const cv::Mat& rgb,
                Overwrite overwrite) {
  AtomicFile file(path, overwrite);
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  bool written = false;
  try {
    // OpenCV chooses the format by the extension, which the temporary file
    // keeps, and throws on one that it does not know.
    written = cv::imwrite(file.TempPath().string(), bgr);
  } catch (const cv::Exception&) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' is no kind of picture", path.string()),
                "Give a name that ends in .png or .jpg.");
  }
  if (!written) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}'", path.string()),
                "Is the disk full?");
  }
  file.Commit();
}

cv::Mat ReadImage(const std::filesystem::path& path) {
  cv::Mat image = cv::imread(path.string(), cv::IMREAD_COLOR);
  if (image.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' is missing or no picture", path.string()),
                "Check its folder and its name.");
  }
  cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
  return image;
}

void WriteContactSheet(const tracking::ClipSource& source, int clips,
                       int frames, const std::filesystem::path& path,
                       Overwrite overwrite) {
  CheckWritable(path, overwrite);
  synth::ContactSheetOptions sheet;
  sheet.clips = clips;
  sheet.max_editions = frames;
  sheet.columns = std::max(1, kFramesPerRow / frames);
  WriteImage(path, synth::ContactSheet(source, sheet), overwrite);
}

}  // namespace mapweave::pipelines
