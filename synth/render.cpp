// SPDX-License-Identifier: MIT
#include "synth/render.h"

#include "core/error.h"
#include "synth/painter.h"
#include "synth/paper.h"
#include "synth/shapes.h"
#include "tracking/mask.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

constexpr int kTilePx = 1024;
// JPEG blocks lie on the grid, so windows are drawn from a multiple of this.
constexpr int kAlignPx = 8;

// 1 where the paper of the sheet is.
cv::Mat PaperMask(const RenderOptions& options, cv::Rect window) {
  if (options.frame.paper.empty())
    return cv::Mat(window.size(), CV_8UC1, cv::Scalar(1));
  cv::Mat mask(window.size(), CV_8UC1, cv::Scalar(0));
  Polygon paper{options.frame.paper, {}};
  for (Point2d& p : paper.shell) p = options.placement.Apply(p);
  tracking::Mask::FromPolygons({paper}).Paint(mask, 1, window.tl());
  return mask;
}

// The ink of the facing half of a folded sheet, mirrored.
void AddSetOff(const Painter& painter, const PaperState& paper, int sheet_width,
               cv::Rect window, cv::Mat& drawing) {
  const cv::Rect facing(sheet_width - window.x - window.width, window.y,
                        window.width, window.height);
  cv::Mat ink;
  cv::flip(painter.Paint(facing), ink, 1);
  cv::blur(ink, ink, {3, 3});
  for (int y = 0; y < drawing.rows; ++y) {
    cv::Vec3b* row = drawing.ptr<cv::Vec3b>(y);
    const cv::Vec3b* source = ink.ptr<cv::Vec3b>(y);
    for (int x = 0; x < drawing.cols; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double dark = std::max(
            0.0, 1.0 - source[x][c] / std::max(1.0, double{paper.paper[c]}));
        row[x][c] = cv::saturate_cast<uint8_t>(row[x][c] *
                                               (1.0 - paper.set_off * dark));
      }
    }
  }
}

// Paper and labels of a window, without the image.
EditionImage TruthOf(const Painter& painter, const RenderOptions& options,
                     cv::Rect window) {
  EditionImage out;
  out.coverage = PaperMask(options, window);
  out.labels = painter.Labels(window);
  if (!options.frame.paper.empty())
    out.labels.setTo(cv::Scalar(0), out.coverage == 0);
  return out;
}

EditionImage PaintTile(const Painter& painter, const PaperState& paper,
                       const RenderOptions& options, cv::Rect window) {
  const auto down = [](int v) {
    return static_cast<int>(std::floor(static_cast<double>(v) / kAlignPx)) *
           kAlignPx;
  };
  const cv::Rect aligned(cv::Point(down(window.x), down(window.y)),
                         cv::Point(-down(-(window.x + window.width)),
                                   -down(-(window.y + window.height))));
  const cv::Rect part(window.tl() - aligned.tl(), window.size());
  cv::Mat drawing = painter.Paint(aligned);
  if (paper.set_off > 0.0) {
    AddSetOff(painter, paper, painter.SheetWidth(), aligned, drawing);
  }
  EditionImage out = TruthOf(painter, options, window);
  out.rgb = Age(drawing, aligned.tl(), paper);
  if (part.size() != out.rgb.size()) out.rgb = out.rgb(part).clone();
  if (!options.frame.paper.empty()) {
    out.rgb.setTo(cv::Scalar(options.frame.outside[0], options.frame.outside[1],
                             options.frame.outside[2]),
                  out.coverage == 0);
  }
  return out;
}

void CheckArguments(const World& world, int edition,
                    const RenderOptions& options, cv::Rect window) {
  options.Validate();
  if (edition < 0 ||
      static_cast<size_t>(edition) >= world.options.editions.size()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the world has no edition {}", edition),
                fmt::format("it has {}, counted from 0",
                            world.options.editions.size()));
  }
  if (window.empty()) {
    throw Error(ErrorCode::kUsage, "the window to draw is empty",
                "give it a width and a height");
  }
}

}  // namespace

