// SPDX-License-Identifier: MIT
//
// Draws an edition of a world as a scanned map sheet in a cartographic hand,
// together with its exact truth. The drawing is made at twice the resolution
// and averaged down; every random choice is a function of seeds and grid
// coordinates, so a window of a sheet looks the same whether it is drawn alone
// or with the whole.
#pragma once

#include "core/geometry.h"
#include "synth/placement.h"
#include "synth/world.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::synth {

// The names of the hands: "solid-black", "carmine", "cadastre", "hatched",
// "outline", "grey-block", "blueprint", "stippled", "brown-double",
// "insurance", "colonial", "two-colour", "engraved", "ordnance", "manuscript",
// "topographic". New ones are appended.
std::vector<std::string> HandNames();
// Hands that are drawn only where they are named, never at random: no network
// of ours has learnt from them.
std::vector<std::string> HeldOutHandNames();
// Of either list.
bool IsHand(const std::string& name);

// The sheet that carries the drawing. Rings in world pixels; they follow the
// placement.
struct SheetFrame {
  // The drawing ends here, with frame lines around it; empty: no frame.
  Ring neatline;
  // The paper ends here; empty: the paper is everywhere.
  Ring paper;
  // What the scan shows beyond the paper, R, G, B.
  cv::Vec3b outside = {255, 255, 255};
};

// A sheet as large as the world's window, a little crooked, with its frame
// lines in the margin that the buildings keep, so that it hides none of them.
// Throws Error{kUsage} if the world's margin is below 24 pixels.
SheetFrame MakeSheetFrame(const World& world, uint64_t seed);

struct RenderOptions {
  std::string hand = "cadastre";  // see IsHand
  // Fixes colours, line widths, lettering and the state of paper and scan.
  uint64_t seed = 1;
  // From the world (with the distortion of the edition) to the sheet. Images,
  // labels and windows are in sheet pixels; pens and letters scale with it.
  Placement placement;
  SheetFrame frame;
  // Amount of stains, folds, fading, blur and scan noise; 0 = a clean print.
  double wear = 1.0;
  // Amount of lettering; 0 = none.
  double lettering = 1.0;
  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

struct EditionImage {
  cv::Mat rgb;       // CV_8UC3, R, G, B order
  cv::Mat coverage;  // CV_8UC1: 1 = paper of the sheet, 0 = beyond it
  // CV_32SC1: identity of the building drawn at the pixel, or 0. It follows
  // the image, hence includes the placement.
  cv::Mat labels;
};

// The world's window at the placement's scale: round(width_px * Scale()) by
// round(height_px * Scale()) sheet pixels.
cv::Size SheetSize(const World& world, const Placement& placement);

// The window of SheetSize from (0, 0). `edition` counts from 0.
// Throws Error{kUsage} on bad options or an edition that the world does not
// have.
EditionImage RenderEdition(const World& world, int edition,
                           const RenderOptions& options);

// The same, of `window` (sheet pixels) only. Within 16 pixels of its edge, blur
// and JPEG artefacts differ from those of the whole sheet.
EditionImage RenderWindow(const World& world, int edition,
                          const RenderOptions& options, cv::Rect window);

// Coverage and labels only (rgb is empty), as when a sheet drawn at its own
// resolution is brought to another one, while the truth is made there.
EditionImage RenderTruth(const World& world, int edition,
                         const RenderOptions& options, cv::Rect window);

}  // namespace mapweave::synth
