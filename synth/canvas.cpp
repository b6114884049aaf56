// SPDX-License-Identifier: MIT
#include "synth/canvas.h"

#include "core/random.h"
#include "synth/coverage.h"
#include "synth/shapes.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace mapweave::synth {
namespace {

constexpr int kShift = 4;
constexpr int kTextureSide = 256;

void Blend(cv::Vec3b& pixel, const Colour& colour, int alpha) {
  for (int c = 0; c < 3; ++c) {
    const int v = pixel[c];
    pixel[c] = static_cast<uint8_t>(
        v + ((static_cast<int>(colour[c]) - v) * alpha + 127) / 255);
  }
}

// Draws a stroke on the torus so that the texture tiles.
void WrapLine(cv::Mat& image, cv::Point a, cv::Point b, int thickness) {
  for (int dx : {-kTextureSide, 0, kTextureSide}) {
    for (int dy : {-kTextureSide, 0, kTextureSide}) {
      const cv::Point d(dx, dy);
      cv::line(image, a + d, b + d, cv::Scalar(255), thickness, cv::LINE_AA);
    }
  }
}

cv::Mat DrawTexture(Texture texture) {
  cv::Mat image(kTextureSide, kTextureSide, CV_8UC1, cv::Scalar(0));
  Rng rng(0x7465787475726573ULL, static_cast<uint64_t>(texture));
  const auto spot = [&] {
    return cv::Point(static_cast<int>(rng.Int(0, kTextureSide - 1)),
                     static_cast<int>(rng.Int(0, kTextureSide - 1)));
  };
  switch (texture) {
    case Texture::kScribble:
      for (int i = 0; i < 900; ++i) {
        cv::Point p = spot();
        double angle = rng.Uniform(0.0, 6.28);
        for (int k = 0; k < 3; ++k) {
          angle += rng.Uniform(-1.6, 1.6);
          const cv::Point q =
              p + cv::Point(static_cast<int>(4.5 * std::cos(angle)),
                            static_cast<int>(4.5 * std::sin(angle)));
          WrapLine(image, p, q, 1);
          p = q;
        }
      }
      break;
    case Texture::kDots:
      for (int i = 0; i < 2600; ++i) {
        const cv::Point p = spot();
        WrapLine(image, p, p, 2);
      }
      break;
    case Texture::kTufts:
      for (int i = 0; i < 200; ++i) {
        const cv::Point p = spot();
        for (int k = -1; k <= 1; ++k)
          WrapLine(image, p, p + cv::Point(3 * k, k == 0 ? -6 : -4), 1);
        WrapLine(image, p - cv::Point(6, 0), p + cv::Point(6, 0), 1);
      }
      break;
    case Texture::kTrees:
      for (int y = 8; y < kTextureSide; y += 16) {
        for (int x = 8; x < kTextureSide; x += 16) {
          const cv::Point p(x + static_cast<int>(rng.Int(-2, 2)),
                            y + static_cast<int>(rng.Int(-2, 2)));
          cv::circle(image, p, static_cast<int>(rng.Int(2, 4)), cv::Scalar(255),
                     1, cv::LINE_AA);
        }
      }
      break;
    case Texture::kLines:
      for (int y = 0; y < kTextureSide; y += 8) {
        int x = static_cast<int>(rng.Int(0, 10));
        while (x < kTextureSide) {
          const int length = static_cast<int>(rng.Int(8, 40));
          cv::line(image, {x, y}, {x + length, y}, cv::Scalar(255), 1);
          x += length + static_cast<int>(rng.Int(4, 14));
        }
      }
      break;
  }
  return image;
}

const cv::Mat& TextureImage(Texture texture) {
  static const std::array<cv::Mat, 5> kImages = [] {
    std::array<cv::Mat, 5> images;
    for (size_t i = 0; i < images.size(); ++i)
      images[i] = DrawTexture(static_cast<Texture>(i));
    return images;
  }();
  return kImages[static_cast<size_t>(texture)];
}

// A point at `s` along a line, which runs on straight beyond its ends, and the
// direction there.
struct OnLine {
  Point2d at;
  double angle = 0.0;
};

OnLine Along(const std::vector<Point2d>& line, double s) {
  size_t i = 0;
  double length = Norm(line[1] - line[0]);
  while (s > length && i + 2 < line.size()) {
    s -= length;
    ++i;
    length = Norm(line[i + 1] - line[i]);
  }
  const Point2d d = line[i + 1] - line[i];
  return {line[i] + d * (s / std::max(1e-9, length)), std::atan2(d.y, d.x)};
}

double AdvanceOf(const TextStyle& style, char32_t letter) {
  return (GlyphOf(style.typeface, letter).advance * style.condense +
          style.spacing) *
         style.height_px;
}

}  // namespace

