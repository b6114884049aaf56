// SPDX-License-Identifier: MIT
#include "synth/paper.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace mapweave::synth {
namespace {

constexpr int kTile = 512;

// Smooth noise of mean 0 and deviation about 1 that tiles; features are
// kTile / cells pixels wide.
cv::Mat MakeNoise(int cells, uint64_t stream) {
  Rng rng(0x6e6f697365ULL, stream);
  cv::Mat coarse(cells + 3, cells + 3, CV_32FC1);
  for (int y = 0; y < cells; ++y)
    for (int x = 0; x < cells; ++x)
      coarse.at<float>(y, x) = static_cast<float>(rng.Normal());
  for (int i = 0; i < cells + 3; ++i) {
    for (int j = 0; j < cells + 3; ++j)
      coarse.at<float>(i, j) = coarse.at<float>(i % cells, j % cells);
  }
  if (cells == kTile) return coarse(cv::Rect(0, 0, kTile, kTile)).clone();
  cv::Mat fine(kTile, kTile, CV_32FC1);
  const double step = static_cast<double>(cells) / kTile;
  for (int y = 0; y < kTile; ++y) {
    const double gy = y * step;
    const int y0 = static_cast<int>(gy);
    const double ty = gy - y0;
    const double sy = ty * ty * (3 - 2 * ty);
    for (int x = 0; x < kTile; ++x) {
      const double gx = x * step;
      const int x0 = static_cast<int>(gx);
      const double tx = gx - x0;
      const double sx = tx * tx * (3 - 2 * tx);
      const double top = coarse.at<float>(y0, x0) * (1 - sx) +
                         coarse.at<float>(y0, x0 + 1) * sx;
      const double bottom = coarse.at<float>(y0 + 1, x0) * (1 - sx) +
                            coarse.at<float>(y0 + 1, x0 + 1) * sx;
      fine.at<float>(y, x) =
          static_cast<float>((top * (1 - sy) + bottom * sy) * 1.5);
    }
  }
  return fine;
}

enum NoiseKind { kGrain, kMottle, kBroad, kNoiseKinds };

// Two lattices, one of them turned by 45 degrees, so that neither is seen.
cv::Mat MakeMottle() {
  const cv::Mat straight = MakeNoise(96, 1);
  const cv::Mat other = MakeNoise(64, 3);
  cv::Mat sum(kTile, kTile, CV_32FC1);
  for (int y = 0; y < kTile; ++y) {
    for (int x = 0; x < kTile; ++x) {
      sum.at<float>(y, x) =
          0.6f * straight.at<float>(y, x) +
          0.8f * other.at<float>((x + y) & (kTile - 1), (x - y) & (kTile - 1));
    }
  }
  return sum;
}

const cv::Mat& Noise(NoiseKind kind) {
  static const std::array<cv::Mat, kNoiseKinds> kNoises = {
      MakeNoise(kTile, 0), MakeMottle(), MakeNoise(8, 2)};
  return kNoises[static_cast<size_t>(kind)];
}

// A view into a noise table by grid coordinates.
class NoiseRow {
 public:
  NoiseRow(NoiseKind kind, int64_t x, int64_t y)
      : row_(Noise(kind).ptr<float>(static_cast<int>(y & (kTile - 1)))),
        x_(x) {}
  float operator[](int i) const { return row_[(x_ + i) & (kTile - 1)]; }

 private:
  const float* row_;
  int64_t x_;
};

const std::array<std::array<float, 8>, 8>& CosineTable() {
  static const std::array<std::array<float, 8>, 8> kTable = [] {
    std::array<std::array<float, 8>, 8> t{};
    for (int k = 0; k < 8; ++k) {
      for (int n = 0; n < 8; ++n) {
        t[k][n] = static_cast<float>(
            (k == 0 ? std::sqrt(0.125) : 0.5) *
            std::cos((2 * n + 1) * k * 3.14159265358979 / 16));
      }
    }
    return t;
  }();
  return kTable;
}

// The luminance table of Annex K of ITU-T T.81 (JPEG).
constexpr std::array<int, 64> kLuminance = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

void QuantiseBlock(float* block, size_t stride,
                   const std::array<float, 64>& table) {
  const auto& c = CosineTable();
  float rows[8][8];
  float coefficients[8][8];
  for (int y = 0; y < 8; ++y) {
    for (int k = 0; k < 8; ++k) {
      float sum = 0.0f;
      for (int x = 0; x < 8; ++x) sum += c[k][x] * block[y * stride + x];
      rows[y][k] = sum;
    }
  }
  for (int k = 0; k < 8; ++k) {
    for (int x = 0; x < 8; ++x) {
      float sum = 0.0f;
      for (int y = 0; y < 8; ++y) sum += c[k][y] * rows[y][x];
      const float q = table[static_cast<size_t>(k * 8 + x)];
      coefficients[k][x] = std::nearbyint(sum / q) * q;
    }
  }
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      float sum = 0.0f;
      for (int k = 0; k < 8; ++k) sum += c[k][y] * coefficients[k][x];
      rows[y][x] = sum;
    }
  }
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      float sum = 0.0f;
      for (int k = 0; k < 8; ++k) sum += c[k][x] * rows[y][k];
      block[y * stride + x] = sum;
    }
  }
}

