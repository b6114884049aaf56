// SPDX-License-Identifier: MIT
#include "pipelines/picture.h"

#include "core/error.h"
#include "geo/polygon_ops.h"
#include "pipelines/project.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::pipelines {
namespace {

constexpr int kGapPx = 12;
constexpr int kCaptionPx = 44;
// Sub-pixel bits of OpenCV's drawing.
constexpr int kShift = 4;

// A strong colour that stays with a building in all panels. R, G, B.
cv::Scalar ColourOf(const std::string& track_id) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (char c : track_id) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  }
  const cv::Mat hsv(
      1, 1, CV_8UC3,
      cv::Scalar(hash % 180, 200 + hash / 180 % 56, 170 + hash / 10080 % 86));
  cv::Mat rgb;
  cv::cvtColor(hsv, rgb, cv::COLOR_HSV2RGB);
  const cv::Vec3b colour = rgb.at<cv::Vec3b>(0, 0);
  return cv::Scalar(colour[0], colour[1], colour[2]);
}

std::vector<cv::Point> ScaledRing(const Ring& ring, double scale) {
  std::vector<cv::Point> points;
  for (const Point2d& p : ring) {
    points.emplace_back(
        static_cast<int>(std::lround(p.x * scale * (1 << kShift))),
        static_cast<int>(std::lround(p.y * scale * (1 << kShift))));
  }
  return points;
}

cv::Mat Panel(const Project& project, size_t edition, int downsample,
              const std::vector<db::ObservationRow>& observations) {
  geo::EditionReader reader = OpenEdition(project, edition);
  geo::Pixels pixels = reader.Read({0, 0, static_cast<int>(project.grid.width),
                                    static_cast<int>(project.grid.height)},
                                   downsample);
  cv::Mat panel = BorrowMat(pixels.rgb).clone();
  // Paled, so that the outlines stand out.
  panel.convertTo(panel, -1, 0.72, 255 * 0.28);
  const double scale = 1.0 / downsample;
  for (const db::ObservationRow& row : observations) {
    if (row.edition != project.editions[edition].label) continue;
    const cv::Scalar colour = ColourOf(row.track_id);
    for (const Polygon& polygon :
         geo::PixelsFromGround(row.geometry, project.grid)) {
      std::vector<std::vector<cv::Point>> rings = {
          ScaledRing(polygon.shell, scale)};
      for (const Ring& hole : polygon.holes) {
        rings.push_back(ScaledRing(hole, scale));
      }
      cv::polylines(panel, rings, true, colour, downsample > 1 ? 1 : 2,
                    cv::LINE_AA, kShift);
    }
  }
  return panel;
}

}  // namespace

void WritePicture(const db::Store& store, const PictureOptions& options,
                  const std::filesystem::path& path, Overwrite overwrite,
                  RunContext& context) {
  AtomicFile file(path, overwrite);
  const Project project = LoadProject(store);
  const int editions = static_cast<int>(project.editions.size());
  if (editions == 0) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' holds no editions", store.Path().string()));
  }
  const int columns = options.columns > 0 ? options.columns
                      : editions <= 3     ? editions
                                          : (editions + 1) / 2;
  const int rows = (editions + columns - 1) / columns;
  const int64_t side = std::max(project.grid.width, project.grid.height);
  const int downsample = static_cast<int>(
      std::max<int64_t>(1, (side + options.panel_px - 1) / options.panel_px));
  const int width =
      static_cast<int>((project.grid.width + downsample - 1) / downsample);
  const int height =
      static_cast<int>((project.grid.height + downsample - 1) / downsample);
  const std::vector<db::ObservationRow> observations = store.Observations();

  cv::Mat canvas(rows * (height + kCaptionPx) + (rows - 1) * kGapPx,
                 columns * width + (columns - 1) * kGapPx, CV_8UC3,
                 cv::Scalar::all(255));
  context.progress.Start("picture", editions);
  for (int i = 0; i < editions; ++i) {
    context.cancel.ThrowIfCancelled();
    const int left = i % columns * (width + kGapPx);
    const int top = i / columns * (height + kCaptionPx + kGapPx);
    cv::putText(canvas, project.editions[static_cast<size_t>(i)].label,
                {left + 8, top + kCaptionPx - 12}, cv::FONT_HERSHEY_DUPLEX, 1.1,
                cv::Scalar::all(30), 2, cv::LINE_AA);
    Panel(project, static_cast<size_t>(i), downsample, observations)
        .copyTo(canvas(cv::Rect(left, top + kCaptionPx, width, height)));
    context.progress.Advance();
  }
  cv::Mat bgr;
  cv::cvtColor(canvas, bgr, cv::COLOR_RGB2BGR);
  if (!cv::imwrite(file.TempPath().string(), bgr)) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}'", path.string()),
                "Is the disk full?");
  }
  file.Commit();
  context.progress.Finish();
}

}  // namespace mapweave::pipelines