Canvas::Canvas(cv::Rect window, Colour ground)
    : window_(window),
      pixels_(window.height * kScale, window.width * kScale, CV_8UC3,
              ToScalar(ground)) {}

bool Canvas::Sees(const std::vector<Point2d>& points, double reach_px) const {
  if (points.empty()) return false;
  const Box box = BoundsOf(points);
  return box.max_x + reach_px >= window_.x &&
         box.max_y + reach_px >= window_.y &&
         box.min_x - reach_px <= window_.x + window_.width &&
         box.min_y - reach_px <= window_.y + window_.height;
}

std::vector<cv::Point> Canvas::ToFixed(
    const std::vector<Point2d>& points) const {
  std::vector<cv::Point> fixed;
  fixed.reserve(points.size());
  // OpenCV puts pixel centres at whole numbers.
  constexpr double kOne = 1 << kShift;
  for (const Point2d& p : points) {
    fixed.emplace_back(static_cast<int>(std::lround(
                           ((p.x - window_.x) * kScale - 0.5) * kOne)),
                       static_cast<int>(std::lround(
                           ((p.y - window_.y) * kScale - 0.5) * kOne)));
  }
  return fixed;
}

void Canvas::Fill(const std::vector<Ring>& rings, Colour colour) {
  std::vector<std::vector<cv::Point>> fixed;
  for (const Ring& ring : rings) fixed.push_back(ToFixed(ring));
  cv::fillPoly(pixels_, fixed, ToScalar(colour), cv::LINE_AA, kShift);
}

void Canvas::Stroke(const std::vector<Point2d>& line, bool closed,
                    Colour colour, double width_px) {
  if (line.size() < 2 || width_px <= 0.0) return;
  // Antialiasing widens a line by about half a pixel of the canvas.
  const int width =
      std::max(1, static_cast<int>(std::lround(width_px * kScale - 0.5)));
  cv::polylines(pixels_, ToFixed(line), closed, ToScalar(colour), width,
                cv::LINE_AA, kShift);
}

void Canvas::Dash(const std::vector<Point2d>& line, const DashStyle& style) {
  const double on_px = style.on_px;
  const double off_px = style.off_px;
  double position = 0.0;
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    const Point2d d = line[i + 1] - line[i];
    const double length = Norm(d);
    double s = 0.0;
    while (s < length) {
      const double phase = std::fmod(position + s, on_px + off_px);
      const bool on = phase < on_px;
      const double step =
          std::min(length - s,
                   std::max(0.01, on ? on_px - phase : on_px + off_px - phase));
      if (on && length > 0) {
        Stroke(
            {line[i] + d * (s / length), line[i] + d * ((s + step) / length)},
            false, style.colour, style.width_px);
      }
      s += step;
    }
    position += length;
  }
}

void Canvas::Disc(Point2d centre, double radius_px, Colour colour,
                  double line_px) {
  const cv::Point at = ToFixed({centre}).front();
  const int radius =
      static_cast<int>(std::lround(radius_px * kScale * (1 << kShift)));
  const int width =
      line_px <= 0.0
          ? -1
          : std::max(1, static_cast<int>(std::lround(line_px * kScale)));
  cv::circle(pixels_, at, radius, ToScalar(colour), width, cv::LINE_AA, kShift);
}

