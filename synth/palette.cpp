// SPDX-License-Identifier: MIT
#include "synth/palette.h"

#include "core/error.h"
#include "core/random.h"
#include "synth/clustering.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace mapweave::synth {
namespace {

constexpr uint64_t kPaletteStream = 0x70616c65747465ULL;
constexpr float kCell = 3.0f;  // side of a histogram cell
constexpr int kIterations = 12;
// Cells with fewer pixels are noise.
constexpr int kMinCellPixels = 4;
// Ink is darker than the paper by this much, in L.
constexpr float kInkDepth = 38.0f;
constexpr float kInkChroma = 22.0f;

struct Cell {
  cv::Vec3f mean;
  double pixels = 0.0;
};

std::vector<Cell> HistogramOf(const cv::Mat& lab, const cv::Mat& coverage) {
  std::map<std::tuple<int, int, int>, std::pair<cv::Vec3d, int64_t>> bins;
  // Every second pixel of every second row says enough of a sheet.
  const int step = lab.total() > 200000 ? 2 : 1;
  for (int y = 0; y < lab.rows; y += step) {
    const auto* row = lab.ptr<cv::Vec3f>(y);
    const uint8_t* seen = coverage.empty() ? nullptr : coverage.ptr(y);
    for (int x = 0; x < lab.cols; x += step) {
      if (seen != nullptr && seen[x] == 0) continue;
      auto& bin = bins[{cvFloor(row[x][0] / kCell), cvFloor(row[x][1] / kCell),
                        cvFloor(row[x][2] / kCell)}];
      bin.first += cv::Vec3d(row[x]);
      ++bin.second;
    }
  }
  std::vector<Cell> cells;
  const bool keep_all = bins.size() < 64;
  for (const auto& [key, bin] : bins) {
    const auto& [sum, count] = bin;
    if (count < kMinCellPixels && !keep_all) continue;
    const auto n = static_cast<double>(count);
    cells.push_back({cv::Vec3f(sum / n), n});
  }
  return cells;
}

// The colours as rows of three floats, and back.
cv::Mat RowsOf(const std::vector<cv::Vec3f>& colours) {
  return cv::Mat(colours, true).reshape(1);
}

std::vector<cv::Vec3f> ColoursOf(const cv::Mat& rows) {
  std::vector<cv::Vec3f> colours;
  for (int i = 0; i < rows.rows; ++i) colours.emplace_back(rows.ptr<float>(i));
  return colours;
}

// Joins the closest pair until all are `min_distance` apart.
void JoinClose(std::vector<cv::Vec3f>& colours, double min_distance) {
  while (colours.size() > 1) {
    double least = std::numeric_limits<double>::max();
    size_t a = 0;
    size_t b = 0;
    for (size_t i = 0; i < colours.size(); ++i) {
      for (size_t j = i + 1; j < colours.size(); ++j) {
        const double d = ColourDistance(colours[i], colours[j]);
        if (d < least) std::tie(least, a, b) = std::tuple(d, i, j);
      }
    }
    if (least >= min_distance) return;
    colours[a] = (colours[a] + colours[b]) * 0.5f;
    colours.erase(colours.begin() + static_cast<int64_t>(b));
  }
}

void AssignRoles(Palette& palette) {
  // Paper is light: not darker than the middle of the range of lightness.
  float low = 100.0f;
  float high = 0.0f;
  for (const cv::Vec3f& colour : palette.colours) {
    low = std::min(low, colour[0]);
    high = std::max(high, colour[0]);
  }
  double most = -1.0;
  for (size_t k = 0; k < palette.Size(); ++k) {
    if (palette.colours[k][0] < 0.5f * (low + high)) continue;
    if (palette.shares[k] <= most) continue;
    most = palette.shares[k];
    palette.paper = k;
  }
  const cv::Vec3f& paper = palette.colours[palette.paper];
  for (size_t k = 0; k < palette.Size(); ++k) {
    const cv::Vec3f& c = palette.colours[k];
    const bool ink =
        c[0] < paper[0] - kInkDepth && std::hypot(c[1], c[2]) < kInkChroma;
    palette.roles.push_back(k == palette.paper ? ColourRole::kPaper
                            : ink              ? ColourRole::kInk
                                               : ColourRole::kFill);
  }
}

}  // namespace

size_t Palette::Nearest(const cv::Vec3f& lab) const {
  size_t best = 0;
  float least = std::numeric_limits<float>::max();
  for (size_t k = 0; k < colours.size(); ++k) {
    const cv::Vec3f d = lab - colours[k];
    const float squared = d.dot(d);
    if (squared < least) {
      least = squared;
      best = k;
    }
  }
  return best;
}

cv::Mat LabFromRgb(const cv::Mat& rgb) {
  cv::Mat lab;
  rgb.convertTo(lab, CV_32FC3, 1.0 / 255.0);
  cv::cvtColor(lab, lab, cv::COLOR_RGB2Lab);
  return lab;
}

cv::Vec3f LabFromRgb(const cv::Vec3b& rgb) {
  return LabFromRgb(cv::Mat(1, 1, CV_8UC3, cv::Scalar(rgb[0], rgb[1], rgb[2])))
      .at<cv::Vec3f>(0, 0);
}

Palette LearnPalette(const cv::Mat& lab, const cv::Mat& coverage,
                     const PaletteOptions& options) {
  MAPWEAVE_CHECK(lab.type() == CV_32FC3);
  MAPWEAVE_CHECK(coverage.empty() || coverage.size() == lab.size());
  Palette palette;
  const std::vector<Cell> cells = HistogramOf(lab, coverage);
  if (cells.empty()) {
    palette.colours.emplace_back(100.0f, 0.0f, 0.0f);
    palette.shares = {1.0};
    palette.roles = {ColourRole::kPaper};
    return palette;
  }
  Rng rng(options.seed, kPaletteStream);
  std::vector<cv::Vec3f> means;
  std::vector<double> weights;
  for (const Cell& cell : cells) {
    means.push_back(cell.mean);
    weights.push_back(std::sqrt(cell.pixels));
  }
  const cv::Mat points = RowsOf(means);
  palette.colours =
      ColoursOf(KMeans(points, weights, options.colours, kIterations, rng));
  JoinClose(palette.colours, options.min_distance);
  cv::Mat centres = RowsOf(palette.colours);
  Lloyd(points, weights, kIterations, centres);
  palette.colours = ColoursOf(centres);
  palette.shares.assign(palette.Size(), 0.0);
  double total = 0.0;
  for (const Cell& cell : cells) total += cell.pixels;
  for (const Cell& cell : cells)
    palette.shares[palette.Nearest(cell.mean)] += cell.pixels / total;
  AssignRoles(palette);
  return palette;
}

cv::Mat Classify(const cv::Mat& lab, const Palette& palette) {
  cv::Mat classes(lab.size(), CV_8UC1);
  for (int y = 0; y < lab.rows; ++y) {
    const auto* row = lab.ptr<cv::Vec3f>(y);
    uint8_t* out = classes.ptr(y);
    for (int x = 0; x < lab.cols; ++x)
      out[x] = static_cast<uint8_t>(palette.Nearest(row[x]));
  }
  return classes;
}

}  // namespace mapweave::synth