// What JPEG loses: quantised luminance, colour at half resolution.
void Compress(cv::Mat& image, int quality) {
  const double scale = quality < 50 ? 5000.0 / quality : 200.0 - 2.0 * quality;
  std::array<float, 64> table{};
  for (size_t i = 0; i < 64; ++i) {
    table[i] = static_cast<float>(
        std::clamp((kLuminance[i] * scale + 50.0) / 100.0, 1.0, 255.0));
  }
  cv::Mat ycc;
  cv::cvtColor(image, ycc, cv::COLOR_RGB2YCrCb);
  std::array<cv::Mat, 3> planes;
  cv::split(ycc, planes.data());
  for (size_t i = 1; i < 3; ++i) {
    cv::Mat half;
    cv::resize(planes[i], half, {}, 0.5, 0.5, cv::INTER_AREA);
    cv::resize(half, planes[i], planes[i].size(), 0, 0, cv::INTER_LINEAR);
  }
  for (int y = 0; y + 8 <= image.rows; y += 8) {
    for (int x = 0; x + 8 <= image.cols; x += 8) {
      QuantiseBlock(planes[0].ptr<float>(y) + x, planes[0].step1(), table);
    }
  }
  cv::merge(planes.data(), 3, ycc);
  cv::cvtColor(ycc, image, cv::COLOR_YCrCb2RGB);
}

void ApplyPaper(cv::Mat& image, cv::Point origin, const PaperState& state) {
  const auto sx = static_cast<int64_t>(state.texture_seed & 511);
  const auto sy = static_cast<int64_t>((state.texture_seed >> 9) & 511);
  const auto grain = static_cast<float>(state.grain);
  const auto mottle = static_cast<float>(state.mottle);
  const auto uneven = static_cast<float>(state.unevenness);
  const auto stain = static_cast<float>(state.stain);
  const auto fade = static_cast<float>(state.fade);
  const auto tide = static_cast<float>(state.tide);
  for (int y = 0; y < image.rows; ++y) {
    const int64_t gx = origin.x + sx;
    const int64_t gy = origin.y + y + sy;
    const NoiseRow fine(kGrain, gx, gy);
    const NoiseRow medium(kMottle, gx, gy);
    const NoiseRow broad(kBroad, gx, gy);
    const NoiseRow cloud(kBroad, gx + 211, gy + 97);
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    for (int x = 0; x < image.cols; ++x) {
      const float level =
          grain * fine[x] + mottle * medium[x] + uneven * broad[x];
      const float lost =
          fade *
          std::clamp(1.0f + 0.4f * medium[x] + 0.5f * broad[x], 0.0f, 1.6f);
      // Clouds with a sharper rim.
      const float wet = cloud[x] * 1.6f + 0.3f * medium[x] - 0.6f;
      float brown = stain * std::clamp(wet, 0.0f, 1.0f);
      // Water leaves its dirt where it ended.
      if (tide > 0.0f) brown += tide * std::max(0.0f, 1.0f - std::abs(wet) * 9);
      for (int c = 0; c < 3; ++c) {
        float v = row[x][c];
        v += (state.paper[c] - v) * lost;
        v *= 1.0f - brown * (0.06f + 0.09f * static_cast<float>(c));
        // Yellowing takes blue first.
        v += level * (0.8f + 0.25f * static_cast<float>(c));
        row[x][c] = v * state.cast[c];
      }
    }
  }
}

void AddScanNoise(cv::Mat& image, cv::Point origin, const PaperState& state) {
  const auto amount = static_cast<float>(state.scan_noise);
  if (amount <= 0.0f) return;
  const auto sx = static_cast<int64_t>((state.texture_seed >> 18) & 511);
  const auto sy = static_cast<int64_t>((state.texture_seed >> 27) & 511);
  for (int y = 0; y < image.rows; ++y) {
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    for (int c = 0; c < 3; ++c) {
      const NoiseRow noise(kGrain, origin.x + sx + 131 * c,
                           origin.y + y + sy + 57 * c);
      for (int x = 0; x < image.cols; ++x) row[x][c] += amount * noise[x];
    }
  }
}

void RemoveColour(cv::Mat& image, const PaperState& state) {
  const auto contrast = static_cast<float>(state.contrast);
  for (int y = 0; y < image.rows; ++y) {
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    for (int x = 0; x < image.cols; ++x) {
      const float grey =
          0.299f * row[x][0] + 0.587f * row[x][1] + 0.114f * row[x][2];
      const float v = (grey - 150.0f) * contrast + 150.0f;
      row[x] = {v, v, v};
    }
  }
}