cv::Rect Canvas::RegionOf(const std::vector<Ring>& rings) const {
  cv::Rect region;
  for (const Ring& ring : rings) {
    const Box box = BoundsOf(ring);
    const int x0 = static_cast<int>((box.min_x - window_.x) * kScale) - 2;
    const int y0 = static_cast<int>((box.min_y - window_.y) * kScale) - 2;
    const int x1 = static_cast<int>((box.max_x - window_.x) * kScale) + 3;
    const int y1 = static_cast<int>((box.max_y - window_.y) * kScale) + 3;
    region |= cv::Rect(x0, y0, x1 - x0, y1 - y0);
  }
  return region & cv::Rect(0, 0, pixels_.cols, pixels_.rows);
}

cv::Mat Canvas::MaskOf(const std::vector<Ring>& rings, cv::Rect region) const {
  cv::Mat mask(region.size(), CV_8UC1, cv::Scalar(0));
  constexpr int kOne = 1 << kShift;
  std::vector<std::vector<cv::Point>> fixed;
  for (const Ring& ring : rings) {
    fixed.push_back(ToFixed(ring));
    for (cv::Point& p : fixed.back()) p -= region.tl() * kOne;
  }
  cv::fillPoly(mask, fixed, cv::Scalar(255), cv::LINE_8, kShift);
  return mask;
}

void Canvas::Hatch(const std::vector<Ring>& rings, const HatchStyle& style) {
  const cv::Rect region = RegionOf(rings);
  if (region.empty()) return;
  const cv::Mat mask = MaskOf(rings, region);
  const double spacing = style.spacing_px * kScale;
  const double kx = std::cos(style.angle_rad) / spacing;
  const double ky = std::sin(style.angle_rad) / spacing;
  for (int y = 0; y < region.height; ++y) {
    const uint8_t* inside = mask.ptr<uint8_t>(y);
    cv::Vec3b* row = pixels_.ptr<cv::Vec3b>(region.y + y) + region.x;
    const double gy = (region.y + y + window_.y * kScale) * ky;
    for (int x = 0; x < region.width; ++x) {
      if (!inside[x]) continue;
      const double phase = (region.x + x + window_.x * kScale) * kx + gy;
      // Distance from the line's middle, as a share of the spacing.
      const double off = std::abs(phase - std::floor(phase) - 0.5);
      const double ink = (style.inked_share / 2 - off) * spacing + 0.5;
      if (ink > 0.0)
        Blend(row[x], style.colour, static_cast<int>(std::min(1.0, ink) * 255));
    }
  }
}

void Canvas::FillTexture(const std::vector<Ring>& rings, Texture texture,
                         Colour colour, double opacity) {
  const cv::Rect region = RegionOf(rings);
  if (region.empty()) return;
  const cv::Mat mask = MaskOf(rings, region);
  const cv::Mat& image = TextureImage(texture);
  const int strength = static_cast<int>(opacity * 256);
  for (int y = 0; y < region.height; ++y) {
    const uint8_t* inside = mask.ptr<uint8_t>(y);
    cv::Vec3b* row = pixels_.ptr<cv::Vec3b>(region.y + y) + region.x;
    const int ty = (region.y + y + window_.y * kScale) & (kTextureSide - 1);
    const uint8_t* source = image.ptr<uint8_t>(ty);
    for (int x = 0; x < region.width; ++x) {
      if (!inside[x]) continue;
      const int tx = (region.x + x + window_.x * kScale) & (kTextureSide - 1);
      if (source[tx] > 0) Blend(row[x], colour, source[tx] * strength >> 8);
    }
  }
}

double Canvas::TextWidth(const std::u32string& text, const TextStyle& style) {
  double width = 0.0;
  for (char32_t c : text) width += AdvanceOf(style, c);
  // No space after the last letter.
  return std::max(0.0, width - style.spacing * style.height_px);
}

