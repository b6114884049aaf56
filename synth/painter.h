// SPDX-License-Identifier: MIT
//
// Draws the content of one edition: everything that a draughtsman puts on
// paper, in his order. Internal to synth.
#pragma once

#include "synth/canvas.h"
#include "synth/hand.h"
#include "synth/lettering.h"
#include "synth/render.h"
#include "synth/world.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::synth {

class Painter {
 public:
  // Both must outlive the painter.
  Painter(const World& world, size_t edition, const RenderOptions& options);

  const HandStyle& Style() const { return style_; }
  int SheetWidth() const { return SheetSize(world_, options_.placement).width; }

  // The clean drawing of a window, CV_8UC3.
  cv::Mat Paint(cv::Rect window) const;
  // Identities where buildings are drawn, CV_32SC1.
  cv::Mat Labels(cv::Rect window) const;

 private:
  struct BuildingShape {
    Polygon footprint;  // on the sheet
    Colour fill;
    double hatch_angle = 0.0;
    bool is_public = false;
    bool is_shed = false;
    int32_t identity = 0;
  };
  struct BlockShape {
    Ring outline;
    std::vector<Ring> parcels;
    std::vector<Colour> parcel_tints;
    // Fences, beds and yards: outlines that are no buildings.
    std::vector<Ring> yards;
    Colour tint;
    BlockUse use = BlockUse::kDwellings;
    bool drawn = true;
    uint64_t seed = 0;
  };

  struct Pencil {
    Colour colour;
    double opacity = 0.5;
  };

  // True ground as drawn on this edition, in sheet pixels.
  std::vector<Point2d> OnSheet(const std::vector<Point2d>& points) const;
  // Points that carry the distortion already.
  Ring Placed(Ring ring) const;

  void PrepareBlocks();
  void PrepareParcels(const WorldBlock& block, bool tinted, Rng& rng,
                      BlockShape& shape) const;
  void PrepareTrees(const BlockShape& shape, Rng& rng);
  void PrepareBuildings();

  Colour FillOf(const WorldBuilding& building, Rng& rng) const;

  // painter_buildings.cpp
  void PaintBuilding(Canvas& canvas, const BuildingShape& shape) const;
  void PaintBody(Canvas& canvas, const BuildingShape& shape) const;
  void PaintRoof(Canvas& canvas, const BuildingShape& shape) const;

  // painter_land.cpp
  void PaintRelief(Canvas& canvas) const;
  void PaintContours(Canvas& canvas) const;
  void PaintHachures(Canvas& canvas) const;
  void PaintLines(Canvas& canvas) const;
  void PaintLine(Canvas& canvas, const WorldLine& line, Rng& rng) const;
  void PaintSlope(Canvas& canvas, const std::vector<Point2d>& crest,
                  double reach, Colour colour) const;

  // painter_marginalia.cpp
  void PaintFrame(Canvas& canvas, cv::Rect window) const;
  void PaintMarginalia(Canvas& canvas) const;
  void PaintLegend(Canvas& canvas, Point2d corner, Rng& rng) const;
  void PaintCartouche(Canvas& canvas, Point2d middle, Rng& rng) const;
  void PaintScaleBar(Canvas& canvas, Point2d corner, Rng& rng) const;
  void PaintArrow(Canvas& canvas, Point2d middle, Rng& rng) const;
  void PaintStamp(Canvas& canvas, Point2d middle, Rng& rng) const;
  void PaintNotes(Canvas& canvas) const;
  void PaintNote(Canvas& canvas, Point2d at, const Pencil& pencil,
                 Rng& rng) const;

  // painter_ground.cpp
  void PaintBlock(Canvas& canvas, const BlockShape& block) const;
  void PaintGround(Canvas& canvas, const BlockShape& block) const;
  void PaintWalks(Canvas& canvas, const Ring& outline, Rng& rng) const;
  void PaintWaters(Canvas& canvas) const;
  void PaintRiver(Canvas& canvas, const WorldWater& river) const;
  void PaintTraffic(Canvas& canvas, const WorldWater& river) const;
  void PaintRailways(Canvas& canvas) const;
  void PaintPaths(Canvas& canvas) const;
  void PaintTrees(Canvas& canvas) const;
  void PaintGraticule(Canvas& canvas) const;
  Ring OnPlate(Ring ring) const;
  void StrokeShaded(Canvas& canvas, const Ring& ring, Colour colour,
                    double width_px) const;

  const World& world_;
  size_t edition_;
  const RenderOptions& options_;
  double scale_;        // sheet pixels per world pixel
  double building_px_;  // on the sheet
  Rng rng_;
  HandStyle style_;
  std::vector<BlockShape> blocks_;
  std::vector<BuildingShape> buildings_;
  std::vector<Lettering> lettering_;
  std::vector<Point2d> trees_;
};

}  // namespace mapweave::synth
