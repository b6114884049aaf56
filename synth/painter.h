// SPDX-License-Identifier: MIT
//
// Draws the content of one edition: everything that a draughtsman puts on
// paper, in his order. Internal to synth.
#pragma once

#include "synth/canvas.h"
#include "synth/hand.h"
#include "synth/render.h"
#include "synth/world.h"

#include <opencv2/core.hpp>

#include <string>
#include <vector>

namespace mapweave::synth {

class Painter {
 public:
  // Both must outlive the painter.
  Painter(const World& world, size_t edition, const RenderOptions& options);

  const HandStyle& Style() const { return style_; }

  // The clean drawing of a window, CV_8UC3.
  cv::Mat Paint(cv::Rect window) const;
  // Identities where buildings are drawn, CV_32SC1.
  cv::Mat Labels(cv::Rect window) const;
  // A ring of true ground as drawn on this edition.
  Ring OnSheet(const std::vector<Point2d>& points) const;

 private:
  struct Lettering {
    std::string text;
    Point2d at;
    TextStyle style;
    double reach_px = 0.0;
  };
  struct BuildingShape {
    std::vector<Ring> rings;  // shell and holes of one polygon, with the shift
    Colour fill;
    double hatch_angle = 0.0;
    int32_t identity = 0;
  };
  struct BlockShape {
    Ring outline;
    std::vector<Ring> parcels;
    Colour tint;
    std::vector<Colour> parcel_tints;
    BlockUse use = BlockUse::kDwellings;
    bool drawn = true;
  };

  void PrepareBlocks();
  void PrepareBuildings();
  void PrepareLettering();
  void AddText(std::string text, Point2d at, double height, double angle,
               double spacing, int font);

  void PaintBlock(Canvas& canvas, const BlockShape& block) const;
  void PaintGround(Canvas& canvas, const BlockShape& block) const;
  void PaintWaters(Canvas& canvas) const;
  void PaintRailways(Canvas& canvas) const;
  void PaintLimits(Canvas& canvas) const;
  void PaintBuilding(Canvas& canvas, const BuildingShape& shape) const;
  void PaintTrees(Canvas& canvas) const;
  void PaintGraticule(Canvas& canvas) const;

  const World& world_;
  size_t edition_;
  const RenderOptions& options_;
  Rng rng_;
  HandStyle style_;
  std::vector<BlockShape> blocks_;
  std::vector<BuildingShape> buildings_;
  std::vector<Lettering> lettering_;
  std::vector<Point2d> trees_;
  double tree_px_ = 2.0;
  bool tree_filled_ = false;
  double graticule_px_ = 0.0;
};

}  // namespace mapweave::synth