cv::Size SheetSize(const World& world, const Placement& placement) {
  const double scale = placement.Scale();
  return {std::max(1, cvRound(world.options.width_px * scale)),
          std::max(1, cvRound(world.options.height_px * scale))};
}

void RenderOptions::Validate() const {
  if (!IsHand(hand)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("there is no map hand named \"{}\"", hand),
                fmt::format("use one of {}", fmt::join(HandNames(), ", ")));
  }
  if (!(wear >= 0.0 && wear <= 4.0)) {
    throw Error(ErrorCode::kUsage, fmt::format("the wear is {}", wear),
                "set it to 0 to 4");
  }
  if (!(lettering >= 0.0 && lettering <= 1.0)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the amount of lettering is {}", lettering),
                "set it to 0 to 1");
  }
  placement.Validate();
}

SheetFrame MakeSheetFrame(const World& world, uint64_t seed) {
  const WorldOptions& o = world.options;
  const double margin = o.margin_px;
  if (!(margin >= 24.0)) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("a margin of {} pixels has no room for a frame", margin),
        "set margin_px of the world to 24 or more");
  }
  Rng rng(seed, 0x6672616d65ULL);
  const Point2d centre{o.width_px / 2.0, o.height_px / 2.0};
  // A turn moves the corners by a sixth of the margin at most.
  const double reach = std::hypot(o.width_px, o.height_px) / 2.0;
  const double turn = rng.Uniform(-1.0, 1.0) * margin / 6.0 / reach;
  const auto ring = [&](double inset) {
    return MapRing(
        RectangleRing({inset, inset, o.width_px - inset, o.height_px - inset}),
        centre, turn, {0.0, 0.0}, 1.0);
  };
  SheetFrame frame;
  frame.paper = ring(margin * rng.Uniform(0.02, 0.2));
  frame.neatline = ring(margin * rng.Uniform(0.55, 0.7));
  if (rng.Chance(0.4)) frame.outside = {0, 0, 0};
  return frame;
}

EditionImage RenderTruth(const World& world, int edition,
                         const RenderOptions& options, cv::Rect window) {
  CheckArguments(world, edition, options, window);
  return TruthOf(Painter(world, static_cast<size_t>(edition), options), options,
                 window);
}

EditionImage RenderWindow(const World& world, int edition,
                          const RenderOptions& options, cv::Rect window) {
  CheckArguments(world, edition, options, window);
  const Painter painter(world, static_cast<size_t>(edition), options);
  Rng rng(options.seed, 0x7061706572ULL);
  const PaperState paper =
      DrawPaperState(options.wear, painter.Style().paper,
                     SheetSize(world, options.placement), rng);
  EditionImage out;
  if (window.width <= kTilePx && window.height <= kTilePx)
    return PaintTile(painter, paper, options, window);
  out.rgb.create(window.size(), CV_8UC3);
  out.coverage.create(window.size(), CV_8UC1);
  out.labels.create(window.size(), CV_32SC1);
  for (int y = 0; y < window.height; y += kTilePx) {
    for (int x = 0; x < window.width; x += kTilePx) {
      const cv::Rect part(x, y, std::min(kTilePx, window.width - x),
                          std::min(kTilePx, window.height - y));
      const EditionImage tile =
          PaintTile(painter, paper, options, part + window.tl());
      tile.rgb.copyTo(out.rgb(part));
      tile.coverage.copyTo(out.coverage(part));
      tile.labels.copyTo(out.labels(part));
    }
  }
  return out;
}

EditionImage RenderEdition(const World& world, int edition,
                           const RenderOptions& options) {
  options.placement.Validate();
  return RenderWindow(world, edition, options,
                      cv::Rect({0, 0}, SheetSize(world, options.placement)));
}

}  // namespace mapweave::synth