// Folds about every 700 pixels, if the sheet was folded at all.
void DrawFolds(PaperState& s, double wear, cv::Size sheet, Rng& rng) {
  if (wear <= 0.0 || !rng.Chance(0.4)) return;
  const bool dissected = rng.Chance(0.2);
  const double gap = dissected ? rng.Uniform(2.0, 6.0) : 0.0;
  const double soil = wear * (rng.Chance(0.5) ? rng.Uniform(5.0, 35.0) : 0.0);
  const double every = rng.Uniform(300.0, 750.0);
  for (bool vertical : {true, false}) {
    const double end = vertical ? sheet.width : sheet.height;
    for (double at = rng.Uniform(0.0, every); at < end;
         at += every * rng.Uniform(0.95, 1.05)) {
      s.folds.push_back({vertical, at, soil * rng.Uniform(0.2, 1.0), gap});
    }
  }
}

Strip DrawStrip(cv::Size sheet, double half_px, Rng& rng) {
  Strip strip;
  const double angle = rng.Uniform(0.0, 6.2832);
  strip.nx = std::cos(angle);
  strip.ny = std::sin(angle);
  strip.offset = strip.nx * rng.Uniform(0.0, sheet.width) +
                 strip.ny * rng.Uniform(0.0, sheet.height);
  strip.half_px = half_px;
  return strip;
}

void DrawDamage(PaperState& s, double wear, cv::Size sheet, Rng& rng) {
  DrawFolds(s, wear, sheet, rng);
  const double size = std::max(sheet.width, sheet.height);
  if (rng.Chance(0.2)) s.foxing = wear * rng.Uniform(0.1, 1.5);
  if (rng.Chance(0.3)) s.tide = wear * rng.Uniform(0.1, 0.9);
  if (rng.Chance(0.12)) {
    s.halftone = std::min(1.0, wear * rng.Uniform(0.2, 0.9));
    s.halftone_px = rng.Uniform(2.2, 4.5);
    s.halftone_angle = rng.Uniform(0.1, 1.4);
  }
  if (rng.Chance(0.06))
    s.set_off = std::min(0.3, wear * rng.Uniform(0.05, 0.22));
  if (rng.Chance(0.35)) {
    const double fall = wear * rng.Uniform(4.0, 24.0) / size;
    const double angle = rng.Uniform(0.0, 6.2832);
    s.light_slope = {static_cast<float>(fall * std::cos(angle)),
                     static_cast<float>(fall * std::sin(angle))};
  }
  if (wear > 0.0 && rng.Chance(0.05)) {
    s.gutter_x = rng.Uniform(0.0, sheet.width);
    s.gutter_px = rng.Uniform(8.0, 60.0);
    s.gutter_depth = rng.Uniform(0.15, 0.55);
  }
  if (wear > 0.0 && rng.Chance(0.03))
    s.tapes.push_back(DrawStrip(sheet, rng.Uniform(4.0, 12.0), rng));
  if (wear > 0.0 && rng.Chance(0.05))
    s.tears.push_back(DrawStrip(sheet, rng.Uniform(0.5, 1.6), rng));
}

}  // namespace

PaperState DrawPaperState(double wear, cv::Vec3f paper, cv::Size sheet,
                          Rng& rng) {
  PaperState s;
  s.paper = paper;
  s.texture_seed = rng.Next();
  s.grain = wear * rng.Uniform(0.5, 4.0);
  s.mottle = wear * rng.Uniform(0.5, 4.5);
  s.unevenness = wear * rng.Uniform(1.0, 7.0);
  s.stain = rng.Chance(0.35) ? wear * rng.Uniform(0.2, 1.0) : 0.0;
  s.fade = rng.Chance(0.5) ? std::min(0.6, wear * rng.Uniform(0.0, 0.35)) : 0.0;
  s.blur_px = std::min(1.1, wear * (rng.Chance(0.15) ? rng.Uniform(0.6, 1.1)
                                                     : rng.Uniform(0.0, 0.6)));
  s.scan_noise = wear * rng.Uniform(0.0, 3.0);
  const int quality = static_cast<int>(rng.Int(35, 92));
  s.jpeg_quality = wear > 0.0 && rng.Chance(0.6) ? quality : 0;
  for (int c = 0; c < 3; ++c) {
    s.cast[c] = static_cast<float>(1.0 + wear * rng.Normal(0.0, 0.025));
  }
  if (wear > 0.0 && rng.Chance(0.08)) {
    s.grey = true;
    s.contrast = rng.Uniform(0.8, 1.5);
  }
  DrawDamage(s, wear, sheet, rng);
  return s;
}

cv::Mat Age(const cv::Mat& drawing, cv::Point origin, const PaperState& state) {
  cv::Mat image;
  drawing.convertTo(image, CV_32FC3);
  if (state.halftone > 0.0) ApplyHalftone(image, origin, state);
  ApplyPaper(image, origin, state);
  ApplyMarks(image, origin, state);
  if (state.blur_px > 0.15) {
    cv::GaussianBlur(image, image, {7, 7}, state.blur_px, state.blur_px,
                     cv::BORDER_REFLECT_101);
  }
  AddScanNoise(image, origin, state);
  if (state.grey) RemoveColour(image, state);
  if (state.jpeg_quality > 0) Compress(image, state.jpeg_quality);
  cv::Mat out;
  image.convertTo(out, CV_8UC3);
  return out;
}

}  // namespace mapweave::synth