void Canvas::Text(const std::u32string& text, const std::vector<Point2d>& path,
                  const TextStyle& style, Colour colour) {
  double length = 0.0;
  for (size_t i = 0; i + 1 < path.size(); ++i)
    length += Norm(path[i + 1] - path[i]);
  double s = (length - TextWidth(text, style)) / 2;
  uint64_t words = text.size();
  for (char32_t c : text) words = words * 31 + c;
  Rng hand(0x6c6574746572ULL, words);
  for (char32_t c : text) {
    const double advance = AdvanceOf(style, c);
    // The direction from one side of the letter to the other.
    const OnLine start = Along(path, s);
    const OnLine end = Along(path, s + advance);
    const Point2d d = end.at - start.at;
    double angle = Norm(d) > 1e-6 ? std::atan2(d.y, d.x) : start.angle;
    double height = style.height_px;
    Point2d at = start.at;
    if (style.wobble > 0.0) {
      angle += hand.Normal(0.0, 0.06 * style.wobble);
      at = at +
           Perp(Unit(angle)) * hand.Normal(0.0, 0.07 * style.wobble * height);
      height *= 1.0 + hand.Normal(0.0, 0.06 * style.wobble);
    }
    DrawGlyph(GlyphOf(style.typeface, c), at, angle, height, style, colour);
    s += advance;
  }
}

void Canvas::DrawGlyph(const Glyph& glyph, Point2d at, double angle,
                       double height_px, const TextStyle& style,
                       Colour colour) {
  if (glyph.rings.empty()) return;
  const Point2d along = Unit(angle) * (height_px * kScale);
  const Point2d down = Perp(along);
  const Point2d pen{(at.x - window_.x) * kScale, (at.y - window_.y) * kScale};
  std::vector<Ring> rings = glyph.rings;
  for (Ring& ring : rings) {
    for (Point2d& p : ring) {
      p = pen + along * (p.x * style.condense - p.y * style.slant) + down * p.y;
    }
  }
  Cover(rings, colour, style.opacity);
}

void Canvas::Cover(const std::vector<Ring>& rings, Colour colour,
                   double opacity) {
  if (rings.empty()) return;
  Box box = BoundsOf(rings.front());
  for (const Ring& ring : rings) {
    const Box b = BoundsOf(ring);
    box = {std::min(box.min_x, b.min_x), std::min(box.min_y, b.min_y),
           std::max(box.max_x, b.max_x), std::max(box.max_y, b.max_y)};
  }
  if (box.max_x < 0 || box.max_y < 0 || box.min_x > pixels_.cols ||
      box.min_y > pixels_.rows) {
    return;
  }
  const int x0 = static_cast<int>(std::floor(box.min_x));
  const int y0 = static_cast<int>(std::floor(box.min_y));
  const cv::Rect region =
      cv::Rect(x0, y0, static_cast<int>(std::ceil(box.max_x)) - x0 + 1,
               static_cast<int>(std::ceil(box.max_y)) - y0 + 1) &
      cv::Rect(0, 0, pixels_.cols, pixels_.rows);
  if (region.empty()) return;
  CoverageMask mask(region);
  for (const Ring& ring : rings) mask.Add(ring);
  const auto strength = static_cast<float>(opacity * 255.0);
  mask.ForEach([&](int x, int y, float share) {
    Blend(pixels_.at<cv::Vec3b>(y, x), colour,
          static_cast<int>(share * strength));
  });
}

void Canvas::Glaze(const std::vector<Ring>& rings, Colour colour,
                   double opacity) {
  std::vector<Ring> scaled = rings;
  for (Ring& ring : scaled) {
    for (Point2d& p : ring)
      p = {(p.x - window_.x) * kScale, (p.y - window_.y) * kScale};
  }
  Cover(scaled, colour, opacity);
}

void Canvas::GlazeLine(const std::vector<Point2d>& line, Colour colour,
                       double width_px, double opacity) {
  std::vector<Ring> pieces;
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    const Point2d d = line[i + 1] - line[i];
    const double length = Norm(d);
    if (length < 1e-6) continue;
    // Pieces overlap a little, so that bends have no gap.
    const Point2d u = d * (1.0 / length);
    const Point2d n = Perp(u) * (width_px / 2);
    const Point2d a = line[i] - u * (width_px * 0.25);
    const Point2d b = line[i + 1] + u * (width_px * 0.25);
    pieces.push_back({a + n, b + n, b - n, a - n});
  }
  Glaze(pieces, colour, opacity);
}

cv::Mat Canvas::Finish() const {
  cv::Mat out;
  cv::resize(pixels_, out, {window_.width, window_.height}, 0, 0,
             cv::INTER_AREA);
  return out;
}

}  // namespace mapweave::synth
