// SPDX-License-Identifier: MIT
//
// A drawing surface over a window of the grid: twice the resolution, with
// sub-pixel coordinates, textures and rotated lettering. Internal to synth.
#pragma once

#include "core/geometry.h"
#include "synth/hand.h"
#include "synth/typeface.h"

#include <opencv2/core.hpp>

#include <string>
#include <vector>

namespace mapweave::synth {

enum class Texture { kScribble, kDots, kTufts, kTrees, kLines };

struct TextStyle {
  Typeface typeface = Typeface::kRoman;
  double height_px = 7.0;  // of the capitals
  double spacing = 0.0;    // extra space after a letter, in heights
  double condense = 1.0;   // width of the letters
  double slant = 0.0;      // to the right, as a share of the height
  double wobble = 0.0;     // unsteadiness of a hand, 0 to 1
  double opacity = 1.0;
};

struct DashStyle {
  Colour colour;
  double width_px = 1.0;
  double on_px = 3.0;
  double off_px = 3.0;
};

struct HatchStyle {
  Colour colour;
  double spacing_px = 3.0;
  double angle_rad = 0.0;
  double inked_share = 0.3;  // of the spacing
};

class Canvas {
 public:
  static constexpr int kScale = 2;

  Canvas(cv::Rect window, Colour ground);

  // Whether anything near these points can be seen.
  bool Sees(const std::vector<Point2d>& points, double reach_px) const;

  // Rings together by the even-odd rule.
  void Fill(const std::vector<Ring>& rings, Colour colour);
  void Stroke(const std::vector<Point2d>& line, bool closed, Colour colour,
              double width_px);
  void Dash(const std::vector<Point2d>& line, const DashStyle& style);
  // Transparent ink over what is there: rings of one winding, and lines.
  void Glaze(const std::vector<Ring>& rings, Colour colour, double opacity);
  void GlazeLine(const std::vector<Point2d>& line, Colour colour,
                 double width_px, double opacity);
  void Disc(Point2d centre, double radius_px, Colour colour, double line_px);
  // Parallel lines at any angle inside the rings.
  void Hatch(const std::vector<Ring>& rings, const HatchStyle& style);
  void FillTexture(const std::vector<Ring>& rings, Texture texture,
                   Colour colour, double opacity);
  // On the base line `path` (two points at least), its middle on the middle
  // of it; the path runs on straight beyond its ends.
  void Text(const std::u32string& text, const std::vector<Point2d>& path,
            const TextStyle& style, Colour colour);
  static double TextWidth(const std::u32string& text, const TextStyle& style);

  // The window at single resolution, CV_8UC3.
  cv::Mat Finish() const;

 private:
  std::vector<cv::Point> ToFixed(const std::vector<Point2d>& points) const;
  cv::Rect RegionOf(const std::vector<Ring>& rings) const;
  cv::Mat MaskOf(const std::vector<Ring>& rings, cv::Rect region) const;
  // Rings in pixels of the canvas.
  void Cover(const std::vector<Ring>& rings, Colour colour, double opacity);
  void DrawGlyph(const Glyph& glyph, Point2d at, double angle, double height_px,
                 const TextStyle& style, Colour colour);

  cv::Rect window_;
  cv::Mat pixels_;  // CV_8UC3, kScale times the window
};

}  // namespace mapweave::synth
