// SPDX-License-Identifier: MIT
#include "synth/canvas.h"

#include "core/random.h"
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

// Letters as alpha masks at three sizes. The base line is at 3/4 of the
// height, the pen starts at 1/4 of it from the left.
constexpr std::array<int, 3> kGlyphHeights = {12, 24, 48};
constexpr int kThinStroke = 4;
constexpr int kBoldStroke = 8;
constexpr int kFonts = 8;
constexpr int kFirstChar = 32;
constexpr int kLastChar = 126;

struct Glyph {
  std::array<cv::Mat, 3> masks;
  double advance = 0.0;  // in capital heights
};

Glyph DrawGlyph(int font, char letter, int stroke) {
  constexpr int kCap = 48;
  const std::string text(1, letter);
  int baseline = 0;
  const cv::Size cap = cv::getTextSize("H", font, 1.0, 1, &baseline);
  const double scale = static_cast<double>(kCap) / cap.height;
  const cv::Size size = cv::getTextSize(text, font, scale, 1, &baseline);
  cv::Mat large(kCap * 2, size.width + kCap, CV_8UC1, cv::Scalar(0));
  cv::putText(large, text, {kCap / 2, kCap * 3 / 2}, font, scale,
              cv::Scalar(255), stroke, cv::LINE_AA);
  Glyph glyph;
  glyph.advance = static_cast<double>(size.width) / kCap;
  for (size_t i = 0; i < kGlyphHeights.size(); ++i) {
    const double f = static_cast<double>(kGlyphHeights[i]) / kCap;
    cv::resize(large, glyph.masks[i], {}, f, f, cv::INTER_AREA);
  }
  return glyph;
}

const Glyph& GlyphOf(const TextStyle& style, char letter) {
  static const std::vector<Glyph> kGlyphs = [] {
    std::vector<Glyph> glyphs;
    for (int stroke : {kThinStroke, kBoldStroke}) {
      for (int f = 0; f < kFonts; ++f) {
        for (int c = kFirstChar; c <= kLastChar; ++c)
          glyphs.push_back(DrawGlyph(f, static_cast<char>(c), stroke));
      }
    }
    return glyphs;
  }();
  const int c = std::clamp<int>(letter, kFirstChar, kLastChar) - kFirstChar;
  const int f =
      std::clamp(style.font, 0, kFonts - 1) + (style.bold ? kFonts : 0);
  return kGlyphs[static_cast<size_t>(f * (kLastChar - kFirstChar + 1) + c)];
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

double Canvas::TextWidth(const std::string& text, const TextStyle& style) {
  double width = 0.0;
  for (char c : text) width += GlyphOf(style, c).advance + style.spacing;
  return width * style.height_px;
}

void Canvas::Text(const std::string& text, Point2d at, const TextStyle& style,
                  Colour colour) {
  const Point2d along = Unit(style.angle_rad);
  const double h = style.height_px * kScale;
  Point2d pen =
      Point2d{(at.x - window_.x) * kScale, (at.y - window_.y) * kScale} -
      along * (TextWidth(text, style) * kScale / 2);
  for (char c : text) {
    const Glyph& glyph = GlyphOf(style, c);
    size_t level = 0;
    while (level + 1 < kGlyphHeights.size() && kGlyphHeights[level] < h * 0.9)
      ++level;
    const cv::Mat& mask = glyph.masks[level];
    const double s = h / kGlyphHeights[level];
    // canvas_from_glyph: the glyph's pen start goes to `pen`.
    const double ox = kGlyphHeights[level] * 0.5;
    const double oy = kGlyphHeights[level] * 1.5;
    cv::Matx23d m(along.x * s, -along.y * s, 0, along.y * s, along.x * s, 0);
    m(0, 2) = pen.x - (m(0, 0) * ox + m(0, 1) * oy);
    m(1, 2) = pen.y - (m(1, 0) * ox + m(1, 1) * oy);
    std::vector<Point2d> corners;
    for (double gx : {0.0, static_cast<double>(mask.cols)}) {
      for (double gy : {0.0, static_cast<double>(mask.rows)}) {
        corners.push_back({m(0, 0) * gx + m(0, 1) * gy + m(0, 2),
                           m(1, 0) * gx + m(1, 1) * gy + m(1, 2)});
      }
    }
    const Box box = BoundsOf(corners);
    const cv::Rect region =
        cv::Rect(static_cast<int>(std::floor(box.min_x)),
                 static_cast<int>(std::floor(box.min_y)),
                 static_cast<int>(box.max_x - box.min_x) + 2,
                 static_cast<int>(box.max_y - box.min_y) + 2) &
        cv::Rect(0, 0, pixels_.cols, pixels_.rows);
    if (c != ' ' && !region.empty()) {
      m(0, 2) -= region.x;
      m(1, 2) -= region.y;
      cv::Mat drawn;
      cv::warpAffine(mask, drawn, m, region.size(), cv::INTER_LINEAR);
      const int strength = static_cast<int>(style.opacity * 256);
      for (int y = 0; y < region.height; ++y) {
        const uint8_t* alpha = drawn.ptr<uint8_t>(y);
        cv::Vec3b* row = pixels_.ptr<cv::Vec3b>(region.y + y) + region.x;
        for (int x = 0; x < region.width; ++x) {
          if (alpha[x] > 0)
            Blend(row[x], colour, std::min(255, alpha[x] * strength >> 8));
        }
      }
    }
    pen = pen + along * ((glyph.advance + style.spacing) * h);
  }
}

cv::Mat Canvas::Finish() const {
  cv::Mat out;
  cv::resize(pixels_, out, {window_.width, window_.height}, 0, 0,
             cv::INTER_AREA);
  return out;
}

}  // namespace mapweave::synth
