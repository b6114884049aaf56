// SPDX-License-Identifier: MIT
#include "models/vis/dense_targets.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace mapweave::vis {
namespace {

struct Sum {
  double x = 0.0;
  double y = 0.0;
  int64_t count = 0;
};

// Mean over editions of the centroid of each label.
std::unordered_map<int32_t, Point2d> SharedCentres(
    const std::vector<cv::Mat>& labels) {
  std::unordered_map<int32_t, Sum> over_editions;
  for (const cv::Mat& image : labels) {
    std::unordered_map<int32_t, Sum> sums;
    for (int row = 0; row < image.rows; ++row) {
      const auto* line = image.ptr<int32_t>(row);
      for (int col = 0; col < image.cols; ++col) {
        if (line[col] <= 0) continue;
        Sum& sum = sums[line[col]];
        sum.x += col + 0.5;
        sum.y += row + 0.5;
        ++sum.count;
      }
    }
    for (const auto& [label, sum] : sums) {
      Sum& total = over_editions[label];
      total.x += sum.x / static_cast<double>(sum.count);
      total.y += sum.y / static_cast<double>(sum.count);
      ++total.count;
    }
  }
  std::unordered_map<int32_t, Point2d> centres;
  for (const auto& [label, sum] : over_editions) {
    const auto count = static_cast<double>(sum.count);
    centres[label] = {sum.x / count, sum.y / count};
  }
  return centres;
}

// Flags of one edition. Pixels outside the image or the coverage and those that
// nobody has labelled are unknown: they neither end a building nor touch it.
void FillFlags(const cv::Mat& labels, const cv::Mat& coverage, int64_t stride,
               uint8_t* flags) {
  std::unordered_map<int32_t, bool> has_interior;
  const auto known = [&](int row, int col) {
    return row >= 0 && row < labels.rows && col >= 0 && col < labels.cols &&
           coverage.at<uint8_t>(row, col) != 0 &&
           labels.at<int32_t>(row, col) >= 0;
  };
  for (int row = 0; row < labels.rows; ++row) {
    for (int col = 0; col < labels.cols; ++col) {
      if (!known(row, col)) continue;
      uint8_t flag = kValidFlag;
      const int32_t own = labels.at<int32_t>(row, col);
      bool inside = own != 0;
      int32_t first = own;
      bool contact = false;
      for (int dy = -kContactRadius; dy <= kContactRadius; ++dy) {
        for (int dx = -kContactRadius; dx <= kContactRadius; ++dx) {
          if (!known(row + dy, col + dx)) continue;
          const int32_t other = labels.at<int32_t>(row + dy, col + dx);
          if (std::abs(dx) <= 1 && std::abs(dy) <= 1 && other != own) {
            inside = false;
          }
          if (other == 0 || other == first) continue;
          contact = contact || first != 0;
          first = other;
        }
      }
      if (own != 0) {
        flag |= kForegroundFlag;
        has_interior[own] |= inside;
      }
      if (inside) flag |= kInteriorFlag;
      if (contact) flag |= kContactFlag;
      flags[row * stride + col] = flag;
    }
  }
  for (int row = 0; row < labels.rows; ++row) {
    const auto* line = labels.ptr<int32_t>(row);
    for (int col = 0; col < labels.cols; ++col) {
      uint8_t& flag = flags[row * stride + col];
      if ((flag & kForegroundFlag) != 0 && !has_interior[line[col]]) {
        flag |= kInteriorFlag;
      }
    }
  }
}

}  // namespace

DenseTargets::DenseTargets(int64_t clip_count, int64_t edition_count,
                           int64_t rows, int64_t cols)
    : clips(clip_count),
      editions(edition_count),
      height(rows),
      width(cols),
      flags(static_cast<size_t>(clips * editions * height * width), 0),
      offsets(flags.size() * 2, 0.0f),
      heat(static_cast<size_t>(clips * (height / 2) * (width / 2)), 0.0f) {
  MAPWEAVE_CHECK(height % 2 == 0 && width % 2 == 0);
}

void DenseTargets::Fill(int64_t slot, const std::vector<cv::Mat>& labels,
                        const std::vector<cv::Mat>& coverage) {
  MAPWEAVE_CHECK(static_cast<int64_t>(labels.size()) == editions &&
                 labels.size() == coverage.size() && slot < clips);
  const auto centres = SharedCentres(labels);
  for (int64_t t = 0; t < editions; ++t) {
    const cv::Mat& image = labels[static_cast<size_t>(t)];
    MAPWEAVE_CHECK(image.rows <= height && image.cols <= width);
    const int64_t frame = slot * editions + t;
    uint8_t* frame_flags = flags.data() + frame * height * width;
    FillFlags(image, coverage[static_cast<size_t>(t)], width, frame_flags);
    float* x_offsets = offsets.data() + frame * 2 * height * width;
    float* y_offsets = x_offsets + height * width;
    for (int row = 0; row < image.rows; ++row) {
      const auto* line = image.ptr<int32_t>(row);
      for (int col = 0; col < image.cols; ++col) {
        if (line[col] <= 0) continue;
        const Point2d& centre = centres.at(line[col]);
        x_offsets[row * width + col] =
            static_cast<float>(centre.x - (col + 0.5));
        y_offsets[row * width + col] =
            static_cast<float>(centre.y - (row + 0.5));
      }
    }
  }

  const int64_t cell_rows = height / 2;
  const int64_t cell_cols = width / 2;
  constexpr int kReach = 4;  // cells; three standard deviations
  float* clip_heat = heat.data() + slot * cell_rows * cell_cols;
  for (const auto& [label, centre] : centres) {
    const auto col = static_cast<int64_t>(std::floor(centre.x / 2.0));
    const auto row = static_cast<int64_t>(std::floor(centre.y / 2.0));
    for (int64_t y = std::max<int64_t>(row - kReach, 0);
         y < std::min(row + kReach + 1, cell_rows); ++y) {
      for (int64_t x = std::max<int64_t>(col - kReach, 0);
           x < std::min(col + kReach + 1, cell_cols); ++x) {
        const auto squared =
            static_cast<float>((x - col) * (x - col) + (y - row) * (y - row));
        float& cell = clip_heat[y * cell_cols + x];
        cell = std::max(cell,
                        std::exp(-squared / (2.0f * kHeatSigma * kHeatSigma)));
      }
    }
  }
}

}  // namespace mapweave::vis
