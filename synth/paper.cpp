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

// Brightening of a crease and darkening beside it.
float Crease(double distance) {
  const double d = std::abs(distance);
  if (d > 5.0) return 0.0f;
  return static_cast<float>(d < 1.2 ? -26.0 * (1.2 - d) : 3.0 * (1 - d / 5.0));
}

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
  std::vector<float> crease(static_cast<size_t>(image.cols), 0.0f);
  for (int x = 0; x < image.cols; ++x) {
    for (double fold : state.folds_x)
      crease[static_cast<size_t>(x)] += Crease(origin.x + x - fold);
  }
  for (int y = 0; y < image.rows; ++y) {
    const int64_t gx = origin.x + sx;
    const int64_t gy = origin.y + y + sy;
    const NoiseRow fine(kGrain, gx, gy);
    const NoiseRow medium(kMottle, gx, gy);
    const NoiseRow broad(kBroad, gx, gy);
    const NoiseRow cloud(kBroad, gx + 211, gy + 97);
    float row_crease = 0.0f;
    for (double fold : state.folds_y) row_crease += Crease(origin.y + y - fold);
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    for (int x = 0; x < image.cols; ++x) {
      const float level = grain * fine[x] + mottle * medium[x] +
                          uneven * broad[x] + row_crease +
                          crease[static_cast<size_t>(x)];
      const float lost =
          fade *
          std::clamp(1.0f + 0.4f * medium[x] + 0.5f * broad[x], 0.0f, 1.6f);
      // Clouds with a sharper rim.
      const float brown =
          stain *
          std::clamp(cloud[x] * 1.6f + 0.3f * medium[x] - 0.6f, 0.0f, 1.0f);
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
  s.blur_px =
      wear * (rng.Chance(0.2) ? rng.Uniform(0.6, 1.3) : rng.Uniform(0.0, 0.6));
  s.scan_noise = wear * rng.Uniform(0.0, 3.0);
  const int quality = static_cast<int>(rng.Int(35, 92));
  s.jpeg_quality = wear > 0.0 && rng.Chance(0.6) ? quality : 0;
  for (int c = 0; c < 3; ++c) {
    s.cast[c] = static_cast<float>(1.0 + wear * rng.Normal(0.0, 0.025));
  }
  // Creases about every 700 pixels, if the sheet was folded at all.
  if (wear > 0.0 && rng.Chance(0.4)) {
    const double start = rng.Uniform(0.0, 700.0);
    for (double x = start; x < sheet.width; x += rng.Uniform(450.0, 900.0))
      s.folds_x.push_back(x);
    for (double y = rng.Uniform(0.0, 700.0); y < sheet.height;
         y += rng.Uniform(450.0, 900.0)) {
      s.folds_y.push_back(y);
    }
  }
  return s;
}

cv::Mat Age(const cv::Mat& drawing, cv::Point origin, const PaperState& state) {
  cv::Mat image;
  drawing.convertTo(image, CV_32FC3);
  ApplyPaper(image, origin, state);
  if (state.blur_px > 0.15) {
    cv::GaussianBlur(image, image, {7, 7}, state.blur_px, state.blur_px,
                     cv::BORDER_REFLECT_101);
  }
  AddScanNoise(image, origin, state);
  if (state.jpeg_quality > 0) Compress(image, state.jpeg_quality);
  cv::Mat out;
  image.convertTo(out, CV_8UC3);
  return out;
}

}  // namespace mapweave::synth
