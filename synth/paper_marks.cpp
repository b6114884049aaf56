// SPDX-License-Identifier: MIT
//
// Damage with a place: folds, tears, tape, foxing, the light of the scanner.
// All of it is a function of grid coordinates, so that a window shows what the
// whole sheet shows there.
#include "synth/paper.h"

#include <algorithm>
#include <cmath>

namespace mapweave::synth {
namespace {

// A slow wavering between -1 and 1 along a coordinate.
double Waver(double t, uint64_t seed) {
  const double phase = static_cast<double>(seed % 628) / 100.0;
  return 0.5 * std::sin(t * 0.031 + phase) +
         0.3 * std::sin(t * 0.11 + 2 * phase) +
         0.2 * std::sin(t * 0.37 + 3 * phase);
}

void Add(cv::Vec3f& pixel, float level) {
  for (int c = 0; c < 3; ++c) pixel[c] += level;
}

void Toward(cv::Vec3f& pixel, const cv::Vec3f& colour, float share) {
  for (int c = 0; c < 3; ++c) pixel[c] += (colour[c] - pixel[c]) * share;
}

// Ink breaks along the crease, dirt gathers beside it.
void ApplyFoldTo(cv::Vec3f& pixel, double distance, const Fold& fold,
                 const PaperState& state) {
  const double d = std::abs(distance);
  const double half = fold.gap_px / 2;
  if (d < half) {
    // Cloth, with the shadow of the paper's edges.
    Toward(pixel, state.paper * 0.78f, 0.93f);
    if (half - d < 0.9) Add(pixel, -38.0f);
    return;
  }
  const double out = d - half;
  if (half == 0.0 && out < 1.2) {
    Toward(pixel, state.paper * 0.93f, static_cast<float>(0.55 * (1.2 - out)));
    Add(pixel, static_cast<float>(-20.0 * (1.2 - out)));
  }
  if (out < 5.0) Add(pixel, static_cast<float>(2.5 * (1 - out / 5.0)));
  const double reach = 4.0 + fold.soil * 0.25;
  if (out < reach) {
    const auto dirt = static_cast<float>(fold.soil * (1 - out / reach));
    pixel -= cv::Vec3f(dirt * 0.7f, dirt * 0.85f, dirt);
  }
}

void ApplyFold(cv::Mat& image, cv::Point origin, const Fold& fold,
               const PaperState& state) {
  const double reach = 16.0 + fold.gap_px;
  const int length = fold.vertical ? image.rows : image.cols;
  const int depth = fold.vertical ? image.cols : image.rows;
  const int start = fold.vertical ? origin.y : origin.x;
  const double near = fold.at - (fold.vertical ? origin.x : origin.y);
  if (near < -reach || near > depth + reach) return;
  for (int i = 0; i < length; ++i) {
    const double at = near + 0.8 * Waver(start + i, state.texture_seed);
    const int from = std::max(0, static_cast<int>(at - reach));
    const int to = std::min(depth - 1, static_cast<int>(at + reach));
    for (int k = from; k <= to; ++k) {
      cv::Vec3f& pixel =
          fold.vertical ? image.at<cv::Vec3f>(i, k) : image.at<cv::Vec3f>(k, i);
      ApplyFoldTo(pixel, k + 0.5 - at, fold, state);
    }
  }
}

// Visit(pixel, distance from the middle of the strip, place along it).
template <typename Visit>
void ForStrip(cv::Mat& image, cv::Point origin, const Strip& strip,
              double reach, Visit visit) {
  for (int y = 0; y < image.rows; ++y) {
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    for (int x = 0; x < image.cols; ++x) {
      const double gx = origin.x + x + 0.5;
      const double gy = origin.y + y + 0.5;
      const double d = gx * strip.nx + gy * strip.ny - strip.offset;
      if (std::abs(d) < reach) visit(row[x], d, gx * strip.ny - gy * strip.nx);
    }
  }
}

void ApplyTape(cv::Mat& image, cv::Point origin, const Strip& tape) {
  ForStrip(image, origin, tape, tape.half_px,
           [&](cv::Vec3f& pixel, double d, double) {
             // Yellowed glue, darker at the rims.
             const double rim = std::abs(d) / tape.half_px;
             const auto s = static_cast<float>(0.10 + 0.14 * rim * rim * rim);
             pixel[0] *= 1.0f - s * 0.5f;
             pixel[1] *= 1.0f - s;
             pixel[2] *= 1.0f - s * 1.9f;
           });
}

void ApplyTear(cv::Mat& image, cv::Point origin, const Strip& tear,
               const PaperState& state) {
  ForStrip(image, origin, tear, 8.0,
           [&](cv::Vec3f& pixel, double d, double along) {
             const double off =
                 d - 5.0 * Waver(along * 1.7, state.texture_seed >> 8);
             if (std::abs(off) < tear.half_px) {
               Toward(pixel, {250, 246, 238}, 0.75f);
             } else if (off > 0 && off < tear.half_px + 1.5) {
               Add(pixel, -30.0f);
             }
           });
}

// One rusty spot, in grid coordinates.
struct Spot {
  double x = 0.0, y = 0.0;
  double radius = 1.0;
  double dark = 0.3;
};

void ApplySpot(cv::Mat& image, cv::Point origin, const Spot& spot) {
  const auto from = [&](double v, int start) {
    return std::max(0, static_cast<int>(v - spot.radius - start));
  };
  const auto to = [&](double v, int start, int size) {
    return std::min(size - 1, static_cast<int>(v + spot.radius - start));
  };
  for (int y = from(spot.y, origin.y); y <= to(spot.y, origin.y, image.rows);
       ++y) {
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    for (int x = from(spot.x, origin.x); x <= to(spot.x, origin.x, image.cols);
         ++x) {
      const double r =
          std::hypot(x + 0.5 + origin.x - spot.x, y + 0.5 + origin.y - spot.y) /
          spot.radius;
      if (r >= 1.0) continue;
      const auto s = static_cast<float>(spot.dark * (1.0 - r * r));
      row[x][0] *= 1.0f - s * 0.45f;
      row[x][1] *= 1.0f - s * 0.8f;
      row[x][2] *= 1.0f - s;
    }
  }
}

// Foxing: rusty spots of a few pixels, in clusters. The cells of a lattice
// have their own streams, so that a window needs those near it only.
void ApplyFoxing(cv::Mat& image, cv::Point origin, const PaperState& state) {
  constexpr int kCell = 64;
  constexpr double kLargest = 9.0;
  const auto cell = [](double v) {
    return static_cast<int64_t>(std::floor(v / kCell));
  };
  const Rng base(state.texture_seed, 0x666f78ULL);
  for (int64_t cy = cell(origin.y - kLargest);
       cy <= cell(origin.y + image.rows + kLargest); ++cy) {
    for (int64_t cx = cell(origin.x - kLargest);
         cx <= cell(origin.x + image.cols + kLargest); ++cx) {
      Rng rng = base.Fork(static_cast<uint64_t>(cx * 73856093 + cy * 19349663));
      double left = rng.Chance(0.4) ? 2.5 * state.foxing : 0.0;
      for (; left >= 1.0 || (left > 0.0 && rng.Chance(left)); left -= 1.0) {
        Spot spot;
        spot.x = (static_cast<double>(cx) + rng.Uniform()) * kCell;
        spot.y = (static_cast<double>(cy) + rng.Uniform()) * kCell;
        spot.radius = rng.Uniform(0.8, 3.0) * (rng.Chance(0.15) ? 3.0 : 1.0);
        spot.dark = rng.Uniform(0.1, 0.5);
        ApplySpot(image, origin, spot);
      }
    }
  }
}

void ApplyLight(cv::Mat& image, cv::Point origin, const PaperState& state) {
  const float sx = state.light_slope[0];
  const float sy = state.light_slope[1];
  const bool slopes = sx != 0.0f || sy != 0.0f;
  std::vector<float> shade(static_cast<size_t>(image.cols), 1.0f);
  if (state.gutter_px > 0.0) {
    for (int x = 0; x < image.cols; ++x) {
      const double d = (origin.x + x - state.gutter_x) / state.gutter_px;
      shade[static_cast<size_t>(x)] =
          static_cast<float>(1.0 - state.gutter_depth * std::exp(-d * d * 2.0));
    }
  }
  if (!slopes && state.gutter_px <= 0.0) return;
  for (int y = 0; y < image.rows; ++y) {
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    const float down = sy * static_cast<float>(origin.y + y);
    for (int x = 0; x < image.cols; ++x) {
      row[x] *= shade[static_cast<size_t>(x)];
      if (slopes) Add(row[x], sx * static_cast<float>(origin.x + x) + down);
    }
  }
}

}  // namespace

void ApplyHalftone(cv::Mat& image, cv::Point origin, const PaperState& state) {
  const double k = 6.283185307 / state.halftone_px;
  const auto cosine = std::cos(state.halftone_angle) * k;
  const auto sine = std::sin(state.halftone_angle) * k;
  const auto depth = static_cast<float>(state.halftone * 70.0);
  for (int y = 0; y < image.rows; ++y) {
    cv::Vec3f* row = image.ptr<cv::Vec3f>(y);
    const double gy = origin.y + y + 0.5;
    for (int x = 0; x < image.cols; ++x) {
      const double gx = origin.x + x + 0.5;
      const auto dot = static_cast<float>(std::cos(gx * cosine + gy * sine) *
                                          std::cos(gy * cosine - gx * sine));
      for (int c = 0; c < 3; ++c) {
        // Deepest at half ink.
        const float ink = std::clamp(
            1.0f - row[x][c] / std::max(1.0f, state.paper[c]), 0.0f, 1.0f);
        row[x][c] += depth * dot * 4.0f * ink * (1.0f - ink);
      }
    }
  }
}

void ApplyMarks(cv::Mat& image, cv::Point origin, const PaperState& state) {
  if (state.foxing > 0.0) ApplyFoxing(image, origin, state);
  for (const Fold& fold : state.folds) ApplyFold(image, origin, fold, state);
  for (const Strip& tear : state.tears) ApplyTear(image, origin, tear, state);
  for (const Strip& tape : state.tapes) ApplyTape(image, origin, tape);
  ApplyLight(image, origin, state);
}

}  // namespace mapweave::synth
